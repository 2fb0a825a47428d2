"""Inputs of the programs: NumPy arrays from fixed seeds."""

import ml_dtypes
import numpy as np

bfloat16 = ml_dtypes.bfloat16
K, M = 1 << 10, 1 << 20


def floats(*shape, dtype=np.float32, seed=0):
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32).astype(dtype)


def uniform(*shape, low=0.0, high=1.0, dtype=np.float32, seed=0):
    return (low + (high - low) * np.random.default_rng(seed).random(shape, np.float32)).astype(dtype)


def integers(*shape, high, low=0, dtype=np.int32, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def key(seed=0):
    """A raw threefry key."""
    return np.array([0, seed], np.uint32)
