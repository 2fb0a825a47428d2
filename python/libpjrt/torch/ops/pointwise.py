"""Elementwise operations of one operand, and those of several that are no arithmetic (arithmetic.py)."""

import math

from libpjrt.torch.common import cast, in_opmath, is_complex, is_float, is_integer, opmath, real_type, result_type, value_of
from libpjrt.torch.table import aten, lowers, overloads, prims

# Operations that are one of StableHLO's or CHLO's. The result's type is the operand's, or float where that is integer.
_UNARY = {
    "acos": "chlo.acos", "acosh": "chlo.acosh", "asin": "chlo.asin", "asinh": "chlo.asinh", "atan": "chlo.atan",
    "atanh": "chlo.atanh", "cos": "stablehlo.cosine", "cosh": "chlo.cosh", "digamma": "chlo.digamma", "erf": "chlo.erf",
    "erfc": "chlo.erfc", "erfinv": "chlo.erf_inv", "exp": "stablehlo.exponential", "expm1": "stablehlo.exponential_minus_one",
    "lgamma": "chlo.lgamma", "log": "stablehlo.log", "log1p": "stablehlo.log_plus_one", "rsqrt": "stablehlo.rsqrt",
    "sigmoid": "stablehlo.logistic", "sin": "stablehlo.sine", "sinh": "chlo.sinh", "sqrt": "stablehlo.sqrt", "tan": "stablehlo.tan",
    "tanh": "stablehlo.tanh", "special_i1e": "chlo.bessel_i1e",
}


def _lower_unary(name, op):
    @lowers(getattr(aten, name).default)
    def unary(b, x):
        return b.unary(op, cast(b, x, b.result.dtype))
    unary.__name__ = name


for _name, _op in _UNARY.items():
    _lower_unary(_name, _op)


def _lower_rounding(name, op):
    @lowers(getattr(aten, name).default)
    def rounding(b, x):
        return b.unary(op, x) if is_float(x.dtype) else x
    rounding.__name__ = name


for _name, _op in {"ceil": "stablehlo.ceil", "floor": "stablehlo.floor", "round": "stablehlo.round_nearest_even"}.items():
    _lower_rounding(_name, _op)


def truncated(b, x):
    """x without its fraction; the sign of zero stays."""
    if not is_float(x.dtype):
        return x
    sign = b.sign(x)
    return b.select(b.compare(sign, 0, "EQ"), x, b.multiply(sign, b.floor(b.abs(x))))


@lowers(aten.trunc.default)
def trunc(b, x):
    return truncated(b, x)


@lowers(aten.round.decimals)
@in_opmath
def round_decimals(b, x, *, decimals=0):
    if not is_float(x.dtype):
        return x
    scale = 10.0 ** abs(decimals)
    if decimals >= 0:
        return b.divide(b.round_nearest_even(b.multiply(x, scale)), scale)
    return b.multiply(b.round_nearest_even(b.divide(x, scale)), scale)


@lowers(aten.abs.default)
def abs_(b, x):
    return b.abs(x)


@lowers(aten.neg.default)
def neg(b, x):
    return b.negate(x)


@lowers(aten.sign.default)
def sign(b, x):
    if x.dtype == "i1":
        return x
    if x.dtype.startswith("ui"):
        return b.convert(b.compare(x, 0, "NE"), x.dtype)
    if is_float(x.dtype):  # ATen's sign of NaN is 0
        return b.subtract(b.convert(b.compare(x, 0, "GT"), x.dtype), b.convert(b.compare(x, 0, "LT"), x.dtype))
    return b.sign(x)


@lowers(aten.sgn.default)
def sgn(b, x):
    if not is_complex(x.dtype):
        return sign(b, x)
    size = b.abs(x)
    unit = b.divide(x, b.complex(size, b.full_like(size, 0)))
    return b.select(b.compare(size, 0, "EQ"), b.full_like(x, 0), unit)


@lowers(aten.reciprocal.default)
@in_opmath
def reciprocal(b, x):
    return b.divide(1, x)


@lowers(aten.exp2.default)
@in_opmath
def exp2(b, x):
    return b.power(2, x)


