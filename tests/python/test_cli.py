"""The pjrt command: programs and .npy files in, text and .npy files out; and what it says of bad ones."""

import json
import pathlib
import subprocess

import ml_dtypes
import numpy as np
import pytest

from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]

ADD = """
func.func public @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32> {a.b = "c"}) -> (tensor<2x3xf32>, tensor<i32>) {
  %0 = stablehlo.add %x, %y : tensor<2x3xf32>
  %1 = stablehlo.constant dense<7> : tensor<i32>
  return %0, %1 : tensor<2x3xf32>, tensor<i32>
}
"""


def identity(element, shape="3"):
    tensor = f"tensor<{shape}x{element}>" if shape else f"tensor<{element}>"
    return f"func.func public @main(%x: {tensor}) -> {tensor} {{\n  return %x : {tensor}\n}}\n"


@pytest.fixture
def pjrt(build, plugin, tmp_path):
    """pjrt(*arguments) -> (exit status, stdout, stderr), in a folder of its own with the program add.mlir."""
    (tmp_path / "add.mlir").write_text(ADD)

    def run(*arguments, text=None, **environment):
        result = subprocess.run([build / "pjrt", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True,
                                input=text, timeout=60, env=environment or None)
        assert result.returncode in (0, 1, 2), result
        return result.returncode, result.stdout, result.stderr

    run.folder = tmp_path
    return run


def save(pjrt, **arrays):
    for name, array in arrays.items():
        np.save(pjrt.folder / f"{name}.npy", array)


def test_prints_outputs(pjrt):
    save(pjrt, x=np.arange(6, dtype=np.float32).reshape(2, 3), y=np.full((2, 3), 0.5, np.float32))
    status, out, err = pjrt("run", "add.mlir", "x.npy", "y.npy")
    assert (status, err) == (0, "")
    assert out == "output 0: f32[2,3]\n[[0.5, 1.5, 2.5],\n [3.5, 4.5, 5.5]]\noutput 1: i32[]\n7\n"


def test_repeats_and_reports(pjrt):
    save(pjrt, x=np.arange(6, dtype=np.float32).reshape(2, 3), y=np.full((2, 3), np.inf, np.float32))
    status, out, err = pjrt("run", "--repeat", 5, "add.mlir", "x.npy", "y.npy")
    assert (status, err) == (0, "") and "output 1: i32[]\n7\n5 runs: median " in out
    schema = json.loads((ROOT / "cli/run.schema.json").read_text())
    for more in ([], ["--repeat", 3], ["-o", "out"], ["--time"]):
        status, out, err = pjrt("run", "--json", *more, "add.mlir", "x.npy", "y.npy")
        report = json.loads(out)
        validate(report, schema)
        assert (status, err) == (0, "") and report["runs"]["count"] == (3 if "--repeat" in more else 1)
        assert [(o["type"], o["dims"]) for o in report["outputs"]] == [("f32", [2, 3]), ("i32", [])]
        assert set(report["steps_ms"]) == {"read", "client", "compile", "send", "execute"}
        if "-o" in more:
            assert np.load(pjrt.folder / report["outputs"][1]["file"]) == 7
        else:
            assert [o["elements"] for o in report["outputs"]] == [["inf"] * 6, [7]]


def test_generates_inputs(pjrt):
    status, out, err = pjrt("run", "--generate", "--json", "add.mlir")
    elements = json.loads(out)["outputs"][0]["elements"]
    assert (status, err) == (0, "") and len(set(elements)) == 6 and all(0 <= x < 2 for x in elements)
    assert json.loads(pjrt("run", "--generate", "--json", "add.mlir")[1])["outputs"][0]["elements"] == elements
    (pjrt.folder / "open.mlir").write_text(identity("f32", "?"))
    for program, words in (("open.mlir", "fixed shape"), ("none.mlir", "none.mlir")):
        status, out, err = pjrt("run", "--generate", program)
        assert status == 1 and out == "" and words in err


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_archives(pjrt, write):
    (pjrt.folder / "sub.mlir").write_text(ADD.replace("stablehlo.add", "stablehlo.subtract"))
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.full((2, 3), 0.5, np.float32)
    save(pjrt, x=x, y=y)
    expected = pjrt("run", "sub.mlir", "x.npy", "y.npy")[1]
    for name, arrays in {"order": dict(a=x, b=y), "names": dict(y=y, x=x), "fortran": dict(y=np.asfortranarray(y), x=x)}.items():
        write(pjrt.folder / f"{name}.npz", **arrays)
        assert pjrt("run", "sub.mlir", f"{name}.npz") == (0, expected, "")
    write(pjrt.folder / "one.npz", y)
    assert pjrt("run", "sub.mlir", "x.npy", "one.npz") == (0, expected, "")
    write(pjrt.folder / "wrong.npz", x=x.T.copy(), y=y)
    good = (pjrt.folder / "names.npz").read_bytes()
    (pjrt.folder / "cut.npz").write_bytes(good[:-30])
    for inputs, words in ((["one.npz"], ["2 parameters, 1 inputs"]), (["wrong.npz"], ["argument 0", "wrong.npz:x", "f32[3,2]"]),
                          (["cut.npz"], ["cut.npz"]), (["names.npz:bf16"], ["names.npz:bf16"])):
        status, out, err = pjrt("run", "sub.mlir", *inputs)
        assert status == 1 and out == "" and all(word in err for word in words), err


def test_repeats_with_donated_inputs(pjrt):
    (pjrt.folder / "donate.mlir").write_text(
        "func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {\n"
        "  %0 = stablehlo.add %x, %x : tensor<4xf32>\n  return %0 : tensor<4xf32>\n}\n")
    save(pjrt, x=np.arange(4, dtype=np.float32))
    for repeat in (1, 3):
        status, out, err = pjrt("run", "--repeat", repeat, "donate.mlir", "x.npy")
        assert (status, err) == (0, "") and out.startswith("output 0: f32[4]\n[0, 2, 4, 6]\n")


def test_writes_outputs(pjrt):
    x = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    save(pjrt, x=x, y=x.astype(">f4"))
    status, out, err = pjrt("run", "-o", "new", "add.mlir", "x.npy", "y.npy")
    assert (status, err) == (0, "") and "new/output_0.npy" in out
    result = np.load(pjrt.folder / "new/output_0.npy")
    np.testing.assert_array_equal(result, 2 * x)
    assert np.load(pjrt.folder / "new/output_1.npy") == 7


PLAIN = [("i1", np.bool_), ("i8", np.int8), ("i16", np.int16), ("i32", np.int32), ("i64", np.int64), ("ui8", np.uint8),
         ("ui16", np.uint16), ("ui32", np.uint32), ("ui64", np.uint64), ("f16", np.float16), ("f32", np.float32),
         ("f64", np.float64), ("complex<f32>", np.complex64), ("complex<f64>", np.complex128)]
RAW = [("bf16", ml_dtypes.bfloat16), ("f8E4M3FN", ml_dtypes.float8_e4m3fn), ("f8E5M2", ml_dtypes.float8_e5m2),
       ("f8E4M3FNUZ", ml_dtypes.float8_e4m3fnuz), ("f8E3M4", ml_dtypes.float8_e3m4), ("i4", ml_dtypes.int4)]


@pytest.mark.parametrize("element,dtype", PLAIN + RAW, ids=lambda v: v if isinstance(v, str) else "")
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_dtype(pjrt, element, dtype, order):
    (pjrt.folder / "id.mlir").write_text(identity(element, "3x2"))
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype, order=order)
    save(pjrt, x=x)
    status, out, err = pjrt("run", "-o", ".", "id.mlir", "x.npy")
    assert (status, err) == (0, "") and element in out
    result = np.load(pjrt.folder / "output_0.npy")
    if (element, dtype) in PLAIN:
        assert result.dtype == dtype
    assert result.tobytes() == np.ascontiguousarray(x).tobytes()


