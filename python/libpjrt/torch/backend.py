"""The backend "libpjrt" of torch.compile.

Dynamo hands over a graph; AOTAutograd makes functional graphs of ATen operations of it, forward and backward; lowering.py
makes programs of those; the host library compiles and runs them (plan.py). Sizes that are not known before are stages.py's.

Random numbers: each execution draws one seed from PyTorch's default generator, so torch.manual_seed makes runs
repeatable; the numbers are not those of eager mode.
"""

import functools
import logging

import torch
from torch._functorch.aot_autograd import aot_module_simplified
from torch._functorch.partitioners import min_cut_rematerialization_partition

from libpjrt.torch import table
from libpjrt.torch.builder import LoweringError
from libpjrt.torch.lowering import where
from libpjrt.torch.plan import Plan, times
from libpjrt.torch.stages import Dynamic, Staged, eager, sources, telling

log = logging.getLogger(__name__)


@functools.cache
def decompositions():
    """PyTorch's decompositions of what the table has no entry for."""
    from torch._decomp import core_aten_decompositions, global_decomposition_table

    known = table.table()
    result = dict(global_decomposition_table["post_autograd"])
    result.update(core_aten_decompositions().items())
    return {operation: function for operation, function in result.items() if operation not in known}


def _compile_graph(module, example_inputs):
    """AOTAutograd's compiler function, for forward, backward and inference graphs."""
    times["graphs"] += 1
    found = sources([n for n in module.graph.nodes if n.op == "placeholder"])
    nodes = telling(module, found)
    if nodes:
        try:
            return Staged(module, found, nodes)
        except LoweringError as error:
            log.warning("libpjrt: a graph runs eagerly: %s%s", error, where(nodes[0]))
            return eager(module)
    return Dynamic(module, found) if found else Plan(module, int)


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