def _logarithm(name, base):
    @lowers(getattr(aten, name).default)
    @in_opmath
    def logarithm(b, x):
        return b.divide(b.log(x), math.log(base))
    logarithm.__name__ = name


_logarithm("log2", 2)
_logarithm("log10", 10)


def _zeta(b, x, q):
    """Hurwitz's zeta function with ATen's values at its edges: infinite at x = 1 and where q is 0, -1, -2 ...; NaN below 1."""
    x, q = b.together(x, q)
    pole = b.and_(b.compare(q, 0, "LE"), b.compare(q, b.floor(q), "EQ"))
    value = b.select(pole, math.inf, b.zeta(x, q))
    return b.select(b.compare(x, 1, "EQ"), math.inf, b.select(b.compare(x, 1, "LT"), math.nan, value))


@lowers(*overloads(aten.special_zeta, "default", "other_scalar", "self_scalar"), *overloads(prims.zeta, "default"))
@in_opmath
def zeta(b, x, q):
    return _zeta(b, x, q)


@lowers(aten.polygamma.default)
def polygamma(b, n, x):
    dtype = b.result.dtype
    x = cast(b, x, opmath(dtype))
    if n == 0:
        return cast(b, b.digamma(x), dtype)
    value = b.multiply(_zeta(b, b.full_like(x, n + 1), x), math.gamma(n + 1) * (1 if n % 2 else -1))
    return cast(b, value, dtype)


@lowers(aten.isnan.default)
def isnan(b, x):
    return b.is_nan(x) if is_float(x.dtype) or is_complex(x.dtype) else b.constant(False, "i1", x.shape)


@lowers(aten.isinf.default)
def isinf(b, x):
    if is_complex(x.dtype):
        return b.or_(b.is_infinite(b.real(x)), b.is_infinite(b.imag(x)))
    return b.is_infinite(x) if is_float(x.dtype) else b.constant(False, "i1", x.shape)


@lowers(aten.isposinf.default)
def isposinf(b, x):
    return b.compare(x, math.inf, "EQ") if is_float(x.dtype) else b.constant(False, "i1", x.shape)


@lowers(aten.isneginf.default)
def isneginf(b, x):
    return b.compare(x, -math.inf, "EQ") if is_float(x.dtype) else b.constant(False, "i1", x.shape)


def _bits(b, x):
    """The bits of a float as a signed integer."""
    return b.bitcast_convert(x, {"f64": "i64", "f32": "i32"}.get(x.dtype, "i16"))


@lowers(aten.signbit.default)
def signbit(b, x):
    if is_float(x.dtype):
        return b.compare(_bits(b, x), 0, "LT")
    return b.compare(x, 0, "LT") if is_integer(x.dtype) else b.constant(False, "i1", x.shape)


@lowers(aten.copysign.Tensor, aten.copysign.Scalar)
def copysign(b, x, y):
    dtype = b.result.dtype
    x, y = b.together(value_of(b, x, dtype), value_of(b, y, dtype))
    size = b.abs(x)
    return b.select(signbit(b, y), b.negate(size), size)


@lowers(aten.nextafter.default)
def nextafter(b, x, y):
    dtype = b.result.dtype
    return b.next_after(cast(b, x, dtype), cast(b, y, dtype))


@lowers(aten.hypot.default)
@in_opmath
def hypot(b, x, y):
    """The root of the sum of squares, scaled by the greater so that no square overflows."""
    x, y = b.together(b.abs(x), b.abs(y))
    large, small = b.maximum(x, y), b.minimum(x, y)
    ratio = b.divide(small, large)
    root = b.multiply(large, b.sqrt(b.add(b.multiply(ratio, ratio), 1)))
    root = b.select(b.compare(large, 0, "EQ"), large, root)
    infinite = b.or_(b.is_infinite(x), b.is_infinite(y))
    return b.select(infinite, math.inf, root)


@lowers(aten.atan2.default)
def atan2(b, y, x):
    dtype = b.result.dtype
    return b.atan2(cast(b, y, dtype), cast(b, x, dtype))


@lowers(aten.angle.default)
def angle(b, x):
    if is_complex(x.dtype):
        return b.atan2(b.imag(x), b.real(x))
    x = cast(b, x, b.result.dtype)
    return b.select(b.compare(x, 0, "LT"), math.pi, b.select(b.is_nan(x), x, 0))


