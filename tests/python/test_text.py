"""Text that pj-print writes is read by jaxlib's MLIR to the same program as its input: compared as portable artifacts.

Inputs are programs that JAX lowers here, and a sample of $STABLEHLO_SUITE/testdata (or ../shared/suites/stablehlo beside the project).
"""

import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRINT = pathlib.Path(os.environ.get("PJRT_BUILD", ROOT / "build")) / "pj-print"
SUITE = pathlib.Path(os.environ.get("STABLEHLO_SUITE", ROOT.parent / "shared/suites/stablehlo"))

jax = pytest.importorskip("jax")
if not PRINT.exists():
    pytest.skip(f"{PRINT} is not built", allow_module_level=True)

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from jax._src.interpreters import mlir as jax_mlir  # noqa: E402
from jaxlib.mlir import ir  # noqa: E402
from jaxlib.mlir.dialects import stablehlo  # noqa: E402

PROGRAMS = {
    "elementwise": (lambda x: jnp.tanh(x) * jnp.where(x > 0, x, 2) + np.array([np.nan, -np.inf, -0.0, 1e-40]), np.ones((3, 4))),
    "dot": (lambda x: jnp.einsum("bij,bjk->bik", x, x, precision="highest"), np.ones((2, 3, 3), np.float32)),
    "conv": (lambda x: lax.conv(x, np.ones((4, 3, 3, 3), np.float32), (2, 1), "SAME"), np.ones((1, 3, 8, 8), np.float32)),
    "loop": (lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x), np.ones((4, 5), np.float32)),
    "cond": (lambda x: lax.switch(x.astype(int)[0], [jnp.sin, jnp.cos, lambda y: y * 2], x), np.ones(3, np.float32)),
    "sort": (lambda x: (jnp.sort(x), jnp.argsort(x), lax.cummax(x)), np.arange(6.0)),
    "gather": (lambda x: x.at[np.array([0, 2])].add(x[np.array([1, 1])]), np.ones((4, 5), np.float32)),
    "window": (jax.grad(lambda x: lax.reduce_window(x, -np.inf, lax.max, (2, 2), (2, 2), "VALID").sum()), np.ones((4, 4), np.float32)),
    "fft": (jnp.fft.rfft, np.ones(8, np.float32)),
    "random": (lambda k: jax.random.uniform(k, (3,)), np.zeros(2, np.uint32)),
    "narrow": (lambda x: (x.astype(jnp.int4), x.astype(jnp.float8_e4m3fn), x.astype(jnp.bfloat16) + np.arange(200).astype(jnp.bfloat16)), np.ones(200, np.float32)),
    "batched": (jax.vmap(lambda x: jnp.dot(x, x)), np.ones((4, 3), np.float32)),
}


def printed(path, *flags):
    result = subprocess.run([str(PRINT), *flags, str(path)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout[:400]
    return result.stdout


def artifact(text):
    # Locations do not count, so the text goes through a context that has read and printed it without them.
    with jax_mlir.make_ir_context():
        module = ir.Module.parse(text)
        return stablehlo.serialize_portable_artifact_str(str(module), "1.17.0")


@pytest.mark.parametrize("flags", [[], ["-g"], ["-l"]], ids=["pretty", "generic", "locations"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_jax_program(tmp_path, name, flags):
    function, argument = PROGRAMS[name]
    text = jax.jit(function).lower(argument).as_text(debug_info=True)
    path = tmp_path / "program.mlir"
    path.write_text(text)
    assert artifact(printed(path, *flags)) == artifact(text)


@pytest.mark.parametrize("path", sorted(SUITE.glob("testdata/*.mlir"))[::40], ids=lambda path: path.stem[:60])
def test_suite_program(path):
    text = path.read_text()
    if "chlo." in text or "_0_" in path.stem:
        pytest.skip("artifacts hold no chlo; MLIR tells an empty constant with a value from one without")
    assert artifact(printed(path)) == artifact(text)
