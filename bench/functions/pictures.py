"""Pictures as people process them: morphology, edges, histograms, colours, medians, warps, blocks of JPEG."""

import functools

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradient

G = uniform(121, 163, low=0, high=1)
RGB = uniform(97, 131, 3, low=0, high=1)
BYTES = integers(121, 163, high=256, dtype=np.uint8)
RGB8 = integers(97, 131, 3, high=256, dtype=np.uint8)
MASK = integers(121, 163, high=3) == 0
KEY = np.array([1, 2], np.uint32)


def shifts(x, r=1, mode="edge"):
    p = jnp.pad(x, r, mode=mode)
    n, m = x.shape
    return [p[i : i + n, j : j + m] for i in range(2 * r + 1) for j in range(2 * r + 1)]


def window(x, f, start, r=1):
    return lax.reduce_window(x, start, f, (2 * r + 1, 2 * r + 1), (1, 1), "SAME")


dilate = lambda x, r=1: window(x, lax.max, -jnp.inf, r)
erode = lambda x, r=1: window(x, lax.min, jnp.inf, r)


def sobel(x):
    a, b, c, d, _, e, f, g, h = shifts(x)
    return (c - a) + 2 * (e - d) + (h - f), (f - a) + 2 * (g - b) + (h - c)


def canny(x):
    u, v = sobel(gauss(x))
    m, t = jnp.hypot(u, v), jnp.arctan2(v, u)
    k = jnp.round(t / (jnp.pi / 4)).astype(int) % 4
    s = shifts(m)
    pairs = [(s[5], s[3]), (s[8], s[0]), (s[7], s[1]), (s[6], s[2])]
    keep = jnp.select([k == i for i in range(4)], [(m >= a) & (m >= b) for a, b in pairs])
    strong, weak = keep & (m > 0.8), keep & (m > 0.3)
    return lax.fori_loop(0, 8, lambda i, e: weak & (window(e.astype(jnp.float32), lax.max, 0.0) > 0), strong)


def gauss(x, s=1.5, r=4):
    t = jnp.exp(-(jnp.arange(-r, r + 1) ** 2) / (2 * s * s))
    t = t / t.sum()
    y = sum(t[k] * v for k, v in enumerate(jnp.pad(x, ((r, r), (0, 0)), mode="edge")[i : i + x.shape[0]] for i in range(2 * r + 1)))
    return sum(t[k] * v for k, v in enumerate(jnp.pad(y, ((0, 0), (r, r)), mode="edge")[:, i : i + x.shape[1]] for i in range(2 * r + 1)))


def bilateral(x, r=2):
    s = jnp.stack(shifts(x, r))
    d = np.array([i * i + j * j for i in range(-r, r + 1) for j in range(-r, r + 1)], np.float32)
    w = jnp.exp(-d[:, None, None] / 4 - (s - x) ** 2 / 0.02)
    return (w * s).sum(0) / w.sum(0)


def median(x):
    return jnp.median(jnp.stack(shifts(x)), 0)


def median_network(x):
    s = shifts(x)
    def order(i, j):
        s[i], s[j] = jnp.minimum(s[i], s[j]), jnp.maximum(s[i], s[j])
    for i, j in ((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6), (1, 4), (2, 5),
        (4, 7), (4, 2), (6, 4), (4, 2)):
        order(i, j)
    return s[4]


def nonlocal_means(x, r=2):
    w = n = 0
    for i in range(-r, r + 1):
        for j in range(-r, r + 1):
            y = jnp.roll(x, (i, j), (0, 1))
            d = jnp.exp(-window((x - y) ** 2, lax.add, 0.0) * 10)
            w, n = w + d * y, n + d
    return w / n


def guided(x, p, r=4):
    box = lambda v: window(v, lax.add, 0.0, r) / window(jnp.ones_like(v), lax.add, 0.0, r)
    mx, mp = box(x), box(p)
    a = (box(x * p) - mx * mp) / (box(x * x) - mx * mx + 0.01)
    return box(a) * x + box(mp - a * mx)


