"""Images, signals, bytes and bits: resizing, blurs, warps, filters, text and tricks with bits."""

import jax
import jax.numpy as jnp
import jax.scipy.ndimage as ndimage
import jax.scipy.signal as signal
import numpy as np
from jax import lax

from . import add, gradient
from .inputs import A, B, BYTES, INDEX, OTHER_INDEX, X, Y, integers, uniform

PICTURE = uniform(4, 128, 128, 3, low=0, high=1)
PIXELS = integers(480, 640, 3, high=256, dtype=np.uint8)


def resize(*shape, method):
    return lambda x: jax.image.resize(x, shape, method)


def blur(x):
    taps = jnp.array([1, 4, 6, 4, 1], jnp.float32) / 16
    rows = sum(t * jnp.roll(x, k - 2, 1) for k, t in enumerate(taps))
    return sum(t * jnp.roll(rows, k - 2, 2) for k, t in enumerate(taps))


def grid_sample(x, u, v):
    """Bilinear samples of x at rows u, columns v, written as four gathers."""
    i, j = jnp.floor(u).astype(int), jnp.floor(v).astype(int)
    a, b = u - i, v - j
    at = lambda di, dj: x[jnp.clip(i + di, 0, 511), jnp.clip(j + dj, 0, 511)]
    return (1 - a) * ((1 - b) * at(0, 0) + b * at(0, 1)) + a * ((1 - b) * at(1, 0) + b * at(1, 1))


def affine_warp(x, angle):
    places = jnp.arange(512.0) - 256
    c, s = jnp.cos(angle), jnp.sin(angle)
    return grid_sample(x, c * places[:, None] - s * places + 256, s * places[:, None] + c * places + 256)


def to_hsv(x):
    r, g, b = x[..., 0], x[..., 1], x[..., 2]
    high, low = x.max(-1), x.min(-1)
    span = jnp.where(high > low, high - low, 1)
    hue = jnp.where(high == r, (g - b) / span, jnp.where(high == g, 2 + (b - r) / span, 4 + (r - g) / span)) / 6 % 1
    return jnp.stack([hue, jnp.where(high > 0, span / high, 0), high], -1)


def points(scale=200):
    return lambda a, b: [jnp.abs(b) * scale, jnp.abs(a) * scale]


