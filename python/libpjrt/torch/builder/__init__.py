"""Writes StableHLO text, one operation a method.

A `Builder` holds one program: parameters, operations in SSA form, results. A `Value` is the result of an operation:
name, shape (a tuple of ints) and dtype, which is always an element type as StableHLO spells it ("f32", "i1", "ui8",
"complex<f64>"). Every method returns the Value or Values of the operation it writes.

    b = Builder()
    x = b.parameter((4, 8), "f32")
    y = b.add(b.multiply(x, 2.0), 1.0)          # Python numbers become constants of x's type and shape
    s = b.reduce_sum(y, [1])                    # 4
    text = b.finish([b.subtract(y, b.broadcast_to(b.unsqueeze(s, 1), y.shape))])

Conventions
  * The methods of several operands (add, compare, select, clamp ...) take Values or Python numbers and broadcast as
    NumPy does; what is broadcast is written out. Element types are never converted in silence: operands of different
    types raise LoweringError. `convert` converts, and returns its operand where nothing is to do, as all movement
    methods do (reshape to the same shape, transpose by the identity, an empty pad ...).
  * Dimensions may be negative. Shapes are static.
  * A function of a region gets the builder and the Values of the region's arguments, and returns a Value or several:
        b.reduce([x], [init], [0], lambda b, a, c: b.maximum(a, c))
    Values of outside may be used inside; Values of inside do not leave it.
  * Equal constants and iotas are written once in a region.

The text is in the pretty forms, short types and nothing repeated: writing it is what compilation costs most in Python.
"""

from libpjrt.torch.builder.control import Control
from libpjrt.torch.builder.core import Core
from libpjrt.torch.builder.elementwise import Elementwise
from libpjrt.torch.builder.movement import Movement
from libpjrt.torch.builder.products import Products
from libpjrt.torch.builder.reductions import Reductions
from libpjrt.torch.builder.types import (
    LoweringError, Value, bit_width, broadcast_shapes, highest, is_complex, is_float, is_integer, is_signed, is_unsigned, literal, lowest,
    real_type, type_text)


class Builder(Core, Elementwise, Movement, Reductions, Products, Control):
    """One program. `result`, `results` and `first` are set for each operation that the table lowers, see table.py."""


__all__ = ["Builder", "LoweringError", "Value", "bit_width", "broadcast_shapes", "highest", "is_complex", "is_float", "is_integer",
           "is_signed", "is_unsigned", "literal", "lowest", "real_type", "type_text"]
