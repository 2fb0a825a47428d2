"""Programs written as C by pjrt-aot, compiled by the C compiler alone with -lm, against JAX."""

import concurrent.futures
import ctypes
import importlib.util
import os
import pathlib
import re
import re
import shutil
import subprocess
import sys

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from conftest import ROOT

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="needs a C compiler")

C_TYPES = {"float32": "float", "float64": "double", "complex64": "float", "int32": "int32_t", "uint32": "uint32_t", "bool": "uint8_t",
           "bfloat16": "uint16_t", "float16": "uint16_t", "int8": "int8_t"}


STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


def aot(build, *arguments, **options):
    return subprocess.run([build / "pjrt-aot", *arguments], capture_output=True, text=True, errors="replace", **options)


def lower(function, arguments, platform):
    return jax.jit(function).trace(*arguments).lower(lowering_platforms=(platform,)).as_text()


def make_library(build, out, function, arguments, flags=("-O2",), compiler=CC, options=(), platform="tpu"):
    """A function that takes the arguments and returns the results of |function| compiled as C."""
    (out / "program.mlir").write_text(lower(function, arguments, platform))
    result = aot(build, out / "program.mlir", "-o", out / "program.c", *options)
    assert result.returncode == 0, result.stderr
    results = jax.tree.leaves(jax.eval_shape(function, *arguments))
    inputs = jax.tree.leaves(arguments)
    types = [C_TYPES[str(a.dtype)] for a in inputs + results]
    call = ", ".join([f"({'const ' if i < len(inputs) else ''}{t} *)p[{i}]" for i, t in enumerate(types)] + ["workspace"])
    (out / "caller.c").write_text(f"""#include "program.h"
#include <stdlib.h>
int call(void **p);
int call(void **p) {{
  void *workspace = aligned_alloc(64, PROGRAM_WORKSPACE);
  if (workspace)
    program({call});
  free(workspace);
  return !workspace;
}}
""")
    subprocess.run([compiler, *STRICT, "-shared", "-fPIC", *flags, "program.c", "caller.c", "-o", "program.so", "-lm"], cwd=out, check=True)
    library = ctypes.CDLL(str(out / "program.so"))

    def call_library(*arguments):
        arrays = [np.ascontiguousarray(a) for a in jax.tree.leaves(arguments)]
        outputs = [np.full(r.shape, 0, r.dtype) for r in results]
        addresses = (ctypes.c_void_p * (len(arrays) + len(outputs)))(*[a.ctypes.data for a in arrays + outputs])
        assert library.call(addresses) == 0
        return outputs

    return call_library


def run_c(build, out, function, arguments, **options):
    """The results of |function| as C on the arguments."""
    return make_library(build, out, function, arguments, **options)(*arguments)


def scan(x, w):
    def step(carry, row):
        carry = jnp.tanh(carry @ w + row)
        return carry, carry.sum()

    return lax.scan(step, jnp.zeros(w.shape[0]), x)


def newton(x):
    return lax.while_loop(lambda s: jnp.abs(s[0] * s[0] - x).max() > 1e-3, lambda s: (0.5 * (s[0] + x / s[0]), s[1] + 1), (x, 0))


def branches(x, i):
    return lax.switch(i, [lambda v: v * 2, lambda v: jnp.sort(v), lambda v: v[::-1]], x)


def conv_grad(x, w):
    def loss(x, w):
        y = lax.conv_general_dilated(x, w, (2, 1), ((1, 1), (0, 2)), rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return (lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 2, 1), "SAME") ** 2).sum()

    return jax.grad(loss, (0, 1))(x, w)


def depthwise(x, w):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", feature_group_count=8, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def indexing(x, i):
    y = x.at[i].add(jnp.ones((i.shape[0], x.shape[1])), mode="drop")
    return y, jnp.take_along_axis(y, jnp.arange(12)[:, None] % x.shape[1], axis=1), y[i]


def linalg(a):
    spd = a @ a.T + 10 * jnp.eye(a.shape[0])
    lower = lax.linalg.cholesky(spd)
    return lax.linalg.triangular_solve(lower, a, left_side=True, lower=True)


def solve_batch(a, b):
    spd = a @ a.mT + 5 * jnp.eye(a.shape[-1])
    upper = jnp.linalg.cholesky(spd, upper=True)
    half = jax.scipy.linalg.solve_triangular(upper, b, trans=1)
    return lax.linalg.triangular_solve(upper, half, left_side=True), jnp.linalg.cholesky(-spd)


