"""The backend "libpjrt" of torch.compile.

Dynamo hands over a graph; AOTAutograd makes functional graphs of ATen operations of it, forward and backward; lowering.py
makes programs of those; the host library compiles and runs them.

Dynamic shapes: a graph with symbolic sizes is lowered anew for each set of sizes that it is called with, and the programs
are kept (`PLANS_KEPT` of them), so that each is as good as one for static shapes.

Random numbers: each execution draws one seed from PyTorch's default generator, so torch.manual_seed makes runs
repeatable; the numbers are not those of eager mode.
"""

import functools
import logging
import operator
import time

import torch
from torch._functorch.aot_autograd import aot_module_simplified
from torch._functorch.partitioners import min_cut_rematerialization_partition

from libpjrt.torch import table
from libpjrt.torch.dtypes import TO_STABLEHLO
from libpjrt.torch.lowering import Layout, Segment, cut_and_write, memory_order, where

log = logging.getLogger(__name__)

PLANS_KEPT = 64  # programs of one graph with symbolic sizes

# What the backend itself took since the process started: seconds for writing programs and for compiling them, counts.
times = {"lower": 0.0, "compile": 0.0, "graphs": 0, "programs": 0}


@functools.cache
def decompositions():
    """PyTorch's decompositions of what the table has no entry for."""
    from torch._decomp import core_aten_decompositions, global_decomposition_table

    known = table.table()
    result = dict(global_decomposition_table["post_autograd"])
    result.update(core_aten_decompositions().items())
    return {operation: function for operation, function in result.items() if operation not in known}


# --- Running a graph ---------------------------------------------------------------------------------------------------


def _view_of(node, placeholders):
    """The placeholder of whose memory a result is a view, or None."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        return None
    base = placeholders.get(value.untyped_storage()._cdata)
    return base if base is not None and base.meta["val"].dtype == value.dtype else None


class Plan:
    """A graph for one set of sizes: programs and eager operations in order, on numbered slots.

    Called with the list of the graph's arguments, which it empties (AOTAutograd's boxed convention), it gives the list of
    the graph's results."""

    _boxed_call = True

    def __init__(self, module, size):
        begin = time.perf_counter()
        updated = {n.args[0] for n in module.graph.nodes if n.op == "call_function" and n.target is torch.ops.aten.copy_.default}
        storages = {n.meta["val"].untyped_storage()._cdata: n for n in module.graph.nodes
                    if n.op == "placeholder" and isinstance(n.meta.get("val"), torch.Tensor) and n not in updated and
                    n.meta["val"].device.type == "cpu" and
                    n.meta["val"].layout == torch.strided}
        views = {}
        (output,) = [n for n in module.graph.nodes if n.op == "output"]
        results = output.args[0] if isinstance(output.args[0], (list, tuple)) else [output.args[0]]
        for node in results:
            if isinstance(node, torch.fx.Node) and node.op == "call_function":
                base = _view_of(node, storages)
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
        self.tangents = [(slots[n], Layout(n.meta["val"], size).strides) for n in cut.placeholders
                         if n.name.startswith("tangents") and isinstance(n.meta.get("val"), torch.Tensor) and
                         n.meta["val"].layout == torch.strided and n.meta["val"].dtype in TO_STABLEHLO]
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
                layout = Layout(result.meta["val"], size)
                offset = result.meta["val"].storage_offset()
                self.results.append((_View(layout.shape, layout.strides, offset if type(offset) is int else size(offset)),
                                     slots[self._views[result]]))
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
        if len(self.steps) != 1 or self.constants or self.tangents or not isinstance(self.steps[0], _ProgramStep):
            return
        step = self.steps[0]
        if all(kind is _TAKE for kind, _ in self.results) and [s for _, s in self.results] == step.writes:
            reads = step.reads
            self.fast = step.run, (None if reads == list(range(self.num_arguments)) else operator.itemgetter(*reads)
                                   if len(reads) > 1 else None if not reads else lambda args, i=reads[0]: (args[i],))
            if not reads and self.num_arguments:
                self.fast = None

    def __call__(self, arguments):
        if self.fast is not None:
            run, pick = self.fast
            results = run(arguments if pick is None else list(pick(arguments)))
            arguments.clear()
            return results
        values = list(arguments)
        arguments.clear()
        for i, strides in self.tangents:
            tensor = values[i]
            if tensor is not None and tensor.stride() != strides:
                values[i] = _with_strides(tensor, strides)
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
                results.append(values[value].detach().as_strided(kind.shape, kind.strides, kind.offset))
        return results


