"""What every operation is written with: the program, its regions, constants, broadcasting and conversion."""

import math

from libpjrt.torch.builder.types import COMPLEX, LoweringError, Value, broadcast_shapes, ints, literal, type_text


class Core:
    """The program as it is written: parameters, operations, regions; constants; operands brought to one shape."""

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
        if x.dtype in COMPLEX and dtype not in COMPLEX:
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
        return self.emit(f"stablehlo.broadcast_in_dim {x.name}, dims = {ints(dims)} : ({x.type}) -> {type_text(shape, x.dtype)}",
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
