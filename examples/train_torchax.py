"""PyTorch through torchax and JAX: JAX_PLATFORMS=pjrt_cpu,cpu python examples/train_torchax.py"""

import libpjrt.torchax  # before torchax
import torch
import torchax
from torchax.interop import jax_jit, jax_value_and_grad

torchax.enable_globally()
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).to("jax")
x = torch.randn(256, 16).to("jax")
y = x.sin().sum(1, keepdim=True)
weights = dict(model.named_parameters())


def loss_of(weights):
    return ((torch.func.functional_call(model, weights, x) - y) ** 2).mean()


def step(weights):
    loss, slopes = jax_value_and_grad(loss_of)(weights)
    return loss, {name: weights[name] - 0.05 * slopes[name] for name in weights}


step = jax_jit(step)
for i in range(101):
    loss, weights = step(weights)
    if i % 20 == 0:
        print(i, round(loss.item(), 4))
