"""From an FX graph of ATen operations to programs and the plan that runs them.

Most graphs become one program. Where an operation cannot be lowered, the graph is cut around it: what lies before and
after it becomes a program each, and the operation runs eagerly in between.

Strides. A program's arrays are dense and row-major. A tensor whose dimensions lie in another order (a transposed weight,
channels last) is a parameter of the order in memory, transposed inside the program, so that nothing is copied on the
way in; results get the strides that PyTorch expects in the same way. Only a tensor with gaps or repeated elements is
copied before the call.
"""

import logging

import torch

from libpjrt import host
from libpjrt.torch import table
from libpjrt.torch.builder import Builder, LoweringError
from libpjrt.torch.dtypes import TO_STABLEHLO, stablehlo_type

log = logging.getLogger(__name__)

_copy = torch.ops.aten.copy_.default
_TENSOR = torch.Tensor


def memory_order(shape, strides):
    """The dimensions from the outermost in memory to the innermost, or None where elements leave gaps or repeat."""
    expected = 1
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if s != expected:
                break
            expected *= n
    else:
        return tuple(range(len(shape)))
    if 0 in shape:
        return tuple(range(len(shape)))
    # Dimensions of one element may stand anywhere: their strides say nothing.
    order = sorted(range(len(shape)), key=lambda i: (-strides[i] if shape[i] != 1 else -strides[i], i))
    expected = 1
    for i in reversed(order):
        if shape[i] != 1 and strides[i] != expected:
            return None
        expected *= shape[i]
    return tuple(order)


def dense_strides(shape):
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def _is_identity(order):
    return order == tuple(range(len(order)))


def _inverse(order):
    result = [0] * len(order)
    for i, d in enumerate(order):
        result[d] = i
    return result


class Layout:
    """How a tensor of the graph lies: shape, strides, dtype (StableHLO's), order in memory (None: to be copied)."""

    __slots__ = ("shape", "strides", "dtype", "order")

    def __init__(self, fake, size):
        self.shape = tuple([n if type(n) is int else size(n) for n in fake.shape])
        self.strides = tuple([n if type(n) is int else size(n) for n in fake.stride()])
        self.dtype = stablehlo_type(fake.dtype)
        self.order = memory_order(self.shape, self.strides)

    def in_memory(self):
        """The shape in the order of memory."""
        if self.order is None or _is_identity(self.order):
            return self.shape
        return tuple(self.shape[d] for d in self.order)


def where(node):
    """The last line of the user's stack that led to a node, for messages: " (File ...)"; "" when unknown."""
    trace = node.meta.get("stack_trace") or ""
    lines = [line.strip() for line in trace.strip().splitlines()]
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].startswith('File "'):
            return " (" + ": ".join(lines[i:i + 2]) + ")"
    return ""


class Segment:
    """Nodes of a graph that become one program, and what it takes and gives.

    inputs   nodes whose tensors are parameters, in order
    updates  pairs (placeholder, value): the value is written into the placeholder's tensor
    outputs  nodes whose tensors are results"""

    def __init__(self, nodes):
        self.nodes = nodes
        self.inputs = []
        self.outputs = []
        self.updates = []


def is_tensor_node(node):
    """Whether a node gives tensors: one, or a list or tuple with some in it."""
    value = node.meta.get("val")
    return isinstance(value, _TENSOR) or (isinstance(value, (tuple, list)) and any(isinstance(v, _TENSOR) for v in value))


