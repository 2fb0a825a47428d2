"""The backend around its operations: tensors in and out, mutation, random numbers, shapes, what cannot be lowered."""

import gc
import logging
import subprocess
import sys
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from libpjrt import host
from libpjrt.torch import lowering, stages


def same(got, want):
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    assert got.stride() == want.stride()


# --- Tensors in and out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int16, torch.int32, torch.int64,
                                   torch.uint8, torch.complex64, torch.complex128])
def test_types(dtype, compiled):
    x = torch.arange(6).reshape(2, 3).to(dtype)
    got = compiled(lambda x: (x + x, x * x, x == x))(x)
    for g, w in zip(got, (x + x, x * x, x == x)):
        assert g.dtype == w.dtype
        same(g, w)


@pytest.mark.parametrize("make", [
    lambda: torch.randn(4, 6).t(), lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    lambda: torch.randn(8, 6)[::2, 1:4], lambda: torch.randn(1, 6).expand(4, 6), lambda: torch.randn(25)[1:],
    lambda: torch.randn(()), lambda: torch.randn(0, 3), lambda: torch.randn(3, 1, 5).permute(1, 2, 0),
    lambda: torch.randn(4, 3, dtype=torch.complex64).conj(), lambda: torch.randn(4, 3, dtype=torch.complex64).conj().imag,
], ids=["transposed", "channels last", "sliced", "expanded", "unaligned", "scalar", "empty", "permuted", "conjugate", "negative"])
def test_layouts(make, compiled):
    def f(x):
        return x * 2, x.sum(), x.reshape(-1) + 1

    x = make()
    for got, want in zip(compiled(f)(x), f(x)):
        same(got, want)


def test_results_have_the_strides_of_eager(compiled):
    def f(x):
        y = x.sin()
        return y.transpose(1, 2) + 0, y.permute(2, 0, 1).contiguous(), y.exp().permute(2, 1, 0)

    x = torch.randn(2, 3, 4)
    for got, want in zip(compiled(f)(x), f(x)):
        same(got, want)


def test_views_of_arguments_stay_views(compiled):
    x = torch.randn(4, 6)
    view, y = compiled(lambda x: (x.t(), x + 1))(x)
    assert view.data_ptr() == x.data_ptr() and view.stride() == (1, 6)
    same(y, x + 1)


def test_no_copies_of_parameters_for_the_backward_pass(compiled):
    """Transposed weights are saved as views of the parameters."""
    layer = nn.Linear(30, 20)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.data_ptr()) or t, lambda t: t):
        compiled(lambda x: layer(layer(x)[:, :10].repeat(1, 3)))(torch.randn(3, 30, requires_grad=True))
    assert layer.weight.data_ptr() in saved


def test_results_outlive_everything(compiled):
    x = torch.randn(1000)
    function = compiled(lambda x: x * 2)
    results = [function(x + i) for i in range(50)]
    del function
    torch._dynamo.reset()
    gc.collect()
    for i, y in enumerate(results):
        same(y, (x + i) * 2)


def test_memory_is_given_back(compiled):
    function = compiled(lambda x: (x * 2, x + 1))
    x = torch.randn(1 << 20)

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    function(x)
    before = resident()
    for _ in range(100):
        function(x)
    assert resident() - before < 64 << 20  # the results were 800 MB


def test_constants_of_the_graph(compiled):
    table = torch.arange(12.0).reshape(3, 4)
    same(compiled(lambda x: x + table + torch.tensor([1.0, 2.0, 3.0, 4.0]))(torch.ones(3, 4)),
         torch.ones(3, 4) + table + torch.tensor([1.0, 2.0, 3.0, 4.0]))


def test_arguments_that_come_back(compiled):
    def f(x, y):
        return x, y * 2, None, 3, x

    x, y = torch.randn(3), torch.randn(3)
    got = compiled(f)(x, y)
    assert got[2] is None and got[3] == 3
    same(got[0], x), same(got[1], y * 2), same(got[4], x)


# --- Mutation ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: torch.ones(64), lambda: torch.ones(8, 8).t(), lambda: torch.ones(8, 8)[:, ::2],
                                  lambda: torch.ones(65)[1:]], ids=["dense", "transposed", "gaps", "unaligned"])
def test_arguments_are_changed_in_place(make, compiled):
    def f(x):
        x.mul_(3).add_(1)
        return x.sum()

    x, twin = make(), make()
    for _ in range(2):
        same(compiled(f)(x), f(twin))
        same(x, twin)


def test_buffers_are_changed_in_training(compiled):
    norm, twin = nn.BatchNorm1d(6), nn.BatchNorm1d(6)
    x = torch.randn(10, 6)
    call = compiled(norm)
    for _ in range(3):
        same(call(x), twin(x))
    for got, want in zip(norm.buffers(), twin.buffers()):
        same(got, want)


