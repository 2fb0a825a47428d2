"""Trains a model of torch_models.py through torchax and prints its losses. Usage: train.py MODEL

JAX_PLATFORMS says on what. The last line of the output is {"platform_version": ..., "losses": [...]}.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import jax
import libpjrt.torchax  # noqa: F401  Before torchax.
import optax
import torch
import torch_models
import torchax
import torchax.interop
import torchax.train

STEPS = 10


def main() -> None:
    name = sys.argv[1]
    model, x, y = torch_models.make(name, **({"dropout": 0.1} if name == "encoder" else {}))
    torchax.enable_globally()
    model, x, y = model.to("jax"), x.to("jax"), y.to("jax")
    weights, buffers = dict(model.named_parameters()), dict(model.named_buffers())

    def apply(weights, buffers, x):
        return torch.func.functional_call(model, (weights, buffers), x)

    optimizer = optax.adam(1e-3)
    state = torchax.interop.call_jax(optimizer.init, weights)
    step = torchax.train.make_train_step(apply, torch.nn.functional.cross_entropy, optimizer)
    step = torchax.interop.jax_jit(step, kwargs_for_jax_jit={"donate_argnums": (0, 2)})
    losses = []
    for _ in range(STEPS):
        loss, weights, state = step(weights, buffers, state, x, y)
        losses.append(loss.item())
    print(json.dumps({"platform_version": jax.devices()[0].client.platform_version, "losses": losses}))


if __name__ == "__main__":
    main()
