"""What the commands have in common: help, man page and completion, plugins that cannot be used, progress."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import numpy as np
import pytest

import odd_plugin
from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def pjrt(build, plugin):
    def run(*arguments):
        result = subprocess.run([build / "pjrt", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        return result.returncode, result.stdout, result.stderr

    return run


def commands(pjrt):
    lines = pjrt("help")[1].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]


def options(pjrt, command):
    lines = pjrt(command, "--help")[1].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  -")]


def test_every_command_has_help(pjrt):
    names = commands(pjrt)
    assert {"run", "compile", "inspect", "convert", "profile", "bench", "reduce", "check", "devices", "options",
            "completion", "help", "version"} == set(names)
    for name in names:
        for arguments in ([name, "--help"], [name, "-h"], ["help", name]):
            status, out, err = pjrt(*arguments)
            assert status == 0 and out.startswith(f"Usage: pjrt {name}") and not err
            assert "Exit status:" in out and max(map(len, out.splitlines())) <= 80, name
        status, out, err = pjrt(name, "--no-such-option")
        assert (status, out) == (2, "") and "--no-such-option" in err and "--help" in err


def test_options_with_values_need_them(pjrt):
    for name in commands(pjrt):
        for line in pjrt(name, "--help")[1].splitlines():
            words = line.split()
            if line.startswith("  -") and len(words) > 1 and words[1].isupper():
                status, out, err = pjrt(name, words[0])
                assert (status, out) == (2, "") and "needs a value" in err, (name, words[0], err)


def test_values_after_equals_signs(pjrt):
    assert "platform cpu" in pjrt("devices", "--option=cpu_device_count=2")[1]
    assert pjrt("bench", "--json=yes", "x.mlir")[0] == 2
    assert pjrt("run", "--format=frob", "x.mlir")[0] == 2


def test_json_of_what_only_tells(pjrt):
    schema = json.loads((ROOT / "cli/info.schema.json").read_text())
    found = {}
    for name in ("devices", "options", "version"):
        status, out, err = pjrt(name, "--json")
        assert status == 0 and not err
        found[name] = json.loads(out)
        validate(found[name], schema)
    assert found["devices"]["platform"] == "cpu" and len(found["devices"]["devices"]) == 1
    assert {"PJRT_LOG", "PJRT_PLUGIN"} < {option["name"] for option in found["options"]["options"]}
    assert found["version"]["api"] == {"major": 0, "minor": 112}
    assert len(json.loads(pjrt("devices", "--json", "--option", "cpu_device_count=3")[1])["devices"]) == 3


def test_help_of_what_is_not_there(pjrt):
    for arguments in (["help", "walk"], ["help", "run", "check"], ["help", "--man", "run"], ["completion"],
                      ["completion", "csh"], ["completion", "bash", "zsh"]):
        status, out, err = pjrt(*arguments)
        assert (status, out) == (2, "") and err, arguments


def test_man_page(pjrt):
    status, out, err = pjrt("help", "--man")
    assert status == 0 and not err and out.startswith(".TH PJRT 1")
    for name in commands(pjrt):
        assert f'.SS "pjrt {name}' in out
    for option in options(pjrt, "profile"):
        assert ".TP\n\\fB" + option.replace("-", "\\-") + "\\fR" in out or option == "--help"
    assert "PJRT\\_" not in out and "PJRT_LOG" in out
    if shutil.which("groff"):
        result = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=out, capture_output=True, text=True)
        assert result.returncode == 0 and not result.stderr, result.stderr


ASK = """
COMP_WORDS=({words}) COMP_CWORD={at}
_pjrt
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(pjrt, tmp_path):
    """complete(*words) -> what bash offers for the last of them."""
    script = tmp_path / "pjrt.bash"
    script.write_text(pjrt("completion", "bash")[1])
    assert subprocess.run(["bash", "-n", script], capture_output=True).stderr == b""
    (tmp_path / "program.mlir").write_text("")
    (tmp_path / "folder").mkdir()

    def ask(*words):
        quoted = " ".join(f"'{word}'" for word in ("pjrt", *words))
        result = subprocess.run(["bash", "-c", f"source {script}\n" + ASK.format(words=quoted, at=len(words))],
                                cwd=tmp_path, capture_output=True, text=True)
        assert not result.stderr, result.stderr
        return set(result.stdout.split())

    return ask


def test_bash_completion(pjrt, complete):
    assert complete("") == set(commands(pjrt)) | {"--help", "--version"}
    assert complete("pro") == {"profile"} and complete("co") == {"compile", "convert", "completion"}
    assert complete("profile", "--") == {o for o in options(pjrt, "profile") if o.startswith("--")}
    assert complete("profile", "--h") == {"--help", "--html"}
    assert complete("reduce", "--plugin", "prog") == {"program.mlir"} and "hlo" in complete("run", "--format", "")
    assert complete("run", "prog") == {"program.mlir"}
    assert complete("run", "-o", "") == {"folder"} and complete("profile", "--repeat", "") == set()
    assert complete("completion", "") == {"bash", "zsh", "fish"} and complete("help", "bench") == {"bench"}
    assert complete("version", "") == {"--json", "--help"} and complete("walk", "") == set()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_completions(pjrt, shell):
    status, out, err = pjrt("completion", shell)
    assert status == 0 and not err
    for name in commands(pjrt):
        assert name in out
        for option in options(pjrt, name):
            assert option.lstrip("-") in out
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=out, capture_output=True, text=True).stderr == ""


