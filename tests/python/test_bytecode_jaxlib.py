"""Portable artifacts between jaxlib and this library: programs that JAX lowers are serialised by jaxlib for many versions,
read and written again by build/pj-convert, and read back by jaxlib, which must print the same program, locations included.
Our text parser must make the same program of jaxlib's text, and so must our reader of MLIR's own bytecode.
"""

import functools
import io
import os
import pathlib
import subprocess

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jaxlib is not installed")
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from jax.sharding import AbstractMesh, PartitionSpec as P  # noqa: E402
from jax._src.interpreters import mlir as jax_mlir  # noqa: E402
from jax._src.lib.mlir.dialects import hlo as stablehlo  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONVERT = pathlib.Path(os.environ.get("PJRT_BUILD", ROOT / "build")) / "pj-convert"
SUITES = pathlib.Path(os.environ.get("STABLEHLO_SUITE", ROOT.parent / "shared/suites/stablehlo")).parent
VERSIONS = ["0.9.0", "0.11.0", "0.13.0", "0.14.0", "0.17.0", "1.0.0", "1.5.0", "1.9.0", "1.11.0", "1.13.7"]
VERSIONS.append(stablehlo.get_current_version())

pytestmark = pytest.mark.skipif(not CONVERT.exists(), reason=f"{CONVERT} is not built")

f32 = functools.partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
PROGRAMS = {}


def program(*args):
    def add(f):
        PROGRAMS[f.__name__] = (f, args)
        return f
    return add


@program(f32((8, 16)), f32((16, 4)), f32((4,)), f32((8, 4)))
def mlp_gradient(x, w, b, y):
    return jax.grad(lambda w, b: jnp.mean((jnp.tanh(x @ w + b) - y) ** 2), argnums=(0, 1))(w, b)


