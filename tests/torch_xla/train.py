"""Trains models of torch_models.py through torch_xla and prints their losses. Usage: train.py MODEL...

PJRT_DEVICE says on what. The last line of the output is {"device": ..., MODEL: [losses]}.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import torch
import torch_models
import torch_xla

STEPS = 8


def train(name: str) -> list:
    # Dropout in the encoder: its random numbers come from the device.
    model, x, y = torch_models.make(name, **({"dropout": 0.1} if name == "encoder" else {}))
    device = torch_xla.device()
    torch_xla.manual_seed(7)
    model, x, y = model.to(device), x.to(device), y.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        torch_xla.sync()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    results = {name: train(name) for name in sys.argv[1:]}
    print(json.dumps({"device": torch_xla._XLAC._xla_get_runtime_devices(), **results}))
