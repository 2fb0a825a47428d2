"""The table that lowers ATen operations to StableHLO: one function an operation (or several), in ops/*.py.

    from libpjrt.torch.table import lowers, aten

    @lowers(aten.add.Tensor, aten.add.Scalar)
    def add(b, x, y, *, alpha=1):
        dtype = b.result.dtype
        y = b.multiply(b.convert(y, dtype), alpha) if alpha != 1 else b.convert(y, dtype)
        return b.add(b.convert(x, dtype), y)

What a function gets
  b        the Builder (builder.py). `b.result` describes what the operation must give: `.shape` and `.dtype` (StableHLO's
           spelling) of its first or only tensor, as PyTorch's own type promotion and shape rules say; `b.results` is the
           list of these for an operation that returns a tuple or list, with None where it returns none. `b.first` is the
           fake tensor of the first argument, None where that is no tensor: for what depends on how memory is laid out.
  args     the arguments of the FX node in the schema's order, and keyword arguments by the schema's names: tensors are
           Values, all else is plain Python: numbers, bools, None, lists, torch.dtype, torch.device, strings. Lists of
           tensors are lists of Values (or None in them). Defaults that FX left out are the function's own defaults, so
           it declares them as the schema does. Sizes are ints always: of a program for dynamic shapes, those at hand.
  result   a Value, or a tuple or list of them for several, None where nothing was asked for. Shapes and types must be
           those of b.results, which is checked.

A function that does not know a case raises LoweringError(why): that node runs eagerly, the rest stays compiled. The same
happens to operations that have no entry and that PyTorch's decompositions do not take apart.

Operations that have an entry are not decomposed, so an entry for a composite operation (layer norm, softmax, GELU)
makes graphs smaller, compilation faster and often the result too. `lowered()` lists what there is. In-place and out=
variants never appear: graphs are functional. An alias such as aten.detach or aten.alias returns its operand.
"""

import importlib
import pkgutil

import torch

from libpjrt.torch.builder import LoweringError, Value
from libpjrt.torch.dtypes import stablehlo_type

aten = torch.ops.aten
prims = torch.ops.prims

_table = {}
_loaded = False


def lowers(*operations):
    """Registers the decorated function for `operations`, overloads such as aten.add.Tensor. Two functions for one
    overload are an error, which the import of the second raises."""
    def register(function):
        for operation in operations:
            if not isinstance(operation, torch._ops.OpOverload):
                raise TypeError(f"{operation} is no overload; write aten.add.Tensor, not aten.add")
            if operation in _table:
                raise ValueError(f"{operation} has two lowerings: {_table[operation].__module__} and {function.__module__}")
            _table[operation] = function
        return function
    return register


def overloads(packet, *names):
    """The overloads of those names that this version of PyTorch has, for `@lowers(*overloads(aten.new, "default"))`."""
    return [getattr(packet, name) for name in names if name in packet.overloads()]


def table():
    """Every registered operation and its function. Imports ops/ at the first call."""
    global _loaded
    if not _loaded:
        package = importlib.import_module("libpjrt.torch.ops")
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"libpjrt.torch.ops.{module}")
        _loaded = True
    return _table


def lowered():
    """The names of all operations in the table, sorted."""
    return sorted(str(operation) for operation in table())


class Meta:
    """What an operation must give: shape (a tuple of ints), dtype (StableHLO's spelling)."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape, dtype):
        self.shape = shape
        self.dtype = dtype


def meta_of(tensor, size=int):
    """Meta of a (fake) tensor; `size` makes an int of what may be symbolic."""
    return Meta(tuple([n if type(n) is int else size(n) for n in tensor.shape]), stablehlo_type(tensor.dtype))


def lower(b, operation, args, kwargs, value, size=int):
    """Writes `operation` into the builder b. `value`: what it gives, as fake tensors. Returns a Value or a list.

    Errors: LoweringError, also where the function gives another shape or type than PyTorch does."""
    function = table().get(operation)
    if function is None:
        raise LoweringError("no entry in the table")
    several = isinstance(value, (tuple, list))
    b.results = [meta_of(v, size) if isinstance(v, torch.Tensor) else None for v in (value if several else [value])]
    b.result = b.results[0] if b.results else None
    result = function(b, *args, **kwargs)
    for got, want in zip(result if several else [result], b.results):
        if want is not None and not (isinstance(got, Value) and got.shape == want.shape and got.dtype == want.dtype):
            raise LoweringError(f"the lowering gave {got}, PyTorch says {want.shape} {want.dtype}")
    return result
