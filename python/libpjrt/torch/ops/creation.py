"""Arrays from nothing, and random numbers."""

import math

from libpjrt.torch.common import LoweringError, Value, cast, is_float, is_integer, opmath, value_of, zeros
from libpjrt.torch.table import aten, lowers, overloads


@lowers(aten.full.default, aten.full_like.default, *overloads(aten.new_full, "default"))
def full(b, size, fill_value, last=None, **kwargs):
    value = last if last is not None else fill_value  # new_full(self, size, value)
    return b.constant(value, b.result.dtype, b.result.shape)


@lowers(aten.scalar_tensor.default)
def scalar_tensor(b, s, **kwargs):
    return b.constant(s, b.result.dtype)


@lowers(aten.fill.Scalar, aten.fill.Tensor)
def fill(b, x, value):
    return b.broadcast_to(value_of(b, value, b.result.dtype), b.result.shape)


@lowers(aten.empty.memory_format, aten.empty_permuted.default, aten.empty_strided.default, aten.new_empty.default,
        aten.new_empty_strided.default, aten.empty_like.default, aten.zeros.default, aten.zeros_like.default, aten.new_zeros.default)
def empty(b, *args, **kwargs):
    """What PyTorch leaves undefined is zero here, so that a program gives the same bits each time."""
    return zeros(b)


@lowers(aten.ones.default, aten.ones_like.default, aten.new_ones.default)
def ones(b, *args, **kwargs):
    return b.constant(1, b.result.dtype, b.result.shape)


@lowers(aten.arange.default, aten.arange.start, aten.arange.start_step)
def arange(b, *bounds, **kwargs):
    start, step = (0, 1) if len(bounds) == 1 else (bounds[0], bounds[2] if len(bounds) > 2 else 1)
    step = kwargs.get("step", step)
    dtype, shape = b.result.dtype, b.result.shape
    if not shape[0]:
        return zeros(b)
    if is_integer(dtype):
        start, step = int(start), int(step)  # as ATen's kernel takes them; how many there are was counted in floats
        place = b.iota(shape, 0, dtype)
        place = b.multiply(place, step) if step != 1 else place
        return b.add(place, start) if start else place
    place = b.add(b.multiply(b.convert(b.iota(shape, 0, "i64"), "f64"), step), start)
    return cast(b, place, dtype)


def _places(b, row, col, inside):
    """Rows and columns of the places of a matrix that are `inside`, in order, known in advance."""
    places = [(i, j) for i in range(row) for j in range(col) if inside(j - i)]
    return b.constant_list([i for i, _ in places] + [j for _, j in places], b.result.dtype, b.result.shape)


@lowers(aten.tril_indices.default)
def tril_indices(b, row, col, offset=0, **kwargs):
    return _places(b, row, col, lambda distance: distance <= offset)


@lowers(aten.triu_indices.default)
def triu_indices(b, row, col, offset=0, **kwargs):
    return _places(b, row, col, lambda distance: distance >= offset)


@lowers(aten.eye.default, aten.eye.m)
def eye(b, *sizes, **kwargs):
    shape = b.result.shape
    return b.convert(b.compare(b.iota(shape, 0, "i64"), b.iota(shape, 1, "i64"), "EQ"), b.result.dtype)


# --- Random numbers ----------------------------------------------------------------------------------------------------
# Streams are not PyTorch's: what is promised is the distribution, and that torch.manual_seed repeats it.


def _no_generator(generator):
    if generator is not None:
        raise LoweringError("random numbers of a generator of their own")


def uniform01(b, shape, dtype):
    """Numbers in [0, 1), of a float type."""
    return b.random_uniform(shape, dtype)


@lowers(aten.rand.default, aten.rand_like.default)
def rand(b, *args, generator=None, **kwargs):
    _no_generator(generator)
    return uniform01(b, b.result.shape, b.result.dtype)


@lowers(aten.randn.default, aten.randn_like.default)
def randn(b, *args, generator=None, **kwargs):
    _no_generator(generator)
    return _normal(b, b.result.shape, b.result.dtype)


def _normal(b, shape, dtype):
    if dtype.startswith("complex"):
        part = dtype[8:-1]
        half = [b.multiply(b.random_normal(shape, part), math.sqrt(0.5)) for _ in range(2)]
        return b.complex(*half)
    return b.random_normal(shape, dtype)


@lowers(aten.uniform.default)
def uniform(b, x, low=0.0, high=1.0, *, generator=None):
    _no_generator(generator)
    dtype = b.result.dtype
    computed = opmath(dtype)
    return cast(b, b.add(b.multiply(uniform01(b, x.shape, computed), high - low), low), dtype)


@lowers(*overloads(aten.normal_functional, "default"))
def normal_functional(b, x, mean=0.0, std=1.0, *, generator=None):
    _no_generator(generator)
    return b.add(b.multiply(_normal(b, x.shape, x.dtype), std), mean)


