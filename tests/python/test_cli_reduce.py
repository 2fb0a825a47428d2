"""pjrt reduce: programs that crash, hang, fail or differ become small, and what it says of those that do not."""

import json
import pathlib
import subprocess

import numpy as np
import pytest

import odd_plugin
from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """module @big {
  func.func private @step(%x: tensor<16x32xf32>) -> tensor<16x32xf32> {
    %0 = stablehlo.tanh %x : tensor<16x32xf32>
    %1 = stablehlo.add %0, %x : tensor<16x32xf32>
    return %1 : tensor<16x32xf32>
  }
  func.func public @main(%a: tensor<16x64xf32> {tf.aliasing_output = 2 : i32}, %b: tensor<64x32xf32>, %n: tensor<i32>)
      -> (tensor<16xf32>, tensor<16x32xf32>, tensor<16x64xf32>) {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<16x64xf32>, tensor<64x32xf32>) -> tensor<16x32xf32>
    %1 = stablehlo.constant dense<0> : tensor<i32>
    %2 = stablehlo.constant dense<1> : tensor<i32>
    %3:2 = stablehlo.while(%i = %1, %x = %0) : tensor<i32>, tensor<16x32xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %4 = func.call @step(%x) : (tensor<16x32xf32>) -> tensor<16x32xf32>
      %5 = stablehlo.exponential %4 : tensor<16x32xf32>
      %6 = stablehlo.add %i, %2 : tensor<i32>
      stablehlo.return %6, %5 : tensor<i32>, tensor<16x32xf32>
    }
    %7 = stablehlo.constant dense<0.0> : tensor<f32>
    %8 = stablehlo.reduce(%3#1 init: %7) applies stablehlo.add across dimensions = [1] : (tensor<16x32xf32>, tensor<f32>) -> tensor<16xf32>
    %9 = stablehlo.multiply %a, %a : tensor<16x64xf32>
    %10 = stablehlo.sine %0 : tensor<16x32xf32>
    return %8, %10, %9 : tensor<16xf32>, tensor<16x32xf32>, tensor<16x64xf32>
  }
}
"""