class Writer:
    """Writes the program of one segment."""

    def __init__(self, graph_module, size):
        self.module = graph_module
        self.size = size
        self.builder = Builder()
        self.env = {}
        self.seeded = False
        self.seed_index = None
        self.draws = 0
        self.failures = {}  # node: why

    def parameter(self, node):
        layout = Layout(node.meta["val"], self.size)
        value = self.builder.parameter(layout.in_memory(), layout.dtype)
        if layout.order is not None:
            value = self.builder.transpose(value, _inverse(layout.order))
        self.env[node] = value
        return layout

    def _seed(self):
        """A new stream of the program's generator: the first word of its state tells it from the others."""
        b = self.builder
        if self.seed_index is None:
            self.seed_index = len(b._parameters)
            self._seed_value = b.parameter((2,), "i64")
        self.draws += 1
        mark = (self.draws * 0x9E3779B97F4A7C15) & ((1 << 64) - 1)
        return b.add(self._seed_value, b.constant_list([mark, 0], "i64"))

    def node(self, node):
        """Lowers one node; LoweringError where that cannot be done."""
        env, value, target = self.env, node.meta.get("val"), node.target
        if isinstance(target, torch._ops.OpOverload) and is_tensor_node(node):
            args = [self.resolve(a) for a in node.args]
            kwargs = {k: self.resolve(v) for k, v in node.kwargs.items()} if node.kwargs else {}
            first = node.args[0].meta.get("val") if node.args and isinstance(node.args[0], torch.fx.Node) else None
            self.builder.first = first if isinstance(first, _TENSOR) else None
            env[node] = table.lower(self.builder, target, args, kwargs, value, self.size)
        elif is_tensor_node(node):
            if getattr(target, "__name__", "") != "getitem":
                raise LoweringError("no operation of ATen's")
            env[node] = env[node.args[0]][node.args[1]]
        else:
            self.number(node, value)

    def resolve(self, argument):
        """An argument of a node, with Values and numbers in the place of nodes."""
        if isinstance(argument, torch.fx.Node):
            value = self.env.get(argument)
            return self.number(argument, argument.meta.get("val")) if value is None else value
        if isinstance(argument, (list, tuple)):
            return [self.resolve(a) for a in argument]
        return argument

    def number(self, node, value):
        """A node that gives no tensor: a size, or arithmetic on sizes."""
        if isinstance(value, (int, float, bool)):
            return value
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return self.size(value)
        raise LoweringError("it gives neither tensors nor sizes")

    def stand_in(self, node):
        """Something of the right type after a failure, so that all failures are found in one pass."""
        b = self.builder
        value = node.meta.get("val")
        try:
            metas = [table.meta_of(v, self.size) if isinstance(v, _TENSOR) else None
                     for v in (value if isinstance(value, (tuple, list)) else [value])]
        except LoweringError:
            metas = [None]
        values = [m and b.parameter(m.shape, m.dtype) for m in metas]
        self.env[node] = values if isinstance(value, (tuple, list)) else values[0]

    def segment(self, segment):
        """The program's text and how to call it; None where self.failures says why not."""
        b = self.builder
        b._seeds = self._seed
        layouts = [self.parameter(node) for node in segment.inputs]
        for node in segment.nodes:
            try:
                self.node(node)
            except LoweringError as error:
                self.failures[node] = str(error)
                self.stand_in(node)
            except Exception as error:  # a fault of a lowering's own
                log.debug("lowering %s", node.target, exc_info=True)
                self.failures[node] = f"{type(error).__name__}: {error}"
                self.stand_in(node)
        if self.failures:
            return None
        results, outputs = [], []
        for node in segment.outputs:
            layout = Layout(node.meta["val"], self.size)
            value = self.env[node]
            if layout.order is None or _is_identity(layout.order):
                outputs.append((layout.shape, dense_strides(layout.shape)))
            else:
                value = b.transpose(value, layout.order)
                outputs.append((layout.shape, layout.strides))
            results.append(value)
        copies = []
        for place, node in segment.updates:
            index = segment.inputs.index(place)
            layout, value = layouts[index], self.env[node]
            value = b.broadcast_to(b.convert(value, layout.dtype), layout.shape)
            if layout.order is None:  # the program saw a copy
                copies.append((index, len(outputs) - sum(type(o) is int for o in outputs)))
                outputs.append((layout.shape, dense_strides(layout.shape)))
            else:
                b.set_attributes(index, f"{{tf.aliasing_output = {len(results)} : i32}}")
                outputs.append(index)
                value = b.transpose(value, layout.order)
            results.append(value)
        inputs = [(layout.dtype, layout.in_memory(), layout.order or tuple(range(len(layout.shape)))) for layout in layouts]
        if self.seed_index is not None:
            inputs.append(("i64", (2,)))
        return Program(b.finish(results), inputs, outputs, layouts, copies, self.seed_index is not None)