def test_exchange(compiled):
    def f(x, y):
        z = x.clone()
        x.copy_(y)
        y.copy_(z)

    x, y = torch.arange(8.0), -torch.arange(8.0)
    compiled(f)(x, y)
    same(x, -torch.arange(8.0))
    same(y, torch.arange(8.0))


def test_a_view_of_what_is_changed(compiled):
    def f(x):
        x[1].add_(5)
        return x.t() * 2

    x, twin = torch.zeros(3, 4), torch.zeros(3, 4)
    same(compiled(f)(x), f(twin))
    same(x, twin)


# --- Random numbers ----------------------------------------------------------------------------------------------------


def test_random_numbers_follow_the_seed(compiled):
    call = compiled(lambda: (torch.rand(1000), torch.randn(1000)))
    torch.manual_seed(3)
    a, b = call(), call()
    torch.manual_seed(3)
    c = call()
    for i in range(2):
        assert torch.equal(a[i], c[i]) and not torch.equal(a[i], b[i])
    assert a[0].min() >= 0 and a[0].max() < 1 and abs(a[0].mean() - 0.5) < 0.05
    assert abs(a[1].mean()) < 0.15 and abs(a[1].std() - 1) < 0.1


def test_dropout_drops_the_same_in_both_directions(compiled):
    x = torch.ones(100, 100, requires_grad=True)
    y = compiled(lambda x: F.dropout(x, 0.25))(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert abs((y == 0).float().mean() - 0.25) < 0.03
    assert sorted(y.unique().tolist()) == [0.0, pytest.approx(4 / 3)]


def test_streams_of_one_program_differ(compiled):
    a, b = compiled(lambda: (torch.rand(100), torch.rand(100)))()
    assert not torch.equal(a, b)


# --- Shapes ------------------------------------------------------------------------------------------------------------


def test_dynamic_shapes(compiled, counted):
    def f(x):
        return F.softmax(x @ x.t(), -1).reshape(-1) * x.shape[0]

    call = compiled(f, dynamic=True)
    for n in (3, 5, 8, 5, 3, 8):
        x = torch.randn(n, 4)
        torch.testing.assert_close(call(x), f(x))
    assert counted() == 3  # one program for each size, no graph anew


def test_dynamic_training(compiled):
    layer = nn.Linear(4, 4)
    call = compiled(lambda x: layer(x).relu().sum() * x.shape[0], dynamic=True)
    for n in (3, 7, 3):
        x = torch.randn(n, 4)
        layer.zero_grad()
        call(x).backward()
        got = layer.weight.grad.clone()
        layer.zero_grad()
        (layer(x).relu().sum() * n).backward()
        torch.testing.assert_close(got, layer.weight.grad)


def test_sizes_that_change(compiled):
    """Without an option: Dynamo makes sizes symbolic when they change the first time."""
    call = compiled(lambda x: x.cumsum(0) + x.shape[0])
    for n in (2, 3, 4, 5):
        x = torch.randn(n, 2)
        torch.testing.assert_close(call(x), x.cumsum(0) + n)


# --- What cannot be lowered ----------------------------------------------------------------------------------------------


@torch.library.custom_op("libpjrt_test::halve", mutates_args=())
def halve(x: torch.Tensor) -> torch.Tensor:
    return x / 2


@halve.register_fake
def _(x):
    return torch.empty_like(x)


@torch.library.custom_op("libpjrt_test::both", mutates_args=())
def both(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x / 2, x + 1


@both.register_fake
def _(x):
    return torch.empty_like(x), torch.empty_like(x)


def test_an_unknown_operation_runs_eagerly_and_is_named(compiled, counted, caplog):
    lowering._told.clear()

    def f(x):
        y = halve(x.sin() * 2) + 1
        a, b = both(y.exp())
        return a * b, y

    x = torch.randn(4, 5).t()
    with caplog.at_level(logging.WARNING):
        got = compiled(f)(x)
    for g, w in zip(got, f(x)):
        torch.testing.assert_close(g, w)
    assert counted() == 3  # before, between and after
    text = caplog.text
    assert "libpjrt_test.halve" in text and "libpjrt_test.both" in text and "test_backend.py" in text


def test_a_lowering_that_refuses_is_told(compiled, caplog, monkeypatch):
    from libpjrt.torch import table

    lowering._told.clear()

    def refuse(b, *args, **kwargs):
        raise table.LoweringError("not on Sundays")

    monkeypatch.setitem(table.table(), torch.ops.aten.sin.default, refuse)
    x = torch.randn(5)
    with caplog.at_level(logging.WARNING):
        same(compiled(lambda x: x.exp().sin() + x.cos().sin())(x), x.exp().sin() + x.cos().sin())
    assert "not on Sundays" in caplog.text


def test_a_wrong_lowering_is_not_believed(compiled, monkeypatch):
    from libpjrt.torch import table

    monkeypatch.setitem(table.table(), torch.ops.aten.sin.default, lambda b, x: b.reshape(x, (1, 5)))
    x = torch.randn(5)
    same(compiled(lambda x: x.sin() * 2)(x), x.sin() * 2)


def test_no_options(compiled):
    with pytest.raises(Exception, match="takes no options: speed"):
        compiled(lambda x: x + 1, options={"speed": 9})(torch.ones(2))


def test_the_entry_point_is_declared():
    text = (host.pathlib.Path(host.__file__).parents[1] / "pyproject.toml").read_text()
    assert '[project.entry-points.torch_dynamo_backends]\nlibpjrt = "libpjrt.torch.backend:backend"' in text


# --- Threads and processes -----------------------------------------------------------------------------------------------


def test_two_threads_at_once(compiled):
    call = compiled(lambda x, y: (x @ y).relu().sum(1))
    x, y = torch.randn(64, 64), torch.randn(64, 64)
    want = call(x, y)
    wrong = []

    def work():
        for _ in range(200):
            if not torch.equal(call(x, y), want):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_process_ends_cleanly_with_results_alive():
    code = ("import sys; sys.path[:0] = sys.argv[1:]\nimport torch\nfrom libpjrt.torch.backend import backend\n"
            "f = torch.compile(lambda x: x * 2, backend=backend)\nkept = f(torch.ones(4))\nprint(kept.sum().item())\n")
    path = str(host.pathlib.Path(host.__file__).parents[1])
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0 and result.stdout.strip() == "8.0", result.stderr


def test_tensors_that_are_not_in_memory_are_left_alone(compiled):
    """Of the device "meta", as an example of those that a program cannot read."""
    got, other = compiled(lambda x, y: (x.sin() + 1, y.cos()))(torch.empty(3, device="meta"), torch.ones(2))
    assert got.device.type == "meta" and got.shape == (3,)
    same(other, torch.ones(2).cos())


def test_sparse_tensors_are_left_alone(compiled):
    x = torch.eye(3).to_sparse()
    same(compiled(lambda x, y: (x @ y).sin())(x, torch.ones(3, 2)), torch.ones(3, 2).sin())


def test_checkpointed_dropout(compiled):
    """What is computed anew for the backward pass draws the same numbers again."""
    from torch.utils.checkpoint import checkpoint

    def f(x):
        return checkpoint(lambda x: F.dropout(x.sin(), 0.5), x, use_reentrant=False)

    x = torch.ones(1000, requires_grad=True)
    y = compiled(f)(x)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0) and 300 < (y == 0).sum() < 700


# --- Sizes that only data tell -------------------------------------------------------------------------------------------

UNBACKED = torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True, capture_scalar_outputs=True)


