"""Running a function on our device and on TensorFlow's CPU, and comparing."""

import numpy as np
import tensorflow as tf

DEVICE, HOST = "PJRT:0", "CPU:0"
# Single operations round differently in the last places only.
RELATIVE, ABSOLUTE = 2e-5, 1e-6


def on(device: str, function, *arrays):
    """function's results as numpy arrays, its arguments placed on the device first."""
    with tf.device(device):
        results = function(*[tf.constant(array) for array in arrays])
    return [np.asarray(result) for result in tf.nest.flatten(results)]


def agree(function, *arrays, relative=RELATIVE, absolute=ABSOLUTE) -> None:
    ours, theirs = on(DEVICE, function, *arrays), on(HOST, function, *arrays)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs):
        assert mine.dtype == other.dtype and mine.shape == other.shape
        np.testing.assert_allclose(mine.astype(np.complex128 if mine.dtype.kind == "c" else np.float64),
                                   other.astype(np.complex128 if mine.dtype.kind == "c" else np.float64),
                                   rtol=relative, atol=absolute)


def normal(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