# --- Comparison and logic ----------------------------------------------------------------------------------------------


def _comparison(name, direction):
    @lowers(getattr(aten, name).Tensor, getattr(aten, name).Scalar)
    def comparison(b, x, y):
        dtype = result_type(x, y)
        return b.compare(value_of(b, x, dtype), value_of(b, y, dtype), direction)
    comparison.__name__ = name


for _name, _direction in {"eq": "EQ", "ne": "NE", "lt": "LT", "le": "LE", "gt": "GT", "ge": "GE"}.items():
    _comparison(_name, _direction)


def truth(b, x):
    """x as i1: whether it is not zero."""
    return x if x.dtype == "i1" else b.compare(x, 0, "NE")


@lowers(aten.logical_not.default)
def logical_not(b, x):
    return b.not_(truth(b, x))


@lowers(aten.logical_and.default)
def logical_and(b, x, y):
    return b.and_(truth(b, x), truth(b, y))


@lowers(aten.logical_or.default)
def logical_or(b, x, y):
    return b.or_(truth(b, x), truth(b, y))


@lowers(aten.logical_xor.default)
def logical_xor(b, x, y):
    return b.xor(truth(b, x), truth(b, y))


@lowers(aten.bitwise_not.default)
def bitwise_not(b, x):
    return b.not_(x)


def _bitwise(name, op):
    packet = getattr(aten, "bitwise_" + name)

    @lowers(*overloads(packet, "Tensor", "Scalar", "Scalar_Tensor"))
    def bitwise(b, x, y):
        dtype = b.result.dtype
        return b.binary(op, value_of(b, x, dtype), value_of(b, y, dtype))
    bitwise.__name__ = "bitwise_" + name


for _name in ("and", "or", "xor"):
    _bitwise(_name, "stablehlo." + _name)


@lowers(aten.bitwise_left_shift.Tensor, aten.bitwise_left_shift.Tensor_Scalar, aten.bitwise_left_shift.Scalar_Tensor,
        aten.__lshift__.Tensor, aten.__lshift__.Scalar)
def left_shift(b, x, y):
    """Shifts by a negative number, or by more than there are bits, leave zero."""
    dtype = b.result.dtype
    x, y = value_of(b, x, dtype), value_of(b, y, dtype)
    if is_float(dtype):
        return b.multiply(x, b.power(2, y))
    return b.shift_left(x, _shift_count(b, y))


@lowers(aten.bitwise_right_shift.Tensor, aten.bitwise_right_shift.Tensor_Scalar, aten.bitwise_right_shift.Scalar_Tensor,
        aten.__rshift__.Tensor, aten.__rshift__.Scalar)
def right_shift(b, x, y):
    """Shifts by a negative number, or by more than there are bits, leave the sign."""
    dtype = b.result.dtype
    x, y = value_of(b, x, dtype), value_of(b, y, dtype)
    if is_float(dtype):
        return b.divide(x, b.power(2, y))
    if dtype.startswith("ui"):
        return b.shift_right_logical(x, _shift_count(b, y))
    return b.shift_right_arithmetic(x, _shift_count(b, y))


def _shift_count(b, y):
    """Negative counts as one that shifts everything out, which StableHLO's shifts define by the unsigned count."""
    bits = int(y.dtype.lstrip("ui"))
    return y if y.dtype.startswith("ui") else b.select(b.compare(y, 0, "LT"), bits, b.minimum(y, bits))


# --- Choice ------------------------------------------------------------------------------------------------------------


@lowers(aten.where.self)
def where(b, condition, x, y):
    dtype = b.result.dtype
    return b.select(truth(b, condition), value_of(b, x, dtype), value_of(b, y, dtype))


@lowers(aten.maximum.default)
def maximum(b, x, y):
    return b.maximum(cast(b, x, b.result.dtype), cast(b, y, b.result.dtype))


@lowers(aten.minimum.default)
def minimum(b, x, y):
    return b.minimum(cast(b, x, b.result.dtype), cast(b, y, b.result.dtype))


