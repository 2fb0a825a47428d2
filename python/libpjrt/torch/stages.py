"""Graphs whose sizes are only known when they are called.

A graph with symbolic sizes is lowered anew for each set of sizes that it is called with, and the programs are kept, so that
each is as good as one for static shapes. Where data tell a size (nonzero, item), the graph is cut behind the operation that
gives it: what follows is a graph of its own, for which that size is one more that is known when it is called."""

import logging

import torch

from libpjrt.torch.builder import LoweringError
from libpjrt.torch.lowering import where
from libpjrt.torch.plan import Plan

log = logging.getLogger(__name__)

PLANS_KEPT = 64  # programs of one graph with symbolic sizes
DATA_PLANS = 16  # programs of one graph for sizes that data tell, of which there may be a new one each time; then it runs eagerly

_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


class Source:
    """Where the value of a symbol is found: in an argument, `take` of a tensor (shape, stride) or the argument itself."""

    __slots__ = ("argument", "take")

    def __init__(self, argument, take=None):
        self.argument = argument
        self.take = take  # None, or (method, dimension)

    def value(self, values):
        argument = values[self.argument]
        if self.take is None:
            return argument
        method, dim = self.take
        return argument.shape[dim] if method == "shape" else argument.stride(dim)


def symbol_of(value):
    """The symbol that a size is, or None: 5 and s0 + 1 are none."""
    return value.node.expr if isinstance(value, _SYMBOLIC) and value.node.expr.is_symbol else None


def sources(nodes):
    """{symbol: Source} of the symbols that the values of `nodes` tell, which are the arguments in this order."""
    found = {}
    for i, node in enumerate(nodes):
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided:
                sizes = [(("shape", d), n) for d, n in enumerate(value.shape)]
            else:
                sizes = [(("shape", d), n) for d, n in enumerate(value.shape)] + [(("stride", d), n) for d, n in enumerate(value.stride())]
            for take, n in sizes:
                symbol = symbol_of(n)
                if symbol is not None:
                    found.setdefault(symbol, Source(i, take))
        else:
            symbol = symbol_of(value)
            if symbol is not None:
                found[symbol] = Source(i)
    return found


def _parts(value):
    """The tensors and numbers that a node gives."""
    if isinstance(value, (tuple, list)):
        return [p for v in value for p in _parts(v)]
    return [value]


def symbols_in(node):
    """The symbols in what a node gives: numbers, and sizes and strides of tensors."""
    found = set()
    for value in _parts(node.meta.get("val")):
        numbers = [value]
        if isinstance(value, torch.Tensor):
            numbers = [*value.shape, *(value.stride() if value.layout == torch.strided else ())]
        for n in numbers:
            if isinstance(n, _SYMBOLIC):
                found |= n.node.expr.free_symbols
    return found


class DynamicPlan:
    """A graph with symbolic sizes: a Plan for each set of sizes.

    known   the symbols whose values are known when it is called
    data    those of them that data told
    loose   see Plan"""

    def __init__(self, module, known, data=frozenset(), loose=False):
        self.module = module
        self.loose = loose
        used = set().union(*map(symbols_in, module.graph.nodes)).intersection(known)
        self.names = sorted(used, key=str)
        self.by_data = not data.isdisjoint(used)
        self.plans = {}
        self.tried = 0

    def run(self, arguments, values):
        """The results for `arguments`, a list that is emptied; `values`: {symbol: number}."""
        key = tuple([values[name] for name in self.names])
        plan = self.plans.get(key)
        if plan is None:
            plan = self._made(key, values)
        return plan(arguments)

    def _made(self, key, values):
        if self.by_data and self.tried >= DATA_PLANS:
            if self.tried == DATA_PLANS:
                log.warning("libpjrt: a part of a graph runs eagerly from now on: its data told %d different sizes%s", DATA_PLANS,
                            where(next(n for n in self.module.graph.nodes if n.op == "call_function")))
                self.tried += 1
            return eager(self.module)
        self.tried += 1
        if len(self.plans) >= PLANS_KEPT:
            self.plans.pop(next(iter(self.plans)), None)  # another thread may have been faster

        def size(symbolic):
            result = symbolic.node.expr.xreplace(values) if hasattr(symbolic, "node") else symbolic
            if isinstance(symbolic, torch.SymBool):
                return bool(result)
            return float(result) if isinstance(symbolic, torch.SymFloat) else int(result)

        plan = self.plans[key] = Plan(self.module, size, self.loose)
        return plan


