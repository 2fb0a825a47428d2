"""pjrt convert: programs of the suites there and back, artifacts for every version, and what it says of bad ones.

What the artifacts hold is judged by jaxlib's MLIR; more programs of that kind are in test_bytecode_jaxlib.py.
"""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = pathlib.Path(os.environ.get("STABLEHLO_SUITE", ROOT.parent / "shared/suites/stablehlo"))
VERSIONS = ["0.9.0", "0.10.0", "0.12.0", "0.14.0", "0.15.0", "1.0.0", "1.8.3", "1.13.7", "1.17.0", "1.20.0"]
ADD = """module @adds {
  func.func public @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.add %x, %x : tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}
"""
TAN = ADD.replace("add %x, %x", "tan %x")


@pytest.fixture
def convert(build, tmp_path):
    """convert(*arguments) -> (exit status, stdout as bytes, stderr)."""

    def run(*arguments, text=None):
        result = subprocess.run([build / "pjrt", "convert", *map(str, arguments)], cwd=tmp_path, capture_output=True,
                                input=text, timeout=60)
        assert result.returncode in (0, 1, 2), result
        return result.returncode, result.stdout, result.stderr.decode()

    run.folder = tmp_path
    return run


def good(result):
    assert result[0] == 0 and result[2] == "", result
    return result[1]


def producer(artifact):
    return re.match(rb"ML\xefR.([^\0]*)\0", artifact, re.DOTALL).group(1).decode()


def there_and_back(convert, path):
    """Text of |path| -> artifact -> text must be the same text, and the artifact written again the same bytes."""
    status, text, error = convert(path)
    if status:
        return error
    status, artifact, error = convert("-", "--to", "artifact", text=text)
    if status:
        return error
    assert good(convert("-", text=artifact)) == text
    assert good(convert("-", "--to", "bytecode", text=artifact)) == artifact
    generic = good(convert("--generic", "-", text=artifact))
    assert b'"func.func"' in generic and good(convert("-", text=generic)) == text
    return None


def sample(step):
    paths = [path for folder in ("interpret", "testdata", "math") for path in sorted((SUITE / folder).glob("*.mlir"))]
    if not paths:
        pytest.skip(f"no StableHLO suite at {SUITE}")
    return paths[::step]


def check_sample(convert, step):
    # What cannot be an artifact: operations of other dialects, which the message names.
    refused = {path.name: error for path in sample(step) if (error := there_and_back(convert, path))}
    for name, error in refused.items():
        assert re.search(r"(chlo|check|interpreter)\.", error), (name, error)
    assert len(refused) < len(sample(step)) * 0.9


def test_suite_sample(convert):
    check_sample(convert, 50)


@pytest.mark.slow
def test_whole_suite(convert):
    check_sample(convert, 1)


def test_old_artifacts(convert):
    """Artifacts that StableHLO's own older releases wrote: rewritten for the newest readers they are the same program."""
    paths = sorted((SUITE / "vhlo").glob("stablehlo_legalize_to_vhlo.*.bc"))
    if not paths:
        pytest.skip(f"no StableHLO suite at {SUITE}")
    for path in paths[::4]:
        text = good(convert(path))
        assert good(convert("-", text=good(convert(path, "--to", "artifact")))) == text


@pytest.mark.parametrize("target", VERSIONS)
def test_targets(convert, target):
    artifact = good(convert("-", "--target", target, text=ADD.encode()))
    assert producer(artifact) == f"StableHLO_v{target}"
    assert good(convert("-", text=artifact)) == good(convert("-", text=ADD.encode()))
    status, out, error = convert("-", "--target", target, text=TAN.encode())
    if tuple(map(int, target.split("."))) < (1, 4, 0):  # the first version that has it
        assert status == 1 and out == b"" and "INVALID_ARGUMENT" in error and "tan" in error and target in error
    else:
        assert status == 0 and producer(out) == f"StableHLO_v{target}"


def test_jaxlib_reads_artifacts(convert):
    pytest.importorskip("jax")
    from jax._src.interpreters import mlir as jax_mlir
    from jaxlib.mlir import ir
    from jaxlib.mlir.dialects import stablehlo

    with jax_mlir.make_ir_context() as context:
        wanted = str(ir.Module.parse(ADD))
        for target in VERSIONS[:-1]:  # jaxlib is older than the last
            artifact = good(convert("-", "--target", target, text=ADD.encode()))
            assert str(stablehlo.deserialize_portable_artifact(context, artifact)) == wanted