def _ignoring_nan(name, op):
    @lowers(getattr(aten, name).default)
    def fmax(b, x, y):
        dtype = b.result.dtype
        x, y = b.together(cast(b, x, dtype), cast(b, y, dtype))
        if not is_float(dtype):
            return b.binary(op, x, y)
        return b.select(b.is_nan(x), y, b.select(b.is_nan(y), x, b.binary(op, x, y)))
    fmax.__name__ = name


_ignoring_nan("fmax", "stablehlo.maximum")
_ignoring_nan("fmin", "stablehlo.minimum")


@lowers(aten.clamp.default, aten.clamp.Tensor)
def clamp(b, x, min=None, max=None):
    """The upper bound counts where the two cross; a NaN in a bound spreads."""
    dtype = b.result.dtype
    x = cast(b, x, dtype)
    if min is not None:
        x = b.maximum(x, value_of(b, min, dtype))
    if max is not None:
        x = b.minimum(x, value_of(b, max, dtype))
    return b.broadcast_to(x, b.result.shape)


@lowers(aten.clamp_min.default, aten.clamp_min.Tensor)
def clamp_min(b, x, min):
    return clamp(b, x, min)


@lowers(aten.clamp_max.default, aten.clamp_max.Tensor)
def clamp_max(b, x, max):
    return clamp(b, x, None, max)


# --- Activations -------------------------------------------------------------------------------------------------------


@lowers(aten.relu.default)
def relu(b, x):
    return b.maximum(x, 0)


@lowers(aten.hardtanh.default)
def hardtanh(b, x, min_val=-1, max_val=1):
    return b.minimum(b.maximum(x, min_val), max_val)


@lowers(aten.leaky_relu.default)
def leaky_relu(b, x, negative_slope=0.01):
    return b.select(b.compare(x, 0, "GT"), x, cast(b, b.multiply(cast(b, x, opmath(x.dtype)), negative_slope), x.dtype))


@lowers(aten.elu.default)
@in_opmath
def elu(b, x, alpha=1, scale=1, input_scale=1):
    below = b.multiply(b.exponential_minus_one(b.multiply(x, input_scale)), alpha * scale)
    return b.select(b.compare(x, 0, "LE"), below, b.multiply(x, scale))


@lowers(aten.gelu.default)
@in_opmath
def gelu(b, x, *, approximate="none"):
    if approximate == "tanh":
        inner = b.multiply(b.add(x, b.multiply(b.multiply(b.multiply(x, x), x), 0.044715)), math.sqrt(2 / math.pi))
        return b.multiply(b.multiply(x, 0.5), b.add(b.tanh(inner), 1))
    return b.multiply(b.multiply(x, 0.5), b.add(b.erf(b.multiply(x, math.sqrt(0.5))), 1))


@lowers(aten.silu.default)
@in_opmath
def silu(b, x):
    return b.multiply(x, b.logistic(x))


# --- Complex numbers ---------------------------------------------------------------------------------------------------


@lowers(aten.complex.default)
def complex_(b, real, imag):
    part = real_type(b.result.dtype)
    return b.complex(cast(b, real, part), cast(b, imag, part))


@lowers(aten.polar.default)
def polar(b, size, phase):
    size, phase = b.together(size, phase)
    return b.complex(b.multiply(size, b.cosine(phase)), b.multiply(size, b.sine(phase)))


@lowers(aten._conj.default, aten._conj_physical.default, aten.conj_physical.default)
def conj(b, x):
    return b.conj(x) if is_complex(x.dtype) else x


@lowers(aten._neg_view.default)
def neg_view(b, x):
    return b.negate(x)


@lowers(*overloads(aten.resolve_conj, "default"), *overloads(aten.resolve_neg, "default"))
def resolve(b, x):
    return x


@lowers(aten.view_as_real.default)
def view_as_real(b, x):
    return b.concatenate([b.unsqueeze(b.real(x), x.rank), b.unsqueeze(b.imag(x), x.rank)], x.rank)


@lowers(aten.view_as_complex.default)
def view_as_complex(b, x):
    parts = [b.reshape(b.slice_dim(x, -1, i, i + 1), x.shape[:-1]) for i in (0, 1)]
    return b.complex(*parts)


@lowers(*overloads(aten.real, "default"))
def real(b, x):
    return b.real(x)


@lowers(*overloads(aten.imag, "default"))
def imag(b, x):
    return b.imag(x)
