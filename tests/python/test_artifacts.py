"""Portable artifacts made by JAX, run on the plugin and on jaxlib's own CPU client: the results agree.

The artifacts are those of $STABLEHLO_SUITE/../jax/one_device (or ../shared/suites/jax/one_device beside the project). Two of them
hold a manual computation over four devices, which jaxlib does not run on one; for these the expected result is computed here.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = pathlib.Path(os.environ.get("PJRT_BUILD", ROOT / "build")) / "pjrt_plugin_cpu.so"
SUITE = pathlib.Path(os.environ.get("STABLEHLO_SUITE", ROOT.parent / "shared/suites/stablehlo")).parent / "jax/one_device"
ARTIFACTS = sorted(SUITE.glob("*.bc"))
MANUAL = {"shmap.4.bc", "shmap_psum.bc"}  # sum over mesh axis x of rows 0..3 and 4..7
RELATIVE = 2e-5  # of an element, and
NORMWISE = 2e-6  # of the largest one: sums of products of either sign cancel


def run(out, plugin, artifacts):
    env = dict(os.environ, JAX_PLATFORMS="cpu")
    if plugin:
        env["PJRT_NAMES_AND_LIBRARY_PATHS"] = f"cpu:{PLUGIN}"
    else:
        env.pop("PJRT_NAMES_AND_LIBRARY_PATHS", None)
    script = pathlib.Path(__file__).with_name("run_artifacts.py")
    subprocess.run([sys.executable, str(script), str(out), *map(str, artifacts)], env=env, check=True, timeout=600)
    return np.load(out)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    pytest.importorskip("jax")
    if not ARTIFACTS:
        pytest.skip(f"no artifacts in {SUITE}")
    if not PLUGIN.exists():
        pytest.skip(f"{PLUGIN} is not built")
    folder = tmp_path_factory.mktemp("artifacts")
    return (run(folder / "xla.npz", False, [a for a in ARTIFACTS if a.name not in MANUAL]),
            run(folder / "ours.npz", True, ARTIFACTS))


def manual_input():
    """The only input of these programs, as run_artifacts.py makes it."""
    values = np.random.default_rng(7).normal(size=(8, 8))
    return (values @ values.T + 8 * np.eye(8)).astype(np.float32)


@pytest.mark.parametrize("name", [a.name for a in ARTIFACTS])
def test_artifact(results, name):
    expected, ours = results
    assert f"{name}!" not in ours, str(ours[f"{name}!"])
    keys = [k for k in ours.files if k.startswith(f"{name}#")]
    if name in MANUAL:
        np.testing.assert_allclose(ours[keys[0]], manual_input().reshape(2, 4, 8).sum(0), rtol=RELATIVE)
        return
    assert f"{name}!" not in expected, str(expected[f"{name}!"])
    assert keys == [k for k in expected.files if k.startswith(f"{name}#")]
    for key in keys:
        a, b = ours[key], expected[key]
        assert a.dtype == b.dtype and a.shape == b.shape, key
        if a.dtype.kind in "fc":
            scale = max(1, np.nanmax(np.abs(b), initial=0))
            np.testing.assert_allclose(a, b, rtol=RELATIVE, atol=NORMWISE * scale, err_msg=key)
        else:
            np.testing.assert_array_equal(a, b, err_msg=key)
