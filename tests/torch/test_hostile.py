"""Arguments, contexts and threads that a graph does not expect: eager mode's results, or its error, never another tensor's memory."""

import copy
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn


def same(got, want):
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6, equal_nan=True)
    assert got.stride() == want.stride()


# --- Views -------------------------------------------------------------------------------------------------------------


def test_a_view_of_an_argument_that_begins_elsewhere(compiled):
    call = compiled(lambda x: (x.t(), x[1:], x + 1))
    base = torch.arange(40.0)
    for start in (0, 4, 11):
        x = base[start:start + 12].view(3, 4)
        for got, want in zip(call(x), (x.t(), x[1:], x + 1)):
            same(got, want)
        assert call(x)[1].data_ptr() == x[1:].data_ptr()


def test_arguments_that_shared_memory_once(compiled):
    call = compiled(lambda x, y: (x.t(), y.t(), x + y))
    base = torch.arange(24.0)
    for x, y in ((base[:12].view(3, 4), base[12:].view(3, 4)), (torch.randn(3, 4), torch.randn(3, 4)), (base[:12].view(3, 4), base[:12].view(3, 4))):
        for got, want in zip(call(x, y), (x.t(), y.t(), x + y)):
            same(got, want)


@pytest.mark.parametrize("view", [torch.conj, lambda x: x.conj().imag, torch.real, torch.view_as_real, lambda x: x.conj().t()],
                         ids=["conj", "neg", "real", "as real", "conj t"])
def test_views_of_complex_arguments(view, compiled):
    x = torch.randn(3, 4, dtype=torch.complex64)
    got, _ = compiled(lambda x: (view(x), x * 2))(x)
    same(got.resolve_neg().resolve_conj() if got.is_complex() else got.resolve_neg(), view(x).resolve_conj() if got.is_complex() else view(x).resolve_neg())


def test_views_that_are_changed_together(compiled):
    def f(x, y):
        x.add_(1)
        y.mul_(2)
        return x + y

    # The same memory each time: AOTAutograd does not guard against other overlaps, whatever the backend.
    for _ in range(2):
        results = []
        for call in (compiled(f), f):
            base = torch.arange(12.0)
            results.append((call(base[:8], base[4:]), base))
        for got, want in zip(*results):
            torch.testing.assert_close(got, want)


def test_overlapping_memory_may_not_be_changed(compiled):
    for call in (compiled(lambda x: x.add_(1)), lambda x: x.add_(1)):
        with pytest.raises(RuntimeError):
            call(torch.ones(1, 4).expand(3, 4))


def test_results_do_not_share_memory(compiled):
    a, b, c = compiled(lambda x: (x + 1, x + 1, (x + 1).view(2, 2)))(torch.zeros(4))
    a.add_(5)
    assert b.sum() == 4 or a.data_ptr() == b.data_ptr()
    same(c, torch.ones(2, 2))


# --- Contexts ----------------------------------------------------------------------------------------------------------


def test_gradients_wanted_where_none_are_made(compiled):
    layer = nn.Linear(4, 3)
    call = compiled(layer)
    x = torch.randn(2, 4, requires_grad=True)
    with torch.no_grad():
        y = call(x)
    assert not y.requires_grad
    same(y, layer(x).detach())
    y = call(x)
    y.sum().backward()
    assert x.grad is not None and layer.weight.grad is not None
    call.eval()
    with torch.inference_mode():
        y = call(x)
    assert y.is_inference() or not y.requires_grad
    torch.testing.assert_close(y, layer(x).detach())


def test_inference_tensors(compiled):
    call = compiled(lambda x: x.sin() * 2)
    with torch.inference_mode():
        x = torch.randn(5)
        same(call(x), x.sin() * 2)
    same(call(x), x.sin() * 2)


@pytest.mark.parametrize("train", [False, True])
def test_autocast(train, compiled):
    module = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    twin, x = copy.deepcopy(module), torch.randn(8, 16)
    results = []
    for m, call in ((module, compiled(module)), (twin, twin)):
        with torch.autocast("cpu", torch.bfloat16), torch.set_grad_enabled(train):
            y = call(x)
        assert y.dtype == torch.bfloat16
        results.append(y.float())
        if train:
            y.float().square().mean().backward()
    torch.testing.assert_close(*results, rtol=2e-2, atol=2e-2)
    if train:
        for p, q in zip(module.parameters(), twin.parameters()):
            assert p.grad.dtype == torch.float32
            torch.testing.assert_close(p.grad, q.grad, rtol=5e-2, atol=5e-3)