def equalise(x):
    h = jnp.zeros(256, jnp.int32).at[x.reshape(-1)].add(1)
    c = jnp.cumsum(h)
    low = c[jnp.argmax(h > 0)]
    return jnp.clip(jnp.round((c - low) / (x.size - low) * 255), 0, 255).astype(jnp.uint8)[x]


def clahe(x, n=4):
    """Histograms of tiles, clipped, as tables that are interpolated."""
    x = x[:120, :160]
    t = x.reshape(n, 30, n, 40).transpose(0, 2, 1, 3).reshape(n * n, -1)
    h = jax.vmap(lambda t: jnp.zeros(256).at[t].add(1))(t)
    h = jnp.minimum(h, 20) + jnp.maximum(h - 20, 0).sum(1, keepdims=True) / 256
    l = (jnp.cumsum(h, 1) / 1200 * 255).reshape(n, n, 256)
    u, v = jnp.clip((jnp.arange(120) - 15) / 30, 0, n - 1.001), jnp.clip((jnp.arange(160) - 20) / 40, 0, n - 1.001)
    i, j = u.astype(int), v.astype(int)
    a, b = (u - i)[:, None], v - j
    at = lambda p, q: l[(i + p)[:, None], (j + q)[None], x]
    return (1 - a) * ((1 - b) * at(0, 0) + b * at(0, 1)) + a * ((1 - b) * at(1, 0) + b * at(1, 1))


def otsu(x):
    h = jnp.bincount(x.reshape(-1), length=256) / x.size
    w, m = jnp.cumsum(h), jnp.cumsum(h * jnp.arange(256))
    return jnp.argmax(jnp.nan_to_num((m[-1] * w - m) ** 2 / (w * (1 - w))))


def hsv_to_rgb(x):
    h, s, v = x[..., 0] * 6, x[..., 1], x[..., 2]
    i = jnp.floor(h).astype(int) % 6
    f = h - jnp.floor(h)
    p, q, t = v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s)
    return jnp.stack([jnp.choose(i, c, mode="clip") for c in ([v, q, p, p, t, v], [t, v, v, q, p, p], [p, p, t, v, v, q])], -1)


def to_linear(x):
    return jnp.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def to_lab(x):
    m = jnp.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    y = to_linear(x) @ m.T / jnp.array([0.9505, 1.0, 1.089])
    f = jnp.where(y > 0.008856, jnp.cbrt(y), 7.787 * y + 16 / 116)
    return jnp.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def to_ycc(x):
    m = jnp.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return x @ m.T + jnp.array([0, 128.0, 128])


K = np.arange(8)
DCT = (np.sqrt(np.where(K == 0, 1, 2) / 8)[:, None] * np.cos(np.pi * (2 * K + 1) * K[:, None] / 16)).astype(np.float32)
QT = (8 + 3 * (K[:, None] + K)).astype(np.float32)


def jpeg(x):
    b = x[:120, :160].astype(jnp.float32).reshape(15, 8, 20, 8).swapaxes(1, 2) - 128
    q = jnp.round(DCT @ b @ DCT.T / QT)
    y = DCT.T @ (q * QT) @ DCT + 128
    return jnp.clip(jnp.round(y), 0, 255).astype(jnp.uint8).swapaxes(1, 2).reshape(120, 160)


def dither(x):
    """Floyd and Steinberg: errors carried along the row and to the next."""
    def row(err, r):
        def cell(c, v):
            e, = c
            t = v + e
            q = jnp.where(t > 0.5, 1.0, 0.0)
            return ((t - q) * 7 / 16,), (q, t - q)
        _, (q, d) = lax.scan(cell, (0.0,), r + err)
        p = jnp.pad(d, 1)
        return 3 / 16 * p[2:] + 5 / 16 * d + 1 / 16 * p[:-2], q
    return lax.scan(row, jnp.zeros(x.shape[1]), x)[1]


