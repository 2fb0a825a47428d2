"""What the Python tests share: where the build is, and JAX running on the plugin.

JAX reads JAX_PLATFORMS when it is imported, so this is set here, before any test module imports JAX: tests that use JAX in
the pytest process run on the plugin, through the package in python/. Tests of other set-ups run Python in a process of
their own (run_python).
"""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PJRT_BUILD", ROOT / "build")).resolve()
PLUGIN = BUILD / "pjrt_plugin_cpu.so"

# Set to cpu to check the tests themselves against XLA.
PLATFORM = os.environ.get("PJRT_TEST_PLATFORM", "pjrt_cpu")
# Python callbacks need a backend called cpu; it comes second, so that the default is the plugin.
os.environ["JAX_PLATFORMS"] = PLATFORM if PLATFORM == "cpu" else f"{PLATFORM},cpu"
os.environ["PJRT_CPU_LIBRARY"] = str(PLUGIN)
for name in ("PJRT_NAMES_AND_LIBRARY_PATHS", "PJRT_REPLACE_CPU", "PJRT_CPU_DEVICES"):
    os.environ.pop(name, None)
sys.path.insert(0, str(ROOT / "python"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds; left out of make check")


@pytest.fixture(scope="session")
def build():
    return BUILD


@pytest.fixture(scope="session")
def plugin():
    assert PLUGIN.exists(), f"{PLUGIN} is not there: run make"
    return PLUGIN


@pytest.fixture
def run_python():
    """run_python(code, **environment) -> stdout of a new Python that finds the package; fails with its stderr."""

    def run(code, timeout=120, package=True, **environment):
        env = dict(os.environ)
        for name in ("JAX_PLATFORMS", "PJRT_NAMES_AND_LIBRARY_PATHS"):
            env.pop(name, None)
        if package:
            env["PYTHONPATH"] = str(ROOT / "python")
        env.update(environment)
        result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=timeout)
        assert result.returncode == 0, f"exit status {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    return run
