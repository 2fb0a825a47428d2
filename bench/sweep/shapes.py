"""The products of the sweep: 200 of [m, k] x [k, n], the same ones each time."""

import random

COUNT = 200
DTYPES = ("f32", "f64", "bf16", "i8")
LEAST, MOST = 1 << 12, 1 << 32  # multiply-adds


def named():
    for n in (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536):
        yield n, n, n
    for n in (17, 31, 63, 65, 100, 127, 129, 255, 333, 500, 1000):  # of no round size
        yield n, n, n
    for k, n in ((1024, 1024), (4096, 1024), (1024, 4096), (4096, 4096)):  # a vector, and few rows
        for m in (1, 2, 4, 8, 32):
            yield m, n, k
    for m, k in ((1024, 1024), (4096, 4096), (100_000, 64)):  # a matrix and a vector
        yield m, 1, k
    for m, k, n in ((100_000, 32, 8), (65536, 64, 64), (16384, 256, 10), (50_000, 3, 3), (8192, 128, 1000)):  # tall
        yield m, n, k
    for k in (1, 2, 4, 8, 16, 32):  # little to sum
        yield 1024, 1024, k
    for m, n in ((8, 8), (16, 64), (64, 64), (128, 32)):  # much to sum
        yield m, n, 65536
    for m in (64, 128, 512):  # layers of transformers
        for k, n in ((768, 768), (768, 2304), (768, 3072), (3072, 768)):
            yield m, n, k


def shapes():
    """Tuples (m, n, k): those above, then others whose logarithms are spread evenly."""
    result = list(dict.fromkeys(named()))
    draw = random.Random(20)
    while len(result) < COUNT:
        shape = tuple(round(2 ** draw.uniform(0, 12.5)) for _ in range(3))
        m, n, k = shape
        if LEAST <= m * n * k <= MOST and max(m * n, m * k, n * k) <= 1 << 25 and shape not in result:
            result.append(shape)
    return result
