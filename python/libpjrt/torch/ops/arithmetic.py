"""Sums, products, quotients, powers: the operations where ATen's type promotion and its division modes matter."""

import math

from libpjrt.torch.common import NARROW, LoweringError, cast, in_opmath, is_complex, is_float, is_number, opmath, value_of
from libpjrt.torch.ops.pointwise import truncated
from libpjrt.torch.table import aten, lowers


def _scaled(b, y, alpha):
    if alpha == 1:
        return y
    if y.dtype == "i1":
        return y if alpha else b.full_like(y, False)
    return b.multiply(y, alpha)


def _operands(b, x, y, dtype):
    """Two operands of a product or quotient that gives `dtype`, and in which type to compute. A number, or a
    0-dimensional array of a wider type, next to an array of 16-bit floats is not rounded to those first: ATen's kernels take
    it in opmath."""
    def counts_as_number(v):
        return is_number(v) or (not v.shape and v.dtype != dtype)
    if dtype not in NARROW or not (counts_as_number(x) or counts_as_number(y)):
        return value_of(b, x, dtype), value_of(b, y, dtype)
    return tuple(value_of(b, v if counts_as_number(v) else cast(b, v, dtype), "f32") for v in (x, y))


@lowers(aten.add.Tensor, aten.add.Scalar)
def add(b, x, y, alpha=1):
    dtype = b.result.dtype
    if dtype == "i1":
        return b.or_(value_of(b, x, dtype), _scaled(b, value_of(b, y, dtype), alpha))
    if alpha == 1:
        return b.add(value_of(b, x, dtype), value_of(b, y, dtype))
    computed = opmath(dtype)
    return cast(b, b.add(value_of(b, x, computed), _scaled(b, value_of(b, y, computed), alpha)), dtype)


@lowers(aten.sub.Tensor, aten.sub.Scalar)
def sub(b, x, y, alpha=1):
    dtype = b.result.dtype
    if alpha == 1:
        return b.subtract(value_of(b, x, dtype), value_of(b, y, dtype))
    computed = opmath(dtype)
    return cast(b, b.subtract(value_of(b, x, computed), _scaled(b, value_of(b, y, computed), alpha)), dtype)


@lowers(aten.rsub.Tensor, aten.rsub.Scalar)
def rsub(b, x, y, alpha=1):
    dtype = b.result.dtype
    return b.subtract(value_of(b, y, dtype), _scaled(b, value_of(b, x, dtype), alpha))


@lowers(aten.mul.Tensor, aten.mul.Scalar)
def mul(b, x, y):
    dtype = b.result.dtype
    x, y = _operands(b, x, y, dtype)
    return b.and_(x, y) if dtype == "i1" else cast(b, b.multiply(x, y), dtype)


@lowers(aten.div.Tensor, aten.div.Scalar)
def div(b, x, y):
    dtype = b.result.dtype
    return cast(b, b.divide(*_operands(b, x, y, dtype)), dtype)


@lowers(aten.div.Tensor_mode, aten.div.Scalar_mode)
def div_mode(b, x, y, *, rounding_mode=None):
    if rounding_mode is None:
        return div(b, x, y)
    if rounding_mode == "floor":
        return floor_divide(b, x, y)
    dtype = b.result.dtype
    if not is_float(dtype):
        return b.divide(value_of(b, x, dtype), value_of(b, y, dtype))
    x, y = value_of(b, x, opmath(dtype)), value_of(b, y, opmath(dtype))
    return cast(b, truncated(b, b.divide(x, y)), dtype)


@lowers(aten.floor_divide.default, aten.floor_divide.Scalar)
def floor_divide(b, x, y):
    """The quotient rounded down. Of floats as Python has it: from the remainder, so that it agrees with it, where the
    quotient itself may have been rounded up to a whole number; a division by zero is infinite, or NaN."""
    dtype = b.result.dtype
    computed = opmath(dtype)
    x, y = b.together(value_of(b, x, computed), value_of(b, y, computed))
    if not is_float(dtype):
        quotient = b.divide(x, y)
        if dtype.startswith("ui"):
            return quotient
        inexact = b.compare(b.multiply(quotient, y), x, "NE")
        opposite = b.compare(b.xor(x, y), 0, "LT")
        return b.select(b.and_(inexact, opposite), b.subtract(quotient, 1), quotient)
    rest = b.remainder(x, y)
    quotient = b.divide(b.subtract(x, rest), y)
    below = b.and_(b.compare(rest, 0, "NE"), b.xor(b.compare(y, 0, "LT"), b.compare(rest, 0, "LT")))
    quotient = b.select(below, b.subtract(quotient, 1), quotient)
    floor = b.floor(quotient)
    floor = b.select(b.compare(b.subtract(quotient, floor), 0.5, "GT"), b.add(floor, 1), floor)
    plain = b.divide(x, y)
    size = b.constant(0, computed, plain.shape)
    zero = b.select(b.compare(plain, 0, "LT"), b.negate(size), size)
    floor = b.select(b.compare(quotient, 0, "EQ"), zero, floor)
    return cast(b, b.select(b.compare(y, 0, "EQ"), plain, floor), dtype)


@lowers(aten.remainder.Tensor, aten.remainder.Scalar, aten.remainder.Scalar_Tensor)
def remainder(b, x, y):
    """The remainder of the division that rounds down: it has the divisor's sign."""
    dtype = b.result.dtype
    computed = opmath(dtype)
    x, y = b.together(value_of(b, x, computed), value_of(b, y, computed))
    rest = b.remainder(x, y)
    if not dtype.startswith("ui"):
        other_sign = b.xor(b.compare(rest, 0, "LT"), b.compare(y, 0, "LT"))
        rest = b.select(b.and_(b.compare(rest, 0, "NE"), other_sign), b.add(rest, y), rest)
    return cast(b, rest, dtype)


