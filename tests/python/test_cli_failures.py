"""Every command with files that are missing, damaged or something else, with plugins that cannot be used, and with wrong
arguments: one line on stderr that names command and culprit, nothing on stdout, no file written, and an exit status to go by."""

import pathlib
import subprocess

import pytest

import odd_plugin

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """module @m {
  func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %0 = stablehlo.tanh %x : tensor<2x3xf32> loc("model.py":8:5)
    return %0 : tensor<2x3xf32>
  }
}
"""
TAKE_PROGRAMS = ("run", "compile", "inspect", "convert", "profile", "bench", "reduce")
TAKE_PLUGINS = ("run", "compile", "inspect", "profile", "bench", "reduce", "devices", "check")


@pytest.fixture(scope="module")
def folder(build, plugin, tmp_path_factory):
    """Files good and bad."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "p.mlir").write_text(PROGRAM)
    for command in (["convert", "-o", "p.mlirbc", "p.mlir"], ["compile", "-o", "p.exe", "p.mlir"]):
        subprocess.run([build / "pjrt", *command], cwd=folder, check=True, capture_output=True)
    bytecode, executable = (folder / "p.mlirbc").read_bytes(), (folder / "p.exe").read_bytes()
    (folder / "cut.mlir").write_text(PROGRAM[:120])
    (folder / "cut.mlirbc").write_bytes(bytecode[:-30])
    (folder / "flipped.mlirbc").write_bytes(bytecode[:60] + bytes([bytecode[60] ^ 0x55]) + bytecode[61:])
    (folder / "cut.exe").write_bytes(executable[:-30])
    (folder / "flipped.exe").write_bytes(executable[:200] + bytes([executable[200] ^ 1]) + executable[201:])
    (folder / "wrong.mlir").write_text(PROGRAM.replace("-> tensor<2x3xf32> {", "-> tensor<3x2xf32> {"))
    (folder / "other.bin").write_bytes(bytes(range(256)))
    (folder / "lib.so").write_bytes((build / "libpjrt.so").read_bytes()[:4096])
    (folder / "folder").mkdir()
    for name, change in (("old", "outer.pjrt_api_version.minor_version=5"), ("new", "outer.pjrt_api_version.major_version=9"),
                         ("null", "return 0")):
        odd_plugin.make(folder, plugin, ROOT / "include", change=change, name=name)
    return folder


@pytest.fixture
def fails(build, folder):
    """fails(status, *arguments) -> the message, without the command's name."""

    def fails(status, command, *arguments):
        before = sorted(path.name for path in folder.iterdir())
        result = subprocess.run([build / "pjrt", command, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                                timeout=60, stdin=subprocess.DEVNULL)
        assert result.returncode == status and not result.stdout, result
        lines = result.stderr.splitlines()
        assert lines and lines[0].startswith(f"pjrt {command}: "), result
        assert len(lines) == (2 if command == "check" and status == 2 else 1), result
        assert before == sorted(path.name for path in folder.iterdir())
        return lines[0].partition(": ")[2]

    return fails


@pytest.mark.parametrize("command", TAKE_PROGRAMS)
def test_bad_programs(fails, command):
    out = ["-o", "made"] if command in ("compile", "convert", "reduce") else []
    assert fails(1, command, *out, "none.mlir") == "NOT_FOUND: none.mlir: no such file"
    assert fails(1, command, *out, "folder") == "INVALID_ARGUMENT: folder: is a folder, not a file"
    assert fails(1, command, *out, "cut.mlir").startswith("INVALID_ARGUMENT: cut.mlir: 3:")
    assert "3x2" in fails(1, command, *out, "wrong.mlir")
    for name in ("cut.mlirbc", "flipped.mlirbc"):
        said = fails(1, command, *out, name)
        assert said.startswith(f"INVALID_ARGUMENT: {name}: bytecode, ") and "upgrade" not in said, said
    for name in ("cut.exe", "flipped.exe", "other.bin", "lib.so"):
        said = fails(1, command, *out, name)
        assert name in said and said.split(":")[0] in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"), said
        if command in ("compile", "convert", "profile", "bench", "reduce"):
            assert "neither StableHLO text nor MLIR bytecode" in said, said


@pytest.mark.parametrize("command", ("run", "profile", "bench", "reduce"))
def test_bad_inputs(fails, command):
    for name, words in (("none.npy", "NOT_FOUND"), ("folder", "is a folder"), ("other.bin", ".npy"), ("p.mlir", ".npy")):
        said = fails(1, command, "p.mlir", *(["--input"] if command == "bench" else []), name)
        assert words in said and name in said, said


@pytest.mark.parametrize("command", TAKE_PLUGINS)
def test_bad_plugins(fails, folder, command):
    for library, words in (("none.so", "none.so"), ("lib.so", "lib.so"), ("p.exe", "p.exe"), ("folder", "folder"), ("old.so", "0.5"),
                           ("new.so", "9."), ("null.so", "null.so")):
        if command == "check":
            if library not in ("old.so", "new.so"):  # those are tested, and fail
                assert words in fails(3, command, folder / library)
            continue
        arguments = [] if command == "devices" else ["p.mlir"]
        said = fails(1, command, *arguments, *(["--generate"] if command == "run" else []), "--plugin", folder / library)
        assert words in said, said


@pytest.mark.parametrize("words", (["run", "--generate", "-o", "p.mlir/x"], ["compile", "-o", "none/x"], ["convert", "-o", "none/x"],
                                   ["profile", "--html", "none/x"], ["profile", "--trace", "none/x"],
                                   ["inspect", "--topology", "", "--optimized", "none/x"]), ids=lambda words: " ".join(words[:2]))
def test_places_that_cannot_be_written(fails, words):
    assert words[-1].split("/")[0] in fails(1, *words, "p.mlir")


@pytest.mark.parametrize("command", (*TAKE_PROGRAMS, "devices", "check", "options", "completion", "help", "version"))
def test_wrong_arguments(fails, command):
    assert "--frob" in fails(2, command, "--frob")
    if command in (*TAKE_PROGRAMS, "check", "completion"):
        fails(2, command)  # nothing to do it with
    if command not in ("run", "profile", "reduce", "bench"):
        fails(2, command, "a", "b", "c")
    if command in TAKE_PROGRAMS and command != "convert":
        assert "--plugin" in fails(2, command, "p.mlir", "--plugin")
        assert "--option" in fails(2, command, "p.mlir", "--option", "novalue")


def test_unknown_commands(build):
    result = subprocess.run([build / "pjrt", "frobnicate"], capture_output=True, text=True)
    assert result.returncode == 2 and not result.stdout and "frobnicate" in result.stderr
    result = subprocess.run([build / "pjrt"], capture_output=True, text=True)
    assert result.returncode == 2 and not result.stdout and "pjrt COMMAND --help" in result.stderr
