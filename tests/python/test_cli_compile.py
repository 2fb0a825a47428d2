"""pjrt compile, inspect, and run of what compile wrote: on the CPU plugin, and what they say of bad arguments and files."""

import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """module @two {
  func.func public @main(%x: tensor<2x3xf32> {tf.aliasing_output = 0 : i32} loc("first"), %y: tensor<3xf32>)
      -> (tensor<2x3xf32> {jax.result_info = "r"}, tensor<2xf32>) {
    %0 = stablehlo.add %x, %x : tensor<2x3xf32>
    %1 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2xf32>
    return %0, %1 : tensor<2x3xf32>, tensor<2xf32>
  }
}
"""


@pytest.fixture
def pjrt(build, plugin, tmp_path):
    """pjrt(*arguments) -> (exit status, stdout, stderr), in a folder of its own with program.mlir and its inputs."""
    (tmp_path / "program.mlir").write_text(PROGRAM)
    np.save(tmp_path / "x.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    np.save(tmp_path / "y.npy", np.float32([1, 0, 2]))

    def run(*arguments, text=True):
        result = subprocess.run([build / "pjrt", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=text,
                                timeout=60)
        assert result.returncode in (0, 1, 2), result
        return result.returncode, result.stdout, result.stderr

    run.folder, run.plugin, run.build = tmp_path, plugin, build
    return run


def good(result):
    assert result[0] == 0 and not result[2], result
    return result[1]


def inspect(pjrt, *arguments):
    found = json.loads(good(pjrt("inspect", "--json", *arguments)))
    validate(found, json.loads((ROOT / "cli/inspect.schema.json").read_text()))
    return found


# --- compile, and run of its result --------------------------------------------------------------


@pytest.mark.parametrize("machine", [[], ["--topology", ""], ["--device", "1", "--option", "cpu_device_count=2"]],
                         ids=["client", "ahead", "device 1"])
def test_runs_what_was_compiled(pjrt, machine):
    wanted = good(pjrt("run", "program.mlir", "x.npy", "y.npy"))
    result = json.loads(good(pjrt("compile", "--json", *machine, "-o", "program.exe", "program.mlir")))
    validate(result, json.loads((ROOT / "cli/compile.schema.json").read_text()))
    assert result["name"] == "two" and result["platform"] == "cpu" and result["out"] == "program.exe"
    assert result["bytes"] == (pjrt.folder / "program.exe").stat().st_size and ("topology" in result) == ("--topology" in machine)
    options = machine if "--option" in machine else []
    assert good(pjrt("run", *options, "program.exe", "x.npy", "y.npy")) == wanted
    assert good(pjrt("run", "--format", "executable", *options, "program.exe", "x.npy", "y.npy")) == wanted
    assert "load " in good(pjrt("run", "--time", *options, "program.exe", "x.npy", "y.npy"))


def test_compile_prints_lines_or_the_executable(pjrt):
    lines = dict(line.split(maxsplit=1) for line in good(pjrt("compile", "program.mlir")).splitlines())
    assert lines["program"] == "program.mlir" and lines["platform"] == "cpu" and float(lines["seconds"]) > 0
    assert set(lines) == {"program", "name", "platform", "seconds", "code_bytes"}
    out = good(pjrt("compile", "-o", "-", "program.mlir", text=False))
    (pjrt.folder / "piped.exe").write_bytes(out)
    assert good(pjrt("run", "piped.exe", "x.npy", "y.npy")).startswith("output 0: f32[2,3]")


def test_compile_options(pjrt):
    """Several devices, options of the compiler, and a CompileOptionsProto as a file; what reaches the plugin is seen by what it refuses."""
    replicas = ["--option", "cpu_device_count=2", "--replicas", "2"]
    good(pjrt("compile", *replicas, "-o", "two.exe", "program.mlir"))
    assert inspect(pjrt, "--option", "cpu_device_count=2", "two.exe")["executable"]["replicas"] == 2
    status, _, error = pjrt("compile", "--replicas", "2", "program.mlir")
    assert status == 1 and "2 replicas" in error and "1 devices" in error
    good(pjrt("compile", "--set", "xla_one=1", "--set", "xla_other=text", "--set", "xla_third=true", "program.mlir"))
    status, _, error = pjrt("compile", "--set", "xla_one=1", "--set", "frobnicate=1", "program.mlir")
    assert status == 1 and "No such compile option: 'frobnicate'" in error
    # executable_build_options 3 { device_ordinal 1: -1, num_replicas 4: 1, num_partitions 5: 1 }
    (pjrt.folder / "good.pb").write_bytes(bytes([0x1a, 15, 0x08, *[0xff] * 9, 1, 0x20, 1, 0x28, 1]))
    good(pjrt("compile", "--options-file", "good.pb", "--set", "xla_a=b", "program.mlir"))
    status, _, error = pjrt("compile", "--options-file", "good.pb", "--set", "frobnicate=1", "program.mlir")
    assert status == 1 and "'frobnicate'" in error
    (pjrt.folder / "bad.pb").write_bytes(b"\x1a\x7fno")
    status, _, error = pjrt("compile", "--options-file", "bad.pb", "program.mlir")
    assert status == 1 and "CompileOptionsProto" in error
    status, _, error = pjrt("compile", "--options-file", "none.pb", "program.mlir")
    assert status == 1 and "NOT_FOUND" in error and "none.pb" in error


# --- inspect ---------------------------------------------------------------------------------------


def test_inspect_plugin(pjrt):
    found = inspect(pjrt, pjrt.plugin)["plugin"]
    assert found["api"] == {"major": 0, "minor": 112}
    assert found["functions"]["known"] == found["functions"]["filled"] == 138 and found["functions"]["empty"] == []
    assert {"Layouts", "FFI"} <= {extension["name"] for extension in found["extensions"]}
    assert found["attributes"]["stablehlo_minimum_version"] == [0, 9, 0]
    assert found["client"]["platform"] == "cpu" and len(found["client"]["devices"]) == 1 and "topology" not in found
    assert len(inspect(pjrt, "--option", "cpu_device_count=3", pjrt.plugin)["plugin"]["client"]["devices"]) == 3
    assert "client" not in inspect(pjrt, "--no-client", pjrt.plugin)["plugin"]
    ahead = inspect(pjrt, "--topology", "", pjrt.plugin)["plugin"]
    assert ahead["topology"]["platform"] == "cpu" and ahead["topology"]["devices"] and "client" not in ahead
    # That a client cannot be had is told, with its reason, beside the rest.
    refused = inspect(pjrt, "--option", "cpu_device_count=-1", pjrt.plugin)["plugin"]
    assert "INVALID_ARGUMENT" in refused["unavailable"]["client"] and refused["extensions"]


def test_inspect_program(pjrt):
    found = inspect(pjrt, "program.mlir")
    assert set(found) == {"program"}
    program = found["program"]
    assert program["form"] == "text" and program["name"] == "two" and program["bytes"] == len(PROGRAM)
    assert program["parameters"] == [{"name": "first", "type": "tensor<2x3xf32>", "attributes": "{tf.aliasing_output = 0 : i32}"},
                                     {"type": "tensor<3xf32>"}]
    assert [result["type"] for result in program["results"]] == ["tensor<2x3xf32>", "tensor<2xf32>"]
    assert program["operations_by_kind"] == {"stablehlo.add": 1, "stablehlo.dot_general": 1, "func.return": 1}
    assert program["functions"] == 1 and program["operations"] == 3
    good(pjrt("convert", "--target", "1.8.0", "-o", "program.mlirbc", "program.mlir"))
    artifact = inspect(pjrt, "program.mlirbc")["program"]
    assert artifact["form"] == "bytecode" and artifact["vhlo_version"] == "1.8.0" and artifact["producer"] == "StableHLO_v1.8.0"
    for name in ("fingerprint", "operations_by_kind", "results"):
        assert artifact[name] == program[name]


def test_inspect_executable(pjrt):
    good(pjrt("compile", "-o", "program.exe", "program.mlir"))
    both = inspect(pjrt, "--plugin", pjrt.plugin, "program.mlir")
    loaded = inspect(pjrt, "program.exe")["executable"]
    ahead = inspect(pjrt, "--topology", "", "--optimized", "optimized.mlir", "program.mlir")["executable"]
    assert set(both) == {"program", "executable"} and ahead["source"] == "compiled ahead of time" and loaded["source"] == "loaded"
    for executable in (both["executable"], loaded, ahead):
        assert executable["name"] == "two" and executable["outputs"] == ["f32[2,3]", "f32[2]"]
        assert executable["cost"]["flops"] == 6 + 2 * 6 and executable["cost"]["bytes accessed"] > 0
        assert executable["memory"]["output_size_in_bytes"] == 4 * 8 and executable["code_bytes"] > 0
        assert executable["serialized_bytes"] == (pjrt.folder / "program.exe").stat().st_size
        assert executable["fingerprint"] == loaded["fingerprint"] and "unavailable" not in executable
        assert executable["optimized_program"]["format"] == "mlir"
        assert executable["optimized_program"]["steps"]["stablehlo.dot_general"] == 1
        kernels = executable["optimized_program"]["kernels"]
        assert sorted(kernel["operations"] for kernel in kernels) == ["add", "dot_general"], kernels
        assert next(kernel for kernel in kernels if kernel["operations"] == "add")["bytes"] == 4 * (6 + 6)  # an array added to itself
        assert executable["code_bytes"] == sum(kernel.get("code_bytes", 0) for kernel in kernels)
        assert sum(kernel["flops"] for kernel in kernels) == executable["cost"]["flops"]
    assert ahead["optimized_program"]["bytes"] == (pjrt.folder / "optimized.mlir").stat().st_size
    assert inspect(pjrt, "optimized.mlir")["program"]["results"][1]["type"] == "tensor<2xf32>"


def test_inspect_for_people(pjrt):
    lines = good(pjrt("inspect", pjrt.plugin)).splitlines()
    assert "  functions" in [line.rstrip() for line in lines] and any(line.split() == ["filled", "138"] for line in lines)
    assert any(line.strip().startswith("- name Layouts, type 4, bytes ") for line in lines)
    lines = good(pjrt("inspect", "program.mlir")).splitlines()
    assert "    - name first, type tensor<2x3xf32>, attributes {tf.aliasing_output = 0 : i32}" in lines
    assert all(line == line.rstrip() for line in lines)


def test_json_survives_any_text(pjrt):
    name = 'a"b\\c\x01\u00e9\U0001f600'
    text = PROGRAM.replace("@two", '@"' + name.replace("\\", "\\\\").replace('"', '\\22').replace("\x01", "\\01") + '"')
    (pjrt.folder / "odd.mlir").write_text(text)
    assert inspect(pjrt, "odd.mlir")["program"]["name"] == name
    (pjrt.folder / "bytes.mlir").write_text(PROGRAM.replace("@two", '@"x\\FF\\C0\\80y"'))
    assert inspect(pjrt, "bytes.mlir")["program"]["name"] == "x\ufffd\ufffd\ufffdy"


# --- What is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["compile", "inspect"])
@pytest.mark.parametrize("arguments,words", [
    ([], ["given"]), (["a", "b"], ["more than one"]), (["--frob", "a"], ["--frob"]), (["--plugin"], ["--plugin needs a value"]),
    (["--format", "elf", "a"], ["--format elf", "mlir|hlo"]), (["--replicas", "two", "a"], ["--replicas two"]),
    (["--topology-option", "novalue", "a"], ["--topology-option novalue", "NAME=VALUE"]), (["--set", "=1", "a"], ["--set =1"]),
    (["--option", "x", "a"], ["--option x"])], ids=lambda v: " ".join(v) if isinstance(v, list) and v else "none")
def test_wrong_usage(pjrt, command, arguments, words):
    status, out, error = pjrt(command, *arguments)
    assert status == 2 and out == "" and f"pjrt {command} --help" in error
    for word in words:
        assert word in error


@pytest.mark.parametrize("command", ["compile", "inspect"])
def test_bad_files(pjrt, command):
    folder = pjrt.folder
    (folder / "bad.mlir").write_text(PROGRAM.replace("add %x, %x :", "add %x, %z :"))
    (folder / "empty.mlir").write_text("")
    (folder / "junk.bin").write_bytes(bytes(range(256)))
    good(pjrt("convert", "-o", "whole.mlirbc", "program.mlir"))
    (folder / "cut.mlirbc").write_bytes((folder / "whole.mlirbc").read_bytes()[:-9])
    (folder / "fake.so").write_bytes(b"\x7fELF" + bytes(60))
    for name, words in [("none.mlir", ["NOT_FOUND", "none.mlir"]), (".", ["folder"]), ("bad.mlir", ["INVALID_ARGUMENT", "bad.mlir", "%z"]),
                        ("junk.bin", ["INVALID_ARGUMENT", "junk.bin"]), ("cut.mlirbc", ["INVALID_ARGUMENT", "cut.mlirbc"]),
                        ("fake.so", ["fake.so"])]:
        status, out, error = pjrt(command, *(["-o", "out"] if command == "compile" else []), name)
        assert status == 1 and out == "" and not (folder / "out").exists(), (name, out, error)
        for word in words:
            assert word in error, (name, error)


@pytest.mark.parametrize("command", ["compile", "inspect", "run"])
def test_bad_plugins(pjrt, command):
    (pjrt.folder / "text.so").write_text("no library")
    libc = "libm.so.6"
    for plugin, words in [("./none.so", ["NOT_FOUND", "none.so"]), ("./text.so", ["NOT_FOUND", "text.so"]), (libc, ["GetPjrtApi"])]:
        status, out, error = pjrt(command, "--plugin", plugin, "program.mlir", *(["x.npy", "y.npy"] if command == "run" else []))
        assert status == 1 and out == "" and error.startswith(f"pjrt {command}: "), (plugin, error)
        for word in words:
            assert word in error
    status, out, error = pjrt("inspect", pjrt.build / "libpjrt.so")
    assert status == 1 and out == "" and "GetPjrtApi" in error


OLD_PLUGIN = """
#include <stddef.h>
#include "pjrt/pjrt_c_api.h"
const PJRT_Api *GetPjrtApi(void) {
  static PJRT_Api api = {.struct_size = offsetof(PJRT_Api, PJRT_Error_Destroy)};
  api.pjrt_api_version.struct_size = PJRT_Api_Version_STRUCT_SIZE;
  api.pjrt_api_version.major_version = MAJOR;
  api.pjrt_api_version.minor_version = MINOR;
  return MAJOR < 0 ? NULL : &api;
}
"""


@pytest.mark.parametrize("major,minor,code,words", [
    (0, 20, "FAILED_PRECONDITION", ["0.20", "plugin"]), (1, 0, "FAILED_PRECONDITION", ["1.0"]), (-1, 0, "", [])],
    ids=["too old", "another major", "no table"])
def test_incompatible_plugins(pjrt, major, minor, code, words):
    cc = shutil.which("cc")
    if not cc:
        pytest.skip("no C compiler")
    (pjrt.folder / "old.c").write_text(OLD_PLUGIN)
    subprocess.run([cc, "-shared", "-fPIC", f"-DMAJOR={major}", f"-DMINOR={minor}", f"-I{ROOT / 'include'}", "-o", "old.so", "old.c"],
                   cwd=pjrt.folder, check=True)
    for arguments in (["devices", "--plugin", "./old.so"], ["inspect", "./old.so"], ["inspect", "old.so"],
                      ["compile", "--plugin", "./old.so", "program.mlir"], ["run", "--plugin", "./old.so", "program.mlir", "x.npy", "y.npy"]):
        status, out, error = pjrt(*arguments)
        assert status == 1 and out == "" and code in error and error.startswith(f"pjrt {arguments[0]}: "), (arguments, error)
        for word in words:
            assert word in error


def test_bad_machines_and_executables(pjrt):
    status, _, error = pjrt("compile", "--topology", "v5e:2x2", "program.mlir")
    assert status == 1 and "v5e:2x2" in error
    status, _, error = pjrt("compile", "--topology-option", "x=@none.txt", "program.mlir")
    assert status == 1 and "none.txt" in error and "NOT_FOUND" in error
    status, _, error = pjrt("compile", "--device", "7", "program.mlir")
    assert status == 1 and "INVALID_ARGUMENT" in error and "7" in error
    status, _, error = pjrt("compile", "-o", "no/folder/out", "program.mlir")
    assert status == 1 and "no/folder/out" in error
    good(pjrt("compile", "-o", "program.exe", "program.mlir"))
    whole = (pjrt.folder / "program.exe").read_bytes()
    status, _, error = pjrt("inspect", "--topology", "", "program.exe")
    assert status == 1 and "loaded on a client" in error
    for cut in range(1, len(whole), len(whole) // 20):
        (pjrt.folder / "cut.exe").write_bytes(whole[:cut])
        status, out, error = pjrt("run", "--format", "executable", "cut.exe", "x.npy", "y.npy")
        assert status == 1 and out == "" and "cut.exe" in error
    status, _, error = pjrt("run", "program.exe", "x.npy")
    assert status == 1 and "INVALID_ARGUMENT" in error
