"""The arrays that the functions run on. Each is made once: the table is large, and most of it reads the same few arrays."""

import numpy as np

_rng = np.random.default_rng(7)


def uniform(*shape, low=-2.0, high=2.0, dtype=np.float32):
    return _rng.uniform(low, high, shape).astype(dtype)


def integers(*shape, high, low=0, dtype=np.int32):
    return _rng.integers(low, high, shape).astype(dtype)


def weights(*shape):
    """Of a layer: what it gives is about as large as what it gets."""
    return uniform(*shape) / np.float32(np.sqrt(shape[-2] if len(shape) > 1 else shape[0]))


N = 1 << 18
X, Y = uniform(N), uniform(N)
POSITIVE = uniform(N, low=0.05, high=3.0)  # no zero: logarithms, divisors
UNIT = uniform(N, low=-0.99, high=0.99)
SHARE = uniform(N, low=0.01, high=0.99)  # probabilities
A, B = uniform(512, 512), uniform(512, 512)
CUBE = uniform(32, 64, 128)
INDEX, OTHER_INDEX = integers(N, high=1000), integers(N, high=1000) + 1
BYTES = integers(N, high=256, dtype=np.uint8)
COMPLEX = (X + 1j * Y).astype(np.complex64)
