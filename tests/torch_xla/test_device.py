"""The plugin as a device of torch_xla: how it is found, several devices, what goes wrong."""

import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

import libpjrt


def run(code, **environment):
    env = dict(os.environ, **{"PJRT_DEVICE": "LIBPJRT", **environment})
    with tempfile.TemporaryDirectory() as folder:  # A file, for the processes that torch_xla.launch makes read it again.
        program = pathlib.Path(folder) / "program.py"
        program.write_text(code)
        return subprocess.run([sys.executable, program], env=env, capture_output=True, text=True, timeout=900)


def out(code, **environment):
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")


def test_the_entry_point_loads_this_plugin():
    code = """
import torch_xla
from torch_xla.experimental import plugins
import torch_xla.runtime as xr
device = torch_xla.device()
print(plugins.default().library_path(), xr.device_type(), xr.addressable_device_count(), device)
print(any(line.endswith(plugins.default().library_path()) for line in open("/proc/self/maps").read().splitlines()))
"""
    assert out(code)[:2] == [f"{libpjrt.plugin_path()} LIBPJRT 1 xla:0", "True"]


def test_types_keep_their_values():
    code = """
import torch, torch_xla
for dtype in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
              torch.float64, torch.complex64, torch.complex128):
    x = torch.arange(-3, 5).to(dtype)
    for y in (x, x.reshape(2, 4).t(), x[::2], x[:0], x[3]):
        back = y.to("xla").cpu()
        assert back.dtype == dtype and torch.equal(back, y), (dtype, y, back)
        if dtype != torch.bool:
            assert torch.equal((y.to("xla") + y.to("xla")).cpu(), y + y), (dtype, y)
print("ok")
"""
    assert out(code)[0] == "ok"


def test_updates_in_place_and_donated_parameters():
    code = """
import torch, torch_xla
x = torch.zeros(4, 4, device="xla")
view = x[1]
for i in range(5):
    view += i
    x[:, 0].mul_(2)
    torch_xla.sync()
y = torch.zeros(4, 4)
row = y[1]
for i in range(5):
    row += i
    y[:, 0].mul_(2)
assert torch.equal(x.cpu(), y)
print("ok")
"""
    assert out(code)[0] == "ok"


def test_several_devices_meet():
    code = """
import torch, torch_xla, torch_xla.core.xla_model as xm, torch_xla.runtime as xr
def part(index):
    x = torch.full((3,), float(xr.global_ordinal() + 1), device=torch_xla.device())  # a constant: each runs a program of its own
    total = xm.all_reduce(xm.REDUCE_SUM, x)
    rows = xm.all_gather(x, dim=0)
    torch_xla.sync()
    assert total.cpu().tolist() == [10.0] * 3, total
    assert rows.cpu().tolist() == sum(([i + 1.0] * 3 for i in range(4)), []), rows
    print("part\\n", end="", flush=True)  # in one piece: threads share the stream
if __name__ == "__main__":
    torch_xla.launch(part)
"""
    assert sorted(out(code, CPU_NUM_DEVICES="4"))[1:] == ["part"] * 4


SPMD = """
import numpy, torch, torch_xla, torch_xla.distributed.spmd as xs, torch_xla.runtime as xr
xr.use_spmd()
mesh = xs.Mesh(numpy.arange(4), (4, 1), ("rows", "columns"))
torch.manual_seed(0)
a, b = torch.randn(8, 16), torch.randn(16, 4)
x, y = a.to("xla"), b.to("xla")
xs.mark_sharding(x, mesh, ("rows", None))
z = (x @ y).relu().sum(0)
torch_xla.sync()
torch.testing.assert_close(z.cpu(), (a @ b).relu().sum(0))
assert torch.equal(x.cpu(), a)
print("ok")
"""


# A gradient, which is cut as the partitioner says; a mesh whose devices have another order than their numbers.
SPMD_MORE = SPMD.replace('print("ok")', """
m = xs.Mesh(numpy.arange(4).reshape(2, 2).T.reshape(-1), (2, 2), ("a", "b"))
w = torch.randn(16, 8, requires_grad=True)
v = torch.nn.Parameter(w.detach().to("xla"))
xs.mark_sharding(v, m, ("b", "a"))
h = torch.tanh(x @ v)
xs.mark_sharding(h, m, (None, ("a", "b")))
(h ** 2).mean().backward()
torch_xla.sync()
(torch.tanh(a @ w) ** 2).mean().backward()
torch.testing.assert_close(v.grad.cpu(), w.grad)
assert "devices=[2,2]" in torch_xla._XLAC._get_xla_sharding_spec(v), torch_xla._XLAC._get_xla_sharding_spec(v)
print("ok")
""")


@pytest.mark.parametrize("stablehlo", ["0", "1"])
def test_partitioned_programs(stablehlo):
    assert out(SPMD, CPU_NUM_DEVICES="4", XLA_STABLEHLO_COMPILE=stablehlo)[0] == "ok"


def test_shardings_that_are_found_come_back():
    """torch_xla reads those of results from the optimized program, of which only HLO says them."""
    assert out(SPMD_MORE, CPU_NUM_DEVICES="4")[0] == "ok"


@pytest.mark.parametrize("stablehlo", ["0", "1"])
def test_what_cannot_run_is_an_exception(stablehlo):
    code = """
import torch, torch_xla
try:
    torch.linalg.cholesky(-torch.eye(3)).to("xla").cpu()
except torch._C._LinAlgError:
    pass
x = torch.ones(2, device="xla")
try:
    (x @ torch.ones(3, device="xla")).cpu()
except RuntimeError as error:
    print(type(error).__name__)
print((x + 1).cpu().tolist())
"""
    assert out(code, XLA_STABLEHLO_COMPILE=stablehlo)[-2] == "[2.0, 2.0]"


def test_a_missing_library_is_named():
    result = run("import torch, torch_xla; torch.ones(1, device='xla')", PJRT_CPU_LIBRARY="/nonexistent.so")
    assert result.returncode != 0 and "/nonexistent.so" in result.stderr
