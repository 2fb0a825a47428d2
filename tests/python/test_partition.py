"""The shardings that propagation finds for arguments and results are those of jaxlib's Shardy, for models and random programs. Run as
programs of a device (PJRT_PARTITION=local), they give what they give over whole arrays, and what XLA gives."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAMS = pathlib.Path(__file__).with_name("partition_programs.py")
RUN = pathlib.Path(__file__).with_name("partition_run.py")


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


def results(file, first, count, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PJRT_")}
    run = subprocess.run([sys.executable, RUN, str(first), str(count), file], env=env | {"JAX_PLATFORMS": "cpu"} | environment, text=True,
                         capture_output=True, timeout=1800, check=False)
    assert run.returncode == 0, run.stderr
    return np.load(file), run.stderr


def near(a, b):
    """Sums may be made in another order."""
    if a.dtype.kind not in "fc":
        return np.array_equal(a, b)
    scale = np.max(np.abs(a), initial=0, where=np.isfinite(a)) + 1e-30
    return np.allclose(a, b, rtol=0, atol=2e-4 * scale, equal_nan=True)


def compare_results(plugin, tmp_path, first, count, xla):
    ours = {"PJRT_CPU_DEVICES": "8", "PJRT_NAMES_AND_LIBRARY_PATHS": f"cpu:{plugin}"}
    local, said = results(tmp_path / "local.npz", first, count, PJRT_PARTITION="local", PJRT_LOG="fallback", **ours)
    assert "whole arrays" not in said
    others = [results(tmp_path / "whole.npz", first, count, PJRT_PARTITION="whole", **ours)[0]]
    if xla:
        others.append(results(tmp_path / "xla.npz", first, count, XLA_FLAGS="--xla_force_host_platform_device_count=8")[0])
    for other in others:
        assert set(local.files) == set(other.files)
        assert not [name for name in local.files if local[name].shape != other[name].shape or not near(other[name], local[name])]


def test_results_of_random_programs(plugin, tmp_path):
    compare_results(plugin, tmp_path, 1, 8, False)


@pytest.mark.slow
def test_results_of_models_and_more_random_programs(plugin, tmp_path):
    compare_results(plugin, tmp_path, 0, 60, True)


def test_random_programs(plugin):
    compare(plugin, 1, 12)


@pytest.mark.slow
def test_models_and_more_random_programs(plugin):
    compare(plugin, 0, 200)