def test_names_say_the_form(convert):
    folder = convert.folder
    (folder / "in.mlir").write_text(ADD)
    good(convert("in.mlir", "-o", "out.mlirbc"))
    assert (folder / "out.mlirbc").read_bytes().startswith(b"ML\xefR")
    good(convert("out.mlirbc", "-o", "out.mlir"))
    assert (folder / "out.mlir").read_bytes() == good(convert("in.mlir"))
    good(convert("in.mlir", "-o", "forced.mlir", "--to", "artifact"))
    assert (folder / "forced.mlir").read_bytes() == (folder / "out.mlirbc").read_bytes()
    good(convert("out.mlirbc", "-o", "out.mlirbc", "--to=text"))  # onto itself
    assert (folder / "out.mlirbc").read_bytes() == (folder / "out.mlir").read_bytes()


def test_locations(convert):
    text = ADD.replace("tensor<2xf32>\n    return", 'tensor<2xf32> loc("model.py":41:3)\n    return')
    artifact = good(convert("-", "--to", "artifact", text=text.encode()))
    assert b"model.py" not in good(convert("-", text=artifact))
    assert b'"model.py":41:3' in good(convert("-", "--locations", text=artifact))


@pytest.mark.parametrize("arguments,words", [
    ([], ["no program"]),
    (["a", "b"], ["more than one"]),
    (["in.mlir", "--to", "hlo"], ["--to hlo", "text|artifact|bytecode"]),
    (["in.mlir", "--to", "text", "--target", "1.0.0"], ["--target", "text"]),
    (["in.mlir", "-o"], ["-o needs a value"]),
    (["in.mlir", "--to", "artifact", "--generic"], ["--generic is for text"]),
    (["in.mlir", "-o", "x.bc", "--locations"], ["--locations is for text"]),
    (["in.mlir", "--frobnicate"], ["--frobnicate"]),
] + [(["in.mlir", "--target", version], [version, "1.13.7"]) for version in ("", "1", "1.", "1.x", "1.2.3.4", "-1.2.3", "1.2.3 ", "v1.2.3", "1..3", "9999999.0.0")],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None)
def test_wrong_usage(convert, arguments, words):
    (convert.folder / "in.mlir").write_text(ADD)
    status, out, error = convert(*arguments)
    assert status == 2 and out == b"" and "pjrt convert --help" in error, error
    for word in words:
        assert word in error


@pytest.mark.parametrize("target", ["0.8.0", "1.21.0", "2.0.0", "0.1000.0"])
def test_unknown_versions(convert, target):
    status, out, error = convert("-", "--target", target, text=ADD.encode())
    assert status == 1 and out == b"" and target in error and "0.9.0 to 1.20.0" in error


def test_failures_write_nothing(convert):
    folder = convert.folder
    (folder / "in.mlir").write_text(ADD)
    (folder / "bad.mlir").write_text(ADD.replace("%x, %x :", "%x, %y :"))
    (folder / "cut.mlirbc").write_bytes(good(convert("in.mlir", "--to", "artifact"))[:-7])
    for source, words in [("none.mlir", ["NOT_FOUND", "none.mlir"]), (".", ["folder"]), ("bad.mlir", ["bad.mlir", "3:", "%y"]),
                          ("cut.mlirbc", ["INVALID_ARGUMENT", "cut.mlirbc", "byte"])]:
        status, out, error = convert(source, "-o", "out.mlirbc")
        assert status == 1 and out == b"" and not (folder / "out.mlirbc").exists()
        for word in words:
            assert word in error
    status, _, error = convert("in.mlir", "-o", "no/such/folder.mlir")
    assert status == 1 and "no/such/folder.mlir" in error and "No such file" in error
    status, _, error = convert("in.mlir", "-o", "/dev/full")
    assert status == 1 and "/dev/full" in error and "No space" in error and os.path.exists("/dev/full")


def test_every_cut_of_an_artifact_is_refused(convert):
    artifact = good(convert("-", "--to", "artifact", text=ADD.encode()))
    for cut in range(0, len(artifact) - 1, max(1, len(artifact) // 25)):
        assert convert("-", text=artifact[:cut])[0] == (0 if cut == 0 else 1)
