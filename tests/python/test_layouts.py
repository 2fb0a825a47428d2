"""Where arrays lie: layouts that programs and arrays ask for, and views of the memory of others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.layout import Format, Layout
from jax.sharding import SingleDeviceSharding

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def in_layout(x, *major_to_minor):
    return jax.device_put(x, Format(Layout(major_to_minor), SingleDeviceSharding(jax.devices()[0])))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0)])
def test_arrays_in_a_layout(order):
    y = in_layout(X, *order)
    assert y.format.layout.major_to_minor == order
    np.testing.assert_array_equal(np.asarray(y), X)
    np.testing.assert_array_equal(np.asarray(y + 1), X + 1)
    exported = np.from_dlpack(jax.device_put(y, jax.devices("cpu")[0]))
    np.testing.assert_array_equal(exported, X)


def test_addresses_are_in_the_layout(run_python):
    # dlpack is for backends called cpu.
    run_python("""
import ctypes, jax, numpy as np
from jax.experimental.layout import Format, Layout
from jax.sharding import SingleDeviceSharding
x = np.arange(6, dtype=np.float32).reshape(2, 3)
y = jax.device_put(x, Format(Layout((1, 0)), SingleDeviceSharding(jax.devices()[0])))
assert "libpjrt" in jax.devices()[0].client.platform_version
out = np.from_dlpack(y)
np.testing.assert_array_equal(out, x)
assert out.strides == (4, 8)
raw = (ctypes.c_float * 6).from_address(y.unsafe_buffer_pointer())
assert list(raw) == [0, 3, 1, 4, 2, 5]
""", PJRT_REPLACE_CPU="1")


AUTO = Format(Layout.AUTO)


@pytest.mark.parametrize("f, order", [
    (lambda x: x.T, (2, 1, 0)),
    (lambda x: jnp.sin(x.transpose(1, 2, 0)).astype(jnp.float16), (2, 0, 1)),
    (lambda x: x.transpose(1, 2, 0).transpose(1, 2, 0), (1, 2, 0)),
    (lambda x: x + x, (0, 1, 2)),
    (lambda x: x.T + x.T, (0, 1, 2)),
])
def test_results_in_the_layout_that_moves_nothing(f, order):
    compiled = jax.jit(f, in_shardings=AUTO, out_shardings=AUTO).lower(jax.ShapeDtypeStruct(X.shape, X.dtype)).compile()
    assert compiled.input_formats[0][0].layout.major_to_minor == (0, 1, 2)
    assert compiled.output_formats.layout.major_to_minor == order
    np.testing.assert_allclose(np.asarray(compiled(X)), f(X), rtol=1e-3)


def test_results_follow_the_layout_of_a_parameter():
    y = in_layout(X, 2, 0, 1)
    compiled = jax.jit(lambda x: x.transpose(1, 0, 2), in_shardings=y.format, out_shardings=AUTO).lower(y).compile()
    assert compiled.output_formats.layout.major_to_minor == (2, 1, 0)
    np.testing.assert_array_equal(np.asarray(compiled(y)), X.transpose(1, 0, 2))


@pytest.mark.parametrize("codegen", ["own", "llvm"])
def test_views_at_any_element(run_python, codegen):
    """Arrays of others (dlpack) are read where they lie, also if only their elements are aligned; handlers of custom calls get copies."""
    run_python("""
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
room = np.zeros(1 << 16, np.uint8)
start = -room.ctypes.data % 64
rng = np.random.default_rng(0)
for dtype in (np.float32, np.float64, np.int8, np.int16, np.complex128):
    size = min(np.dtype(dtype).itemsize, 8)
    x = room[start + size:][:33 * 33 * np.dtype(dtype).itemsize].view(dtype).reshape(33, 33)
    x[...] = rng.integers(-9, 9, x.shape)
    y = jax.dlpack.from_dlpack(x)
    assert y.unsafe_buffer_pointer() == x.ctypes.data
    np.testing.assert_array_equal(np.asarray(y), x)
    np.testing.assert_array_equal(jax.jit(lambda y: y * 3 + y.T)(y), x * 3 + x.T)
    np.testing.assert_array_equal(jax.jit(lambda y: y.sum(0, dtype=y.dtype))(y), x.sum(0, dtype=dtype))
    np.testing.assert_array_equal(jax.jit(lambda y: y[::-1, 3:30])(y), x[::-1, 3:30])
    np.testing.assert_array_equal(jax.jit(lambda y: jnp.concatenate([y, y]))(y), np.concatenate([x, x]))
    if dtype != np.complex128:
        np.testing.assert_array_equal(jax.jit(lambda y: jnp.sort(y, axis=0))(y), np.sort(x, axis=0))
    if np.issubdtype(dtype, np.inexact):
        np.testing.assert_allclose(jax.jit(lambda y: y @ y)(y), x @ x, rtol=1e-5, atol=1e-5)
        q, r = jax.jit(jnp.linalg.qr)(y)
        np.testing.assert_allclose(q @ r, x, rtol=1e-4, atol=1e-4)
""", PJRT_REPLACE_CPU="1", PJRT_CODEGEN=codegen)
