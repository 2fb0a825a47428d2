"""What libpjrt.torchax declares."""

import subprocess
import sys


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)


def test_torchax_imports_after_it():
    result = run("import libpjrt.torchax, torchax; print(torchax.__version__)")
    assert result.returncode == 0, result.stderr


def test_every_name_is_there_afterwards_and_declared_once():
    code = """
import importlib, torch, libpjrt.torchax as mend
importlib.reload(mend)
for name in mend._NAMED:
    operator, overload = name.split(".")
    getattr(getattr(torch.ops.aten, operator), overload)
assert torch.ones(3).std().item() == 0 and torch.ones(2, 2).norm().item() == 2
"""
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_what_is_declared_cannot_be_called():
    result = run("import torch, libpjrt.torchax; torch.ops.aten.unbind.Dimname(torch.ones(2))")
    assert result.returncode != 0