class Zsh:
    """An interactive zsh on a terminal of its own, with its completion system and our function."""

    def __init__(self, folder):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", HOME=str(folder), ZDOTDIR=str(folder))
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.read(0.2)
        self.write(f"PS1=; fpath=({folder} $fpath); stty cols 300 rows 200; LISTMAX=0; autoload -Uz compinit; "
                   f"compinit -u -d {folder}/.dump; zstyle ':completion:*' list-separator '#'; echo RE''ADY\n")
        self.read(30, b"READY\r\n")

    def write(self, text):
        os.write(self.terminal, text.encode())

    def read(self, seconds, until=None):
        text, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and not (until and until in text):
            if select.select([self.terminal], [], [], 0.05)[0]:
                text += os.read(self.terminal, 65536)
        return text.decode(errors="replace")

    def ask(self, line):
        """The words offered for the end of |line|: Control-D lists them, and the line is shown again below."""
        self.read(0.1)
        self.write(line + "\x04")
        text = self.read(10, b"\n" + line.encode())
        self.write("\x15")
        return {word.split(" #")[0].strip() for row in text.splitlines()[1:-1] for word in
                ([row] if "#" in row else row.split())}

    def close(self):
        self.write("\x15exit\n")
        os.close(self.terminal)
        os.waitpid(self.process, 0)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completion(pjrt, tmp_path):
    (tmp_path / "_pjrt").write_text(pjrt("completion", "zsh")[1])
    (tmp_path / "program.mlir").write_text("")
    zsh = Zsh(tmp_path)
    try:
        assert zsh.ask("pjrt ") == set(commands(pjrt)) and zsh.ask("pjrt pro") == {"profile"}
        assert zsh.ask("pjrt profile --") == {o for o in options(pjrt, "profile") if o.startswith("--")}
        assert zsh.ask("pjrt profile --h") == {"--help", "--html"}
        assert zsh.ask("pjrt run --format ") == {"executable", "hlo", "mlir"}
        assert zsh.ask("pjrt run prog") == {"program.mlir"} and zsh.ask("pjrt completion ") == {"bash", "zsh", "fish"}
    finally:
        zsh.close()


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completion(pjrt, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "p.fish").write_text(pjrt("completion", "fish")[1])
    (tmp_path / "program.mlir").write_text("")

    def ask(line):
        result = subprocess.run(["fish", "--no-config", "-c", f"source p.fish; complete -C '{line}'"], cwd=tmp_path,
                                capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)})
        assert not result.stderr, result.stderr
        return {row.split("\t")[0] for row in result.stdout.splitlines()}

    assert ask("pjrt ") >= set(commands(pjrt)) and ask("pjrt pro") == {"profile"}
    assert ask("pjrt profile --") == {o for o in options(pjrt, "profile") if o.startswith("--")}
    assert ask("pjrt profile --h") == {"--help", "--html"} and ask("pjrt run --format ") == {"executable", "hlo", "mlir"}
    assert ask("pjrt run prog") == {"program.mlir"} and ask("pjrt completion ") == {"bash", "zsh", "fish"}
    assert ask("pjrt profile --repeat ") == set() and ask("pjrt run -o ") == {"folder/"}


# --- Plugins that cannot be used -----------------------------------------------------------------

PROGRAM = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n  return %x : tensor<2xf32>\n}\n"


@pytest.mark.parametrize("words", [["devices"], ["run", "p.mlir", "x.npy"], ["compile", "p.mlir"], ["profile", "p.mlir"],
                                   ["bench", "p.mlir"], ["reduce", "p.mlir"]], ids=lambda words: words[0])
def test_plugins_that_cannot_be_used(build, plugin, tmp_path, words):
    (tmp_path / "p.mlir").write_text(PROGRAM)
    np.save(tmp_path / "x.npy", np.zeros(2, np.float32))
    old = odd_plugin.make(tmp_path, plugin, ROOT / "include", change="outer.pjrt_api_version.minor_version=5", name="old")
    new = odd_plugin.make(tmp_path, plugin, ROOT / "include", change="outer.pjrt_api_version.major_version=9", name="new")
    for library, said in (("/none.so", "/none.so"), (build / "libpjrt.so", "GetPjrtApi"), (old, "0.5"), (new, "9.")):
        result = subprocess.run([build / "pjrt", *words, "--plugin", library], cwd=tmp_path, capture_output=True, text=True,
                                timeout=60)
        assert result.returncode == 1, result
        assert said in result.stderr and f"pjrt {words[0]}:" in result.stderr, result
        assert not result.stdout


@pytest.mark.parametrize("words", [["run", "p.mlir", "x.npy"], ["compile", "p.mlir"], ["inspect", "p.mlir"], ["profile", "p.mlir"],
                                   ["bench", "p.mlir", "--seconds", "0.1"]], ids=lambda words: words[0])
def test_progress_on_a_terminal(build, plugin, tmp_path, words):
    (tmp_path / "p.mlir").write_text(PROGRAM.replace("return", "%0 = stablehlo.tanh %x : tensor<2xf32>\n  return"))
    slow = odd_plugin.make(tmp_path, plugin, ROOT / "include", fault="usleep(1500000)")
    np.save(tmp_path / "x.npy", np.zeros(2, np.float32))
    command = [build / "pjrt", *words, "--plugin", slow]
    quiet = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert quiet.returncode == 0 and not quiet.stderr, quiet
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:  # how Linux tells the end
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert re.search(rb"pjrt: compiling( p\.mlir)? \.\.\. 1 s", text) and text.endswith(b"\r\x1b[K"), text