@pytest.fixture
def pjrt(build, plugin, tmp_path):
    """pjrt(*arguments) -> (exit status, stdout, stderr), in a folder of its own with program.mlir."""
    (tmp_path / "program.mlir").write_text(PROGRAM)

    def run(*arguments, timeout=120):
        result = subprocess.run([build / "pjrt", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True,
                                timeout=timeout)
        assert result.returncode in (0, 1, 2), result
        return result.returncode, result.stdout, result.stderr

    run.folder, run.plugin = tmp_path, plugin
    run.odd = lambda **how: odd_plugin.make(tmp_path, plugin, ROOT / "include", **how)
    return run


def reduced(pjrt, *arguments):
    status, out, err = pjrt("reduce", "program.mlir", "--json", *arguments)
    assert status == 0 and "operations became" in err, err
    found = json.loads(out)
    validate(found, json.loads((ROOT / "cli/reduce.schema.json").read_text()))
    assert found["operations"] < found["operations_before"] and found["tries"] > 0
    (pjrt.folder / "small.mlir").write_text(found["text"])
    status, _, err = pjrt("inspect", "small.mlir")  # it is a program
    assert status == 0, err
    return found


@pytest.mark.parametrize("how,fault", [
    ({"fault": "abort()"}, "crash (Aborted)"),
    pytest.param({"fault": "raise(SIGSEGV)"}, "crash (Segmentation fault)", marks=pytest.mark.slow),
    pytest.param({"fault": "exit(3)"}, "exit with status 3", marks=pytest.mark.slow),
], ids=["abort", "segmentation fault", "exit"])
def test_crash(pjrt, how, fault):
    found = reduced(pjrt, "--plugin", pjrt.odd(**how), "--crash")
    assert found["fault"] == fault
    assert found["operations"] <= 2 and "stablehlo.tanh" in found["text"], found["text"]
    assert "tensor<1x1xf32>" in found["text"] and "@step" not in found["text"], found["text"]


@pytest.mark.slow
def test_hang(pjrt):
    found = reduced(pjrt, "--plugin", pjrt.odd(fault="for(;;)pause()"), "--limit", 1, "--tries", 6)
    assert "no end" in found["fault"] and "stablehlo.tanh" in found["text"]


def test_difference(pjrt):
    other = pjrt.odd(fault='memcpy(at,"stablehlo.sine",14)')
    found = reduced(pjrt, "--plugin", other, "--differs", pjrt.plugin)
    assert found["operations"] <= 2 and "stablehlo.tanh" in found["text"], found["text"]


def test_error(pjrt):
    text = PROGRAM.replace("stablehlo.sine %0 : tensor<16x32xf32>",
                           "stablehlo.custom_call @nowhere(%0) : (tensor<16x32xf32>) -> tensor<16x32xf32>")
    (pjrt.folder / "program.mlir").write_text(text)
    found = reduced(pjrt)
    assert "UNIMPLEMENTED" in found["fault"] and found["operations"] == 1 and "@nowhere" in found["text"]


# Another plugin is wrong where %m is negative, which generated integers never are.
SHIFTS = """func.func public @main(%a: tensor<2xf32>, %m: tensor<2x3xi32>) -> (tensor<2xf32>, tensor<2x3xi32>) {
  %0 = stablehlo.constant dense<1> : tensor<2x3xi32>
  %1 = stablehlo.shift_right_arithmetic %m, %0 : tensor<2x3xi32>
  %2 = stablehlo.sine %a : tensor<2xf32>
  return %2, %1 : tensor<2xf32>, tensor<2x3xi32>
}
"""


@pytest.mark.parametrize("form", ["npy", pytest.param("npz", marks=pytest.mark.slow)])
def test_inputs(pjrt, form):
    """The fault hangs on values that no generated input has: parameters keep the inputs given for them while they move and shrink."""
    (pjrt.folder / "program.mlir").write_text(SHIFTS)
    a, m = np.ones(2, np.float32), np.array([[2, -8, 4], [5, 6, 7]], np.int32)
    np.save(pjrt.folder / "a.npy", a)
    np.save(pjrt.folder / "m.npy", np.asfortranarray(m))
    np.savez(pjrt.folder / "both.npz", m=m, a=a)
    other = pjrt.odd(fault='memcpy(at,"stablehlo.shift_right_logical   ",32)', trigger="stablehlo.shift_right_arithmetic")
    differs = ["--plugin", other, "--differs", pjrt.plugin]
    status, out, err = pjrt("reduce", "program.mlir", *differs)
    assert (status, out) == (1, "") and "the results of both plugins agree" in err, err
    files = ["a.npy", "m.npy"] if form == "npy" else ["both.npz"]
    found = reduced(pjrt, *files, *differs, "--save-inputs", "small")
    assert "sine" not in found["text"] and "shift_right_arithmetic %arg0" in found["text"], found["text"]
    assert "tensor<2x2xi32>" in found["text"], found["text"]
    assert np.load(pjrt.folder / "small0.npy").tolist() == [[2, -8], [5, 6]]
    saved = [pjrt.folder / f"small{i}.npy" for i in range(3)]
    status, out, err = pjrt("run", "small.mlir", *(path for path in saved if path.exists()))
    assert status == 0, err
    # Inputs that do not fit, and a command that could not get them.
    status, out, err = pjrt("reduce", "program.mlir", "a.npy", "a.npy")
    assert (status, out) == (1, "") and "the program wants" in err, err
    for wrong in (["a.npy"], ["--save-inputs", "x"]):
        status, out, err = pjrt("reduce", "program.mlir", *wrong, "--test", "true")
        assert (status, out) == (2, "") and "--test" in err, err
    status, out, err = pjrt("reduce", "program.mlir", *files, *differs, "--save-inputs", "none/x", "--tries", 1)
    assert status == 1 and "none/x0.npy" in err, err


def test_command(pjrt):
    status, out, err = pjrt("reduce", "program.mlir", "--test", "grep -q stablehlo.exponential", "-o", "small.mlir")
    assert status == 0 and not out and "operations became 1 in" in err, err
    assert "stablehlo.exponential" in (pjrt.folder / "small.mlir").read_text()


def test_no_fault(pjrt):
    cases = [([], "it compiles and runs"), (["--test", "false"], "does not exit with 0"),
             (["--differs", pjrt.plugin], "agree"), (["--crash"], "it compiles and runs")]
    for arguments, words in cases:
        status, out, err = pjrt("reduce", "program.mlir", *arguments)
        assert (status, out) == (1, "") and "FAILED_PRECONDITION" in err and words in err, err


def test_bad_arguments(pjrt):
    for arguments in ([], ["program.mlir", "--limit", "0"], ["program.mlir", "--frob"],
                      ["program.mlir", "--crash", "--test", "true"], ["program.mlir", "--tolerance", "x"]):
        status, out, err = pjrt("reduce", *arguments)
        assert (status, out) == (2, "") and "pjrt reduce:" in err, arguments
    (pjrt.folder / "cut.mlir").write_text(PROGRAM[:300])
    for arguments, words in ((["none.mlir"], ["NOT_FOUND", "none.mlir"]), (["cut.mlir"], ["INVALID_ARGUMENT", "cut.mlir"]),
                             (["program.mlir", "--test", "true", "-o", "none/x.mlir", "--tries", "1"], ["none/x.mlir"])):
        status, out, err = pjrt("reduce", *arguments)
        assert (status, out) == (1, "") and all(word in err for word in words), (arguments, err)
