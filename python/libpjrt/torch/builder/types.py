"""Element types as StableHLO spells them, values, and the pieces of text that operations are made of."""

import math
import struct

FLOATS = {"f64": 64, "f32": 32, "f16": 16, "bf16": 16, "f8E4M3FN": 8, "f8E5M2": 8, "f8E4M3FNUZ": 8, "f8E5M2FNUZ": 8}
INTS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
UINTS = {"ui8": 8, "ui16": 16, "ui32": 32, "ui64": 64}
COMPLEX = {"complex<f32>": "f32", "complex<f64>": "f64"}


class LoweringError(Exception):
    """What cannot be said in StableHLO, or not yet; the message says what. The operation then runs eagerly."""


def is_float(dtype):
    return dtype in FLOATS


def is_complex(dtype):
    return dtype in COMPLEX


def is_signed(dtype):
    """Signed integers; i1 is none."""
    return dtype in INTS and dtype != "i1"


def is_unsigned(dtype):
    return dtype in UINTS


def is_integer(dtype):
    """Integers of either sign; i1 is none."""
    return is_signed(dtype) or is_unsigned(dtype)


def bit_width(dtype):
    """Bits of an element; of one part, for complex numbers."""
    dtype = COMPLEX.get(dtype, dtype)
    return FLOATS.get(dtype) or INTS.get(dtype) or UINTS[dtype]


def real_type(dtype):
    """The type of a complex number's parts; any other type itself."""
    return COMPLEX.get(dtype, dtype)


def lowest(dtype):
    """The least value of a type as a Python number: -inf for floats."""
    if dtype in FLOATS:
        return -math.inf
    return 0 if dtype == "i1" or dtype in UINTS else -(1 << (INTS[dtype] - 1))


def highest(dtype):
    """The greatest value of a type as a Python number: inf for floats."""
    if dtype in FLOATS:
        return math.inf
    if dtype == "i1":
        return 1
    return (1 << UINTS[dtype]) - 1 if dtype in UINTS else (1 << (INTS[dtype] - 1)) - 1


_types = {}


def type_text(shape, dtype):
    """The MLIR type: tensor<4x8xf32>."""
    text = _types.get((shape, dtype))
    if text is None:
        if len(_types) > 10000:
            _types.clear()
        text = _types[shape, dtype] = "tensor<" + "".join(f"{n}x" for n in shape) + dtype + ">"
    return text


class Value:
    """The result of an operation: name ("%12"), shape (tuple of ints), dtype (StableHLO's spelling), type (MLIR's)."""

    __slots__ = ("name", "shape", "dtype", "type")

    def __init__(self, name, shape, dtype):
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.type = type_text(shape, dtype)

    @property
    def rank(self):
        return len(self.shape)

    @property
    def size(self):
        """The number of elements."""
        return math.prod(self.shape)

    def __repr__(self):
        return f"{self.name}: {self.type}"


def _float_text(x, dtype):
    """A float literal that reads back to exactly x, or to x rounded once to dtype."""
    if x != x or x in (math.inf, -math.inf):
        if dtype == "f8E4M3FN":
            return "0x7F" if x == x and x > 0 or x != x else "0xFF"
        bits = {"f64": ("<Q", 0x7FF0000000000000, 0x7FF8000000000000), "f32": ("<I", 0x7F800000, 0x7FC00000),
                "f16": ("<H", 0x7C00, 0x7E00), "bf16": ("<H", 0x7F80, 0x7FC0), "f8E5M2": ("<B", 0x7C, 0x7E)}.get(dtype)
        if bits is None:
            raise LoweringError(f"no infinity or NaN of type {dtype}")
        size = struct.calcsize(bits[0]) * 2
        pattern = bits[2] if x != x else bits[1] | ((1 << (size * 4 - 1)) if x < 0 else 0)
        return f"0x{pattern:0{size}X}"
    text = repr(float(x))
    if "." not in text:  # 1e-05 is no literal of MLIR's, 1.0e-05 is
        text = text.replace("e", ".0e") if "e" in text else text + ".0"
    return text


def literal(x, dtype):
    """A Python number as an element of a dense literal. Integers wrap, as PyTorch's do."""
    if dtype in FLOATS:
        try:
            return _float_text(float(x), dtype)
        except OverflowError:
            return _float_text(math.inf if x > 0 else -math.inf, dtype)
    if dtype == "i1":
        return "true" if x else "false"
    if dtype in COMPLEX:
        x, part = complex(x), COMPLEX[dtype]
        return f"({_float_text(x.real, part)}, {_float_text(x.imag, part)})"
    width = INTS.get(dtype) or UINTS[dtype]
    x = int(x) & ((1 << width) - 1)
    if dtype in INTS and x >> (width - 1):
        x -= 1 << width
    return str(x)


def broadcast_shapes(*shapes):
    """The common shape by NumPy's rules. LoweringError where there is none."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    rank = max(len(s) for s in shapes)
    result = [1] * rank
    for s in shapes:
        for i, n in enumerate(s, rank - len(s)):
            if n != 1:
                if result[i] not in (1, n):
                    raise LoweringError(f"shapes {list(shapes)} do not broadcast")
                result[i] = n
    return tuple(result)


def ints(values):
    """[1, 2]"""
    return "[" + ", ".join(map(str, values)) + "]"


def array(values):
    """array<i64: 1, 2>"""
    return "array<i64: " + ", ".join(map(str, values)) + ">" if values else "array<i64>"


def pairs(pairs):
    """A list of pairs of integers as a dense attribute."""
    body = "[" + ", ".join(f"[{a}, {b}]" for a, b in pairs) + "]" if pairs else ""
    return f"dense<{body}> : tensor<{len(pairs)}x2xi64>"