@lowers(aten.normal.float_float, aten.normal.Tensor_float, aten.normal.float_Tensor, aten.normal.Tensor_Tensor)
def normal(b, mean, std=1.0, size=None, *, generator=None, **kwargs):
    _no_generator(generator)
    dtype = b.result.dtype
    return b.add(b.multiply(_normal(b, b.result.shape, dtype), cast(b, std, dtype)), cast(b, mean, dtype))


def _integers(b, low, high):
    """Integers in [low, high), of the result's type: 64 bits less the bias of a remainder, which no test can see."""
    dtype, shape = b.result.dtype, b.result.shape
    bits = b.random_bits(shape, "ui64")
    place = b.remainder(bits, max(high - low, 1))
    return cast(b, b.add(b.convert(place, "i64"), low), dtype)


@lowers(aten.randint.default)
def randint(b, high, size, *, generator=None, **kwargs):
    _no_generator(generator)
    return _integers(b, 0, high)


@lowers(aten.randint.low)
def randint_low(b, low, high, size, *, generator=None, **kwargs):
    _no_generator(generator)
    return _integers(b, low, high)


@lowers(aten.randint_like.default)
def randint_like(b, x, high, **kwargs):
    return _integers(b, 0, high)


@lowers(aten.randint_like.low_dtype)
def randint_like_low(b, x, low, high, **kwargs):
    return _integers(b, low, high)


@lowers(aten.randperm.default)
def randperm(b, n, *, generator=None, **kwargs):
    """The numbers below n in the order of 64 random bits each."""
    _no_generator(generator)
    if n == 0:
        return zeros(b)
    keys = b.random_bits((n,), "ui64")
    return b.sort([keys, b.iota((n,), 0, b.result.dtype)], 0, lambda b, x, y, i, j: b.compare(x, y, "LT"))[1]


@lowers(aten.bernoulli.p, aten.bernoulli.default)
def bernoulli(b, x, p=None, *, generator=None):
    """One with a probability: p, or what x says."""
    _no_generator(generator)
    probability = x if p is None else p
    computed = opmath(probability.dtype) if isinstance(probability, Value) else "f32"
    hit = b.compare(uniform01(b, x.shape, computed), cast(b, probability, computed), "LT")
    return b.convert(hit, b.result.dtype)


@lowers(aten.bernoulli.Tensor)
def bernoulli_tensor(b, x, p, *, generator=None):
    _no_generator(generator)
    computed = opmath(p.dtype)
    return b.convert(b.compare(uniform01(b, x.shape, computed), cast(b, p, computed), "LT"), b.result.dtype)


@lowers(aten.native_dropout.default)
def native_dropout(b, x, p, train):
    if train is False:
        return [x, b.constant(True, "i1", x.shape)]
    if p == 1:
        return [b.full_like(x, 0), b.constant(False, "i1", x.shape)]
    kept = b.compare(uniform01(b, x.shape, "f32"), p, "GE")
    wide = cast(b, x, opmath(x.dtype))
    return [cast(b, b.select(kept, b.multiply(wide, 1.0 / (1.0 - p)), b.full_like(wide, 0)), x.dtype), kept]


def _open_uniform(b, shape, dtype):
    """Numbers in (0, 1): half a step more than uniform01."""
    half = 2.0 ** -(54 if dtype == "f64" else 25)
    return b.add(uniform01(b, shape, dtype), half)


@lowers(aten.exponential.default)
def exponential(b, x, lambd=1.0, *, generator=None):
    _no_generator(generator)
    u = _open_uniform(b, x.shape, opmath(x.dtype))
    return cast(b, b.divide(b.log(u), -lambd), x.dtype)


@lowers(aten.cauchy.default)
def cauchy(b, x, median=0.0, sigma=1.0, *, generator=None):
    _no_generator(generator)
    u = _open_uniform(b, x.shape, opmath(x.dtype))
    return cast(b, b.add(b.multiply(b.tan(b.multiply(b.subtract(u, 0.5), math.pi)), sigma), median), x.dtype)


@lowers(aten.log_normal.default)
def log_normal(b, x, mean=1.0, std=2.0, *, generator=None):
    _no_generator(generator)
    dtype = opmath(x.dtype)
    return cast(b, b.exponential(b.add(b.multiply(b.random_normal(x.shape, dtype), std), mean)), x.dtype)


@lowers(aten.geometric.default)
def geometric(b, x, p, *, generator=None):
    _no_generator(generator)
    dtype = opmath(x.dtype) if is_float(x.dtype) else "f32"
    u = _open_uniform(b, x.shape, dtype)
    return cast(b, b.ceil(b.divide(b.log(u), math.log1p(-p))), x.dtype)