def components(m):
    ids = jnp.where(m, jnp.arange(m.size).reshape(m.shape) + 1, 0)
    return lax.fori_loop(0, 20, lambda i, l: jnp.where(m, lax.reduce_window(l, 0, lax.max, (3, 3), (1, 1), "SAME"), 0), ids)


def distance(m):
    """Distance to the nearest set pixel along rows, then columns."""
    big = 1e4
    d = jnp.where(m, 0, big)
    for a in (0, 1):
        i = jnp.arange(m.shape[a]).reshape((-1, 1) if a == 0 else (1, -1))
        d = jnp.minimum(lax.cummin(d - i, a) + i, lax.cummin(d + i, a, reverse=True) - i)
    return d


def hough(m):
    t = jnp.linspace(0, jnp.pi, 45)
    y, x = jnp.meshgrid(jnp.arange(m.shape[0]), jnp.arange(m.shape[1]), indexing="ij")
    r = jnp.round((x[..., None] * jnp.cos(t) + y[..., None] * jnp.sin(t)) / 4).astype(int) + 52
    return jnp.zeros((45, 104)).at[jnp.arange(45), r].add(m[..., None].astype(jnp.float32))


def harris(x):
    u, v = sobel(x)
    a, b, c = gauss(u * u), gauss(v * v), gauss(u * v)
    r = a * b - c * c - 0.05 * (a + b) ** 2
    return jnp.where(r == dilate(r), r, 0)


def lbp(x):
    s = shifts(x)
    return sum((s[k] > x).astype(jnp.uint8) << i for i, k in enumerate((0, 1, 2, 5, 8, 7, 6, 3)))


def hog(x):
    u, v = sobel(x[:120, :160])
    b = (jnp.arctan2(v, u) / jnp.pi * 4.5 + 4.5).astype(int) % 9
    h = jax.nn.one_hot(b, 9) * jnp.hypot(u, v)[..., None]
    h = h.reshape(15, 8, 20, 8, 9).sum((1, 3))
    return h / jnp.sqrt((h * h).sum(-1, keepdims=True) + 1e-4)


def pyramid(x):
    out = []
    for _ in range(3):
        y = gauss(x, 1.0, 2)[::2, ::2]
        up = jnp.repeat(jnp.repeat(y, 2, 0), 2, 1)[: x.shape[0], : x.shape[1]]
        out.append(x - up)
        x = y
    return out


def remap(x, u, v):
    i, j = jnp.clip(jnp.floor(u).astype(int), 0, x.shape[0] - 2), jnp.clip(jnp.floor(v).astype(int), 0, x.shape[1] - 2)
    a, b = (u - i)[..., None], (v - j)[..., None]
    return (1 - a) * ((1 - b) * x[i, j] + b * x[i, j + 1]) + a * ((1 - b) * x[i + 1, j] + b * x[i + 1, j + 1])


def lens(x):
    y, z = jnp.linspace(-1, 1, x.shape[0])[:, None], jnp.linspace(-1, 1, x.shape[1])
    k = 1 + 0.2 * (y * y + z * z)
    return remap(x, (y * k / 1.4 + 1) / 2 * 95, (z * k / 1.4 + 1) / 2 * 129)


def perspective(x, h):
    i, j = jnp.meshgrid(jnp.arange(97.0), jnp.arange(131.0), indexing="ij")
    w = h[2, 0] * i + h[2, 1] * j + 1
    return remap(x, (h[0, 0] * i + h[0, 1] * j + h[0, 2]) / w, (h[1, 0] * i + h[1, 1] * j + h[1, 2]) / w)


def flow(a, b):
    """Lucas and Kanade's flow of every pixel."""
    x, y, t = jnp.gradient(a, axis=1), jnp.gradient(a, axis=0), b - a
    s = lambda v: window(v, lax.add, 0.0, 3)
    xx, yy, xy, xt, yt = s(x * x) + 1e-2, s(y * y) + 1e-2, s(x * y), s(x * t), s(y * t)
    d = xx * yy - xy * xy
    return (xy * yt - yy * xt) / d, (xy * xt - xx * yt) / d