def test_nonzero(compiled, counted):
    def f(x):
        places = (x.sin() > 0).nonzero()
        return places * 2, x[places[:, 0]].exp().sum(0), x.cos()

    call = compiled(f, fullgraph=True)
    with UNBACKED:
        for seed in range(4):
            torch.manual_seed(seed)
            x = torch.randn(9)
            for got, want in zip(call(x), f(x)):
                torch.testing.assert_close(got, want)
    assert counted() >= 2  # before, and for each size behind


def test_nonzero_in_training(compiled):
    def f(w, x):
        chosen = (x > 0).nonzero().squeeze(1)
        return (w[chosen] * x[chosen]).tanh().sum()

    call = compiled(f, fullgraph=True)
    with UNBACKED:
        for seed in range(3):
            torch.manual_seed(seed)
            x, w = torch.randn(8), torch.randn(8, requires_grad=True)
            twin = w.detach().clone().requires_grad_()
            call(w, x).backward()
            f(twin, x).backward()
            torch.testing.assert_close(w.grad, twin.grad)


def test_numbers_of_tensors(compiled, caplog):
    """More different ones than programs are kept for."""
    call = compiled(lambda x, n: x.sin() * n.item() + n, fullgraph=True)
    x = torch.randn(5)
    with UNBACKED, caplog.at_level(logging.WARNING):
        for i in range(stages.DATA_PLANS + 4):
            for n in (torch.tensor(i), torch.tensor(i + 0.5)):
                same(call(x, n), x.sin() * n.item() + n)
    assert "aten._local_scalar_dense" in caplog.text and "runs eagerly from now on" in caplog.text


def test_sizes_of_tensors(compiled):
    def f(x, n):
        k = n.item()
        torch._check(k >= 0)
        torch._check(k <= x.shape[0])
        return x[:k].cumsum(0), torch.ones(k) * 2

    call = compiled(f, fullgraph=True)
    x = torch.randn(6)
    with UNBACKED:
        for n in (2, 5, 0, 2):
            for got, want in zip(call(x, torch.tensor(n)), f(x, torch.tensor(n))):
                torch.testing.assert_close(got, want)
        with pytest.raises(RuntimeError):
            call(x, torch.tensor(9))


def test_without_dynamos_switches_the_graph_ends_there(compiled, counted):
    def f(x):
        y = x.sin()
        return y.exp()[y.nonzero()[:, 0]] * y.sum().item()

    x = torch.randn(4)
    torch.testing.assert_close(compiled(f)(x), f(x))
    assert counted() >= 2