_TAKE = object()


class _View:
    def __init__(self, shape, strides, offset):
        self.shape = shape
        self.strides = strides
        self.offset = offset


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
        values[self.writes] = self.target(*args, **kwargs)
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


# --- Symbolic sizes ----------------------------------------------------------------------------------------------------


class DynamicPlan:
    """A graph with symbolic sizes: a Plan for each set of sizes."""

    _boxed_call = True

    def __init__(self, module, symbols):
        self.module = module
        self.symbols = list(symbols.values())  # (argument, dimension or None)
        self.names = list(symbols)
        self.plans = {}

    def __call__(self, arguments):
        sizes = tuple([arguments[i] if d is None else arguments[i].shape[d] for i, d in self.symbols])
        plan = self.plans.get(sizes)
        if plan is None:
            if len(self.plans) >= PLANS_KEPT:
                self.plans.pop(next(iter(self.plans)), None)  # another thread may have been faster
            values = dict(zip(self.names, sizes))

            def size(symbolic):
                result = symbolic.node.expr.xreplace(values) if hasattr(symbolic, "node") else symbolic
                if isinstance(symbolic, torch.SymBool):
                    return bool(result)
                return float(result) if isinstance(symbolic, torch.SymFloat) else int(result)

            plan = self.plans[sizes] = Plan(self.module, size)
        return plan(arguments)


def _symbols(module):
    """Where the value of each symbol of a graph's sizes is found: {symbol: (argument, dimension or None)}."""
    found = {}
    for i, node in enumerate(n for n in module.graph.nodes if n.op == "placeholder"):
        value = node.meta.get("val")
        if isinstance(value, (torch.SymInt, torch.SymFloat)):
            if value.node.expr.is_symbol:
                found[value.node.expr] = (i, None)
        elif isinstance(value, torch.Tensor):
            for d, n in enumerate(value.shape):
                if not isinstance(n, int) and n.node.expr.is_symbol:
                    found.setdefault(n.node.expr, (i, d))
    return found


def _size_from_data(module, symbols):
    """The first node that gives a size which only its data tell, or None: `symbols` are those known before the call."""
    known = symbols.keys()
    for node in module.graph.nodes:
        value = node.meta.get("val")
        sizes = value.shape if isinstance(value, torch.Tensor) else [value]
        if any(isinstance(n, (torch.SymInt, torch.SymFloat, torch.SymBool)) and n.node.expr.free_symbols - known for n in sizes):
            return node
    return None


def _eager(module):
    """A graph as PyTorch itself runs it, called as a Plan is."""
    def run(arguments):
        values = list(arguments)
        arguments.clear()
        return module(*values)
    run._boxed_call = True
    return run


# --- The backend -------------------------------------------------------------------------------------------------------


def _compile_graph(module, example_inputs):
    """AOTAutograd's compiler function, for forward, backward and inference graphs."""
    times["graphs"] += 1
    symbols = _symbols(module)
    node = _size_from_data(module, symbols)
    if node is not None:
        log.warning("libpjrt: a graph runs eagerly: only its data tell the size that %s gives%s", node.target, where(node))
        return _eager(module)
    return DynamicPlan(module, symbols) if symbols else Plan(module, int)


def _compile_backward(module, example_inputs):
    # Autograd calls it from user code that Dynamo may be tracing.
    run = torch._dynamo.disable(torch._dynamo.disable(_compile_graph)(module, example_inputs))
    run._boxed_call = True
    return run


def backend(module, example_inputs, **options):
    """What the entry point "libpjrt" of the group torch_dynamo_backends names: torch.compile(f, backend="libpjrt")."""
    unknown = [*(options.pop("options", None) or {}), *options]
    if unknown:
        raise TypeError(f"backend libpjrt takes no options: {', '.join(unknown)}")
    compiled = aot_module_simplified(
        module, example_inputs, fw_compiler=_compile_graph, bw_compiler=_compile_backward, inference_compiler=_compile_graph,
        decompositions=decompositions(), partition_fn=min_cut_rematerialization_partition, keep_inference_input_mutations=True)
    return torch._dynamo.disable(compiled, reason="compiled by libpjrt")
