"""jax.numpy on the plugin against NumPy: one table of functions, run eagerly and under jit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

RNG = np.random.default_rng(0)


def floats(*shape, dtype=np.float32, low=-3, high=3):
    return RNG.uniform(low, high, shape).astype(dtype)


def ints(*shape, dtype=np.int32, low=-50, high=50):
    return RNG.integers(low, high, shape).astype(dtype)


A, B = floats(5, 7), floats(5, 7)
P = floats(5, 7, low=0.1)  # positive
U = floats(5, 7, low=-0.95, high=0.95)
I, J = ints(5, 7), ints(5, 7, low=1)
M, N = floats(6, 8), floats(8, 5)
C = (floats(4, 6) + 1j * floats(4, 6)).astype(np.complex64)
S = floats(6, 6) + 6 * np.eye(6, dtype=np.float32)  # well-conditioned
SPD = (S @ S.T).astype(np.float32)
V = floats(64)
L = ints(300_007, low=-1_000_000, high=1_000_000)

# name: (function of a module called np, arguments); the module is jax.numpy for us and numpy for the truth
SAME = {
    **{f: (lambda np, x, f=f: getattr(np, f)(x), A) for f in
       "abs ceil cos cosh exp expm1 floor negative sign sin sinh square tan tanh rint trunc isnan signbit exp2 "
       "sum prod max min mean std var argmax argmin ravel cumsum sinc cbrt".split()},
    **{f: (lambda np, x, f=f: getattr(np, f)(x), P) for f in "log log1p log2 log10 sqrt reciprocal arccosh".split()
       if f != "arccosh"},
    **{f: (lambda np, x, f=f: getattr(np, f)(x), U) for f in "arcsin arccos arctan arctanh arcsinh".split()},
    **{f"{f}_2": (lambda np, x, y, f=f: getattr(np, f)(x, y), A, B) for f in
       "add subtract multiply divide maximum minimum arctan2 hypot copysign greater less_equal equal logaddexp fmod".split()},
    **{f"{f}_int": (lambda np, x, y, f=f: getattr(np, f)(x, y), I, J) for f in
       "add multiply floor_divide remainder bitwise_and bitwise_or bitwise_xor maximum".split()},
    "arccosh": (lambda np, x: np.arccosh(1 + x), P),
    "power": (lambda np, x, y: np.power(x, y), P, B),
    "shift": (lambda np, x, y: np.left_shift(x, y % 8) + np.right_shift(x, y % 8), I, J),
    "invert": (lambda np, x: np.invert(x), I),
    "mean_axis": (lambda np, x: x.mean(axis=0), A),
    **{f"{f}_long": (lambda np, x, f=f: getattr(np, f)(x), L) for f in "sum max argmin mean".split()},
    **{f"{f}_long_rows": (lambda np, x, f=f: getattr(np, f)(x, axis=1), L[:300_000].reshape(6, 50_000)) for f in "sum min argmax".split()},
    **{f"{f}_tall_{n}": (lambda np, x, f=f: getattr(np, f)(x, axis=0), L[:n * (300_000 // n)].reshape(-1, n))
       for n in (16, 24, 32, 64, 128) for f in "sum max argmax".split()},
    **{f"flip_{axis}_{n}": (lambda np, x, axis=axis: np.flip(x, axis) - 1, L[:33 * n * 3].reshape(33, n, 3)) for axis in (0, 1, 2) for n in (50, 64)},
    **{f"flip_last_{n}": (lambda np, x: np.flip(x, -1)[:, 3:], L[:33 * n].reshape(33, n)) for n in (48, 64, 67, 200)},
    **{f"transpose_{dtype}": (lambda np, x: x.transpose(0, 2, 1), L[:2 * 150 * 301].reshape(2, 150, 301).astype(dtype))
       for dtype in ("int8", "int16", "int32", "float32")},
    "all_any": (lambda np, x: np.stack([(x > 0).all(axis=1), (x > 0).any(axis=1)]), A),
    "cumprod_axis": (lambda np, x: np.cumprod(x, axis=1), A),
    "matmul": (lambda np, x, y: x @ y, M, N),
    "matmul_batched": (lambda np, x, y: np.matmul(x, y), floats(3, 4, 5), floats(3, 5, 2)),
    "einsum": (lambda np, x, y: np.einsum("bik,bkj->bij", x, y), floats(3, 4, 5), floats(3, 5, 2)),
    "tensordot": (lambda np, x, y: np.tensordot(x, y, axes=([1, 0], [0, 2])), floats(3, 4), floats(4, 2, 3)),
    "complex_mul": (lambda np, x: x * np.conj(x) + np.exp(x) + np.abs(x), C),
    "complex_matmul": (lambda np, x: x @ x.T, C),
    "sort": (lambda np, x: np.sort(x, axis=0), A),
    "argsort": (lambda np, x: np.argsort(x, axis=1), A),
    "median": (lambda np, x: np.median(x, axis=1), A),
    "quantile": (lambda np, x: np.quantile(x, 0.3, axis=1), A),
    "transpose": (lambda np, x: x.transpose(2, 0, 1), floats(2, 3, 4)),
    "reshape_flip": (lambda np, x: np.flip(x.reshape(7, 5), axis=1), A),
    "roll": (lambda np, x: np.roll(x, 3, axis=1), A),
    "concatenate": (lambda np, x, y: np.concatenate([x, y], axis=1), A, B),
    "stack": (lambda np, x, y: np.stack([x, y], axis=2), A, B),
    "pad": (lambda np, x: np.pad(x, ((1, 2), (0, 3)), constant_values=4), A),
    "tile_repeat": (lambda np, x: np.repeat(np.tile(x, (2, 1)), 2, axis=1), A),
    "where": (lambda np, x, y: np.where(x > y, x, y * 2), A, B),
    "clip": (lambda np, x: np.clip(x, -1, 1), A),
    "take": (lambda np, x: np.take(x, np.array([4, 0, 2]), axis=0), A),
    "index": (lambda np, x: x[1:4, ::-2], A),
    "fancy_index": (lambda np, x: x[np.array([0, 3, 3]), np.array([6, 1, 2])], A),
    "take_along_axis": (lambda np, x: np.take_along_axis(x, np.argsort(-x, axis=1), axis=1), A),
    "searchsorted": (lambda np, x, y: np.searchsorted(np.sort(x.ravel()), y.ravel()), A, B),
    "bincount": (lambda np, x: np.bincount(x.ravel(), minlength=100, **({} if np.__name__ == "numpy" else {"length": 100})),
                 ints(40, low=0)),
    "triu_trace": (lambda np, x: np.triu(x).sum() + np.trace(x), S),
    "outer_kron": (lambda np, x: np.kron(np.outer(x[:3], x[3:6]), np.eye(2)), V),
    "solve": (lambda np, a, b: np.linalg.solve(a, b), S, floats(6, 3)),
    "inv": (lambda np, a: np.linalg.inv(a), S),
    "det": (lambda np, a: np.linalg.det(a), S),
    "cholesky": (lambda np, a: np.linalg.cholesky(a), SPD),
    "eigvalsh": (lambda np, a: np.linalg.eigvalsh(a), SPD),
    "svdvals": (lambda np, a: np.linalg.svd(a, compute_uv=False), M),
    "qr": (lambda np, a: np.abs(np.linalg.qr(a)[1]), S),
    "norm": (lambda np, a: np.linalg.norm(a, axis=1), M),
    "fft": (lambda np, x: np.fft.fft(x), V),
    "ifft": (lambda np, x: np.fft.ifft(x, axis=0), C),
    "rfft_irfft": (lambda np, x: np.fft.irfft(np.abs(np.fft.rfft(x))), V),
    "fft2_odd": (lambda np, x: np.fft.fft2(x), A),
    "rfft_few_odd": (lambda np, x: np.fft.rfft(x), floats(2, 255)),
    "rfft2_few_odd": (lambda np, x: np.fft.rfft2(x), floats(3, 1, 197)),
    "irfft_few_odd": (lambda np, x: np.fft.irfft(x[:3] + 1j * x[1:], n=257), floats(4, 129)),
    "irfft2_few_odd": (lambda np, x: np.fft.irfft2(x[:3] + 1j * x[1:], s=(3, 257)), floats(4, 129)),
    "convolve": (lambda np, x: np.convolve(x, x[:5], mode="same"), V),
    "interp": (lambda np, x: np.interp(x, np.arange(-3.0, 4.0), np.arange(-3.0, 4.0) ** 2), V),
    "polyval": (lambda np, x: np.polyval(np.array([1.0, -2.0, 3.0]), x), V),
    "empty": (lambda np, x: x[:0].sum(axis=0) + x[:, :0].sum(), A),
    "scalar": (lambda np, x: x * 2 + 1, np.float32(3)),
}


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("name", sorted(SAME))
def test_like_numpy(name, mode):
    function, *arguments = SAME[name]
    expected = np.asarray(function(np, *arguments))
    ours = (lambda *xs: function(jnp, *xs))
    result = np.asarray((jax.jit(ours) if mode == "jit" else ours)(*map(jnp.asarray, arguments)))
    assert result.shape == expected.shape
    if expected.dtype.kind in "fc":
        scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
        np.testing.assert_allclose(result, expected, rtol=3e-5, atol=3e-6 * scale)
    else:
        np.testing.assert_array_equal(result, expected)


INTEGERS = [np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32]


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda t: t.__name__)
def test_integer_arithmetic_wraps(dtype):
    info = np.iinfo(dtype)
    x = np.array([info.min, info.max, 0, 1, 7], dtype)
    y = np.array([info.max, info.max, 3, info.max, 2], dtype)
    with np.errstate(all="ignore"):
        for function in (np.add, np.subtract, np.multiply, np.bitwise_xor, np.minimum):
            np.testing.assert_array_equal(np.asarray(getattr(jnp, function.__name__)(x, y)), function(x, y))


@pytest.mark.parametrize("divisor", [1, 2, 8, 64, 6, -4])
@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda t: t.__name__)
def test_division_rounds_down(dtype, divisor):
    if divisor < 0 and np.iinfo(dtype).min == 0:
        return
    info = np.iinfo(dtype)
    near = np.clip(np.arange(-70, 70), info.min, info.max)
    x = np.concatenate([near, info.min + np.arange(70), info.max - np.arange(70)]).astype(dtype)
    y = dtype(divisor)
    quotient, rest, even = jax.jit(lambda x: (x // y, x % y, x % y == 0))(x)
    np.testing.assert_array_equal(np.asarray(quotient), x // y)
    np.testing.assert_array_equal(np.asarray(rest), x % y)
    np.testing.assert_array_equal(np.asarray(even), x % y == 0)


def test_special_values():
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 2e-38, 3e37], np.float32)
    with np.errstate(all="ignore"):
        for name in ("exp", "log", "sqrt", "tanh", "floor", "sin", "reciprocal", "sign", "isfinite", "square"):
            np.testing.assert_allclose(np.asarray(getattr(jnp, name)(x)), getattr(np, name)(x), rtol=1e-6, err_msg=name)
    np.testing.assert_array_equal(np.signbit(np.asarray(jnp.asarray(x))), np.signbit(x))
    assert np.isnan(float(jnp.max(x)))


@pytest.mark.parametrize("strides,dilation,padding,groups", [
    ((1, 1), (1, 1), "SAME", 1), ((2, 1), (1, 1), "VALID", 1), ((1, 1), (2, 2), ((1, 0), (2, 3)), 1),
    ((1, 1), (1, 1), "SAME", 4), ((2, 2), (1, 2), "SAME", 2)])
def test_convolution(strides, dilation, padding, groups):
    x, w = floats(2, 4, 9, 8), floats(8, 4 // groups, 3, 3)
    y = lax.conv_general_dilated(x, w, strides, padding, rhs_dilation=dilation, feature_group_count=groups)
    reach = [(k - 1) * d + 1 for k, d in zip((3, 3), dilation)]
    pads = lax.padtype_to_pads((9, 8), reach, strides, padding) if isinstance(padding, str) else padding
    xp = np.pad(x, ((0, 0), (0, 0), *pads))
    expected = np.zeros(y.shape)
    for o in range(8):
        group = o // (8 // groups)
        for r in range(y.shape[2]):
            for c in range(y.shape[3]):
                i, j = r * strides[0], c * strides[1]
                window = xp[:, group * (4 // groups):(group + 1) * (4 // groups),
                            i:i + reach[0]:dilation[0], j:j + reach[1]:dilation[1]]
                expected[:, o, r, c] = np.einsum("bcij,cij->b", window.astype(float), w[o].astype(float))
    np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-4, atol=1e-4)


def test_pooling_and_its_gradient():
    x = floats(1, 4, 6, 2)
    pool = lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    blocks = x.reshape(1, 2, 2, 3, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 2, 3, 2, 4)
    np.testing.assert_array_equal(np.asarray(pool(x)), blocks.max(-1))
    gradient = np.asarray(jax.grad(lambda x: pool(x).sum())(x))
    assert gradient.sum() == 12 and set(np.unique(gradient)) == {0, 1}
    np.testing.assert_array_equal(np.sort(x[gradient == 1]), np.sort(blocks.max(-1).ravel()))


def test_control_flow():
    assert int(lax.fori_loop(0, 100, lambda i, s: s + i, 0)) == 4950
    assert int(lax.while_loop(lambda s: s < 1000, lambda s: s * 3, 1)) == 2187
    assert [int(lax.switch(i, [lambda x: x + 1, lambda x: x * 10, lambda x: -x], 7)) for i in (0, 1, 2, 9)] == [8, 70, -7, -7]
    carry, rows = lax.scan(lambda c, x: (c + x, c * x), jnp.float32(0), jnp.arange(5.0))
    assert float(carry) == 10 and np.asarray(rows).tolist() == [0, 0, 2, 9, 24]


def test_scatter():
    x = jnp.zeros((4, 3))
    index = np.array([1, 3, 1])
    update = np.arange(9.0, dtype=np.float32).reshape(3, 3)
    expected = np.zeros((4, 3), np.float32)
    np.add.at(expected, index, update)
    np.testing.assert_array_equal(np.asarray(x.at[index].add(update)), expected)
    assert np.asarray(x.at[7].set(1)).sum() == 0  # out of bounds: dropped
    assert np.asarray(jnp.ones(4).at[jnp.array([0, 0, 2])].multiply(3)).tolist() == [9, 1, 3, 1]


def test_gradients_match_differences():
    def f(x):
        return jnp.sum(jnp.tanh(x @ x.T) * jnp.exp(-x[:, :1] ** 2)) + jnp.linalg.norm(x)

    x = floats(4, 4)
    gradient = np.asarray(jax.jit(jax.grad(f))(x))
    direction = floats(4, 4)
    step = 1e-3
    slope = (float(f(x + step * direction)) - float(f(x - step * direction))) / (2 * step)
    np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-2)


def test_random_bits_are_those_of_threefry():
    # The generator is defined to the bit; these words are those of every platform.
    key = jax.random.key(0)
    assert jax.random.bits(key, (4,), "uint32").tolist() == [4070199207, 4202968722, 1427181096, 2012915765]
    uniform = np.asarray(jax.random.uniform(key, (20000,)))
    assert 0 <= uniform.min() and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.01
    normal = np.asarray(jax.random.normal(key, (20000,)))
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.02


def test_vmap_and_custom_functions():
    x = floats(3, 8)
    np.testing.assert_allclose(np.asarray(jax.vmap(jax.nn.softmax)(x)).sum(1), 1, rtol=1e-6)
    top, index = lax.top_k(x, 3)
    np.testing.assert_array_equal(np.asarray(top), -np.sort(-x, axis=1)[:, :3])
    np.testing.assert_array_equal(np.take_along_axis(x, np.asarray(index), 1), np.asarray(top))
    np.testing.assert_allclose(np.asarray(jax.scipy.special.erf(np.float32([0, 0.5, -2]))), [0, 0.5204999, -0.9953223], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(lax.lgamma(np.float32([0.5, 4, 10.5]))), [0.5723649, 1.7917595, 13.940625], rtol=1e-5)