def test_channels_last(compiled):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)).to(memory_format=torch.channels_last)
    twin = copy.deepcopy(module)
    x = torch.randn(2, 3, 12, 12).to(memory_format=torch.channels_last)
    results = []
    for m, call in ((module, compiled(module)), (twin, twin)):
        y = call(x.clone(memory_format=torch.preserve_format))
        y.square().sum().backward()
        results.append((y.detach(), [p.grad for p in m.parameters()]))
    assert results[0][0].is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(results[0], results[1], rtol=1e-3, atol=1e-3)


def test_the_default_type(compiled):
    torch.set_default_dtype(torch.float64)
    try:
        x = torch.arange(4)
        got, want = compiled(lambda x: x / 3 + torch.ones(4))(x), x / 3 + torch.ones(4)
        assert got.dtype == torch.float64
        same(got, want)
    finally:
        torch.set_default_dtype(torch.float32)


# --- Shapes and types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_nothing(shape, compiled):
    def f(x):
        return x * 2, x.sum(), x.sum(-1), F.softmax(x, -1), torch.cat([x, x]), x @ torch.ones(shape[-1], 2) if x.dim() > 1 else x.exp()

    x = torch.randn(shape)
    for got, want in zip(compiled(f)(x), f(x)):
        same(got, want)


def test_training_of_nothing(compiled):
    layer = nn.Linear(3, 2)
    compiled(layer)(torch.randn(0, 3)).sum().backward()
    assert layer.weight.grad.abs().sum() == 0 and layer.weight.grad.shape == (2, 3)


def test_complex_gradients(compiled):
    grads = []
    for call in (compiled(lambda x, w: (x * w.exp()).abs().sum()), lambda x, w: (x * w.exp()).abs().sum()):
        torch.manual_seed(1)
        x = torch.randn(4, 3, dtype=torch.complex64, requires_grad=True)
        w = torch.randn(3, dtype=torch.complex64, requires_grad=True)
        call(x, w).backward()
        grads.append((x.grad, w.grad))
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)


def test_gradients_with_other_strides(compiled):
    w = torch.randn(4, 5, requires_grad=True)
    twin = w.detach().clone().requires_grad_()
    grad = torch.randn(5, 4).t()
    compiled(lambda w: w.sin())(w).backward(grad)
    twin.sin().backward(grad)
    same(w.grad, twin.grad)
    compiled(lambda w: w.cos())(w).backward(torch.ones(()).expand(4, 5))


def test_strides_that_change(compiled):
    call = compiled(lambda x: x.sin() + x.stride(0) * 0, dynamic=True)
    for x in (torch.randn(8, 6)[::2, :3], torch.randn(12, 10)[::3, :5], torch.randn(6, 4).t(), torch.randn(5, 5)):
        torch.testing.assert_close(call(x), x.sin())


# --- Threads, limits, errors -------------------------------------------------------------------------------------------


def test_threads_that_compile_and_train_at_once(compiled):
    failures = []

    def work(seed):
        try:
            generator = torch.Generator().manual_seed(seed)
            layer = nn.Linear(6, 5)
            call = compiled(lambda x: layer(x).tanh().sum())
            for n in (2, 3, 2):
                x = torch.randn(n, 6, generator=generator)
                layer.zero_grad()
                call(x).backward()
                got = layer.weight.grad.clone()
                layer.zero_grad()
                layer(x).tanh().sum().backward()
                torch.testing.assert_close(got, layer.weight.grad, rtol=1e-4, atol=1e-5)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=[i]) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_behind_dynamos_limit_it_runs_eagerly(compiled):
    with torch._dynamo.config.patch(recompile_limit=2):
        call = compiled(lambda x, k: x * k, dynamic=False)
        for k in range(5):
            same(call(torch.ones(k + 1), k), torch.ones(k + 1) * k)


def test_a_program_that_the_plugin_refuses(compiled, monkeypatch):
    from libpjrt.torch import table

    monkeypatch.setitem(table.table(), torch.ops.aten.sin.default,
                        lambda b, x: b.emit(f"stablehlo.no_such_operation {x.name} : {x.type}", x.shape, x.dtype))
    with pytest.raises(Exception, match="no_such_operation"):
        compiled(lambda x: x.sin())(torch.ones(3))
    same(compiled(lambda x: x.cos())(torch.ones(3)), torch.ones(3).cos())


def test_a_second_derivative_is_an_error_not_a_wrong_number(compiled):
    x = torch.ones(3, requires_grad=True)
    (g,) = torch.autograd.grad(compiled(lambda x: x.sin().sum())(x), x, create_graph=True)
    with pytest.raises(RuntimeError):
        g.sum().backward()
