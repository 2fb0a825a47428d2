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

import math
import struct

_FLOATS = {"f64": 64, "f32": 32, "f16": 16, "bf16": 16, "f8E4M3FN": 8, "f8E5M2": 8, "f8E4M3FNUZ": 8, "f8E5M2FNUZ": 8}
_INTS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
_UINTS = {"ui8": 8, "ui16": 16, "ui32": 32, "ui64": 64}
_COMPLEX = {"complex<f32>": "f32", "complex<f64>": "f64"}


class LoweringError(Exception):
    """What cannot be said in StableHLO, or not yet; the message says what. The operation then runs eagerly."""


def is_float(dtype):
    return dtype in _FLOATS


def is_complex(dtype):
    return dtype in _COMPLEX


def is_signed(dtype):
    """Signed integers; i1 is none."""
    return dtype in _INTS and dtype != "i1"


def is_unsigned(dtype):
    return dtype in _UINTS


def is_integer(dtype):
    """Integers of either sign; i1 is none."""
    return is_signed(dtype) or is_unsigned(dtype)


def bit_width(dtype):
    """Bits of an element; of one part, for complex numbers."""
    dtype = _COMPLEX.get(dtype, dtype)
    return _FLOATS.get(dtype) or _INTS.get(dtype) or _UINTS[dtype]


def real_type(dtype):
    """The type of a complex number's parts; any other type itself."""
    return _COMPLEX.get(dtype, dtype)


def lowest(dtype):
    """The least value of a type as a Python number: -inf for floats."""
    if dtype in _FLOATS:
        return -math.inf
    return 0 if dtype == "i1" or dtype in _UINTS else -(1 << (_INTS[dtype] - 1))


def highest(dtype):
    """The greatest value of a type as a Python number: inf for floats."""
    if dtype in _FLOATS:
        return math.inf
    if dtype == "i1":
        return 1
    return (1 << _UINTS[dtype]) - 1 if dtype in _UINTS else (1 << (_INTS[dtype] - 1)) - 1


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
    if dtype in _FLOATS:
        try:
            return _float_text(float(x), dtype)
        except OverflowError:
            return _float_text(math.inf if x > 0 else -math.inf, dtype)
    if dtype == "i1":
        return "true" if x else "false"
    if dtype in _COMPLEX:
        x, part = complex(x), _COMPLEX[dtype]
        return f"({_float_text(x.real, part)}, {_float_text(x.imag, part)})"
    width = _INTS.get(dtype) or _UINTS[dtype]
    x = int(x) & ((1 << width) - 1)
    if dtype in _INTS and x >> (width - 1):
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


def _ints(values):
    return "[" + ", ".join(map(str, values)) + "]"


def _array(values):
    return "array<i64: " + ", ".join(map(str, values)) + ">" if values else "array<i64>"


def _bools(values):
    return "array<i1: " + ", ".join("true" if v else "false" for v in values) + ">" if values else "array<i1>"


def _pairs(pairs):
    """A list of pairs of integers as a dense attribute."""
    body = "[" + ", ".join(f"[{a}, {b}]" for a, b in pairs) + "]" if pairs else ""
    return f"dense<{body}> : tensor<{len(pairs)}x2xi64>"


