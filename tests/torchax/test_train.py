"""Models train through torchax on the plugin with the losses of JAX's own CPU."""

import json
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent


def train(model, platform):
    result = subprocess.run([sys.executable, HERE / "train.py", model], env=dict(os.environ, JAX_PLATFORMS=platform),
                            capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("model", ["mlp", "cnn", "encoder", "gpt"])
def test_losses(model):
    ours, theirs = train(model, "pjrt_cpu"), train(model, "cpu")
    assert "libpjrt" in ours["platform_version"] and "libpjrt" not in theirs["platform_version"]
    assert theirs["losses"][-1] < theirs["losses"][0]
    numpy.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=1e-5)
