"""The shardings that propagation finds for arguments and results are those of jaxlib's Shardy, for models and random programs."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAMS = pathlib.Path(__file__).with_name("partition_programs.py")


def chosen(first, count, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PJRT_")}
    run = subprocess.run([sys.executable, PROGRAMS, str(first), str(count)], env=env | {"JAX_PLATFORMS": "cpu"} | environment, text=True,
                         capture_output=True, timeout=900, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def compare(plugin, first, count):
    theirs = chosen(first, count, XLA_FLAGS="--xla_force_host_platform_device_count=8")
    ours = chosen(first, count, PJRT_CPU_DEVICES="8", PJRT_NAMES_AND_LIBRARY_PATHS=f"cpu:{plugin}")
    assert not [name for name, found in theirs.items() if isinstance(found, str)]
    different = {name: (found, ours[name]) for name, found in theirs.items() if ours[name] != found}
    assert not different


def test_random_programs(plugin):
    compare(plugin, 1, 12)


@pytest.mark.slow
def test_models_and_more_random_programs(plugin):
    compare(plugin, 0, 200)