def test_raw_bytes_need_a_type(pjrt):
    (pjrt.folder / "id.mlir").write_text('"builtin.module"() ({\n' + identity("bf16") + "}) : () -> ()")
    (pjrt.folder / "int.mlir").write_text(identity("i32"))
    save(pjrt, x=np.ones(3, ml_dtypes.bfloat16))
    status, out, _ = pjrt("run", "id.mlir", "x.npy:bf16")
    assert status == 0 and "[1, 1, 1]" in out
    status, _, err = pjrt("run", "int.mlir", "x.npy")
    assert status == 1 and "raw elements of 2 bytes" in err and "i32[3]" in err
    status, _, err = pjrt("run", "id.mlir", "x.npy:f32")
    assert status == 1 and "f32 has 4" in err
    status, _, err = pjrt("run", "id.mlir", "x.npy:f99")
    assert status == 1 and "f99" in err


def test_empty_and_scalar_arrays(pjrt):
    (pjrt.folder / "empty.mlir").write_text(identity("f32", "0x3"))
    (pjrt.folder / "scalar.mlir").write_text(identity("f32", ""))
    save(pjrt, e=np.zeros((0, 3), np.float32), s=np.float32(2.5))
    assert pjrt("run", "empty.mlir", "e.npy")[:2] == (0, "output 0: f32[0,3]\n[]\n")
    assert pjrt("run", "scalar.mlir", "s.npy")[:2] == (0, "output 0: f32[]\n2.5\n")