class Program:
    """A segment as a program, ready to be compiled.

    copies  pairs (input, result): the result is copied into that tensor after the run
    seeded  the last parameter is a seed"""

    def __init__(self, text, inputs, outputs, layouts, copies, seeded):
        self.text = text
        self.inputs = inputs
        self.outputs = outputs
        self.layouts = layouts
        self.copies = copies
        self.seeded = seeded

    def compile(self):
        """The function from the list of input tensors to the list of results."""
        run = host.client(torch.get_num_threads()).compile(self.text, self.inputs, self.outputs, torch.Tensor)
        gaps = [i for i, layout in enumerate(self.layouts) if layout.order is None]
        signs = [i for i, layout in enumerate(self.layouts) if layout.dtype.startswith("complex")]
        if not gaps and not signs and not self.seeded:
            return run
        copies, seeded = self.copies, self.seeded

        def call(tensors):
            given = tensors
            tensors = list(tensors)
            for i in signs:  # conjugation may be a mark on the tensor only
                tensors[i] = tensors[i].resolve_conj().resolve_neg()
            for i in gaps:
                tensors[i] = tensors[i].contiguous()
            if seeded:
                tensors.append(torch.randint(-(1 << 63), (1 << 63) - 1, (2,), dtype=torch.int64, device="cpu"))
            results = run(tensors)
            for i, result in copies:
                given[i].copy_(results[result])
            return results[:len(results) - len(copies)] if copies else results
        return call


# --- Cutting a graph ---------------------------------------------------------------------------------------------------


def _unsupported(node):
    """Why a node can never be part of a program, or None."""
    if node.op == "get_attr":
        return None
    if node.op != "call_function":
        return f"a node of kind {node.op}"
    if not is_tensor_node(node):
        return None
    for value in (n.meta.get("val") for n in (node, *node.all_input_nodes)):
        for tensor in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(tensor, _TENSOR) and (tensor.dtype not in TO_STABLEHLO or tensor.layout != torch.strided):
                return f"a tensor of {tensor.dtype}, {tensor.layout}"
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        if target is _copy:
            return "a copy into a tensor that is no argument"
        return None if target in table.table() else "no entry in the table"
    return None if getattr(target, "__name__", "") == "getitem" else "no operation of ATen's"


def untold(node, size):
    """Why a node cannot be lowered whose own data tell a size that it gives, or None."""
    value = node.meta.get("val")
    for part in value if isinstance(value, (tuple, list)) else (value,):
        for n in part.shape if isinstance(part, _TENSOR) else (part,):
            if isinstance(n, (torch.SymInt, torch.SymFloat, torch.SymBool)):
                try:
                    size(n)
                except TypeError:  # a symbol that has no value yet
                    return "only its data tell the size or number that it gives"
    return None


def _foreign(value):
    """Why a tensor can be no array of a program, or None."""
    if not isinstance(value, _TENSOR):
        return None
    if value.device.type != "cpu":
        return f"a tensor on {value.device}"
    if value.layout != torch.strided:
        return f"a tensor of layout {value.layout}"
    return None if value.dtype in TO_STABLEHLO else f"a tensor of {value.dtype}"


def _find_foreign(graph, eager):
    """Adds to `eager` what takes or gives tensors that no program can."""
    for node in graph.nodes:
        value = node.meta.get("val")
        reason = next(filter(None, map(_foreign, value if isinstance(value, (tuple, list)) else [value])), None)
        if reason is None:
            continue
        for n in ([node] if node.op == "call_function" else []) + [u for u in node.users if u.op == "call_function"]:
            eager.setdefault(n, reason)


def _is_getitem(node):
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem" and is_tensor_node(node)


def is_check(node):
    """Whether a node asserts something of sizes: it neither takes nor gives tensors, nor a number."""
    return node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload) and node.meta.get("val") is None and \
        not any(is_tensor_node(n) for n in node.all_input_nodes)


