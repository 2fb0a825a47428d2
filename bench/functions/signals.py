"""Signals, text and bytes: frames, spectra, wavelets, filters, codes, hashes."""

import functools

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradients

X = uniform(8000)
STEREO = uniform(2, 4001)
HANN = np.hanning(256).astype(np.float32)


def frames(x, n=256, hop=100):
    i = jnp.arange((x.size - n) // hop + 1)[:, None] * hop + jnp.arange(n)
    return x[i]


def overlap_add(f, hop=64):
    n = f.shape[1]
    return jnp.zeros((f.shape[0] - 1) * hop + n).at[jnp.arange(f.shape[0])[:, None] * hop + jnp.arange(n)].add(f)


def mel(x):
    s = jnp.abs(jnp.fft.rfft(frames(x) * HANN)) ** 2
    f, m = jnp.linspace(0, 8000, 129), 700 * (10 ** (jnp.linspace(0, 2840, 42) / 2595) - 1)
    bank = jnp.maximum(0, jnp.minimum((f - m[:-2, None]) / (m[1:-1] - m[:-2])[:, None], (m[2:, None] - f) / (m[2:] - m[1:-1])[:, None]))
    return jnp.log(s @ bank.T + 1e-6)


def haar(x, levels=5):
    out = []
    for _ in range(levels):
        a, b = x[::2], x[1::2]
        out.append((a - b) * np.float32(0.70710678))
        x = (a + b) * np.float32(0.70710678)
    return jnp.concatenate([x, *out[::-1]])


def daubechies(x):
    h = np.array([0.4829629, 0.8365163, 0.2241439, -0.1294095], np.float32)
    s = [jnp.roll(x, -k)[::2] for k in range(4)]
    return sum(a * b for a, b in zip(h, s)), sum(a * b for a, b in zip((h[3], -h[2], h[1], -h[0]), s))


def lifting(x):
    e, o = x[::2], x[1::2]
    d = o - ((e + jnp.roll(e, -1)) >> 1)
    return e + ((d + jnp.roll(d, 1) + 2) >> 2), d


def biquads(x, c):
    def one(s, v):
        out = []
        for k in range(c.shape[0]):
            y = c[k, 0] * v + s[2 * k]
            out += [c[k, 1] * v - c[k, 3] * y + s[2 * k + 1], c[k, 2] * v - c[k, 4] * y]
            v = y
        return jnp.stack(out), v
    return lax.scan(one, jnp.zeros(2 * c.shape[0]), x)[1]


def lms(x, d):
    def step(c, v):
        w, b = c
        b = jnp.concatenate([v[:1], b[:-1]])
        e = v[1] - w @ b
        return (w + 0.01 * e * b, b), e
    return lax.scan(step, (jnp.zeros(16), jnp.zeros(16)), jnp.stack([x, d], 1))[1]


def levinson(r):
    def step(i, c):
        a, e = c
        k = -(a @ jnp.where(jnp.arange(17) <= i, r[jnp.abs(i + 1 - jnp.arange(17))], 0)) / e
        b = a[jnp.clip(i + 1 - jnp.arange(17), 0, 16)] * (jnp.arange(17) <= i + 1)
        return a + k * b, e * (1 - k * k)
    return lax.fori_loop(0, 15, step, (jnp.zeros(17).at[0].set(1), r[0]))


def yin(x):
    f = frames(x, 512, 256)
    d = jnp.stack([((f[:, :256] - f[:, t : t + 256]) ** 2).sum(1) for t in range(1, 65)], 1)
    return (d * jnp.arange(1, 65) / (jnp.cumsum(d, 1) + 1e-6)).argmin(1)


def delay(x, n=400):
    def step(c, v):
        b, i = c
        y = v + 0.5 * b[i]
        return (b.at[i].set(y), (i + 1) % n), y
    return lax.scan(step, (jnp.zeros(n), 0), x)[1]


def goertzel(x):
    k = jnp.array([697.0, 770, 852, 941, 1209, 1336, 1477, 1633]) / 8000 * 2 * jnp.pi
    c = 2 * jnp.cos(k)
    def step(s, v):
        return (v + c * s[0] - s[1], s[0]), None
    a, b = lax.scan(step, (jnp.zeros(8), jnp.zeros(8)), x[:2000])[0]
    return a * a + b * b - c * a * b


def viterbi_code(bits):
    """A convolutional code of rate 1/2, decoded."""
    s = jnp.arange(4)
    out = jnp.stack([(s ^ (s >> 1)) & 1, s & 1], 1)
    def step(m, r):
        b = jnp.abs(out[:, None] - r).sum(-1)[:, 0]
        c = m[(s << 1 & 3)[:, None] + jnp.arange(2)] + b[:, None]
        return c.min(1), c.argmin(1)
    return lax.scan(step, jnp.zeros(4), bits)


SIGNALS = {
    "frames": (frames, X),
    "overlap and add": (overlap_add, uniform(60, 256)),
    "spectrogram": (lambda x: jnp.abs(jnp.fft.rfft(frames(x) * HANN)), X),
    "spectrogram back": (lambda s: overlap_add(jnp.fft.irfft(s) * HANN), (uniform(60, 129) + 1j * uniform(60, 129)).astype(np.complex64)),
    "mel": (mel, X),
    "cepstrum": (lambda x: jsp.fft.dct(mel(x), norm="ortho")[:, :13], X),
    "Griffin-Lim": (lambda m: lax.fori_loop(0, 3, lambda i, p: (x := overlap_add(jnp.fft.irfft(m * p) * HANN),
        s := jnp.fft.rfft(frames(x, 256, 64) * HANN), s / (jnp.abs(s) + 1e-6))[2], jnp.ones_like(m) + 0j), np.abs(uniform(60, 129))),
    "Hilbert": (lambda x: jnp.abs(jnp.fft.ifft(jnp.fft.fft(x) * jnp.where(jnp.arange(x.size) < x.size // 2, 2, 0))), X),
    "autocorrelation": (lambda x: jnp.fft.irfft(jnp.abs(jnp.fft.rfft(x, 16384)) ** 2)[:1000], X),
    "cross-correlation": (lambda a, b: jnp.correlate(a, b, "full"), uniform(500), uniform(300)),
    "generalised correlation": (lambda x: (s := jnp.fft.rfft(x), g := s[0] * jnp.conj(s[1]),
        jnp.fft.irfft(g / (jnp.abs(g) + 1e-9)).argmax())[2], uniform(2, 4000)),
    "coherence": (lambda a, b: (f := lambda x: jnp.fft.rfft(frames(x) * HANN), p := f(a), q := f(b),
        jnp.abs((p * jnp.conj(q)).mean(0)) ** 2 / ((jnp.abs(p) ** 2).mean(0) * (jnp.abs(q) ** 2).mean(0)))[3], X, X[::-1].copy()),
    "periodogram, Lomb": (lambda t, y: (f := jnp.linspace(0.1, 10, 100)[:, None],
        (y * jnp.cos(f * t)).sum(1) ** 2 + (y * jnp.sin(f * t)).sum(1) ** 2)[1], np.sort(uniform(400)), uniform(400)),
    "chirp z": (lambda x: (n := jnp.arange(500), w := jnp.exp(-1j * jnp.pi * 0.001 * n * n),
        jnp.fft.ifft(jnp.fft.fft(x[:500] * w, 1024) * jnp.fft.fft(jnp.concatenate([1 / w, jnp.zeros(25), 1 / w[:0:-1]])))[:500] * w)[2], X),
    "wavelet of Morlet": (lambda x: jnp.stack([jnp.convolve(x[:2000],
        (t := jnp.arange(-32, 33) / s, jnp.exp(-t * t / 2) * jnp.cos(5 * t))[1], "same") for s in (2.0, 4.0, 8.0, 16.0)]), X),
    "Haar": (haar, X[:4096].copy()),
    "Daubechies": (daubechies, X),
    "lifting of whole numbers": (lifting, integers(8000, high=256)),
    "wavelet shrinkage": (lambda x: (h := haar(x), jnp.sign(h) * jnp.maximum(jnp.abs(h) - jnp.median(jnp.abs(h)), 0))[1], X[:4096].copy()),
    "Walsh-Hadamard": (lambda x: functools.reduce(lambda y, k: (z := y.reshape(-1, 2, 2**k),
        jnp.stack([z[:, 0] + z[:, 1], z[:, 0] - z[:, 1]], 1).reshape(-1))[1], range(11), x), uniform(2048)),
    "FIR": (lambda x, h: jnp.convolve(x, h, "same"), X, uniform(31)),
    "FIR by stacked shifts": (lambda x, h: sum(h[k] * x[k : x.size - 30 + k] for k in range(31)), X, uniform(31)),
    "FIR of many": (lambda x, h: jax.vmap(lambda x: jnp.convolve(x, h, "valid"))(x), uniform(40, 300), uniform(9)),
    "biquads": (biquads, uniform(1000), uniform(3, 5) / 6),
    "one pole, two channels": (lambda x: lax.scan(lambda c, v: (0.9 * c + 0.1 * v,) * 2, jnp.zeros(2), x.T)[1], STEREO),
    "one pole, associative": (lambda x: lax.associative_scan(lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1]),
        (jnp.full_like(x, 0.9), 0.1 * x))[1], X),
    "echo": (delay, uniform(2000)),
    "Savitzky-Golay": (lambda x: jnp.convolve(x, jnp.array([-3.0, 12, 17, 12, -3]) / 35, "valid"), X),
    "median of 5": (lambda x: jnp.median(jnp.stack([x[k : x.size - 4 + k] for k in range(5)]), 0), X),
    "Hampel": (lambda x: (w := jnp.stack([x[k : x.size - 6 + k] for k in range(7)]), m := jnp.median(w, 0),
        d := jnp.median(jnp.abs(w - m), 0), jnp.where(jnp.abs(x[3:-3] - m) > 4 * d, m, x[3:-3]))[3], X[:3000].copy()),
    "LMS": (lms, uniform(1000), uniform(1000)),
    "Levinson": (levinson, np.r_[20, uniform(17)].astype(np.float32)),
    "pitch, YIN": (yin, X),
    "Goertzel": (goertzel, X),
    "envelope": (lambda x: lax.scan(lambda e, v: ((e := jnp.where(jnp.abs(v) > e, 0.9 * e + 0.1 * jnp.abs(v), 0.999 * e)), e), 0.0, x)[1],
        X),
    "compressor": (lambda x: (d := 20 * jnp.log10(jnp.abs(x) + 1e-5), x * 10 ** (-jnp.maximum(d + 20, 0) * 0.75 / 20))[1], X),
    "soft clip": (lambda x: jnp.where(jnp.abs(x) < 1, x - x**3 / 3, jnp.sign(x) * 2 / 3), X),
    "mu-law back": (lambda b: (y := b.astype(jnp.float32) / 127.5 - 1, jnp.sign(y) * (256 ** jnp.abs(y) - 1) / 255)[1],
        integers(8000, high=256, dtype=np.uint8)),
    "16 bits to f32": (lambda x: x.astype(jnp.float32) / 32768, integers(8000, low=-32768, high=32768, dtype=np.int16)),
    "f32 to 16 bits": (lambda x: jnp.clip(jnp.round(x * 32767), -32768, 32767).astype(jnp.int16), X),
    "interleave": (lambda x: x.T.reshape(-1), STEREO),
    "resample by interpolation": (lambda x: jnp.interp(jnp.arange(0, 7999, 1.37), jnp.arange(8000.0), x), X),
    "resample by zeros": (lambda x, h: jnp.convolve(jnp.zeros(16000).at[::2].set(x), h, "same")[::3], X, uniform(25)),
    "decimate by a filter": (lambda x, h: lax.conv_general_dilated(x[None, None], h[None, None], (4,), "VALID")[0, 0], X, uniform(33)),
    "oscillator": (lambda f: jnp.sin(jnp.cumsum(f) * 0.1), np.abs(X)),
    "synthesis": (lambda f, a: (a[:, None] * jnp.sin(f[:, None] * jnp.arange(2000) * 0.01)).sum(0), np.abs(uniform(16)) * 9, uniform(16)),
    "Karplus-Strong": (lambda x: lax.scan(lambda b, _: (v := 0.498 * (b[0] + b[1]), (jnp.concatenate([b[1:], v[None]]), v))[1], x, None,
        length=500)[1], uniform(100)),
    "phase unwrapped": (lambda x: (d := jnp.diff(x * 3), jnp.cumsum(d - 2 * jnp.pi * jnp.round(d / (2 * jnp.pi))))[1], X),
    "peaks": (lambda x: (x[1:-1] > x[:-2]) & (x[1:-1] > x[2:]) & (x[1:-1] > 1), X),
    "energy of frames": (lambda x: jnp.sqrt((x.reshape(-1, 160) ** 2).mean(1)), X),
    "zero crossings of frames": (lambda x: (jnp.diff(jnp.sign(x.reshape(-1, 160)), axis=1) != 0).sum(1), X),
    "QAM": (lambda x: ((x.real[:, None] - jnp.repeat(jnp.arange(-3.0, 4, 2), 4)) ** 2 + (x.imag[:, None] - jnp.tile(jnp.arange(-3.0, 4, 2),
        4)) ** 2).argmin(1), (uniform(2000) + 1j * uniform(2000)).astype(np.complex64)),
    "OFDM": (lambda x, p: jnp.fft.fft(x.reshape(-1, 80)[:, 16:]) / p, (uniform(8000) + 1j * uniform(8000)).astype(np.complex64),
        (uniform(64) + 3j).astype(np.complex64)),
    "Costas": (lambda x: lax.scan(lambda c, v: (y := v * jnp.exp(-1j * c[0]), e := y.real * y.imag,
        ((c[0] + 0.1 * e + c[1], c[1] + 0.01 * e), y))[2], (0.0, 0.0), x)[1], (uniform(1000) + 1j * uniform(1000)).astype(np.complex64)),
    "code, Viterbi": (viterbi_code, integers(500, 2, high=2).astype(np.float32)),
    "beams": (lambda x, a: jnp.abs(jnp.exp(1j * jnp.pi * jnp.arange(8) * jnp.sin(a)[:, None]) @ x).mean(1),
        (uniform(8, 500) + 1j * uniform(8, 500)).astype(np.complex64), uniform(90)),
    "MUSIC": (lambda x: (r := x @ x.conj().T / 500, jnp.linalg.eigh(r)[0])[1],
        (uniform(8, 500) + 1j * uniform(8, 500)).astype(np.complex64)),
    "convolution by segments": (lambda x, h: (s := jnp.fft.irfft(jnp.fft.rfft(x.reshape(-1, 200), 256) * jnp.fft.rfft(h, 256), 256),
        overlap_add(s, 200))[1], X, uniform(57)),
}
TEXT = integers(9000, low=32, high=127, dtype=np.uint8)
LINES = np.where(integers(9000, high=40) == 0, 10, TEXT).astype(np.uint8)


def matches(x, p):
    n = x.size - p.size + 1
    return functools.reduce(jnp.logical_and, [x[k : k + n] == p[k] for k in range(p.size)])


def rolling_hash(x):
    p = jnp.uint32(31) ** jnp.arange(16, dtype=jnp.uint32)
    return sum(x[k : x.size - 15 + k].astype(jnp.uint32) * p[k] for k in range(16))


def utf8(x):
    return jnp.where(x < 128, 1, jnp.where(x < 224, 2, jnp.where(x < 240, 3, 4))), jnp.cumsum((x & 0xC0) != 0x80)


def base64(x):
    b = x[:9000].reshape(-1, 3).astype(jnp.uint32)
    v = (b[:, 0] << 16) | (b[:, 1] << 8) | b[:, 2]
    s = (v[:, None] >> jnp.array([18, 12, 6, 0], jnp.uint32)) & 63
    return jnp.where(s < 26, s + 65, jnp.where(s < 52, s + 71, jnp.where(s < 62, s - 4,
        jnp.where(s == 62, 43, 47)))).astype(jnp.uint8).reshape(-1)


def parse(x):
    """Signed numbers of up to 6 digits in fields of 8 bytes."""
    f = x[:8000].reshape(-1, 8)
    d = (f >= 48) & (f <= 57)
    v = jnp.where(d, f - 48, 0).astype(jnp.int32)
    return lax.scan(lambda a, c: (jnp.where(c[1], a * 10 + c[0], a), None), jnp.zeros(1000, jnp.int32),
        (v.T, d.T))[0] * jnp.where((f == 45).any(1), -1, 1)


def adler(x):
    return lax.fori_loop(0, 2000, lambda i, c: (a := (c[0] + x[i]) % 65521, (a, (c[1] + a) % 65521))[1], (jnp.uint32(1), jnp.uint32(0)))


def sha_rounds(w):
    def step(s, w):
        a, b, c, d, e, f, g, h = s
        r = lambda x, n: (x >> n) | (x << (32 - n))
        t = h + (r(e, 6) ^ r(e, 11) ^ r(e, 25)) + ((e & f) ^ (~e & g)) + w
        u = (r(a, 2) ^ r(a, 13) ^ r(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
        return (t + u, a, b, c, d + t, e, f, g), None
    return lax.scan(step, tuple(jnp.uint32(k * 2654435761 % 2**32) for k in range(1, 9)), w)[0]


def lempel(x):
    n = 200
    e = x[:n, None] == x[None, :n]
    def step(p, r):
        q = jnp.where(r, jnp.concatenate([jnp.zeros(1, int), p[:-1]]) + 1, 0)
        return q, q
    l = lax.scan(step, jnp.zeros(n, int), e)[1]
    return jnp.where(jnp.arange(n)[:, None] > jnp.arange(n), l, 0).max(1)


def burrows(x):
    n = 128
    r = x[(jnp.arange(n)[:, None] + jnp.arange(n)) % n].astype(jnp.int32)
    o = jnp.lexsort(tuple(r[:, k] for k in range(7, -1, -1)))
    return x[(o - 1) % n]


def move_to_front(x):
    def step(t, c):
        i = jnp.argmax(t == c)
        return jnp.where(jnp.arange(128) == 0, c, jnp.where(jnp.arange(128) <= i, jnp.roll(t, 1), t)), i
    return lax.scan(step, jnp.arange(128, dtype=jnp.uint8), x[:300])[1]


BYTE_PROGRAMS = {
    "find a word": (lambda x: matches(x, np.frombuffer(b"the ", np.uint8)), TEXT),
    "rolling hashes": (rolling_hash, TEXT),
    "case swapped": (lambda x: jnp.where(((x | 32) >= 97) & ((x | 32) <= 122), x ^ 32, x), TEXT),
    "ROT13": (lambda x: (l := x | 32, jnp.where((l >= 97) & (l <= 122), (l - 97 + 13) % 26 + 97 - (l - x), x))[1], TEXT),
    "digits to numbers": (lambda x: jnp.where((x >= 48) & (x <= 57), x - 48, 255), TEXT),
    "lines counted": (lambda x: (x == 10).sum(), LINES),
    "starts of lines": (lambda x: jnp.nonzero(x == 10, size=300)[0], LINES),
    "lines of words": (lambda x: jnp.cumsum((x == 10).astype(jnp.int32)), LINES),
    "lengths of lines": (lambda x: jax.ops.segment_sum(jnp.ones(9000, int), jnp.cumsum(x == 10), 300), LINES),
    "words counted": (lambda x: ((x[1:] != 32) & (x[:-1] == 32)).sum(), TEXT),
    "letters counted": (lambda x: jnp.bincount(x, length=128), TEXT),
    "pairs counted": (lambda x: jnp.zeros((128, 128), int).at[x[:-1], x[1:]].add(1), TEXT),
    "table of classes": (lambda x: jnp.asarray((np.arange(256) * 7 % 5).astype(np.uint8))[x], TEXT),
    "one-hot letters": (lambda x: jax.nn.one_hot(x[:500], 128), TEXT),
    "UTF-8": (utf8, TEXT ^ np.uint8(128)),
    "base64": (base64, TEXT),
    "hex": (lambda x: (n := jnp.stack([x >> 4, x & 15], 1).reshape(-1), jnp.where(n < 10, n + 48, n + 87))[1], TEXT),
    "numbers of fields": (parse, TEXT),
    "spaces removed": (lambda x: (k := x != 32, jnp.zeros_like(x).at[jnp.where(k, jnp.cumsum(k) - 1, x.size)].set(x, mode="drop"))[1],
        TEXT),
    "spaces removed by sort": (lambda x: x[jnp.argsort(x == 32, stable=True)], TEXT),
    "run lengths": (lambda x: (s := jnp.concatenate([jnp.ones(1, bool), x[1:] != x[:-1]]),
        jnp.zeros(9000, int).at[jnp.cumsum(s) - 1].add(1))[1], TEXT >> 5),
    "run lengths back": (lambda v, n: jnp.repeat(v, n, total_repeat_length=5000), TEXT[:500].copy(), integers(500, high=20)),
    "differences coded": (lambda x: (d := jnp.diff(x.astype(jnp.int32)), (d << 1) ^ (d >> 31))[1], TEXT),
    "differences back": (lambda x: jnp.cumsum(x.astype(jnp.uint8), dtype=jnp.uint8), TEXT),
    "XOR with a key": (lambda x, k: (x.reshape(-1, 20) ^ k).reshape(-1), TEXT, TEXT[:20].copy()),
    "Adler": (adler, TEXT),
    "FNV of words": (lambda x: lax.scan(lambda h, c: ((h ^ c) * np.uint32(16777619), None), jnp.full(1000, 2166136261, jnp.uint32),
        x[:9000].reshape(1000, 9).T.astype(jnp.uint32))[0], TEXT),
    "SHA rounds": (sha_rounds, integers(64, high=2**31).astype(np.uint32)),
    "SHA rounds of lanes": (jax.vmap(sha_rounds), integers(100, 64, high=2**31).astype(np.uint32)),
    "longest matches": (lempel, TEXT),
    "Burrows-Wheeler": (burrows, TEXT),
    "moved to front": (move_to_front, TEXT),
    "Hamming of codes": (lambda x: lax.population_count(x[:, None] ^ x[:100]), TEXT),
    "parity": (lambda x: lax.population_count(x) & 1, TEXT),
    "bits reversed": (lambda x: (a := (x >> 4) | (x << 4), b := ((a & 0xCC) >> 2) | ((a & 0x33) << 2),
        ((b & 0xAA) >> 1) | ((b & 0x55) << 1))[2], TEXT),
    "Gray code": (lambda x: x ^ (x >> 1), TEXT),
    "bytes swapped": (lambda x: lax.bitcast_convert_type(lax.bitcast_convert_type(x, jnp.uint8)[:, ::-1], jnp.uint32),
        integers(3000, high=2**31).astype(np.uint32)),
    "CRC by table": (lambda x, t: lax.scan(lambda c, b: ((c >> 8) ^ t[(c ^ b) & 255], None), jnp.uint32(0xFFFFFFFF),
        x[:2000].astype(jnp.uint32))[0], TEXT, integers(256, high=2**31).astype(np.uint32)),
    "Game of ciphers": (lambda x, k: lax.scan(lambda c, b: (p := b ^ c, (((p << 3) | (p >> 5)) ^ k[0], p)), jnp.uint8(7), x[:2000])[1],
        TEXT, TEXT[:4].copy()),
    "trigrams": (lambda x: (x[:-2].astype(jnp.uint32) * 16384 + x[1:-1].astype(jnp.uint32) * 128 + x[2:]) * np.uint32(2654435761) >> 20,
        TEXT),
    "TF-IDF": (lambda c: (t := c / jnp.maximum(c.sum(1, keepdims=True), 1), t * jnp.log(60 / (1 + (c > 0).sum(0))))[1],
        integers(60, 400, high=5).astype(np.float32)),
    "BM25": (lambda c, q: (d := c.sum(1, keepdims=True), w := jnp.log(1 + 60 / (1 + (c > 0).sum(0))),
        (w * c * 2.2 / (c + 1.2 * (0.25 + 0.75 * d / d.mean()))) @ q)[2], integers(60, 400, high=5).astype(np.float32),
        (integers(400, high=50) == 0).astype(np.float32)),
    "edit distances of words": (jax.vmap(lambda a, b: lax.scan(lambda r,
        x: (c := jnp.minimum(r[1:] + 1, r[:-1] + (b != x)), f := r[0] + 1, lambda: 0,
        (jnp.concatenate([f[None], lax.cummin(jnp.concatenate([f[None], c]) - jnp.arange(13))[1:] + jnp.arange(1, 13)]), None))[3],
        jnp.arange(13), a)[0][-1]), integers(200, 12, high=5), integers(200, 12, high=5)),
    "BPE merges": (lambda x: (h := (x[:-1] == 101) & (x[1:] == 32),
        jnp.where(jnp.concatenate([h, jnp.zeros(1, bool)]), np.uint8(200), x))[1], TEXT),
    "mask of brackets": (lambda x: (d := jnp.cumsum((x == 40).astype(jnp.int32) - (x == 41)), d.max(), (d < 0).any())[1:], TEXT),
    "strings compared": (lambda a, b: (n := a != b, i := n.argmax(1),
        jnp.where(n.any(1), jnp.sign(jnp.take_along_axis(a, i[:, None], 1)[:, 0].astype(jnp.int32) - jnp.take_along_axis(b, i[:, None],
        1)[:, 0]), 0))[2], TEXT.reshape(900, 10), TEXT[::-1].reshape(900, 10).copy()),
}

SMOOTH = ["spectrogram", "mel", "overlap and add", "Haar", "Daubechies", "FIR", "FIR by stacked shifts", "biquads", "one pole, associative",
          "compressor", "Hilbert", "autocorrelation", "echo", "Walsh-Hadamard", "synthesis", "coherence", "resample by interpolation"]
add_all("signal", SIGNALS)
add_all("grad signal", SIGNALS, SMOOTH, gradients)
add_all("signal", SIGNALS, SMOOTH, dtype=jnp.float64)
add_all("bytes", BYTE_PROGRAMS)