def test_program_from_standard_input(pjrt):
    save(pjrt, x=np.float32([1, 2, 3]))
    status, out, _ = pjrt("run", "-", "x.npy", text=identity("f32"))
    assert status == 0 and "[1, 2, 3]" in out


def test_artifact(pjrt):
    jax = pytest.importorskip("jax")
    import jax.export  # noqa: F811

    function = jax.jit(lambda x: (x @ x.T, x.sum()))
    exported = jax.export.export(function)(jax.ShapeDtypeStruct((2, 3), np.float32))
    (pjrt.folder / "f.mlirbc").write_bytes(exported.mlir_module_serialized)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    save(pjrt, x=x, wrong=x.T, many=x.astype(np.int32))
    status, out, _ = pjrt("run", "f.mlirbc", "x.npy")
    assert status == 0 and out == "output 0: f32[2,2]\n[[5, 14],\n [14, 50]]\noutput 1: f32[]\n15\n"
    status, _, err = pjrt("run", "f.mlirbc", "wrong.npy")
    assert status == 1 and "INVALID_ARGUMENT" in err and "f32[3,2]" in err and "f32[2,3]" in err
    status, _, err = pjrt("run", "f.mlirbc", "many.npy")
    assert status == 1 and "32[2,3]" in err and "f32[2,3]" in err
    status, _, err = pjrt("run", "f.mlirbc")
    assert status == 1 and "INVALID_ARGUMENT" in err