def horn(a, b):
    x, y, t = jnp.gradient(a, axis=1), jnp.gradient(a, axis=0), b - a
    mean = lambda v: (jnp.roll(v, 1, 0) + jnp.roll(v, -1, 0) + jnp.roll(v, 1, 1) + jnp.roll(v, -1, 1)) / 4
    def step(_, c):
        u, v = map(mean, c)
        k = (x * u + y * v + t) / (0.1 + x * x + y * y)
        return u - x * k, v - y * k
    return lax.fori_loop(0, 20, step, (jnp.zeros_like(a), jnp.zeros_like(a)))


def match(x, t):
    k = t - t.mean()
    s = jsp.signal.correlate2d(x, k, "valid")
    n = t.size
    w = lambda v: lax.reduce_window(v, 0.0, lax.add, t.shape, (1, 1), "VALID")
    return s / jnp.sqrt((w(x * x) - w(x) ** 2 / n + 1e-3) * (k * k).sum())


def chambolle(f):
    def step(_, p):
        u, v = p
        d = u - jnp.roll(u, 1, 0) + v - jnp.roll(v, 1, 1) - f / 0.1
        g, h = jnp.roll(d, -1, 0) - d, jnp.roll(d, -1, 1) - d
        n = 1 + 0.25 * jnp.sqrt(g * g + h * h)
        return (u + 0.25 * g) / n, (v + 0.25 * h) / n
    u, v = lax.fori_loop(0, 20, step, (jnp.zeros_like(f), jnp.zeros_like(f)))
    return f - 0.1 * (u - jnp.roll(u, 1, 0) + v - jnp.roll(v, 1, 1))


def lucy(x, k):
    conv = lambda a: jsp.signal.convolve2d(a, k, "same")
    return lax.fori_loop(0, 5, lambda i, u: u * conv(x / (conv(u) + 1e-3)), x)


def demosaic(x):
    x = x[:120, :162]
    r, b = jnp.zeros_like(x).at[::2, ::2].set(x[::2, ::2]), jnp.zeros_like(x).at[1::2, 1::2].set(x[1::2, 1::2])
    g = x - r - b
    k = jnp.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])
    c = jnp.array([[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]])
    return jnp.stack([jsp.signal.convolve2d(r, k, "same"), jsp.signal.convolve2d(g, c, "same"), jsp.signal.convolve2d(b, k, "same")], -1)


def slic(x, c):
    y = jnp.concatenate([x, jnp.stack(jnp.meshgrid(jnp.linspace(0, 1, 97), jnp.linspace(0, 1, 131), indexing="ij"), -1)], -1).reshape(-1, 5)
    def step(_, c):
        a = ((y * y).sum(1)[:, None] - 2 * y @ c.T + (c * c).sum(1)).argmin(1)
        return jnp.zeros_like(c).at[a].add(y) / jnp.maximum(jnp.zeros(c.shape[0]).at[a].add(1), 1)[:, None]
    return lax.fori_loop(0, 3, step, c)


def blend(a, b):
    al, be = a[..., 3:], b[..., 3:]
    o = al + be * (1 - al)
    return jnp.concatenate([(a[..., :3] * al + b[..., :3] * be * (1 - al)) / (o + 1e-6), o], -1)


def radon(x, n=18):
    i, j = jnp.meshgrid(jnp.arange(64.0) - 31.5, jnp.arange(64.0) - 31.5, indexing="ij")
    def one(t):
        return jsp.ndimage.map_coordinates(x[:64, :64], [jnp.cos(t) * i - jnp.sin(t) * j + 31.5, jnp.sin(t) * i + jnp.cos(t) * j + 31.5],
            order=1).sum(0)
    return jax.vmap(one)(jnp.linspace(0, jnp.pi, n))


def cutmix(x, k):
    p = jax.random.randint(k, (2,), 0, 60)
    i, j = jnp.arange(97)[:, None], jnp.arange(131)
    m = (i >= p[0]) & (i < p[0] + 30) & (j >= p[1]) & (j < p[1] + 40)
    return jnp.where(m[..., None], x[::-1], x)


