"""Models train on the plugin with the losses of torch_xla's own CPU client, from HLO and from StableHLO."""

import json
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ("mlp", "encoder", "cnn", "gpt")


def train(device, **environment):
    env = dict(os.environ, PJRT_DEVICE=device, **environment)
    result = subprocess.run([sys.executable, HERE / "train.py", *MODELS], env=env, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def theirs():
    return train("CPU")


@pytest.mark.parametrize("stablehlo", ["0", "1"])
def test_losses(theirs, stablehlo):
    ours = train("LIBPJRT", XLA_STABLEHLO_COMPILE=stablehlo)
    for model in MODELS:
        assert theirs[model][-1] < theirs[model][0]
        numpy.testing.assert_allclose(ours[model], theirs[model], rtol=2e-5, err_msg=model)