def eager(module):
    """A graph as PyTorch itself runs it, called as a Plan is."""
    def run(arguments):
        values = list(arguments)
        arguments.clear()
        return module(*values)
    run._boxed_call = True
    return run


class Dynamic:
    """A graph whose arguments tell all sizes."""

    _boxed_call = True

    def __init__(self, module, found):
        self.found = list(found.items())
        self.plan = DynamicPlan(module, found.keys())

    def __call__(self, arguments):
        return self.plan.run(arguments, {symbol: source.value(arguments) for symbol, source in self.found})


# --- Sizes that data tell -----------------------------------------------------------------------------------------------


def telling(module, known):
    """The nodes that tell a size that is not among the `known` symbols, in order."""
    known = set(known)
    nodes = []
    for node in module.graph.nodes:
        new = symbols_in(node) - known if node.op == "call_function" else ()
        if new:
            known |= new
            nodes.append(node)
    return nodes


class _Stage:
    """A part of a graph.

    reads   places of what it takes
    writes  places of what it gives
    found   {symbol: Source} that its results tell"""

    def __init__(self, plan, reads, writes, found):
        self.plan = plan
        self.reads = reads
        self.writes = writes
        self.found = list(found.items())


class Staged:
    """A graph cut behind each of `nodes`, whose data tell sizes: parts that run one after the other.

    Raises LoweringError where a size is told in another way than by a result of an operation of ATen's."""

    _boxed_call = True

    def __init__(self, module, found, nodes):
        for node in nodes:
            if not isinstance(node.target, torch._ops.OpOverload):
                raise LoweringError(f"{node.target} gives arrays of a size that is not known before")
        self.found = list(found.items())
        *body, last = module.graph.nodes
        arguments = [n for n in body if n.op == "placeholder"]
        self.places = {node: i for i, node in enumerate(arguments)}
        self.stages = []
        results = last.args[0] if isinstance(last.args[0], (list, tuple)) else [last.args[0]]
        parts = _split([n for n in body if n.op != "placeholder"], set(nodes))
        known = set(found)
        for i, part in enumerate(parts):
            later = set(n for p in parts[i + 1:] for node in p for n in node.all_input_nodes)
            later |= {r for r in results if isinstance(r, torch.fx.Node)}
            self._add(module, part, [n for n in part if n in later and n.op != "get_attr"], known)
        self.results = [(True, self.places[r]) if isinstance(r, torch.fx.Node) else (False, r) for r in results]
        self.num_places = len(self.places)

    def _add(self, module, part, gives, known):
        """A stage of the nodes of `part`, whose results are `gives`."""
        inside = set(part)
        takes = list(dict.fromkeys(n for node in part for n in node.all_input_nodes if n not in inside))
        graph = torch.fx.Graph(module)
        copies = {n: graph.node_copy(n) for n in takes if n.op == "get_attr"}
        takes = [n for n in takes if n.op != "get_attr"]
        for node in takes:
            copies[node] = graph.placeholder(node.name)
            copies[node].meta = dict(node.meta)
        for node in part:
            copies[node] = graph.node_copy(node, copies.__getitem__)
        graph.output([copies[n] for n in gives])
        reads = [self.places[n] for n in takes]
        for node in gives:
            self.places[node] = len(self.places)
        found = {s: source for s, source in sources(gives).items() if s not in known}
        data = known.difference(symbol for symbol, _ in self.found)
        plan = DynamicPlan(torch.fx.GraphModule(module, graph), known, data, loose=bool(self.stages))
        known.update(found)
        untold = set().union(*map(symbols_in, part)) - known
        if untold:
            raise LoweringError(f"nothing tells the size {', '.join(map(str, untold))}")
        self.stages.append(_Stage(plan, reads, [self.places[n] for n in gives], found))

    def __call__(self, arguments):
        symbols = {symbol: source.value(arguments) for symbol, source in self.found}
        values = [*arguments, *[None] * (self.num_places - len(arguments))]
        arguments.clear()
        for stage in self.stages:
            results = stage.plan.run([values[i] for i in stage.reads], symbols)
            symbols.update({symbol: source.value(results) for symbol, source in stage.found})
            for i, result in zip(stage.writes, results):
                values[i] = result
        return [values[r] if taken else r for taken, r in self.results]


def _split(body, nodes):
    """The nodes of a graph's body in parts that end behind each of `nodes` and the elements that are taken out of what it gives."""
    parts, part, waiting = [], [], set()
    for node in body:
        if waiting and not (node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem" and node.args[0] in waiting):
            parts.append(part)
            part, waiting = [], set()
        part.append(node)
        if node in nodes:
            waiting.add(node)
    return [*parts, part] if part else parts