def crops(x, at):
    return jax.vmap(lambda p: lax.dynamic_slice(x, (p[0], p[1], 0), (32, 32, 3)))(at)


def jitter(x, k):
    a, b, c = jax.random.uniform(k, (3,), minval=0.6, maxval=1.4)
    x = x * a
    m = x.mean((0, 1))
    x = (x - m) * b + m
    g = x @ jnp.array([0.299, 0.587, 0.114])
    return jnp.clip((x - g[..., None]) * c + g[..., None], 0, 1)


PICTURES = {
    "dilate": (dilate, G),
    "erode": (erode, G),
    "open": (lambda x: dilate(erode(x)), G),
    "top hat": (lambda x: x - dilate(erode(x, 3), 3), G),
    "morphological gradient": (lambda x: dilate(x) - erode(x), G),
    "dilate by maxima of shifts": (lambda x: functools.reduce(jnp.maximum, shifts(x)), G),
    "erode a mask": (lambda m: functools.reduce(jnp.logical_and, shifts(m)), MASK),
    "dilate bytes": (lambda x: lax.reduce_window(x, np.uint8(0), lax.max, (5, 5), (1, 1), "SAME"), BYTES),
    "skeleton": (lambda m: lax.fori_loop(0, 5, lambda i, m: m & (sum(s.astype(jnp.int32) for s in shifts(m)) > 4), m), MASK),
    "edges, Sobel": (lambda x: jnp.hypot(*sobel(x)), G),
    "edges, Sobel of bytes": (lambda x: (s := sobel(x.astype(jnp.int16)),
        jnp.clip(jnp.abs(s[0]) + jnp.abs(s[1]), 0, 255).astype(jnp.uint8))[1], BYTES),
    "edges, Canny": (canny, G),
    "edges, Laplace of Gauss": (lambda x: (g := gauss(x), s := shifts(g), s[1] + s[3] + s[5] + s[7] - 4 * g)[2], G),
    "difference of Gaussians": (lambda x: gauss(x, 1.0) - gauss(x, 2.0), G),
    "corners, Harris": (harris, G),
    "local binary patterns": (lbp, G),
    "oriented gradients": (hog, G),
    "lines, Hough": (hough, MASK),
    "Gauss": (gauss, G),
    "box": (lambda x: window(x, lax.add, 0.0, 4) / 81, G),
    "box by sums": (lambda x: (c := jnp.cumsum(jnp.cumsum(jnp.pad(x, ((1, 0), (1, 0))), 0), 1),
        (c[9:, 9:] - c[:-9, 9:] - c[9:, :-9] + c[:-9, :-9]) / 81)[1], G),
    "sharpen": (lambda x: jnp.clip(x + 0.7 * (x - gauss(x)), 0, 1), G),
    "bilateral": (bilateral, G),
    "median of 9": (median, G),
    "median of 9 by a network": (median_network, G),
    "median of bytes": (lambda x: jnp.sort(jnp.stack(shifts(x)), 0)[4], BYTES),
    "means, nonlocal": (nonlocal_means, G),
    "guided": (guided, G, G[::-1].copy()),
    "Gabor": (lambda x: (t := jnp.arange(-5, 6), k := jnp.exp(-(t[:, None] ** 2 + t**2) / 12) * jnp.cos(t * 1.2),
        jsp.signal.convolve2d(x, k, "same"))[2], G),
    "anisotropic": (lambda x: lax.fori_loop(0, 10, lambda i, u: u + 0.2 * sum((d := jnp.roll(u, s, a) - u,
        jnp.exp(-((d / 0.1) ** 2)) * d)[1] for s in (1, -1) for a in (0, 1)), x), G),
    "total variation": (chambolle, G),
    "Richardson-Lucy": (lucy, G, (lambda k: k / k.sum())(np.abs(uniform(5, 5)))),
    "Wiener": (lambda x: (h := jnp.fft.rfft2(jnp.zeros_like(x).at[:5, :5].set(0.04)),
        jnp.fft.irfft2(jnp.fft.rfft2(x) * jnp.conj(h) / (jnp.abs(h) ** 2 + 0.01), x.shape))[1], G),
    "low pass by FFT": (lambda x: (f := jnp.fft.fft2(x), jnp.fft.ifft2(jnp.where(jnp.hypot(jnp.fft.fftfreq(121)[:, None],
        jnp.fft.fftfreq(163)) < 0.1, f, 0)).real)[1], G),
    "phase correlation": (lambda a, b: (f := jnp.fft.fft2(a) * jnp.conj(jnp.fft.fft2(b)),
        jnp.argmax(jnp.fft.ifft2(f / (jnp.abs(f) + 1e-9)).real))[1], G, G[::-1].copy()),
    "local normalisation": (lambda x: (m := gauss(x), (x - m) / (jnp.sqrt(jnp.maximum(gauss(x * x) - m * m, 0)) + 0.05))[1], G),
    "unsharp in 16 bits": (lambda x: jnp.clip(2 * x.astype(jnp.int16) - (sum(s.astype(jnp.int16) for s in shifts(x)) // 9), 0,
        255).astype(jnp.uint8), BYTES),
    "equalise": (equalise, BYTES),
    "equalise tiles": (clahe, BYTES),
    "Otsu": (otsu, BYTES),
    "threshold": (lambda x: jnp.where(x > 127, np.uint8(255), np.uint8(0)), BYTES),
    "threshold, adaptive": (lambda x: x > gauss(x) - 0.02, G),
    "gamma by table": (lambda x: (jnp.arange(256.0) / 255) ** 0.45 @ jax.nn.one_hot(0, 256) + ((jnp.arange(256.0) / 255) ** 0.45)[x],
        BYTES),
    "contrast of bytes": (lambda x: jnp.clip((x.astype(jnp.int32) - 128) * 3 // 2 + 128, 0, 255).astype(jnp.uint8), BYTES),
    "stretch": (lambda x: (q := jnp.percentile(x, jnp.array([1.0, 99])), jnp.clip((x - q[0]) / (q[1] - q[0]), 0, 1))[1], G),
    "posterise": (lambda x: (x & 0xE0) | 16, BYTES),
    "invert": (lambda x: 255 - x, RGB8),
    "solarise": (lambda x: jnp.where(x < 128, x, 255 - x), RGB8),
    "histograms of channels": (lambda x: jax.vmap(lambda c: jnp.bincount(c.reshape(-1), length=256), 2)(x), RGB8),
    "histogram match": (lambda a, b: jnp.interp(a.reshape(-1), jnp.sort(a.reshape(-1)), jnp.sort(b.reshape(-1))).reshape(a.shape),
        G[:60].copy(), G[60:120].copy()),
    "palette": (lambda x: ((x[:, :, None] - jnp.linspace(0, 1, 24).reshape(8, 3)) ** 2).sum(-1).argmin(-1).astype(jnp.uint8), RGB),
    "dither": (dither, G),
    "dither, ordered": (lambda x: x > (jnp.tile(jnp.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]), (31, 41))[:121,
        :163] + 0.5) / 16, G),
    "colours, HSV to RGB": (hsv_to_rgb, RGB),
    "colours, linear": (to_linear, RGB),
    "colours, Lab": (to_lab, RGB),
    "colours, YCC of bytes": (lambda x: jnp.clip(jnp.round(to_ycc(x.astype(jnp.float32))), 0, 255).astype(jnp.uint8), RGB8),
    "colours, grey of bytes": (lambda x: ((x[..., 0].astype(jnp.int32) * 77 + x[..., 1].astype(jnp.int32) * 150 + x[...,
        2].astype(jnp.int32) * 29) >> 8).astype(jnp.uint8), RGB8),
    "colours, swapped": (lambda x: x[..., ::-1], RGB8),
    "colours, saturation": (jitter, RGB, KEY),
    "colours, sepia": (lambda x: jnp.minimum(x @ jnp.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]]), 1), RGB),
    "colours, white balance": (lambda x: (m := x.mean((0, 1)), x * (m.mean() / m))[1], RGB),
    "colours, tone map": (lambda x: jnp.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1), RGB * 4),
    "colours, alpha": (blend, uniform(90, 91, 4, low=0, high=1), uniform(90, 91, 4, low=0, high=1)),
    "colours, RGB565": (lambda x: (x[..., 0].astype(jnp.uint16) >> 3 << 11) | (x[..., 1].astype(jnp.uint16) >> 2 << 5) | (x[...,
        2].astype(jnp.uint16) >> 3), RGB8),
    "colours, packed": (lambda x: (x[..., 0].astype(jnp.uint32) << 16) | (x[..., 1].astype(jnp.uint32) << 8) | x[..., 2], RGB8),
    "colours, normalised planes": (lambda x: ((x.astype(jnp.float32) / 255 - jnp.array([0.485, 0.456, 0.406])) / jnp.array([0.229, 0.224,
        0.225])).transpose(2, 0, 1), RGB8),
    "mosaic": (demosaic, G),
    "superpixels": (slic, RGB, uniform(30, 5, low=0, high=1)),
    "JPEG blocks": (jpeg, BYTES),
    "zigzag": (lambda x: x[:120, :160].reshape(15, 8, 20, 8).swapaxes(1, 2).reshape(300, 64)[:,
        np.argsort([(i + j) * 16 + (i if (i + j) % 2 else j) for i in range(8) for j in range(8)])], G),
    "DCT of blocks": (lambda x: jnp.einsum("ui,bick,vk->bucv", DCT, x[:120, :160].reshape(15, 8, 20, 8), DCT), G),
    "Haar, two axes": (lambda x: (a := x[:120:2, :162:2], b := x[:120:2, 1:162:2], c := x[1:120:2, :162:2], d := x[1:120:2, 1:162:2],
        jnp.block([[a + b + c + d, a - b + c - d], [a + b - c - d, a - b - c + d]]) / 4)[4], G),
    "subsampled 4:2:0": (lambda x: x[:96, :130].reshape(48, 2, 65, 2, 3).mean((1, 3)), RGB),
    "pyramid": (pyramid, G),
    "components": (components, MASK),
    "distance": (distance, MASK),
    "flood": (lambda m: lax.while_loop(lambda c: (c[0] != c[1]).any() & (c[2] < 60),
        lambda c: (m & (lax.reduce_window(c[0].astype(jnp.int32), 0, lax.max, (3, 3), (1, 1), "SAME") > 0), c[0], c[2] + 1),
        (jnp.zeros_like(m).at[60, 80].set(True), m, 0))[0], ~MASK),
    "moments": (lambda x: (i := jnp.arange(121.0)[:, None], j := jnp.arange(163.0), s := x.sum(), a := (x * i).sum() / s,
        b := (x * j).sum() / s, jnp.stack([a, b, (x * (i - a) ** 2).sum(), (x * (j - b) ** 2).sum(), (x * (i - a) * (j - b)).sum()]))[5],
        G),
    "projections": (lambda x: (x.sum(0), x.sum(1), jnp.diagonal(x).sum()), G),
    "co-occurrence": (lambda x: jnp.zeros((16, 16), int).at[x[:, :-1] >> 4, x[:, 1:] >> 4].add(1), BYTES),
    "warp, lens": (lens, RGB),
    "warp, perspective": (perspective, RGB, np.array([[0.9, 0.1, 3], [-0.1, 0.95, 9], [1e-4, 2e-4, 1]], np.float32)),
    "warp, polar": (lambda x: (r := jnp.linspace(0, 59, 60)[:, None], t := jnp.linspace(0, 2 * np.pi, 180),
        jsp.ndimage.map_coordinates(x, [60 + r * jnp.sin(t), 80 + r * jnp.cos(t)], order=1))[2], G),
    "warp, nearest": (lambda x, a: (i := jnp.arange(121)[:, None], j := jnp.arange(163),
        x[jnp.clip((i * jnp.cos(a) - j * jnp.sin(a)).astype(int), 0, 120),
        jnp.clip((i * jnp.sin(a) + j * jnp.cos(a)).astype(int), 0, 162)])[2], BYTES, np.float32(0.2)),
    "flow, Lucas-Kanade": (flow, G, G[::-1].copy()),
    "flow, Horn-Schunck": (horn, G, G[::-1].copy()),
    "template": (match, G, G[30:45, 40:57].copy()),
    "Radon": (radon, G),
    "crops": (crops, RGB, integers(20, 2, high=60)),
    "cut and mixed": (cutmix, RGB, KEY),
    "mixed up": (lambda x, k: (l := jax.random.beta(k, 0.4, 0.4), l * x + (1 - l) * x[::-1])[1], RGB, KEY),
    "flipped by chance": (lambda x, k: jnp.where(jax.random.bernoulli(k, 0.5, (16, 1, 1, 1)), x, x[:, :, ::-1]), uniform(16, 33, 35, 3),
        KEY),
    "erased": (lambda x, k: jnp.where(jax.random.bernoulli(k, 0.2, x.shape[:2])[..., None], 0, x), RGB, KEY),
    "tiles": (lambda x: x[:96, :128].reshape(3, 32, 4, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3), RGB8),
    "untiles": (lambda x: x.reshape(3, 4, 32, 32, 3).swapaxes(1, 2).reshape(96, 128, 3), RGB8[:96, :128].reshape(12, 32, 32, 3).copy()),
    "border": (lambda x: jnp.pad(x, ((9, 9), (7, 7), (0, 0)), mode="reflect"), RGB8),
    "letter box": (lambda x: jnp.full((131, 131, 3), 114, np.uint8).at[17:114].set(x), RGB8),
    "rotated by 90": (lambda x: jnp.rot90(x), RGB8),
    "bayer split": (lambda x: jnp.stack([x[:120:2, :162:2], x[:120:2, 1:162:2], x[1:120:2, :162:2], x[1:120:2, 1:162:2]]), BYTES),
    "resized, bytes": (lambda x: jnp.clip(jnp.round(jax.image.resize(x.astype(jnp.float32), (64, 64, 3), "bilinear")), 0,
        255).astype(jnp.uint8), RGB8),
    "averaged by 2, bytes": (lambda x: ((x[:96:2, :130:2].astype(jnp.uint16) + x[1:96:2, :130:2] + x[:96:2, 1:130:2] + x[1:96:2,
        1:130:2] + 2) >> 2).astype(jnp.uint8), RGB8),
    "difference of frames": (lambda a, b: (jnp.abs(a.astype(jnp.int16) - b.astype(jnp.int16)) > 20).sum(), RGB8, RGB8[::-1].copy()),
    "running background": (lambda x: lax.scan(lambda m, f: (0.95 * m + 0.05 * f, jnp.abs(f - m) > 0.2), x[0], x)[1], uniform(16, 60, 61)),
    "volume, projected": (lambda v: (v.max(0), v.mean(1), v.min(2)), uniform(31, 40, 41)),
    "volume, smoothed": (lambda v: lax.reduce_window(v, 0.0, lax.add, (3, 3, 3), (1, 1, 1), "SAME") / 27, uniform(31, 40, 41)),
    "volume, gradient size": (lambda v: jnp.sqrt(sum(g * g for g in jnp.gradient(v))), uniform(31, 40, 41)),
}

SMOOTH = ["edges, Sobel", "Gauss", "bilateral", "median of 9", "guided", "open", "colours, Lab", "colours, HSV to RGB", "colours, linear",
          "colours, tone map", "warp, lens", "warp, perspective", "warp, polar", "pyramid", "DCT of blocks", "Haar, two axes", "Radon",
          "flow, Lucas-Kanade", "local normalisation", "template", "subsampled 4:2:0", "oriented gradients", "volume, smoothed"]
add_all("image", PICTURES)
add_all("grad image", PICTURES, SMOOTH, gradient)
add_all("image", PICTURES, SMOOTH, dtype=jnp.float16)
