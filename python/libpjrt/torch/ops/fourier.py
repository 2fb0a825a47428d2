"""Fourier transforms, one dimension at a time."""

import math

from libpjrt.torch.common import cast, dim_of
from libpjrt.torch.table import aten, lowers


def _last(x, dim):
    """The permutation that brings dim to the end; it is brought back by _back."""
    return [d for d in range(x.rank) if d != dim] + [dim]


def _back(rank, dim):
    order = list(range(rank - 1))
    order.insert(dim, rank - 1)
    return order


def _transform(b, x, dim, kind, length):
    if x.size == 0:
        raise ValueError("a transform of nothing")
    moved = b.fft(b.transpose(x, _last(x, dim)), kind, [length])
    return b.transpose(moved, _back(x.rank, dim))


def _scaled(b, x, factor):
    return x if factor == 1 else b.multiply(x, factor)


def _factor(normalization, count):
    """PyTorch's codes: 0 none, 1 by the root of the number of elements, 2 by the number."""
    return {0: 1.0, 1: 1 / math.sqrt(count), 2: 1 / count}[normalization]


@lowers(aten._fft_c2c.default)
def fft_c2c(b, x, dim, normalization, forward):
    dims = [dim_of(d, x.rank) for d in dim]
    count = math.prod(x.shape[d] for d in dims)
    if not dims:
        return x
    for d in dims:
        x = _transform(b, x, d, "FFT" if forward else "IFFT", x.shape[d])
    # IFFT divides by the length.
    return _scaled(b, x, _factor(normalization, count) * (1 if forward else count))


@lowers(aten._fft_r2c.default)
def fft_r2c(b, x, dim, normalization, onesided):
    dims = [dim_of(d, x.rank) for d in dim]
    count = math.prod(x.shape[d] for d in dims)
    last = dims[-1]
    if onesided:
        x = _transform(b, x, last, "RFFT", x.shape[last])
        dims = dims[:-1]
    else:
        x = cast(b, x, b.result.dtype)
    for d in reversed(dims):
        x = _transform(b, x, d, "FFT", x.shape[d])
    return _scaled(b, x, _factor(normalization, count))


@lowers(aten._fft_c2r.default)
def fft_c2r(b, x, dim, normalization, last_dim_size):
    dims = [dim_of(d, x.rank) for d in dim]
    shape = b.result.shape
    count = math.prod(shape[d] for d in dims)
    for d in dims[:-1]:
        x = _transform(b, x, d, "IFFT", x.shape[d])
    last = dims[-1]
    wanted = last_dim_size // 2 + 1
    if x.shape[last] > wanted:
        x = b.slice_dim(x, last, 0, wanted)
    elif x.shape[last] < wanted:
        x = b.pad(x, 0, [0] * x.rank, [wanted - x.shape[last] if d == last else 0 for d in range(x.rank)])
    x = _transform(b, x, last, "IRFFT", last_dim_size)
    return _scaled(b, x, _factor(normalization, count) * count)