@pytest.mark.parametrize("inputs,words", [
    (["x.npy"], ["2 parameters", "1 inputs"]),
    (["x.npy", "x.npy", "x.npy"], ["2 parameters", "3 inputs"]),
    (["x.npy", "t.npy"], ["argument 1", "f32[2,3]", "t.npy", "f32[3,2]"]),
    (["i.npy", "x.npy"], ["argument 0", "f32[2,3]", "i.npy", "i32[2,3]"]),
    (["x.npy", "missing.npy"], ["NOT_FOUND", "missing.npy"]),
    (["x.npy", "text.npy"], ["text.npy", "not an .npy file"]),
    (["x.npy", "cut.npy"], ["cut.npy", "cut off", "24 bytes"]),
    (["x.npy", "empty.npy"], ["empty.npy"]),
    (["x.npy", "object.npy"], ["object.npy", "dtype '|O'"]),
    (["x.npy", "struct.npy"], ["struct.npy", "structured"]),
    (["x.npy", "huge.npy"], ["huge.npy"]),
    (["x.npy", "."], ["folder"]),
    (["x.npy", "/dev/zero"], ["/dev/zero"]),
], ids=lambda v: v[-1] if v and v[0] == "x.npy" else "")
def test_bad_inputs(pjrt, inputs, words):
    x = np.zeros((2, 3), np.float32)
    save(pjrt, x=x, t=x.T.copy(), i=x.astype(np.int32), object=np.array([{}]), struct=np.zeros(2, "f4,i4"))
    good = (pjrt.folder / "x.npy").read_bytes()
    (pjrt.folder / "text.npy").write_text("1 2 3")
    (pjrt.folder / "cut.npy").write_bytes(good[:-5])
    (pjrt.folder / "empty.npy").write_bytes(b"")
    (pjrt.folder / "huge.npy").write_bytes(good.replace(b"(2, 3), }  ", b"(2, 2**60)}").replace(b"2**60", b"99999"))
    status, out, err = pjrt("run", "add.mlir", *inputs)
    assert status == 1 and out == ""
    for word in words:
        assert word in err


@pytest.mark.parametrize("text,words", [
    ("", []),
    ("nonsense", ["1:1"]),
    ("\0\1\2junk", []),
    ("ML\xefR", []),
    ("func.func @main() {", ["1:"]),
    (ADD[:90], []),
    (ADD.replace("stablehlo.add", "stablehlo.frobnicate"), ["frobnicate", "3:"]),
    (ADD.replace("%x, %y :", "%x, %z :"), ["z", "3:"]),
    (ADD.replace("-> (tensor<2x3xf32>", "-> (tensor<3x2xf32>"), []),
], ids=["empty", "nonsense", "binary", "header", "open", "cut", "unknown op", "unknown value", "types"])
def test_bad_programs(pjrt, text, words):
    save(pjrt, x=np.zeros((2, 3), np.float32))
    (pjrt.folder / "bad.mlir").write_text(text, encoding="latin-1")
    status, out, err = pjrt("run", "bad.mlir", "x.npy", "x.npy")
    if "2 inputs are given" in err:  # the text has no parameters
        status, out, err = pjrt("run", "bad.mlir")
    assert status == 1 and out == "" and "INVALID_ARGUMENT" in err
    for word in words:
        assert word in err


def test_an_array_is_no_program(pjrt):
    save(pjrt, x=np.zeros(3, np.float32))
    status, out, err = pjrt("run", "x.npy", "add.mlir")
    assert status == 1 and out == "" and "add.mlir" in err
    status, out, err = pjrt("run", "x.npy")
    assert status == 1 and out == "" and "x.npy: is neither StableHLO nor HLO, so was taken as an executable" in err


def test_damaged_hlo_is_called_so(pjrt):
    (pjrt.folder / "cut.hlo").write_bytes(b"\x0a\x04made\x1a\xff\x7f\x0a\x02")  # 16383 bytes of a computation, of which 2 are there
    for command in "run", "convert", "compile":
        status, out, err = pjrt(command, "cut.hlo")
        assert status == 1 and out == "" and "cut.hlo: a damaged HLO file: HLO: byte 6: malformed field in Module" in err


def test_missing_programs(pjrt):
    assert "NOT_FOUND" in pjrt("run", "none.mlir")[2]
    assert "folder" in pjrt("run", ".")[2]