IMAGES = {
    "resize to 768, linear": (resize(768, 768, method="linear"), A),
    "resize to 1024, nearest": (resize(1024, 1024, method="nearest"), A),
    "resize to 256, cubic": (resize(256, 256, method="cubic"), A),
    "resize pictures, linear": (resize(4, 96, 96, 3, method="linear"), PICTURE),
    "resize pictures, nearest": (resize(4, 96, 96, 3, method="nearest"), PICTURE),
    "resize pictures, lanczos": (resize(4, 200, 200, 3, method="lanczos3"), PICTURE),
    "blur": (blur, PICTURE),
    "map_coordinates 0": (lambda a, b: ndimage.map_coordinates(a, points()(a, b), order=0), A, B),
    "map_coordinates 1": (lambda a, b: ndimage.map_coordinates(a, points()(a, b), order=1), A, B),
    "map_coordinates 1, wrap": (lambda a, b: ndimage.map_coordinates(a, points(900)(a, b), order=1, mode="wrap"), A, B),
    "grid_sample": (lambda a, b: grid_sample(a, *points()(a, b)), A, B),
    "affine warp": (lambda a: affine_warp(a, 0.3), A),
    "to hsv": (to_hsv, PICTURE),
    "to grey": (lambda x: x @ jnp.array([0.299, 0.587, 0.114]), PICTURE),
    "normalise pixels": (lambda x: (x.astype(jnp.float32) / 255 - 0.45) / 0.22, PIXELS),
    "normalise pixels to NCHW": (lambda x: ((x.astype(jnp.float32) - 117) / 58).transpose(2, 0, 1), PIXELS),
    "to pixels": (lambda x: jnp.clip(x * 255 + 0.5, 0, 255).astype(jnp.uint8), PICTURE),
    "sobel": (lambda a: jnp.hypot(signal.convolve2d(a, jnp.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]), "same"),
                                  signal.convolve2d(a, jnp.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]), "same")), A),
    "histogram of pixels": (lambda x: jnp.bincount(x.reshape(-1), length=256), PIXELS),
    "equalise pixels": (lambda x: jnp.cumsum(jnp.bincount(x.reshape(-1), length=256))[x], PIXELS),
    "table of 256 of pixels": (lambda x: jnp.linspace(0, 1, 256)[x], PIXELS),
    "mean of pixels": (lambda x: x.astype(jnp.float32).mean((0, 1)), PIXELS),
    "flip and crop": (lambda x: x[20:-20, ::-1][:, 30:-30], PIXELS),
    "patches": (lambda x: x.reshape(4, 8, 16, 8, 16, 3).transpose(0, 1, 3, 2, 4, 5).reshape(4, 64, -1), PICTURE),
    "integral image": (lambda a: jnp.cumsum(jnp.cumsum(a, 0), 1), A),
}
SIGNALS = {
    "fftconvolve of one row": (lambda a, b: signal.fftconvolve(a[0], b[0]), A, B),
    "fftconvolve": (signal.fftconvolve, A, B),
    "stft": (lambda x: signal.stft(x[:65536])[2], X),
    "welch": (lambda x: signal.welch(x[:65536])[1], X),
    "detrend": (signal.detrend, A),
    "fir of 64": (lambda x, y: jnp.convolve(x, y[:64], mode="same"), X, Y),
    "fft of one row of 1024": (lambda x, y: jnp.fft.fft(x[:1024]), X, Y),
    "rfft of one row of 256": (lambda x, y: jnp.fft.rfft(x[:256]), X, Y),
    "spectrum": (lambda x, y: jnp.abs(jnp.fft.rfft(x.reshape(-1, 1024) * jnp.hanning(1024))) ** 2, X, Y),
    "autocorrelation": (lambda x, y: jnp.fft.irfft(jnp.abs(jnp.fft.rfft(x[:16384], 32768)) ** 2), X, Y),
    "iir by scan": (lambda x, y: lax.scan(lambda c, v: (0.9 * c + 0.1 * v,) * 2, 0.0, x[:20000])[1], X, Y),
    "moving mean by cumsum": (lambda x, y: (jnp.cumsum(x)[64:] - jnp.cumsum(x)[:-64]) / 64, X, Y),
    "zero crossings": (lambda x, y: jnp.sum(x[1:] * x[:-1] < 0), X, Y),
    "decimate": (lambda x, y: x.reshape(-1, 8).mean(1), X, Y),
    "upsample by zeros": (lambda x, y: jnp.zeros(2 * x.size).at[::2].set(x), X, Y),
}
BYTE_PROGRAMS = {
    "packbits": (lambda a: jnp.packbits(a > 0), A),
    "unpackbits": (lambda x: jnp.unpackbits(x[:20000]), BYTES),
    "to upper case": (lambda x: jnp.where((x >= 97) & (x <= 122), x - 32, x), BYTES),
    "count of a letter": (lambda x: jnp.sum(x == 101), BYTES),
    "starts of words": (lambda x: (x[1:] > 32) & (x[:-1] <= 32), BYTES),
    "parse numbers": (lambda x: ((x.reshape(-1, 8) % 10).astype(jnp.int32) * 10 ** jnp.arange(7, -1, -1)).sum(1), BYTES),
    "hex digits": (lambda x: jnp.stack([x >> 4, x & 15], -1).reshape(-1), BYTES),
    "bytes to words": (lambda x: lax.bitcast_convert_type(x.reshape(-1, 4), jnp.uint32), BYTES),
    "words to bytes": (lambda i: lax.bitcast_convert_type(i, jnp.uint8), INDEX),
    "crc by table": (lambda x: lax.fori_loop(0, 10000, lambda k, c: (c >> 8) ^ ((c ^ x[k]) & 255) * 0x1DB7, jnp.uint32(0)), BYTES),
    "hash of rows": (lambda x: (x.reshape(-1, 64).astype(jnp.uint32) * (31 ** jnp.arange(64, dtype=jnp.uint32))).sum(1), BYTES),
    "equal rows": (lambda x: (x.reshape(-1, 64)[:, None] == x.reshape(-1, 64)[None, :8]).all(-1), BYTES),
    "xor of all": (lambda x: lax.reduce(x, np.uint8(0), lax.bitwise_xor, (0,)), BYTES),
    "edit distance": (lambda x: edit_distance(x[:256], x[256:512]), BYTES),
}
BIT_PROGRAMS = {
    "popcount": (lambda i, j: lax.population_count(i), INDEX, OTHER_INDEX),
    "leading zeros": (lambda i, j: lax.clz(i), INDEX, OTHER_INDEX),
    "hamming distance": (lambda i, j: lax.population_count(i ^ j).sum(), INDEX, OTHER_INDEX),
    "rotate bits": (lambda i, j: (i.astype(jnp.uint32) << 7) | (i.astype(jnp.uint32) >> 25), INDEX, OTHER_INDEX),
    "xorshift": (lambda i, j: xorshift(i.astype(jnp.uint32)), INDEX, OTHER_INDEX),
    "morton code": (lambda i, j: spread(i) | spread(j) << 1, INDEX, OTHER_INDEX),
    "float to bits and back": (lambda i, j: lax.bitcast_convert_type(lax.bitcast_convert_type(i.astype(jnp.float32), jnp.int32) & -256,
                                                                    jnp.float32), INDEX, OTHER_INDEX),
    "magic division": (lambda i, j: i // 7 + j % 10, INDEX, OTHER_INDEX),
    "integer square root": (lambda i, j: lax.fori_loop(0, 12, lambda k, r: (r + i // jnp.maximum(r, 1)) // 2, i), INDEX, OTHER_INDEX),
    "collatz": (lambda i, j: lax.fori_loop(0, 20, lambda k, n: jnp.where(n % 2 == 0, n // 2, 3 * n + 1), i), INDEX, OTHER_INDEX),
}


def xorshift(x):
    x = x ^ x << 13
    x = x ^ x >> 17
    return x ^ x << 5


def spread(x):
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        x = (x | x << shift) & mask
    return x


def edit_distance(a, b):
    places = jnp.arange(b.size + 1)

    def row(above, letter):
        here = jnp.minimum(above[1:] + 1, above[:-1] + (b != letter))
        here = jnp.concatenate([above[:1] + 1, here])
        return lax.cummin(here - places) + places, None

    return lax.scan(row, places, a)[0][-1]


for name, (function, *arguments) in (IMAGES | SIGNALS | BYTE_PROGRAMS | BIT_PROGRAMS).items():
    add(name, function, *arguments)
for name in ("resize to 768, linear", "resize pictures, linear", "blur", "map_coordinates 1", "grid_sample", "affine warp",
             "integral image"):
    function, *arguments = IMAGES[name]
    add(f"grad {name}", gradient(function), *arguments)
