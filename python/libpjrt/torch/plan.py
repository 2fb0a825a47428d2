"""Running a graph for one set of sizes: programs and eager operations in order, on numbered slots."""

import functools
import operator
import time

import torch

from libpjrt.torch.dtypes import TO_STABLEHLO
from libpjrt.torch.lowering import Layout, Segment, cut_and_write, is_check, memory_order, untold

# What the backend itself took since the process started: seconds for writing programs and for compiling them, counts.
times = {"lower": 0.0, "compile": 0.0, "graphs": 0, "programs": 0}


def _view_of(node, updated):
    """The argument of whose memory a result is a view, or None. The way back through the graph, not sharing of memory alone,
    says which: arguments that shared memory when the graph was made need not do so later."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        return None
    storage = value.untyped_storage()._cdata
    base = node
    while base.op == "call_function":
        base = next((n for n in base.all_input_nodes if _storage(n) == storage), None)
        if base is None:
            return None
    if base.op != "placeholder" or base in updated:
        return None
    argument = base.meta["val"]
    same = argument.dtype == value.dtype and argument.is_conj() == value.is_conj() and argument.is_neg() == value.is_neg()
    return base if same else None


def _storage(node):
    value = node.meta.get("val")
    return value.untyped_storage()._cdata if isinstance(value, torch.Tensor) and value.layout == torch.strided else None


def _check_sizes(module, size):
    """Runs what a graph asserts of its sizes: operations that neither take nor give tensors."""
    for node in module.graph.nodes:
        if is_check(node):
            node.target(*[size(n.meta["val"]) if isinstance(n, torch.fx.Node) else n for n in node.args],
                        **{k: size(n.meta["val"]) if isinstance(n, torch.fx.Node) else n for k, n in node.kwargs.items()})


class Plan:
    """A graph for one set of sizes: programs and eager operations in order, on numbered slots.

    Called with the list of the graph's arguments, which it empties (AOTAutograd's boxed convention), it gives the list of
    the graph's results. `loose`: arguments may have other strides than the graph says."""

    _boxed_call = True

    def __init__(self, module, size, loose=False):
        self.loose = loose
        begin = time.perf_counter()
        _check_sizes(module, size)
        updated = {n.args[0] for n in module.graph.nodes if n.op == "call_function" and n.target is torch.ops.aten.copy_.default}
        views = {}
        (output,) = [n for n in module.graph.nodes if n.op == "output"]
        results = output.args[0] if isinstance(output.args[0], (list, tuple)) else [output.args[0]]
        for node in results:
            if isinstance(node, torch.fx.Node) and node.op == "call_function" and untold(node, size) is None:
                base = _view_of(node, updated)
                if base is not None:
                    views[node] = base
        self._views = views
        cut, programs = cut_and_write(module, size, frozenset(views))
        middle = time.perf_counter()
        self._prepare(module, size, cut, programs)
        times["lower"] += middle - begin
        times["compile"] += time.perf_counter() - middle
        times["programs"] += len(programs)

    def _prepare(self, module, size, cut, programs):
        slots = {node: i for i, node in enumerate(cut.placeholders)}
        self.num_arguments = len(slots)
        self.constants = []
        for node in cut.constants:
            slots[node] = len(slots)
            value = functools.reduce(getattr, node.target.split("."), module)
            self.constants.append(value)

        def slot(node):
            return slots.setdefault(node, len(slots))

        # Gradients come as the graph expects them in shape, but their strides are whoever's made them.
        expected = [(slots[n], _strides(n.meta.get("val"), size)) for n in cut.placeholders if self.loose or n.name.startswith("tangents")]
        self.expected = [(i, strides) for i, strides in expected if strides is not None]
        self.steps = []
        for step in cut.steps:
            if isinstance(step, Segment):
                run = programs[step].compile()
                self.steps.append(_ProgramStep(run, [slot(n) for n in step.inputs], [slot(n) for n in step.outputs]))
            else:
                self.steps.append(_EagerStep(step, slot, size))
        self.results = []
        for result in cut.results:
            if not isinstance(result, torch.fx.Node):
                self.results.append((None, result))
            elif result in self._views:
                layout, base = Layout(result.meta["val"], size), self._views[result]
                self.results.append((_View(layout.shape, layout.strides, _offset(result, size) - _offset(base, size)), slots[base]))
            elif result in slots:
                self.results.append((_TAKE, slots[result]))
            else:
                self.results.append((None, size(result.meta["val"])))
        self._find_ends(len(slots))
        self._make_fast()

    def _find_ends(self, count):
        """Which slots each step reads last, so that tensors die as early as possible."""
        kept = {s for kind, s in self.results if kind is not None}
        self.num_slots = count
        for step in reversed(self.steps):
            step.dying = [s for s in {*step.reads} if s not in kept]
            kept.update(step.reads)

    def _make_fast(self):
        """One program that reads every argument and gives every result: the call is the program's."""
        self.fast = None
        if len(self.steps) != 1 or self.constants or not isinstance(self.steps[0], _ProgramStep):
            return
        step = self.steps[0]
        if all(kind is _TAKE for kind, _ in self.results) and [s for _, s in self.results] == step.writes:
            reads = step.reads
            self.fast = step.run, (None if reads == list(range(self.num_arguments)) else operator.itemgetter(*reads)
                                   if len(reads) > 1 else None if not reads else lambda args, i=reads[0]: (args[i],))
            if not reads and self.num_arguments:
                self.fast = None

    def __call__(self, arguments):
        for i, strides in self.expected:
            tensor = arguments[i]
            if tensor is not None and tensor.stride() != strides:
                arguments[i] = _with_strides(tensor, strides)
        if self.fast is not None:
            run, pick = self.fast
            results = run(arguments if pick is None else list(pick(arguments)))
            arguments.clear()
            return results
        values = list(arguments)
        arguments.clear()
        values += self.constants
        values += [None] * (self.num_slots - len(values))
        for step in self.steps:
            step(values)
        results = []
        for kind, value in self.results:
            if kind is None:
                results.append(value)
            elif kind is _TAKE:
                results.append(values[value])
            else:
                base = values[value].detach()
                results.append(base.as_strided(kind.shape, kind.strides, base.storage_offset() + kind.offset))
        return results


