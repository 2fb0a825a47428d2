"""Operations on elements: of the same shape, or broadcast to one."""

import math

from libpjrt.torch.builder.types import COMPLEX, INTS, UINTS, Value, broadcast_shapes, type_text


class Elementwise:
    """Methods of Builder."""

    def binary(self, op, x, y):
        """Any operation of two operands and a result of one type: "stablehlo.add", "chlo.next_after" ..."""
        if not (isinstance(x, Value) and isinstance(y, Value) and x.type == y.type):
            x, y = self.together(x, y)
        if op.startswith("chlo."):
            return self.emit(f"{op} {x.name}, {y.name} : {x.type}, {y.type} -> {x.type}", x.shape, x.dtype)
        return self.emit(f"{op} {x.name}, {y.name} : {x.type}", x.shape, x.dtype)

    def unary(self, op, x):
        """Any operation of one operand and a result of its type: "stablehlo.tanh", "chlo.erf" ..."""
        if op.startswith("chlo."):
            return self.emit(f"{op} {x.name} : {x.type} -> {x.type}", x.shape, x.dtype)
        return self.emit(f"{op} {x.name} : {x.type}", x.shape, x.dtype)

    def compare(self, x, y, direction):
        """i1: x EQ, NE, LT, LE, GT or GE y. Floats as IEEE 754 says: only NE is true of NaN."""
        x, y = self.together(x, y)
        if x.dtype == "i1" or x.dtype in UINTS:
            kind = "UNSIGNED"
        else:
            kind = "SIGNED" if x.dtype in INTS else "FLOAT"
        return self.emit(f"stablehlo.compare {direction}, {x.name}, {y.name}, {kind} : ({x.type}, {y.type}) -> "
                         f"{type_text(x.shape, 'i1')}", x.shape, "i1")

    def select(self, predicate, x, y):
        """x where the i1 `predicate` holds, y elsewhere; all three broadcast."""
        x, y = self.together(x, y)
        shape = broadcast_shapes(predicate.shape, x.shape)
        x, y, p = self.broadcast_to(x, shape), self.broadcast_to(y, shape), self.lift(predicate, "i1", shape)
        return self.emit(f"stablehlo.select {p.name}, {x.name}, {y.name} : {p.type}, {x.type}", shape, x.dtype)

    def clamp(self, low, x, high):
        """min(max(x, low), high)."""
        low, x, high = self.together(low, x, high, dtype=x.dtype)
        return self.emit(f"stablehlo.clamp {low.name}, {x.name}, {high.name} : {x.type}", x.shape, x.dtype)

    def is_finite(self, x):
        return self.emit(f"stablehlo.is_finite {x.name} : ({x.type}) -> {type_text(x.shape, 'i1')}", x.shape, "i1")

    def is_nan(self, x):
        return self.compare(x, x, "NE")

    def is_infinite(self, x):
        return self.compare(self.abs(x), math.inf, "EQ")

    def abs(self, x):
        """|x|; of complex numbers the real absolute value; of unsigned integers and booleans x."""
        if x.dtype in UINTS or x.dtype == "i1":
            return x
        dtype = COMPLEX.get(x.dtype)
        if dtype is None:
            return self.unary("stablehlo.abs", x)
        return self.emit(f"stablehlo.abs {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def real(self, x):
        dtype = COMPLEX.get(x.dtype)
        if dtype is None:
            return x
        return self.emit(f"stablehlo.real {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def imag(self, x):
        dtype = COMPLEX.get(x.dtype)
        if dtype is None:
            return self.full_like(x, 0)
        return self.emit(f"stablehlo.imag {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def complex(self, real, imag):
        real, imag = self.together(real, imag)
        dtype = f"complex<{real.dtype}>"
        return self.emit(f"stablehlo.complex {real.name}, {imag.name} : {type_text(real.shape, dtype)}", real.shape, dtype)


def _add_methods():
    """The methods of one or two operands and a result of their type: b.add(x, y), b.exponential(x), b.erf(x) ..."""
    def binary(op):
        return lambda self, x, y: self.binary(op, x, y)

    def unary(op):
        return lambda self, x: self.unary(op, x)

    for name in ("add", "subtract", "multiply", "divide", "remainder", "power", "maximum", "minimum", "atan2", "shift_left",
                 "shift_right_arithmetic", "shift_right_logical", "and", "or", "xor"):
        method = binary("stablehlo." + name)
        setattr(Elementwise, name + "_" if name in ("and", "or") else name, method)
    for name in ("cbrt", "ceil", "cosine", "count_leading_zeros", "exponential", "exponential_minus_one", "floor", "log",
                 "log_plus_one", "logistic", "negate", "not", "popcnt", "round_nearest_afz", "round_nearest_even", "rsqrt", "sign",
                 "sine", "sqrt", "tan", "tanh"):
        setattr(Elementwise, name + "_" if name == "not" else name, unary("stablehlo." + name))
    for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "bessel_i1e", "conj", "cosh", "digamma", "erf", "erf_inv", "erfc",
                 "lgamma", "sinh"):
        setattr(Elementwise, name, unary("chlo." + name))
    for name in ("next_after", "polygamma", "zeta"):
        setattr(Elementwise, name, binary("chlo." + name))


_add_methods()