def test_every_cut_of_an_artifact_is_refused(pjrt):
    jax = pytest.importorskip("jax")
    import jax.export  # noqa: F811

    exported = jax.export.export(jax.jit(lambda x: np.float32(2) * x))(jax.ShapeDtypeStruct((8,), np.float32))
    artifact = exported.mlir_module_serialized
    for cut in range(0, len(artifact) - 1, max(1, len(artifact) // 40)):
        (pjrt.folder / "cut.mlirbc").write_bytes(artifact[:cut])
        status, _, err = pjrt("run", "cut.mlirbc")
        assert status == 1 and "INVALID_ARGUMENT" in err, cut


@pytest.mark.parametrize("arguments", [
    [], ["walk"], ["run"], ["run", "--frob", "add.mlir"], ["run", "add.mlir", "-o"], ["run", "--device", "x", "add.mlir"],
    ["run", "--option", "novalue", "add.mlir"],
    ["run", "--repeat", "0", "add.mlir"], ["run", "--generate", "add.mlir", "x.npy"], ["devices", "extra"], ["version", "extra"]], ids=" ".join)
def test_wrong_usage(pjrt, arguments):
    status, out, err = pjrt(*arguments)
    assert status == 2 and out == "" and err


def test_help_and_version(pjrt):
    for arguments in (["--help"], ["run", "--help"], ["devices", "--help"], ["options", "-h"], ["version", "--help"]):
        status, out, err = pjrt(*arguments)
        assert status == 0 and "Usage" in out and err == ""
    assert pjrt("version")[1].startswith("libpjrt ") and "0.112" in pjrt("version")[1]
    assert "PJRT_CPU_DEVICES" in pjrt("options")[1]


def test_plugin_choice(pjrt, plugin, build):
    assert "platform cpu" in pjrt("devices")[1]
    assert "platform cpu" in pjrt("devices", "--plugin", plugin)[1]
    assert "platform cpu" in pjrt("devices", PJRT_PLUGIN=str(plugin))[1]
    status, _, err = pjrt("devices", PJRT_PLUGIN="/nonexistent.so")
    assert status == 1 and "/nonexistent.so" in err
    status, _, err = pjrt("devices", "--plugin", build / "libpjrt.so")
    assert status == 1 and "GetPjrtApi" in err


def test_devices_and_options(pjrt):
    assert pjrt("devices", "--option", "cpu_device_count=3")[1].count("device ") == 3
    status, _, err = pjrt("devices", "--option", "cpu_device_count=many")
    assert status == 1 and "cpu_device_count" in err
    status, _, err = pjrt("devices", "--option", "frobnicate=1")
    assert status == 1 and "frobnicate" in err
    save(pjrt, x=np.zeros((2, 3), np.float32))
    status, out, _ = pjrt("run", "--option", "cpu_device_count=3", "--device", 2, "add.mlir", "x.npy", "x.npy")
    assert status == 0 and "f32[2,3]" in out
    status, _, err = pjrt("run", "--device", 5, "add.mlir", "x.npy", "x.npy")
    assert status == 1 and "device 5" in err


def test_unwritable_output(pjrt):
    save(pjrt, x=np.zeros((2, 3), np.float32))
    (pjrt.folder / "file").write_text("")
    status, _, err = pjrt("run", "-o", "file", "add.mlir", "x.npy", "x.npy")
    assert status == 1 and "file" in err
    plugin = str(pjrt_binary(pjrt).with_name("pjrt_plugin_cpu.so"))
    commands = [["run", "add.mlir", "x.npy", "x.npy"], ["devices"], ["options"], ["--help"],
                ["check", plugin, "--filter", "api.table*", "--json"], ["check", plugin, "--filter", "api.table*"]]
    for command in commands:
        with open("/dev/full", "w") as full:
            result = subprocess.run([pjrt_binary(pjrt), *command], cwd=pjrt.folder, stdout=full,
                                    stderr=subprocess.PIPE, text=True)
        assert result.returncode == 1 and "standard output" in result.stderr, command


def pjrt_binary(pjrt):
    from conftest import BUILD

    return BUILD / "pjrt"