_TAKE = object()


class _View:
    """A result that is a view of an argument, `offset` elements behind its first: where the argument begins in its storage is
    not the graph's to know."""

    def __init__(self, shape, strides, offset):
        self.shape = shape
        self.strides = strides
        self.offset = offset


def _offset(node, size):
    offset = node.meta["val"].storage_offset()
    return offset if type(offset) is int else size(offset)


def _strides(value, size):
    """The strides that a graph expects of a tensor; None for what is none of a program's, or where only its data tell."""
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in TO_STABLEHLO:
        return None
    try:
        return tuple([n if type(n) is int else size(n) for n in value.stride()])
    except TypeError:  # a symbol that has no value yet
        return None


def _with_strides(tensor, strides):
    """The same elements with other strides, for a tensor that came otherwise than expected."""
    if memory_order(tuple(tensor.shape), strides) is None:
        return tensor  # will be made dense
    result = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device=tensor.device)
    return result.copy_(tensor)


class _ProgramStep:
    def __init__(self, run, reads, writes):
        self.run = run
        self.reads = reads
        self.writes = writes
        self.dying = ()

    def __call__(self, values):
        tensors = [values[i] for i in self.reads]
        for i, result in zip(self.writes, self.run(tensors)):
            values[i] = result
        for i in self.dying:
            values[i] = None


class _EagerStep:
    def __init__(self, node, slot, size):
        self.node = node
        self.target = node.target
        self.reads = []
        self.args = self._compiled(list(node.args), slot, size)
        self.kwargs = {k: self._compiled(v, slot, size) for k, v in node.kwargs.items()}
        self.writes = slot(node)
        self.dying = ()
        # What runs eagerly may lay its result out otherwise than it said when the graph was made.
        self.strides = _strides(node.meta.get("val"), size)

    def _compiled(self, argument, slot, size):
        if isinstance(argument, torch.fx.Node):
            value = argument.meta.get("val")
            if isinstance(value, (int, float, bool)):
                return value
            if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
                return size(value)
            if argument.op == "get_attr" and not isinstance(value, torch.Tensor):  # the body of a higher-order operation
                return functools.reduce(getattr, argument.target.split("."), argument.graph.owning_module)
            i = slot(argument)
            self.reads.append(i)
            return _Slot(i)
        if isinstance(argument, (list, tuple)):
            return [self._compiled(a, slot, size) for a in argument]
        return argument

    def __call__(self, values):
        args, kwargs = _filled(self.args, values), {k: _filled(v, values) for k, v in self.kwargs.items()}
        result = self.target(*args, **kwargs)
        if self.strides is not None and result.stride() != self.strides:
            result = _with_strides(result, self.strides)
        values[self.writes] = result
        for i in self.dying:
            values[i] = None


class _Slot:
    def __init__(self, index):
        self.index = index


def _filled(argument, values):
    if isinstance(argument, _Slot):
        return values[argument.index]
    if isinstance(argument, list):
        return [_filled(a, values) for a in argument]
    return argument
