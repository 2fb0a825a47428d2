"""The shardings that propagation finds for arguments and results are those of jaxlib's Shardy, for models and random programs. Run as
programs of a device (PJRT_PARTITION=local), they give what they give over whole arrays."""

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


def compare_results(plugin, tmp_path, first, count):
    ours = {"PJRT_CPU_DEVICES": "8", "PJRT_NAMES_AND_LIBRARY_PATHS": f"cpu:{plugin}"}
    local, said = results(tmp_path / "local.npz", first, count, PJRT_PARTITION="local", PJRT_LOG="fallback", **ours)
    assert "whole arrays" not in said
    whole, _ = results(tmp_path / "whole.npz", first, count, PJRT_PARTITION="whole", **ours)
    assert set(local.files) == set(whole.files)
    assert not [name for name in local.files if local[name].shape != whole[name].shape or not near(whole[name], local[name])]


def test_results_of_random_programs(plugin, tmp_path):
    compare_results(plugin, tmp_path, 1, 8)


@pytest.mark.slow
def test_results_of_models_and_more_random_programs(plugin, tmp_path):
    compare_results(plugin, tmp_path, 0, 60)


OWN = """
import jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Explicit,))
jax.set_mesh(mesh)
a = jax.device_put(np.arange(64, dtype=np.float32).reshape(4, 16), P(None, "x"))
b = jax.device_put(np.ones((16, 4), np.float32), P("x", None))
whole = jax.jit(lambda a, b: jax.numpy.dot(a, b, out_sharding=P()))
text = whole.lower(a, b).compile().as_text()
assert "all-reduce(" in text and "f32[4,2]" in text, text
np.testing.assert_array_equal(whole(a, b), np.asarray(a) @ np.asarray(b))
terms = jax.jit(lambda a, b: jax.numpy.dot(a, b, out_sharding=P(unreduced={"x"})))(a, b)
for i, s in enumerate(terms.addressable_shards):
    np.testing.assert_array_equal(s.data, np.asarray(a)[:, 2 * i:2 * i + 2] @ np.ones((2, 4)))
own = jax.jit(jax.shard_map(lambda x: x * 2, in_specs=P(None, "x"), out_specs=P(), check_vma=False))(a)
for i, s in enumerate(own.addressable_shards):
    np.testing.assert_array_equal(s.data, 2 * np.asarray(a)[:, 2 * i:2 * i + 2])
"""


def test_devices_keep_values_of_their_own_and_show_their_program(plugin):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PJRT_")}
    run = subprocess.run([sys.executable, "-c", OWN], text=True, capture_output=True, timeout=600, check=False, env=env |
                         {"JAX_PLATFORMS": "cpu", "PJRT_CPU_DEVICES": "8", "PJRT_NAMES_AND_LIBRARY_PATHS": f"cpu:{plugin}"})
    assert run.returncode == 0, run.stderr


def test_random_programs(plugin):
    compare(plugin, 1, 12)


@pytest.mark.slow
def test_models_and_more_random_programs(plugin):
    compare(plugin, 0, 200)