def _is_update(node):
    return node.op == "call_function" and node.target is _copy and isinstance(node.args[1], torch.fx.Node) and \
        node.args[0].op == "placeholder"


class Cut:
    """How a graph is divided: steps in order, each a Segment or a node that runs eagerly; what the graph returns.

    `outside`: results that nobody computes, because they are views of arguments."""

    def __init__(self, graph, eager, outside):
        nodes = list(graph.nodes)
        self.placeholders = [n for n in nodes if n.op == "placeholder"]
        self.constants = [n for n in nodes if n.op == "get_attr" and isinstance(n.meta.get("val"), _TENSOR)]
        self.results = list(nodes[-1].args[0]) if isinstance(nodes[-1].args[0], (list, tuple)) else [nodes[-1].args[0]]
        self.updates = [(n.args[0], n.args[1]) for n in nodes if _is_update(n)]
        # The value of a copy into an argument is the argument.
        self.results = [r.args[0] if isinstance(r, torch.fx.Node) and _is_update(r) else r for r in self.results]
        self.steps = []
        current = []

        def close():
            if any(is_tensor_node(n) for n in current):
                self.steps.append(Segment(list(current)))
            current.clear()

        for node in nodes:
            if node.op != "call_function" or _is_getitem(node) or _is_update(node) or is_check(node):
                continue
            # The parts of a tuple are taken out where it was made.
            parts = [u for u in node.users if _is_getitem(u)]
            for part in parts:
                parts += [u for u in part.users if _is_getitem(u)]
            if node in eager:
                close()
                self.steps += [node, *parts]
            else:
                current += [node, *parts]
        close()
        if self.updates and not (self.steps and isinstance(self.steps[-1], Segment)):
            self.steps.append(Segment([]))
        if self.updates:
            self.steps[-1].updates = self.updates
        self._connect(outside)

    def _connect(self, outside):
        """Finds what each segment takes and gives."""
        made = {node: step for step in self.steps if isinstance(step, Segment) for node in step.nodes}
        inputs = {step: {} for step in self.steps}
        outputs = {step: {} for step in self.steps}

        def want(node, step):
            owner = made.get(node)
            if not isinstance(node.meta.get("val"), _TENSOR) or (owner is step and owner is not None):
                return
            if owner is not None:
                outputs[owner][node] = True
            if step is not None:
                inputs[step][node] = True

        for step in self.steps:
            nodes = step.nodes if isinstance(step, Segment) else [step]
            for node in nodes:
                for operand in node.all_input_nodes:
                    want(operand, step)
            if isinstance(step, Segment):
                for place, value in step.updates:
                    want(value, step)
                    inputs[step][place] = True
        for result in self.results:
            if isinstance(result, torch.fx.Node) and result not in outside:
                want(result, None)
        for step in self.steps:
            if isinstance(step, Segment):
                step.inputs, step.outputs = list(inputs[step]), list(outputs[step])


def cut_and_write(module, size, outside=frozenset()):
    """The Cut of a graph and, for each of its segments, the Program. Operations that have to run eagerly are named in a
    warning, once each."""
    eager = {}
    for node in module.graph.nodes:
        if node.op == "call_function" and not _is_update(node) and not is_check(node):
            reason = _unsupported(node) or untold(node, size)
            if reason:
                eager[node] = reason
    _find_foreign(module.graph, eager)
    while True:
        cut = Cut(module.graph, eager, outside)
        programs, failures = {}, {}
        for step in cut.steps:
            if isinstance(step, Segment):
                writer = Writer(module, size)
                programs[step] = writer.segment(step)
                failures.update(writer.failures)
        if not failures:
            _tell(eager)
            return cut, programs
        eager.update(failures)


_told = set()


def _tell(eager):
    """Warns of operations that run eagerly: which, why, where in the user's program."""
    for node, reason in eager.items():
        key = (str(node.target), reason)
        if reason and key not in _told:
            _told.add(key)
            log.warning("libpjrt: %s runs eagerly: %s%s", node.target, reason, where(node))