@program(f32((2, 8, 8, 3)), f32((3, 3, 3, 5)))
def convolution(x, k):
    y = lax.conv_general_dilated(x, k, (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


@program(f32((5, 3)))
def loops(x):
    y, _ = lax.scan(lambda c, r: (c + jnp.sin(r), None), jnp.zeros(3), x)
    z = lax.while_loop(lambda s: s[0] < 10, lambda s: (s[0] + 1, s[1] * 2), (0, y))[1]
    return lax.cond(z.sum() > 0, jnp.exp, jnp.negative, z), lax.switch(2, [jnp.cos, jnp.abs, jnp.square], z)


@program(f32((10, 4)), jax.ShapeDtypeStruct((6,), jnp.int32))
def indexing(x, i):
    return x[i], x.at[i].add(1.0), jnp.sort(x, axis=0), jnp.argmax(x, axis=1), lax.top_k(x, 2), jnp.cumsum(x, 0)


@program(f32((4, 4)))
def linear_algebra(a):
    s = a @ a.T + jnp.eye(4)
    return jnp.linalg.cholesky(s), jnp.linalg.eigh(s), jnp.linalg.qr(a), jnp.linalg.solve(s, a)


@program(jax.ShapeDtypeStruct((2,), jnp.uint32))
def random_numbers(key):
    return jax.random.normal(key, (3, 5)), jax.random.randint(key, (4,), 0, 9), jax.random.permutation(key, 7)


@program(jax.ShapeDtypeStruct((4, 6), jnp.complex64))
def complex_numbers(x):
    return jnp.fft.fft(x), jnp.fft.irfft(x), x.real * x.imag, jnp.abs(x)


@program(f32((3, 3)))
def element_types(x):
    types = [jnp.bfloat16, jnp.float16, jnp.float8_e4m3fn, jnp.float8_e5m2, jnp.int4, jnp.uint4, jnp.int8, jnp.uint16, bool]
    return [x.astype(t) for t in types] + [jnp.asarray(np.array([1, -3, 7]), jnp.int4)]


@program(f32((7, 3)))
def special_functions(x):
    return jax.scipy.special.erf(x), lax.lgamma(x), lax.digamma(x), lax.erf_inv(x), jnp.arccosh(x), lax.nextafter(x, x)


@program(f32((6,)))
def constants(x):
    table = np.arange(6, dtype=np.float32) * 0.37
    mask = np.array([True, False, True, True, False, True])
    return jnp.where(mask, x, table), x + np.float32(np.inf), x * np.nan, np.zeros((0, 3), np.int16)


@program(f32((4, 5)), f32((4, 5)))
def precisions(a, b):
    low = lax.dot_general(a, b, (((1,), (1,)), ((), ())), precision="highest")
    return low, lax.dot_general(a, b, (((1,), (1,)), ((0,), (0,))), preferred_element_type=jnp.float32)


@program(f32((8, 8)))
def manual_computation(x):
    mesh = AbstractMesh((2, 4), ("x", "y"))

    @functools.partial(jax.shard_map, mesh=mesh, in_specs=P("x", "y"), out_specs=P("x", None), check_vma=False)
    def f(block):
        return lax.all_gather(lax.psum(block, "x") / 2, "y", axis=1, tiled=True)

    return f(x)


def exported(f, args):
    """The artifact that JAX makes of f: without chlo operations, which plain lowering leaves in."""
    return jax.export.export(jax.jit(f), platforms=("cpu",))(*args).mlir_module_serialized


def convert(*args):
    return subprocess.run([str(CONVERT), *map(str, args)], capture_output=True, text=True, timeout=60)


def show(artifact, locations=True):
    context = jax_mlir.make_ir_context()
    with context:
        return stablehlo.deserialize_portable_artifact(context, artifact).operation.get_asm(enable_debug_info=locations)


def number(version):
    return tuple(map(int, version.split(".")))


def check(artifact, version, folder):
    """Our copy of the artifact prints as the original does; our parser reads that text as the same program."""
    original, copy, text = (folder / n for n in ("original.bc", "copy.bc", "text.mlir"))
    original.write_bytes(artifact)
    done = convert("-f", "-t", version, "-o", copy, original)
    assert done.returncode == 0, done.stderr
    locations = number(version) >= (1, 9, 0)  # before, our locations lose the end of a range, which readers did not know
    expected = show(artifact, locations)
    assert show(copy.read_bytes(), locations) == expected
    text.write_text(expected)
    parsed = convert("-f", text)
    assert parsed.returncode == 0, parsed.stderr
    assert parsed.stdout == done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    artifact = exported(*PROGRAMS[name])
    written = 0
    for version in VERSIONS:
        context = jax_mlir.make_ir_context()
        with context:
            module = stablehlo.deserialize_portable_artifact(context, artifact)
            try:
                other = stablehlo.serialize_portable_artifact(module, version, True)
            except Exception:  # jaxlib cannot express it for that version
                continue
        if number(version) < (1, 11, 0) and b"sdy" in other:
            continue  # mixed dialects are of 1.11; jaxlib does not check
        check(other, version, tmp_path)
        written += 1
    assert written


def test_symbolic_shapes(tmp_path):
    n, m = jax.export.symbolic_shape("n, m", constraints=["n >= 2"])
    artifact = exported(lambda x, y: jnp.concatenate([x @ y, x @ y + 1]).reshape(-1)[: 2 * n], (f32((n, 3)), f32((3, m))))
    check(artifact, "1.13.7", tmp_path)


@pytest.mark.parametrize("folder", ["stablehlo/vhlo", "jax/one_device", "jax/many_devices"])
def test_suite(folder, tmp_path):
    artifacts = sorted((SUITES / folder).glob("*.bc"))
    if not artifacts:
        pytest.skip(f"no artifacts in {SUITES / folder}")
    for path in artifacts:
        artifact = path.read_bytes()
        try:
            show(artifact)
        except Exception:  # newer than jaxlib
            continue
        check(artifact, stablehlo.get_current_version(), tmp_path)


def check_own(module, folder):
    """MLIR's own bytecode of a module is the program of its text, with the same locations."""
    bytecode, text = folder / "own.bc", folder / "text.mlir"
    written = io.BytesIO()
    module.operation.write_bytecode(written)
    bytecode.write_bytes(written.getvalue())
    text.write_text(module.operation.get_asm(enable_debug_info=True))
    version = stablehlo.get_current_version()
    read, parsed = (convert("-f", "-t", version, "-o", folder / n, path) for n, path in (("a.bc", bytecode), ("b.bc", text)))
    assert read.returncode == 0, read.stderr
    assert parsed.returncode == 0, parsed.stderr
    assert read.stdout == parsed.stdout
    assert show((folder / "a.bc").read_bytes()) == show((folder / "b.bc").read_bytes())


@pytest.mark.parametrize("name", PROGRAMS)
def test_own_bytecode(name, tmp_path):
    f, args = PROGRAMS[name]
    context = jax_mlir.make_ir_context()
    with context:
        check_own(stablehlo.deserialize_portable_artifact(context, exported(f, args)), tmp_path)


def test_own_bytecode_with_chlo(tmp_path):
    f, args = PROGRAMS["special_functions"]
    bytecode, text = tmp_path / "own.bc", tmp_path / "text.mlir"
    module = jax.jit(f).lower(*args).compiler_ir()
    written = io.BytesIO()
    with module.context:
        module.operation.write_bytecode(written)
        text.write_text(module.operation.get_asm(enable_debug_info=True))
    assert b"chlo" in written.getvalue()
    bytecode.write_bytes(written.getvalue())
    read, parsed = convert("-f", bytecode), convert("-f", text)
    assert read.returncode == 0, read.stderr
    assert read.stdout == parsed.stdout


@pytest.mark.parametrize("folder", ["stablehlo/vhlo", "jax/one_device", "jax/many_devices"])
def test_own_bytecode_of_suite(folder, tmp_path):
    artifacts = sorted((SUITES / folder).glob("*.bc"))
    if not artifacts:
        pytest.skip(f"no artifacts in {SUITES / folder}")
    for path in artifacts:
        context = jax_mlir.make_ir_context()
        with context:
            try:
                module = stablehlo.deserialize_portable_artifact(context, path.read_bytes())
            except Exception:  # newer than jaxlib
                continue
            check_own(module, tmp_path)
