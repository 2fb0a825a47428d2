"""Whole models, forward and training, against eager mode: results, losses over steps, gradients, buffers."""

import copy

import pytest
import torch
import torch_models

TOLERANCE = 1e-4


def difference(got, want):
    """The greatest difference relative to the greatest value."""
    return ((got - want).abs().max() / want.abs().max().clamp_min(1e-30)).item()


MODELS = {
    "mlp": lambda: (torch_models.mlp(64, 128, 10), torch.randn(32, 64)),
    "cnn": lambda: (torch_models.SmallCNN(), torch.randn(4, 1, 28, 28)),
    "resnet": lambda: (torch_models.ResNet18(width=8), torch.randn(4, 3, 64, 64)),
    "encoder": lambda: (torch_models.EncoderLayer(64, 4, 128, dropout=0.0, batch_first=True), torch.randn(2, 16, 64)),
    "gpt block": lambda: (torch_models.GPTBlock(64, 4), torch.randn(2, 32, 64)),
    "gpt": lambda: (torch_models.GPT(100, 32, 64, 4, 2), torch.randint(0, 100, (2, 32))),
}


@pytest.mark.parametrize("name", MODELS)
def test_forward(name, compiled):
    module, x = MODELS[name]()
    module.eval()
    with torch.no_grad():
        got, want = compiled(module)(x), module(x)
    assert got.stride() == want.stride()
    assert difference(got, want) < TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_training(name, compiled):
    module, x = MODELS[name]()
    # In double precision, where the order of sums does not show in what they cancel to.
    module = module.double()
    x = x.double() if x.is_floating_point() else x
    twin = copy.deepcopy(module)
    losses = []
    for m, call in ((module, compiled(module)), (twin, twin)):
        optimizer = torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9)
        losses.append([])
        for _ in range(4):
            optimizer.zero_grad()
            loss = call(x).square().mean()
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0][0] != losses[0][-1]
    for (key, got), want in zip(module.state_dict().items(), twin.state_dict().values()):
        assert difference(got.double(), want.double()) < TOLERANCE, key


def test_float32_gradients(compiled):
    """Gradients in single precision lie as near to double precision as eager mode's do."""
    module, x = MODELS["resnet"]()
    exact, eager = copy.deepcopy(module).double(), copy.deepcopy(module)
    compiled(module)(x).square().mean().backward()
    eager(x).square().mean().backward()
    exact(x.double()).square().mean().backward()
    for p, q, r in zip(module.parameters(), eager.parameters(), exact.parameters()):
        assert (p.grad - r.grad).norm() < 4 * (q.grad - r.grad).norm() + 1e-4 * r.grad.norm()


@pytest.mark.parametrize("make", [lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), lambda p: torch.optim.Adam(p, 1e-2),
                                  lambda p: torch.optim.AdamW(p, 1e-2, foreach=False)], ids=["sgd", "adam", "adamw"])
def test_compiled_optimizer(make, compiled):
    """torch.compile of the optimiser's step: parameters and state are updated in place."""
    module, x = MODELS["mlp"]()
    twin = copy.deepcopy(module)
    addresses = [p.data_ptr() for p in module.parameters()]
    for m, wrap in ((module, compiled), (twin, lambda f: f)):
        optimizer = make(m.parameters())
        step = wrap(lambda optimizer=optimizer: optimizer.step())
        for _ in range(5):
            optimizer.zero_grad(set_to_none=True)
            m(x).square().mean().backward()
            step()
    assert addresses == [p.data_ptr() for p in module.parameters()]
    for p, q in zip(module.parameters(), twin.parameters()):
        assert difference(p, q) < TOLERANCE
