"""Programs written as C by pjrt-aot, compiled by the C compiler alone with -lm, against JAX."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from conftest import ROOT

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(not CC, reason="needs a C compiler")

C_TYPES = {"float32": "float", "float64": "double", "complex64": "float", "int32": "int32_t", "uint32": "uint32_t", "bool": "uint8_t",
           "bfloat16": "uint16_t", "float16": "uint16_t", "int8": "int8_t"}


def write_c(build, text, out, name, *options):
    (out / f"{name}.mlir").write_text(text)
    subprocess.run([build / "pjrt-aot", "--name", name, "--out", out, *options, out / f"{name}.mlir"], check=True)


def run_c(build, out, function, arguments, flags=("-O2",)):
    """The results of |function| as C on the arguments, as flat arrays."""
    # Not for a CPU: JAX would call LAPACK instead of using StableHLO's own operations.
    lowered = jax.jit(function).trace(*arguments).lower(lowering_platforms=("tpu",))
    write_c(build, lowered.as_text(), out, "program")
    results = jax.tree.leaves(jax.eval_shape(function, *arguments))
    inputs = [np.ascontiguousarray(a) for a in jax.tree.leaves(arguments)]
    call = ", ".join([f"(const {C_TYPES[str(a.dtype)]} *)p[{i}]" for i, a in enumerate(inputs)]
                     + [f"({C_TYPES[str(r.dtype)]} *)p[{len(inputs) + i}]" for i, r in enumerate(results)] + ["workspace"])
    (out / "caller.c").write_text(f"""#include "program.h"
_Alignas(64) static char workspace[PROGRAM_WORKSPACE];
void call(void **p) {{ program({call}); }}
""")
    subprocess.run([CC, "-std=c11", "-Wall", "-Wno-psabi", "-Werror", "-shared", "-fPIC", *flags, "program.c", "caller.c", "-o", "program.so",
                    "-lm"], cwd=out, check=True)
    outputs = [np.full(r.shape, 0, r.dtype) for r in results]
    addresses = (ctypes.c_void_p * (len(inputs) + len(outputs)))(*[a.ctypes.data for a in inputs + outputs])
    ctypes.CDLL(str(out / "program.so")).call(addresses)
    return outputs


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


def normalise(x):
    x = x - x.mean(-1, keepdims=True)
    return jax.nn.softmax(x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)).astype(jnp.bfloat16)


RANDOM = np.random.default_rng(7)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


PROGRAMS = {
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
    "normalise": (normalise, (normal(8, 50),)),
    "random": (lambda key: jax.random.normal(jax.random.wrap_key_data(key), (33,)), (np.array([1, 2], np.uint32),)),
}


@pytest.mark.parametrize("name", PROGRAMS)
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


def test_same_bits_without_vectors(build, tmp_path):
    function, arguments = PROGRAMS["normalise"]
    plain = run_c(build, tmp_path, function, arguments, ("-O1",))
    other = tmp_path / "portable"
    other.mkdir()
    portable = run_c(build, other, function, arguments, ("-O2", "-DPJ_PORTABLE", "-pedantic-errors"))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(plain, portable, strict=True))


DIGITS_MAIN = """#include "digits.h"
#include <stdio.h>
#include <stdlib.h>

enum { IMAGES = 360, PIXELS = 64, CLASSES = 10 };
static float images[IMAGES * PIXELS], probabilities[IMAGES * CLASSES];
static int32_t labels[IMAGES];

int main(int argc, char **argv) {
  FILE *file = fopen(argv[1], "rb");
  if (!file || fread(images, sizeof images, 1, file) != 1)
    return 1;
  void *workspace = aligned_alloc(64, DIGITS_WORKSPACE);
  digits(images, labels, probabilities, workspace);
  free(workspace);
  for (int i = 0; i < IMAGES; ++i)
    printf("%d %.9g\\n", labels[i], probabilities[i * CLASSES + labels[i]]);
  return 0;
}
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The classifier of examples/digits, shortly trained."""
    pytest.importorskip("sklearn")
    out = tmp_path_factory.mktemp("digits")
    env = dict(os.environ, JAX_PLATFORMS="pjrt_cpu", PYTHONPATH=str(ROOT / "python"))
    subprocess.run([sys.executable, ROOT / "examples/digits/train.py", "--out", out, "--epochs", "2"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    return out


def test_digits_classifier(build, plugin, digits, tmp_path):
    subprocess.run([build / "pjrt-aot", "--name", "digits", "--out", tmp_path, digits / "digits.mlirbc"], check=True)
    (tmp_path / "main.c").write_text(DIGITS_MAIN)
    np.load(digits / "images.npy").astype(np.float32).tofile(tmp_path / "images.bin")
    subprocess.run([build / "pjrt", "run", "--plugin", plugin, "-o", tmp_path, digits / "digits.mlirbc", digits / "images.npy"],
                   check=True, stdout=subprocess.DEVNULL)
    labels, probabilities = np.load(tmp_path / "output_0.npy"), np.load(tmp_path / "output_1.npy")
    compilers = {"gcc": ([CC], [])}
    if shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"):
        compilers["aarch64"] = (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"])
    for name, (compiler, runner) in compilers.items():
        subprocess.run([*compiler, "-std=c11", "-O2", "-Wall", "-Werror", "digits.c", "main.c", "-o", name, "-lm"], cwd=tmp_path, check=True)
        answer = subprocess.run([*runner, f"./{name}", "images.bin"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        got = np.array([line.split() for line in answer.splitlines()], dtype=np.float64)
        np.testing.assert_array_equal(got[:, 0].astype(np.int32), labels)
        np.testing.assert_allclose(got[:, 1], probabilities[np.arange(len(labels)), labels], rtol=1e-4)
    assert np.mean(labels == np.load(digits / "labels.npy")) > 0.5


def test_what_cannot_be_written(build, tmp_path):
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @my_handler(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}"""
    (tmp_path / "call.mlir").write_text(text)
    result = subprocess.run([build / "pjrt-aot", "--out", tmp_path, tmp_path / "call.mlir"], capture_output=True, text=True)
    assert result.returncode == 1
    assert "stablehlo.custom_call" in result.stderr and "not available as C" in result.stderr
    result = subprocess.run([build / "pjrt-aot", "--name", "a-b", "--out", tmp_path, tmp_path / "call.mlir"], capture_output=True, text=True)
    assert result.returncode == 1 and "no name of a C function" in result.stderr