class Builder:
    """One program. `result`, `results` and `first` are set for each operation that the table lowers, see table.py."""

    def __init__(self):
        self._lines = []
        self._constants = {}
        self._heads = []     # (lines, constants) of the regions around
        self._count = 0
        self._parameters = []  # type and attributes of each
        self.result = None
        self.results = None
        self.first = None
        self._seeds = None

    # --- The program ------------------------------------------------------------------------------------------------

    def parameter(self, shape, dtype, attributes=""):
        """The next parameter of the program. `attributes`: MLIR text such as '{tf.aliasing_output = 0 : i32}'."""
        value = Value(f"%a{len(self._parameters)}", tuple(shape), dtype)
        self._parameters.append(f"{value.name}: {value.type} {attributes}" if attributes else f"{value.name}: {value.type}")
        return value

    def finish(self, results, name="main"):
        """The text of the module whose function `name` returns `results`."""
        head = ", ".join(self._parameters)
        types = ", ".join(v.type for v in results)
        last = f"return {', '.join(v.name for v in results)} : {types}" if results else "return"
        return (f"module @{name} {{\nfunc.func public @main({head}) -> ({types}) {{\n" + "\n".join(self._lines) +
                f"\n{last}\n}}\n}}\n")

    def set_attributes(self, index, attributes):
        """Replaces the attributes of parameter `index`."""
        self._parameters[index] = self._parameters[index].split(" {")[0] + " " + attributes

    # --- Writing ----------------------------------------------------------------------------------------------------

    def _new(self, shape, dtype):
        self._count += 1
        return Value(f"%{self._count}", shape, dtype)

    def emit(self, text, shape, dtype):
        """Writes `%n = text`, an operation of one result; for what has no method of its own."""
        value = self._new(tuple(shape), dtype)
        self._lines.append(f"{value.name} = {text}")
        return value

    def emit_many(self, text, types):
        """Writes an operation of several results, `types` a list of (shape, dtype); a list of Values."""
        self._count += 1
        name = f"%{self._count}"
        self._lines.append(f"{name}:{len(types)} = {text}" if len(types) != 1 else f"{name} = {text}")
        if len(types) == 1:
            return [Value(name, tuple(types[0][0]), types[0][1])]
        return [Value(f"{name}#{i}", tuple(s), d) for i, (s, d) in enumerate(types)]

    def region(self, types, body, terminator="stablehlo.return"):
        """The text of a region in braces, with arguments of `types` (a list of (shape, dtype)), and the Values that
        `body(b, *arguments)` returned."""
        self._heads.append((self._lines, self._constants))
        self._lines, self._constants = [], {}
        arguments = []
        for shape, dtype in types:
            self._count += 1
            arguments.append(Value(f"%r{self._count}", tuple(shape), dtype))
        results = body(self, *arguments)
        if isinstance(results, Value):
            results = [results]
        lines = self._lines
        self._lines, self._constants = self._heads.pop()
        head = "^bb0(" + ", ".join(f"{a.name}: {a.type}" for a in arguments) + "):\n" if arguments else ""
        values = ", ".join(v.name for v in results)
        last = f"{terminator} {values} : {', '.join(v.type for v in results)}" if results else terminator
        return "{\n" + head + "\n".join(lines) + ("\n" if lines else "") + last + "\n}", list(results)

    def _generic(self, op, operands, attributes, types, regions=""):
        """An operation in the generic form. `types`: list of (shape, dtype)."""
        results = [type_text(tuple(s), d) for s, d in types]
        text = f'"{op}"({", ".join(v.name for v in operands)})'
        if regions:
            text += f" ({regions})"
        if attributes:
            text += f" {{{attributes}}}"
        return f"{text} : ({', '.join(v.type for v in operands)}) -> ({', '.join(results)})"

    # --- Constants --------------------------------------------------------------------------------------------------

    def constant(self, x, dtype, shape=()):
        """An array of `shape` with `x`, a Python number, everywhere."""
        shape = tuple(shape)
        text = literal(x, dtype)
        key = (text, dtype, shape)
        value = self._constants.get(key)
        if value is None:
            value = self._constants[key] = self.emit(f"stablehlo.constant dense<{text}> : {type_text(shape, dtype)}", shape, dtype)
        return value

    def constant_list(self, values, dtype, shape=None):
        """An array from a list of Python numbers in row-major order; of rank 1 unless `shape` is given."""
        values = list(values)
        shape = (len(values),) if shape is None else tuple(shape)
        if math.prod(shape) != len(values):
            raise LoweringError(f"{len(values)} numbers for shape {shape}")
        if not values:
            return self.emit(f"stablehlo.constant dense<> : {type_text(shape, dtype)}", shape, dtype)
        flat = self.emit(f"stablehlo.constant dense<[{', '.join(literal(v, dtype) for v in values)}]> : "
                         f"{type_text((len(values),), dtype)}", (len(values),), dtype)
        return self.reshape(flat, shape)

    def iota(self, shape, dim, dtype):
        """Along `dim` the numbers 0, 1, 2 ..."""
        shape = tuple(shape)
        dim %= len(shape)
        key = ("iota", dim, dtype, shape)
        value = self._constants.get(key)
        if value is None:
            value = self._constants[key] = self.emit(f"stablehlo.iota dim = {dim} : {type_text(shape, dtype)}", shape, dtype)
        return value

    def full_like(self, x, number):
        return self.constant(number, x.dtype, x.shape)

    # --- Broadcasting and types -------------------------------------------------------------------------------------

    def convert(self, x, dtype):
        """x as `dtype`, by StableHLO's rules; itself where it has the type. A Python number becomes a scalar."""
        if not isinstance(x, Value):
            return self.constant(x, dtype)
        if x.dtype == dtype:
            return x
        if x.dtype in _COMPLEX and dtype not in _COMPLEX:
            return self.convert(self.real(x), dtype)
        if dtype == "i1":  # StableHLO's rule too, said so that NaN is true
            return self.compare(x, 0, "NE")
        return self.emit(f"stablehlo.convert {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def bitcast_convert(self, x, dtype, shape=None):
        """The bits of x as `dtype`. Where the widths differ, `shape` has one dimension more or less at the end."""
        shape = x.shape if shape is None else tuple(shape)
        if x.dtype == dtype:
            return x
        return self.emit(f"stablehlo.bitcast_convert {x.name} : ({x.type}) -> {type_text(shape, dtype)}", shape, dtype)

    def broadcast_to(self, x, shape):
        """x as an array of `shape`, by NumPy's rules: dimensions from the back, ones stretched."""
        shape = tuple(shape)
        if x.shape == shape:
            return x
        offset = len(shape) - len(x.shape)
        if offset < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[offset:])):
            raise LoweringError(f"shape {x.shape} does not broadcast to {shape}")
        return self.broadcast_in_dim(x, shape, range(offset, len(shape)))

    def broadcast_in_dim(self, x, shape, dims):
        """stablehlo.broadcast_in_dim: dimension i of x becomes dimension dims[i] of the result."""
        shape = tuple(shape)
        return self.emit(f"stablehlo.broadcast_in_dim {x.name}, dims = {_ints(dims)} : ({x.type}) -> {type_text(shape, x.dtype)}",
                         shape, x.dtype)

    def lift(self, x, dtype, shape):
        """x, a Value of `dtype` or a Python number, as an array of `dtype` and `shape`. A Value of another type is an
        error."""
        if not isinstance(x, Value):
            return self.constant(x, dtype, shape)
        if x.dtype != dtype:
            raise LoweringError(f"operand of type {x.dtype} where {dtype} is expected")
        return x if x.shape == shape else self.broadcast_to(x, shape)

    def together(self, *operands, dtype=None):
        """The operands, Values or numbers, brought to one shape; Values must have one type, which is returned first by
        `dtype` where there is none among them."""
        first = None
        shapes = []
        for x in operands:
            if isinstance(x, Value):
                first = first or x
                shapes.append(x.shape)
        if first is None:
            if dtype is None:
                raise LoweringError("an operation on Python numbers alone")
            return [self.constant(x, dtype) for x in operands]
        shape = broadcast_shapes(*shapes)
        dtype = dtype or first.dtype
        return [self.lift(x, dtype, shape) for x in operands]

    # --- Elementwise ------------------------------------------------------------------------------------------------

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
        if x.dtype == "i1" or x.dtype in _UINTS:
            kind = "UNSIGNED"
        else:
            kind = "SIGNED" if x.dtype in _INTS else "FLOAT"
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
        if x.dtype in _UINTS or x.dtype == "i1":
            return x
        dtype = _COMPLEX.get(x.dtype)
        if dtype is None:
            return self.unary("stablehlo.abs", x)
        return self.emit(f"stablehlo.abs {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def real(self, x):
        dtype = _COMPLEX.get(x.dtype)
        if dtype is None:
            return x
        return self.emit(f"stablehlo.real {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def imag(self, x):
        dtype = _COMPLEX.get(x.dtype)
        if dtype is None:
            return self.full_like(x, 0)
        return self.emit(f"stablehlo.imag {x.name} : ({x.type}) -> {type_text(x.shape, dtype)}", x.shape, dtype)

    def complex(self, real, imag):
        real, imag = self.together(real, imag)
        dtype = f"complex<{real.dtype}>"
        return self.emit(f"stablehlo.complex {real.name}, {imag.name} : {type_text(real.shape, dtype)}", real.shape, dtype)

    # --- Movement ---------------------------------------------------------------------------------------------------

    def reshape(self, x, shape):
        """x with its elements in the same order; one entry of `shape` may be -1."""
        shape = tuple(shape)
        if -1 in shape:
            known = -math.prod(shape)
            shape = tuple(x.size // known if n == -1 else n for n in shape)
        if shape == x.shape:
            return x
        if math.prod(shape) != x.size:
            raise LoweringError(f"reshape of {x.shape} to {shape}")
        return self.emit(f"stablehlo.reshape {x.name} : ({x.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def unsqueeze(self, x, *dims):
        """A dimension of 1 at each of `dims`, as counted in the result."""
        rank = len(x.shape) + len(dims)
        dims = {d % rank for d in dims}
        rest = iter(x.shape)
        return self.reshape(x, [1 if i in dims else next(rest) for i in range(rank)])

    def squeeze(self, x, *dims):
        """Without `dims`, each of size 1."""
        dims = {d % len(x.shape) for d in dims}
        return self.reshape(x, [n for i, n in enumerate(x.shape) if i not in dims])

    def transpose(self, x, permutation):
        """Dimension i of the result is dimension permutation[i] of x."""
        permutation = [p % len(x.shape) for p in permutation]
        if permutation == list(range(len(x.shape))):
            return x
        shape = tuple(x.shape[p] for p in permutation)
        return self.emit(f"stablehlo.transpose {x.name}, dims = {_ints(permutation)} : ({x.type}) -> {type_text(shape, x.dtype)}",
                         shape, x.dtype)

    def concatenate(self, values, dim):
        values = list(values)
        if len(values) == 1:
            return values[0]
        first = values[0]
        dim %= len(first.shape)
        shape = tuple(sum(v.shape[dim] for v in values) if i == dim else n for i, n in enumerate(first.shape))
        return self.emit(f"stablehlo.concatenate {', '.join(v.name for v in values)}, dim = {dim} : "
                         f"({', '.join(v.type for v in values)}) -> {type_text(shape, first.dtype)}", shape, first.dtype)

    def slice(self, x, starts, limits, strides=None):
        """x[starts[i]:limits[i]:strides[i], ...]; all in range, strides positive."""
        strides = [1] * len(x.shape) if strides is None else strides
        shape = tuple(max(0, -(-(e - s) // k)) for s, e, k in zip(starts, limits, strides))
        if shape == x.shape:
            return x
        parts = ", ".join(f"{s}:{e}:{k}" if k != 1 else f"{s}:{e}" for s, e, k in zip(starts, limits, strides))
        return self.emit(f"stablehlo.slice {x.name} [{parts}] : ({x.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def slice_dim(self, x, dim, start, limit, stride=1):
        """A slice along one dimension."""
        dim %= len(x.shape)
        starts, limits, strides = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
        starts[dim], limits[dim], strides[dim] = start, limit, stride
        return self.slice(x, starts, limits, strides)

    def dynamic_slice(self, x, starts, sizes):
        """`starts`: a scalar integer Value for each dimension, clamped to what fits."""
        sizes = tuple(sizes)
        names, types = ", ".join(s.name for s in starts), ", ".join(s.type for s in starts)
        return self.emit(f"stablehlo.dynamic_slice {x.name}, {names}, sizes = {_ints(sizes)} : ({x.type}, {types}) -> "
                         f"{type_text(sizes, x.dtype)}", sizes, x.dtype)

    def dynamic_update_slice(self, x, update, starts):
        names, types = ", ".join(s.name for s in starts), ", ".join(s.type for s in starts)
        return self.emit(f"stablehlo.dynamic_update_slice {x.name}, {update.name}, {names} : ({x.type}, {update.type}, {types}) "
                         f"-> {x.type}", x.shape, x.dtype)

    def pad(self, x, value, low, high, interior=None):
        """x with `value` (a number or scalar Value) around and, `interior` times, between; negative low and high crop."""
        interior = [0] * len(x.shape) if interior is None else list(interior)
        if not any(low) and not any(high) and not any(interior):
            return x
        value = self.lift(value, x.dtype, ())
        shape = tuple(l + h + n + max(n - 1, 0) * i for n, l, h, i in zip(x.shape, low, high, interior))
        return self.emit(f"stablehlo.pad {x.name}, {value.name}, low = {_ints(low)}, high = {_ints(high)}, interior = "
                         f"{_ints(interior)} : ({x.type}, {value.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def reverse(self, x, dims):
        dims = [d % len(x.shape) for d in dims]
        if not dims:
            return x
        return self.emit(f"stablehlo.reverse {x.name}, dims = {_ints(dims)} : {x.type}", x.shape, x.dtype)

    def gather(self, x, indices, *, offset_dims, collapsed_slice_dims, start_index_map, index_vector_dim, slice_sizes,
               operand_batching_dims=(), start_indices_batching_dims=(), sorted=False):
        """stablehlo.gather; out-of-range starts are clamped."""
        batch = [n for i, n in enumerate(indices.shape) if i != index_vector_dim]
        gone = set(collapsed_slice_dims) | set(operand_batching_dims)
        window = [n for i, n in enumerate(slice_sizes) if i not in gone]
        offsets, rank = set(offset_dims), len(batch) + len(window)
        batch, window = iter(batch), iter(window)
        shape = tuple(next(window) if i in offsets else next(batch) for i in range(rank))
        parts = [f"offset_dims = {_ints(offset_dims)}"] if offset_dims else []
        if collapsed_slice_dims:
            parts.append(f"collapsed_slice_dims = {_ints(collapsed_slice_dims)}")
        if operand_batching_dims:
            parts.append(f"operand_batching_dims = {_ints(operand_batching_dims)}")
            parts.append(f"start_indices_batching_dims = {_ints(start_indices_batching_dims)}")
        parts += [f"start_index_map = {_ints(start_index_map)}", f"index_vector_dim = {index_vector_dim}"]
        attributes = (f"dimension_numbers = #stablehlo.gather<{', '.join(parts)}>, slice_sizes = {_array(slice_sizes)}, "
                      f"indices_are_sorted = {'true' if sorted else 'false'}")
        return self.emit(self._generic("stablehlo.gather", [x, indices], attributes, [(shape, x.dtype)]), shape, x.dtype)

    def scatter(self, x, indices, updates, body, *, update_window_dims, inserted_window_dims, scatter_dims_to_operand_dims,
                index_vector_dim, input_batching_dims=(), scatter_indices_batching_dims=(), sorted=False, unique=False):
        """stablehlo.scatter of one array. `body(b, old, update)`: what is left; out-of-range updates are dropped."""
        parts = [f"update_window_dims = {_ints(update_window_dims)}"] if update_window_dims else []
        if inserted_window_dims:
            parts.append(f"inserted_window_dims = {_ints(inserted_window_dims)}")
        if input_batching_dims:
            parts.append(f"input_batching_dims = {_ints(input_batching_dims)}")
            parts.append(f"scatter_indices_batching_dims = {_ints(scatter_indices_batching_dims)}")
        parts += [f"scatter_dims_to_operand_dims = {_ints(scatter_dims_to_operand_dims)}", f"index_vector_dim = {index_vector_dim}"]
        attributes = (f"scatter_dimension_numbers = #stablehlo.scatter<{', '.join(parts)}>, indices_are_sorted = "
                      f"{'true' if sorted else 'false'}, unique_indices = {'true' if unique else 'false'}")
        region, _ = self.region([((), x.dtype)] * 2, body)
        return self.emit(self._generic("stablehlo.scatter", [x, indices, updates], attributes, [(x.shape, x.dtype)], region),
                         x.shape, x.dtype)

    # --- Reductions and windows -------------------------------------------------------------------------------------

    def _reduce_one(self, op, x, initial, dims):
        dims = [d % len(x.shape) for d in dims]
        if not dims:
            return x
        gone = set(dims)
        shape = tuple(n for i, n in enumerate(x.shape) if i not in gone)
        initial = self.lift(initial, x.dtype, ())
        return self.emit(f"stablehlo.reduce({x.name} init: {initial.name}) applies {op} across dimensions = {_ints(sorted(gone))} : "
                         f"({x.type}, {initial.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def reduce_sum(self, x, dims):
        """The sum over `dims`, which fall away; of no elements 0."""
        return self._reduce_one("stablehlo.add", x, 0, dims)

    def reduce_product(self, x, dims):
        return self._reduce_one("stablehlo.multiply", x, 1, dims)

    def reduce_max(self, x, dims):
        """The greatest over `dims`; NaN where there is one."""
        return self._reduce_one("stablehlo.maximum", x, lowest(x.dtype), dims)

    def reduce_min(self, x, dims):
        return self._reduce_one("stablehlo.minimum", x, highest(x.dtype), dims)

    def reduce_and(self, x, dims):
        return self._reduce_one("stablehlo.and", x, True if x.dtype == "i1" else -1, dims)

    def reduce_or(self, x, dims):
        return self._reduce_one("stablehlo.or", x, 0, dims)

    def reduce(self, xs, initials, dims, body):
        """stablehlo.reduce of several arrays at once. `body(b, *accumulators, *elements)` gives as many scalars.
        `initials`: numbers or scalar Values. A list of Values."""
        dims = sorted(d % len(xs[0].shape) for d in dims)
        shape = tuple(n for i, n in enumerate(xs[0].shape) if i not in dims)
        initials = [self.lift(i, x.dtype, ()) for x, i in zip(xs, initials)]
        region, _ = self.region([((), x.dtype) for x in xs] * 2, body)
        types = [(shape, x.dtype) for x in xs]
        return self.emit_many(self._generic("stablehlo.reduce", [*xs, *initials], f"dimensions = {_array(dims)}", types, region), types)

    def reduce_window(self, xs, initials, body, *, window, strides=None, padding=None, base_dilation=None, window_dilation=None):
        """stablehlo.reduce_window of several arrays. `padding`: pairs (low, high), one for each dimension."""
        rank = len(xs[0].shape)
        ones = [1] * rank
        strides, base_dilation, window_dilation = strides or ones, base_dilation or ones, window_dilation or ones
        padding = padding or [(0, 0)] * rank
        shape = []
        for n, w, s, (low, high), bd, wd in zip(xs[0].shape, window, strides, padding, base_dilation, window_dilation):
            whole = (0 if n == 0 else (n - 1) * bd + 1) + low + high
            reach = (w - 1) * wd + 1
            shape.append(0 if whole < reach else (whole - reach) // s + 1)
        initials = [self.lift(i, x.dtype, ()) for x, i in zip(xs, initials)]
        region, _ = self.region([((), x.dtype) for x in xs] * 2, body)
        attributes = (f"window_dimensions = {_array(window)}, window_strides = {_array(strides)}, base_dilations = "
                      f"{_array(base_dilation)}, window_dilations = {_array(window_dilation)}, padding = {_pairs(padding)}")
        types = [(tuple(shape), x.dtype) for x in xs]
        return self.emit_many(self._generic("stablehlo.reduce_window", [*xs, *initials], attributes, types, region), types)

    def select_and_scatter(self, x, source, initial, select, scatter, *, window, strides, padding):
        """stablehlo.select_and_scatter: `select(b, a, c)` gives an i1, `scatter(b, a, c)` joins."""
        initial = self.lift(initial, x.dtype, ())
        first, _ = self.region([((), x.dtype)] * 2, select)
        second, _ = self.region([((), x.dtype)] * 2, scatter)
        attributes = f"window_dimensions = {_array(window)}, window_strides = {_array(strides)}, padding = {_pairs(padding)}"
        return self.emit(self._generic("stablehlo.select_and_scatter", [x, source, initial], attributes, [(x.shape, x.dtype)],
                                       f"{first}, {second}"), x.shape, x.dtype)

    def sort(self, xs, dim, comparator, stable=True):
        """Sorts several arrays of one shape along `dim` by the first's order or any other: `comparator(b, x0, y0, x1,
        y1 ...)` gives i1, whether the x come before the y. A list of Values."""
        types = [(x.shape, x.dtype) for x in xs]
        scalars = [((), x.dtype) for x in xs for _ in range(2)]
        region, _ = self.region(scalars, comparator)
        attributes = f"dimension = {dim % len(xs[0].shape)} : i64, is_stable = {'true' if stable else 'false'}"
        return self.emit_many(self._generic("stablehlo.sort", xs, attributes, types, region), types)

    # --- Products ---------------------------------------------------------------------------------------------------

    def dot_general(self, x, y, contracting, batching=((), ()), dtype=None):
        """Sums of products over `contracting` = (dims of x, dims of y), for each of `batching`. The result has the
        batching dimensions, x's others, y's others; its type is `dtype`, x's by default."""
        (xc, yc), (xb, yb) = contracting, batching
        xc, yc = [d % len(x.shape) for d in xc], [d % len(y.shape) for d in yc]
        xb, yb = [d % len(x.shape) for d in xb], [d % len(y.shape) for d in yb]
        if x.dtype != y.dtype:
            raise LoweringError(f"a product of {x.dtype} and {y.dtype}")
        shape = tuple([x.shape[d] for d in xb] + [n for i, n in enumerate(x.shape) if i not in xc and i not in xb] +
                      [n for i, n in enumerate(y.shape) if i not in yc and i not in yb])
        dtype = dtype or x.dtype
        batch = f"batching_dims = {_ints(xb)} x {_ints(yb)}, " if xb else ""
        return self.emit(f"stablehlo.dot_general {x.name}, {y.name}, {batch}contracting_dims = {_ints(xc)} x {_ints(yc)} : "
                         f"({x.type}, {y.type}) -> {type_text(shape, dtype)}", shape, dtype)

    def convolution(self, x, w, *, strides, padding, lhs_dilation=None, rhs_dilation=None, reversal=None, groups=1,
                    batch_groups=1, x_dims=None, w_dims=None, out_dims=None):
        """stablehlo.convolution. `padding`: pairs (low, high) for each spatial dimension. The layouts are (batch,
        feature, spatial...) for x and the result and (output, input, spatial...) for w, unless x_dims, w_dims and
        out_dims say which dimension is which, in that order: x_dims=(0, 3, 1, 2) for NHWC."""
        rank = len(x.shape)
        spatial = rank - 2
        x_dims, w_dims, out_dims = x_dims or tuple(range(rank)), w_dims or tuple(range(rank)), out_dims or tuple(range(rank))
        ones = [1] * spatial
        lhs_dilation, rhs_dilation = lhs_dilation or ones, rhs_dilation or ones
        shape = [0] * rank
        shape[out_dims[0]] = x.shape[x_dims[0]] // batch_groups
        shape[out_dims[1]] = w.shape[w_dims[0]]
        for i in range(spatial):
            n, k = x.shape[x_dims[2 + i]], w.shape[w_dims[2 + i]]
            whole = (0 if n == 0 else (n - 1) * lhs_dilation[i] + 1) + sum(padding[i])
            reach = 0 if k == 0 else (k - 1) * rhs_dilation[i] + 1
            shape[out_dims[2 + i]] = 0 if whole < reach else (whole - reach) // strides[i] + 1

        def layout(dims, first, second):
            names = [""] * rank
            names[dims[0]], names[dims[1]] = first, second
            for i in range(spatial):
                names[dims[2 + i]] = str(i)
            return "[" + ", ".join(names) + "]"

        parts = [f"stride = {_ints(strides)}", "pad = [" + ", ".join(f"[{a}, {b}]" for a, b in padding) + "]",
                 f"lhs_dilate = {_ints(lhs_dilation)}", f"rhs_dilate = {_ints(rhs_dilation)}"]
        if reversal and any(reversal):
            parts.append("reverse = [" + ", ".join("true" if r else "false" for r in reversal) + "]")
        shape = tuple(shape)
        return self.emit(f"stablehlo.convolution({x.name}, {w.name}) dim_numbers = {layout(x_dims, 'b', 'f')}x{layout(w_dims, 'o', 'i')}"
                         f"->{layout(out_dims, 'b', 'f')}, window = {{{', '.join(parts)}}} {{feature_group_count = {groups} : i64, "
                         f"batch_group_count = {batch_groups} : i64}} : ({x.type}, {w.type}) -> {type_text(shape, x.dtype)}",
                         shape, x.dtype)

    def cholesky(self, x, lower=True):
        return self.emit(f"stablehlo.cholesky {x.name}, lower = {'true' if lower else 'false'} : {x.type}", x.shape, x.dtype)

    def triangular_solve(self, a, b, *, left_side=True, lower=True, unit_diagonal=False, transpose_a="NO_TRANSPOSE"):
        """Solves op(a) @ x = b, or x @ op(a) = b; transpose_a: NO_TRANSPOSE, TRANSPOSE or ADJOINT."""
        attributes = (f"left_side = {'true' if left_side else 'false'}, lower = {'true' if lower else 'false'}, unit_diagonal = "
                      f"{'true' if unit_diagonal else 'false'}, transpose_a = #stablehlo<transpose {transpose_a}>")
        return self.emit(self._generic("stablehlo.triangular_solve", [a, b], attributes, [(b.shape, b.dtype)]), b.shape, b.dtype)

    def fft(self, x, kind, length):
        """kind: FFT, IFFT, RFFT, IRFFT; over the last len(length) dimensions."""
        shape = list(x.shape)
        if kind == "RFFT":
            shape[-1] = length[-1] // 2 + 1
            dtype = f"complex<{x.dtype}>"
        elif kind == "IRFFT":
            shape[-1] = length[-1]
            dtype = real_type(x.dtype)
        else:
            dtype = x.dtype
        attributes = f"fft_type = #stablehlo<fft_type {kind}>, fft_length = {_array(length)}"
        return self.emit(self._generic("stablehlo.fft", [x], attributes, [(shape, dtype)]), shape, dtype)

    # --- Control ----------------------------------------------------------------------------------------------------

    def while_loop(self, initials, condition, body):
        """`condition(b, *values)` gives a scalar i1, `body(b, *values)` the next values. A list of Values."""
        types = [(v.shape, v.dtype) for v in initials]
        first, _ = self.region(types, condition)
        second, _ = self.region(types, body)
        return self.emit_many(self._generic("stablehlo.while", initials, "", types, f"{first}, {second}"), types)

    def if_else(self, predicate, then, otherwise):
        """`then(b)` or `otherwise(b)`, which give Values of the same types. A list of Values."""
        first, results = self.region([], then)
        second, _ = self.region([], otherwise)
        types = [(v.shape, v.dtype) for v in results]
        return self.emit_many(self._generic("stablehlo.if", [predicate], "", types, f"{first}, {second}"), types)

    def custom_call(self, target, operands, types, attributes=""):
        """A call that the plugin knows by name. A list of Values."""
        text = f'call_target_name = "{target}"' + (", " + attributes if attributes else "")
        return self.emit_many(self._generic("stablehlo.custom_call", operands, text, types), types)

    # --- Random numbers ---------------------------------------------------------------------------------------------

    def random_bits(self, shape, dtype="ui32"):
        """Bits of a generator that every execution seeds anew from PyTorch's default generator: each call in a program
        has a stream of its own, and torch.manual_seed makes all of them repeatable. `dtype`: ui32 or ui64."""
        if self._seeds is None:
            raise LoweringError("random numbers in a program without a seed")
        row = self._seeds()
        shape = tuple(shape)
        types = [((2,), "ui64"), (shape, dtype)]
        state = self.bitcast_convert(row, "ui64")
        return self.emit_many(f"stablehlo.rng_bit_generator {state.name}, algorithm = THREE_FRY : ({state.type}) -> "
                              f"({state.type}, {type_text(shape, dtype)})", types)[1]

    def random_uniform(self, shape, dtype):
        """Numbers in [0, 1) of a float type, from as many bits as its mantissa has."""
        wide = dtype == "f64"
        bits = self.random_bits(shape, "ui64" if wide else "ui32")
        digits = {"f64": 53, "f32": 24, "f16": 11, "bf16": 8}.get(dtype)
        if digits is None:
            raise LoweringError(f"uniform random numbers of type {dtype}")
        top = self.binary("stablehlo.shift_right_logical", bits, (64 if wide else 32) - digits)
        computed = "f64" if wide else "f32"
        return self.convert(self.multiply(self.convert(top, computed), 2.0**-digits), dtype)

    def random_normal(self, shape, dtype):
        """Numbers of the standard normal distribution, by the inverse of its distribution function."""
        computed = "f64" if dtype == "f64" else "f32"
        u = self.random_uniform(shape, computed)
        # Odd multiples of half a step: never -1 or 1.
        centred = self.add(self.multiply(u, 2.0), 2.0 ** (-53 if computed == "f64" else -24) - 1.0)
        return self.convert(self.multiply(self.unary("chlo.erf_inv", centred), math.sqrt(2.0)), dtype)


def _add_methods():
    """The methods of one or two operands and a result of their type: b.add(x, y), b.exponential(x), b.erf(x) ..."""
    def binary(op):
        return lambda self, x, y: self.binary(op, x, y)

    def unary(op):
        return lambda self, x: self.unary(op, x)

    for name in ("add", "subtract", "multiply", "divide", "remainder", "power", "maximum", "minimum", "atan2", "shift_left",
                 "shift_right_arithmetic", "shift_right_logical", "and", "or", "xor"):
        method = binary("stablehlo." + name)
        setattr(Builder, name + "_" if name in ("and", "or") else name, method)
    for name in ("cbrt", "ceil", "cosine", "count_leading_zeros", "exponential", "exponential_minus_one", "floor", "log",
                 "log_plus_one", "logistic", "negate", "not", "popcnt", "round_nearest_afz", "round_nearest_even", "rsqrt", "sign",
                 "sine", "sqrt", "tan", "tanh"):
        setattr(Builder, name + "_" if name == "not" else name, unary("stablehlo." + name))
    for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "bessel_i1e", "conj", "cosh", "digamma", "erf", "erf_inv", "erfc",
                 "lgamma", "sinh"):
        setattr(Builder, name, unary("chlo." + name))
    for name in ("next_after", "polygamma", "zeta"):
        setattr(Builder, name, binary("chlo." + name))


_add_methods()