@lowers(aten.fmod.Tensor, aten.fmod.Scalar)
def fmod(b, x, y):
    dtype = b.result.dtype
    return b.remainder(value_of(b, x, dtype), value_of(b, y, dtype))


def _power_of(b, x, exponent):
    """x to a small power known in advance, by products and roots as ATen's kernel has them; None for other powers."""
    if exponent == 0:
        return b.full_like(x, 1)
    if exponent == 1:
        return x
    if exponent == 2:
        return b.multiply(x, x)
    if exponent == 3:
        return b.multiply(b.multiply(x, x), x)
    if is_float(x.dtype):
        if exponent == 0.5:
            return b.sqrt(x)
        if exponent == -0.5:
            return b.rsqrt(x)
        if exponent == -1:
            return b.divide(1, x)
        if exponent == -2:
            return b.divide(1, b.multiply(x, x))
    return None


@lowers(aten.pow.Tensor_Scalar)
def pow_scalar(b, x, exponent):
    dtype = b.result.dtype
    computed = opmath(dtype)
    x = cast(b, x, computed)
    if dtype == "i1":
        raise LoweringError("a power of booleans")
    power = _power_of(b, x, exponent)
    return cast(b, b.power(x, exponent) if power is None else power, dtype)


@lowers(aten.pow.Tensor_Tensor, aten.pow.Scalar)
def pow_tensor(b, x, y):
    dtype = b.result.dtype
    if dtype == "i1":  # only 0 to the power of 1 is 0
        return b.or_(value_of(b, x, dtype), b.not_(value_of(b, y, dtype)))
    return b.power(value_of(b, x, dtype), value_of(b, y, dtype))


def _multiply_add(name, product):
    @lowers(getattr(aten, name).default)
    def multiply_add(b, x, y, z, *, value=1):
        dtype = b.result.dtype
        x, y, z = (cast(b, v, opmath(dtype)) for v in (x, y, z))
        if value != 1:
            y = b.multiply(y, value)
        return cast(b, b.add(x, getattr(b, product)(y, z)), dtype)
    multiply_add.__name__ = name


_multiply_add("addcmul", "multiply")
_multiply_add("addcdiv", "divide")


@lowers(aten.lerp.Tensor, aten.lerp.Scalar)
def lerp(b, start, end, weight):
    """From the nearer end, as ATen does: at weight 1 exactly `end`."""
    dtype = b.result.dtype
    computed = opmath(dtype)
    start, end = b.together(cast(b, start, computed), cast(b, end, computed))
    difference = b.subtract(end, start)
    if is_number(weight):
        near = abs(weight) < 0.5
        value = b.add(start, b.multiply(difference, weight)) if near else b.subtract(end, b.multiply(difference, 1 - weight))
        return cast(b, value, dtype)
    weight = cast(b, weight, computed)
    near = b.compare(b.abs(weight), 0.5, "LT")
    low = b.add(start, b.multiply(difference, weight))
    high = b.subtract(end, b.multiply(difference, b.subtract(1, weight)))
    return cast(b, b.select(near, low, high), dtype)


@lowers(aten.ldexp.Tensor)
@in_opmath
def ldexp(b, x, exponent):
    return b.multiply(x, b.power(2, exponent))


@lowers(aten.logaddexp.default)
@in_opmath
def logaddexp(b, x, y):
    x, y = b.together(x, y)
    if is_complex(x.dtype):
        raise LoweringError("logaddexp of complex numbers")
    large, small = b.maximum(x, y), b.minimum(x, y)
    total = b.add(large, b.log_plus_one(b.exponential(b.subtract(small, large))))
    return b.select(b.and_(b.is_infinite(x), b.compare(x, y, "EQ")), x, total)


@lowers(aten.logaddexp2.default)
@in_opmath
def logaddexp2(b, x, y):
    x, y = b.together(x, y)
    large, small = b.maximum(x, y), b.minimum(x, y)
    total = b.add(large, b.divide(b.log_plus_one(b.power(2, b.subtract(small, large))), math.log(2)))
    return b.select(b.and_(b.is_infinite(x), b.compare(x, y, "EQ")), x, total)


@lowers(aten.gcd.default)
def gcd(b, x, y):
    """Euclid's algorithm on all elements at once, until every remainder is zero."""
    dtype = b.result.dtype
    x, y = b.together(b.abs(cast(b, x, dtype)), b.abs(cast(b, y, dtype)))

    def unfinished(b, x, y):
        return b.reduce_or(b.compare(y, 0, "NE"), range(y.rank)) if y.rank else b.compare(y, 0, "NE")

    def step(b, x, y):
        done = b.compare(y, 0, "EQ")
        return [b.select(done, x, y), b.select(done, y, b.remainder(x, b.select(done, 1, y)))]
    return b.while_loop([x, y], unfinished, step)[0]


@lowers(aten.lcm.default)
def lcm(b, x, y):
    dtype = b.result.dtype
    divisor = gcd(b, x, y)
    x, y = b.together(cast(b, x, dtype), cast(b, y, dtype))
    none = b.compare(divisor, 0, "EQ")
    return b.select(none, 0, b.abs(b.multiply(b.divide(x, b.select(none, 1, divisor)), y)))
