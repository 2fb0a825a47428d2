"""PyTorch on libpjrt: `make check-torch` runs these in a Python that has torch and pytest (.venv-torch)."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PJRT_BUILD", ROOT / "build")).resolve()
os.environ["PJRT_CPU_LIBRARY"] = str(BUILD / "pjrt_plugin_cpu.so")
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]

import torch  # noqa: E402

from libpjrt.torch.backend import backend, times  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


@pytest.fixture(autouse=True)
def fresh():
    """Each test begins with nothing compiled and the same random numbers."""
    torch._dynamo.reset()
    torch.manual_seed(0)


@pytest.fixture
def compiled():
    """compiled(function_or_module, **options of torch.compile)"""
    return lambda function, **options: torch.compile(function, backend=backend, **options)


@pytest.fixture
def counted():
    """counted(): programs compiled since the test began."""
    before = times["programs"]
    return lambda: times["programs"] - before