def normalise(x):
    x = x - x.mean(-1, keepdims=True)
    return jax.nn.softmax(x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)).astype(jnp.bfloat16)


def mlp(params, x):
    for w, b in params[:-1]:
        x = jax.nn.gelu(x @ w + b)
    w, b = params[-1]
    return jax.nn.log_softmax(x @ w + b)


def attention(x, wqkv, wo):
    """One causal block of four heads: layer norm, attention, residual."""
    seq, width = x.shape
    y = (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
    q, k, v = jnp.split((y @ wqkv).reshape(seq, 3, 4, width // 4), 3, axis=1)
    scores = jnp.einsum("qhd,khd->hqk", q[:, 0], k[:, 0]) / np.sqrt(width // 4)
    scores = jnp.where(jnp.tril(jnp.ones((seq, seq), bool)), scores, -jnp.inf)
    return x + jnp.einsum("hqk,khd->qhd", jax.nn.softmax(scores), v[:, 0]).reshape(seq, width) @ wo


def cnn(x, w1, w2, w3):
    x = jax.nn.relu(lax.conv_general_dilated(x, w1, (2, 2), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")))
    x = lax.reduce_window(x, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4
    x = jax.nn.silu(lax.conv_general_dilated(x, w2, (1, 1), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW")))
    return x.mean((2, 3)) @ w3


RANDOM = np.random.default_rng(7)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


PROGRAMS = {
    "mlp": (mlp, ([(normal(20, 33), normal(33)), (normal(33, 7), normal(7))], normal(6, 20))),
    "attention": (attention, (normal(10, 32), normal(32, 96), normal(32, 32))),
    "cnn": (cnn, (normal(2, 3, 12, 12), normal(8, 3, 3, 3), normal(4, 8, 2, 2), normal(4, 5))),
    "matmul": (lambda a, b: jax.nn.gelu(a @ b), (normal(13, 40), normal(40, 37))),
    "einsum": (lambda a, b: jnp.einsum("bik,bjk->bij", a, b), (normal(3, 5, 21), normal(3, 7, 21))),
    "integers": (lambda a, b: (a @ b, a // (b.T + 9), a << 3), (RANDOM.integers(-9, 9, (4, 6), np.int32), RANDOM.integers(-8, 9, (6, 4), np.int32))),
    "bf16": (lambda a, b: (a.astype(jnp.bfloat16) @ b.astype(jnp.bfloat16)).astype(jnp.float32), (normal(9, 16), normal(16, 20))),
    "complex": (lambda a, b: a @ (b * 1j) + 2, (normal(4, 6).astype(np.complex64), normal(6, 3).astype(np.complex64))),
    "scan": (scan, (normal(10, 8), normal(8, 8))),
    "newton": (newton, (np.abs(normal(17)) + 1,)),
    "branches": (branches, (normal(9), np.int32(1))),
    "conv_grad": (conv_grad, (normal(2, 9, 8, 3), normal(3, 2, 3, 5))),
    "depthwise": (depthwise, (normal(2, 6, 7, 8), normal(3, 3, 1, 8))),
    "sort": (lambda x: (jnp.sort(x, axis=0), jnp.argsort(x, axis=1), jnp.argmax(x, 1)), (normal(33, 20),)),
    "top_k": (lambda x: lax.top_k(x, 5), (normal(4, 50),)),
    "cumulative": (lambda x: (jnp.cumsum(x, 1), lax.cummax(x, 0)), (normal(6, 40),)),
    "indexing": (indexing, (normal(12, 9), np.array([3, 0, 40, 3, 11, 7], np.int32))),
    "linalg": (linalg, (normal(9, 9),)),
    "fft": (lambda x: (jnp.fft.fft2(x), jnp.fft.irfft(jnp.fft.rfft(x, axis=1), axis=1)), (normal(12, 16),)),
    "strided_grad": (jax.grad(lambda x: (x[::3, 1:-1:2] ** 2).sum()), (normal(10, 9),)),
    "rbg": (lambda key: lax.rng_bit_generator(key, (5, 7), np.uint32, algorithm=lax.RandomAlgorithm.RNG_PHILOX),
            (np.array([1, 2, 3, 4], np.uint32),)),
    "normalise": (normalise, (normal(8, 50),)),
    "random": (lambda key: jax.random.normal(jax.random.wrap_key_data(key), (33,)), (np.array([1, 2], np.uint32),)),
}


QUICK = ("mlp", "attention", "cnn", "newton", "indexing", "sort", "bf16")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in PROGRAMS])
def test_program(build, tmp_path, name):
    function, arguments = PROGRAMS[name]
    got = run_c(build, tmp_path, function, arguments)
    want = jax.tree.leaves(jax.jit(function)(*arguments))
    for ours, theirs in zip(got, want, strict=True):
        theirs = np.asarray(theirs)
        if ours.dtype.kind in "iub":
            np.testing.assert_array_equal(ours, theirs)
        else:
            low = str(ours.dtype) == "bfloat16"
            np.testing.assert_allclose(ours.astype(np.complex64 if ours.dtype.kind == "c" else np.float32),
                                       theirs.astype(np.complex64 if ours.dtype.kind == "c" else np.float32),
                                       rtol=1e-2 if low or name == "bf16" else 1e-4, atol=1e-4)


def same_bits(first, second):
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


OTHER_WAYS = {
    "portable": {"flags": ("-O1", "-DPJ_PORTABLE")},
    "wide": {"flags": ("-O1",), "options": ("--isa", "avx512")},
    "clang": {"compiler": shutil.which("clang") or shutil.which("clang-19")},
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_other_compilers(build, tmp_path, way):
    if OTHER_WAYS[way].get("compiler", CC) is None:
        pytest.skip("no clang")
    function, arguments = PROGRAMS["attention"]
    plain = run_c(build, tmp_path, function, arguments, flags=("-O1",))
    other = tmp_path / "other"
    other.mkdir()
    got = run_c(build, other, function, arguments, **OTHER_WAYS[way])
    if way == "wide":  # sums of another order, and products fused with them
        np.testing.assert_allclose(got[0], plain[0], rtol=1e-4, atol=1e-5)
    else:
        assert same_bits(got, plain)


def test_same_bits_as_the_runtime(build, tmp_path):
    """Kernels are the same on both ways to machine code, where they are made for the same instructions."""
    has = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    wide = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
    isa, flags = ("avx512", wide) if set(wide) <= has else ("avx2", ["avx2"])
    if not {"avx2", "fma"} <= has:
        pytest.skip("the runtime generates code for other instructions here")

    def function(x):
        return jnp.tanh(x), jnp.exp(x) + jnp.log(jnp.abs(x)), jax.nn.softmax(x), jnp.sin(x) / (1 + x * x)

    x = normal(40, 30)
    got = run_c(build, tmp_path, function, (x,), options=("--isa", isa), flags=("-O1", "-mfma", *(f"-m{flag}" for flag in flags)))
    assert same_bits(got, [np.asarray(a) for a in jax.jit(function)(x)])


def test_many_threads(build, tmp_path):
    function, arguments = PROGRAMS["cnn"]
    call = make_library(build, tmp_path, function, arguments)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        scaled = [(arguments[0] * (i + 1), *arguments[1:]) for i in range(4)]
        want = [call(*a) for a in scaled]
        for got in pool.map(lambda i: call(*scaled[i % 4]), range(200)):
            pass
        got = list(pool.map(lambda i: call(*scaled[i % 4]), range(200)))
    assert all(same_bits(g, want[i % 4]) for i, g in enumerate(got))


DIGITS_MAIN = """#include "digits.h"
#include <stdio.h>
#include <stdlib.h>

enum { IMAGES = 360, PIXELS = 64, CLASSES = 10 };
static float images[IMAGES * PIXELS], probabilities[IMAGES * CLASSES];
static int32_t labels[IMAGES];

int main(int argc, char **argv) {
  FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
  if (!file || fread(images, sizeof images, 1, file) != 1)
    return 1;
  fclose(file);
  void *workspace = aligned_alloc(64, DIGITS_WORKSPACE);
#ifdef DIGITS_WEIGHTS
  void *weights = aligned_alloc(64, DIGITS_WEIGHTS);
  file = fopen("digits.bin", "rb");
  if (!file || !weights || !workspace || fread(weights, DIGITS_WEIGHTS, 1, file) != 1)
    return 1;
  fclose(file);
  digits(images, labels, probabilities, weights, workspace);
  free(weights);
#else
  digits(images, labels, probabilities, workspace);
#endif
  free(workspace);
  for (int i = 0; i < IMAGES; ++i)
    printf("%d %a\\n", labels[i], probabilities[i * CLASSES + labels[i]]);
  return 0;
}
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The classifier of examples/digits, shortly trained."""
    pytest.importorskip("sklearn")
    out = tmp_path_factory.mktemp("digits")
    spec = importlib.util.spec_from_file_location("digits_train", ROOT / "examples/digits/train.py")
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py", "--out", str(out), "--epochs", "2"])
        train.main()
    return out


def run_digits(out, compiler=(CC,), runner=()):
    subprocess.run([*compiler, *STRICT, "-O2", "digits.c", "main.c", "-o", "digits", "-lm"], cwd=out, check=True)
    return subprocess.run([*runner, "./digits", "images.bin"], cwd=out, check=True, capture_output=True, text=True).stdout


def test_digits_classifier(build, plugin, digits, tmp_path):
    assert aot(build, digits / "digits.mlirbc", "-o", tmp_path / "digits.c").returncode == 0
    (tmp_path / "main.c").write_text(DIGITS_MAIN)
    np.load(digits / "images.npy").astype(np.float32).tofile(tmp_path / "images.bin")
    subprocess.run([build / "pjrt", "run", "--plugin", plugin, "-o", tmp_path, digits / "digits.mlirbc", digits / "images.npy"],
                   check=True, stdout=subprocess.DEVNULL)
    labels, probabilities = np.load(tmp_path / "output_0.npy"), np.load(tmp_path / "output_1.npy")
    answer = run_digits(tmp_path)
    rows = [line.split() for line in answer.splitlines()]
    np.testing.assert_array_equal([int(row[0]) for row in rows], labels)
    np.testing.assert_allclose([float.fromhex(row[1]) for row in rows], probabilities[np.arange(len(labels)), labels], rtol=1e-5)
    assert np.mean(labels == np.load(digits / "labels.npy")) > 0.5

    assert aot(build, digits / "digits.mlirbc", "-o", tmp_path / "digits.c", "--weights", tmp_path / "digits.bin").returncode == 0
    assert (tmp_path / "digits.c").stat().st_size < 100_000
    assert run_digits(tmp_path) == answer


def test_lapack_calls(build, tmp_path):
    """What JAX lowers to calls of LAPACK on a CPU, also where there is no factor."""
    arguments = (normal(3, 6, 6), normal(3, 6, 2))
    got = run_c(build, tmp_path, solve_batch, arguments, platform="cpu")
    for ours, theirs in zip(got, jax.jit(solve_batch)(*arguments), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_digits_classifier_on_another_machine(build, digits, tmp_path):
    if not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64")):
        pytest.skip("needs gcc-aarch64-linux-gnu and qemu-user")
    (tmp_path / "main.c").write_text(DIGITS_MAIN)
    np.load(digits / "images.npy").astype(np.float32).tofile(tmp_path / "images.bin")
    assert aot(build, digits / "digits.mlirbc", "-o", tmp_path / "digits.c").returncode == 0
    assert run_digits(tmp_path) == run_digits(tmp_path, ("aarch64-linux-gnu-gcc", "-static"), ("qemu-aarch64",))


SUITE = pathlib.Path(os.environ.get("STABLEHLO_SUITE", ROOT.parent / "shared/suites/stablehlo"))
# Without erf, whose last digit depends on fused multiply-adds, and trsolve, which the evaluator leaves to LAPACK.
SUITE_PROGRAMS = (
    *(f"../jax/one_device/{name}.bc" for name in (
        "add.0", "bf16", "bigconst.11", "bits", "checkpoint", "complex", "const_dense", "conv.13", "conv", "cumsum", "donate.2", "dotalg",
        "dynslice", "fp8", "gather", "int4", "mlp_grad", "pad_rev", "ragged.8", "rng.9", "rng_key", "scan", "scatter", "shard", "sort", "sortk.10",
        "switch", "unary")),
    *(f"interpret/{name}.0.mlir" for name in (
        "case", "convolution", "dot_general", "fft", "gather", "map", "pad", "reduce_window", "scatter", "select_and_scatter", "sort",
        "tuple_and_get_tuple_element")),
    *(f"math/{name}.0.mlir" for name in ("log_float32", "exponential_float64", "asinh_float32", "log_plus_one_complex64")),
)


@pytest.mark.slow
@pytest.mark.parametrize("program", SUITE_PROGRAMS)
def test_suite_program(build, program):
    """Programs of the suites as C: their checks hold, or their results are the evaluator's."""
    path = (SUITE / program).resolve()
    if not path.exists():
        pytest.skip(f"no {path}")
    result = subprocess.run([build / "pjrt-suite", "--compiler", "aot", path], capture_output=True, text=True, timeout=120,
                            env=dict(os.environ, PJ_AOT_CFLAGS="-O1"))
    assert result.returncode == 0, result.stdout + result.stderr
    counts = re.search(r"(\d+) programs compiled wholly, (\d+) with \d+ operations left to the evaluator, (\d+) not compiled", result.stdout)
    assert int(counts[1]) > 0 and counts[2] == counts[3] == "0", result.stdout


# --- The tool ------------------------------------------------------------------------------------

SMALL = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.mlir"
    path.write_text(SMALL)
    return path


def refused(result, status, *words):
    assert result.returncode == status
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    return True


def test_help(build):
    result = aot(build, "--help")
    assert result.returncode == 0 and "--weights" in result.stdout
    assert aot(build, "--version").stdout.startswith("pjrt-aot ")


def test_names(build, small, tmp_path):
    def written(*arguments):
        result = aot(build, *arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return sorted(p.name for p in tmp_path.iterdir() if p.suffix in (".c", ".h"))

    assert written("small.mlir") == ["small.c", "small.h"]
    assert "void small(" in (tmp_path / "small.h").read_text()
    if cxx := shutil.which("c++"):
        (tmp_path / "caller.cc").write_text('#include "small.h"\nvoid call(const float *x, float *y, void *w) { small(x, y, w); }\n')
        subprocess.run([cxx, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-c", "caller.cc"], cwd=tmp_path, check=True)
    assert "other.c" in written("small.mlir", "-o", "other.c", "--name", "twice")
    assert "TWICE_WORKSPACE" in (tmp_path / "other.h").read_text() and '#include "other.h"' in (tmp_path / "other.c").read_text()
    written("small.mlir", "-o", "4 by-4.c")  # made a name
    assert "void program_4_by_4(" in (tmp_path / "4 by-4.h").read_text()
    written("small.mlir", "-o", "int.c")
    assert "void program_int(" in (tmp_path / "int.h").read_text()
    assert aot(build, "-", "-o", tmp_path / "piped.c", input=SMALL).returncode == 0
    for name in ("a-b", "", "4x", "int", "class", "main", "memcpy", "_x", "uint32_t", "f32x4_load", "k0_map", "x" * 1000, "x y", "x(void); int y"):
        assert refused(aot(build, small, "--name", name, "-o", tmp_path / "bad.c"), 1, "name")
        assert not (tmp_path / "bad.c").exists() and not (tmp_path / "bad.h").exists()


def test_a_file_name_is_no_code(build, tmp_path):
    bad = tmp_path / "x\nint main(void) { return 7; } \\"
    bad.write_text(SMALL)
    assert aot(build, bad, "-o", tmp_path / "fine.c").returncode == 0
    assert (tmp_path / "fine.c").read_text().count("main") == 1
    subprocess.run([CC, *STRICT, "-c", "fine.c"], cwd=tmp_path, check=True)
    assert refused(aot(build, bad, "-o", tmp_path / 'a".c'), 1, "no name for a header")


def test_wrong_usage(build, small, tmp_path):
    for arguments in ((), ("--no-such", small), (small, small), (small, "-o"), (small, "-o", "x.cpp"), (small, "-o", ".c"), (small, "--isa", "z80"), (small, "--name")):
        assert refused(aot(build, *arguments, cwd=tmp_path), 2, "pjrt-aot:", "--help")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.mlir"]


def test_files(build, small, tmp_path):
    assert refused(aot(build, tmp_path / "absent.mlir"), 1, "absent.mlir")
    assert refused(aot(build, tmp_path), 1, str(tmp_path))
    assert refused(aot(build, small, "-o", tmp_path / "no" / "x.c"), 1, "cannot write", "No such file")
    # Nothing is overwritten that is needed, and nothing is left half-written.
    program = tmp_path / "program.c"
    program.write_text(SMALL)
    assert refused(aot(build, "program.c", cwd=tmp_path), 1, "same file") and program.read_text() == SMALL
    (tmp_path / "x.c").mkdir()
    assert refused(aot(build, small, "-o", tmp_path / "x.c"), 1, "cannot write") and not (tmp_path / "x.h").exists()
    assert refused(aot(build, small, "-o", tmp_path / "y.c", "--weights", tmp_path / "y.c"), 1, "same file")
    assert refused(aot(build, small, "-o", tmp_path / "y.c", "--weights", tmp_path), 1, "cannot write")
    assert not (tmp_path / "y.c").exists() and not (tmp_path / "y.h").exists()


def test_hostile_programs(build, small, tmp_path):
    artifact = jax.export.export(jax.jit(lambda x: jnp.sort(x * 2)))(jax.ShapeDtypeStruct((9,), np.float32)).mlir_module_serialized
    path = tmp_path / "p"
    for data in (b"", b"ML\xefR", b"\0" * 100, b"func.func @main(", artifact[: len(artifact) // 2], b"ML\xefR" + os.urandom(500)):
        path.write_bytes(data)
        assert refused(aot(build, path, "-o", tmp_path / "p.c"), 1, "pjrt-aot: ")
    for i in range(0, len(artifact), max(1, len(artifact) // 60)):
        path.write_bytes(artifact[:i] + bytes([artifact[i] ^ 0x41]) + artifact[i + 1 :])
        assert aot(build, path, "-o", tmp_path / "p.c", timeout=20).returncode in (0, 1)
    huge = SMALL.replace("tensor<4xf32>", "tensor<4000000000x4000000000xf32>")
    path.write_text(huge)
    assert aot(build, path, "-o", tmp_path / "p.c").returncode in (0, 1)


def test_what_cannot_be_written(build, tmp_path):
    def answer(body, types="(%x: tensor<4xf32>) -> tensor<4xf32>"):
        (tmp_path / "call.mlir").write_text(f"func.func @main{types} {{\n{body}\n}}")
        return aot(build, tmp_path / "call.mlir", "-o", tmp_path / "call.c")

    call = '%0 = stablehlo.custom_call @my_handler(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("model.py":12:3)\nreturn %0 : tensor<4xf32>'
    assert refused(answer(call), 1, "stablehlo.custom_call", "not available as C @my_handler: (tensor<4xf32>) -> tensor<4xf32>", "at model.py:12:3")
    dynamic = "%0 = stablehlo.add %x, %x : tensor<?xf32>\nreturn %0 : tensor<?xf32>"
    assert refused(answer(dynamic, "(%x: tensor<?xf32>) -> tensor<?xf32>"), 1, "no array of static shape")
    gather = """%0 = "stablehlo.all_reduce"(%x) <{replica_groups = dense<0> : tensor<1x1xi64>}> ({
^bb0(%a: tensor<f32>, %b: tensor<f32>):
  %s = stablehlo.add %a, %b : tensor<f32>
  stablehlo.return %s : tensor<f32>
}) : (tensor<4xf32>) -> tensor<4xf32> loc("model.py":7:1)
return %0 : tensor<4xf32>"""
    assert refused(answer(gather), 1, "stablehlo.all_reduce", "other devices", "model.py:7:1")
    assert refused(answer("%t = stablehlo.create_token : !stablehlo.token\nreturn %t : !stablehlo.token", "() -> !stablehlo.token"), 1, "result 0 is no array")
    assert not (tmp_path / "call.c").exists()


def test_the_documented_example(build, tmp_path, monkeypatch, capsys):
    text = (ROOT / "doc" / "aot.md").read_text()
    python = text.split("```python\n")[1].split("```")[0]
    main = next(part.split("```")[0] for part in text.split("```c\n")[1:] if "int main" in part)
    shown = text.split("./model\n")[1].split("\n\n")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(python, "export.py", "exec"), {"__name__": "export"})
    numbers = [float(word) for word in re.sub(r"[\[\]]", " ", capsys.readouterr().out).split()]
    np.testing.assert_allclose(numbers, [float(word) for word in shown.split()], rtol=1e-5)
    (tmp_path / "main.c").write_text(main)
    assert aot(build, "model.mlirbc").returncode == 0
    assert "#define MODEL_WORKSPACE 192" in (tmp_path / "model.h").read_text()
    subprocess.run([CC, *STRICT, "-O2", "model.c", "main.c", "-o", "model", "-lm"], check=True)
    printed = subprocess.run(["./model"], check=True, capture_output=True, text=True).stdout
    assert printed.split() == shown.split()
