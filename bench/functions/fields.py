"""Fields on grids and particles: stencils, relaxation, multigrid, spectra, lattices, forces between all pairs; also in f64."""

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradient

U, F = uniform(129, 131), uniform(129, 131)
V3 = uniform(33, 34, 35)
KEY = np.array([1, 2], np.uint32)
wide = lambda a: a.astype(np.float64)


def lap(u):
    return jnp.roll(u, 1, 0) + jnp.roll(u, -1, 0) + jnp.roll(u, 1, 1) + jnp.roll(u, -1, 1) - 4 * u


def lap_pad(u, mode="constant"):
    p = jnp.pad(u, 1, mode=mode)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u


def lap3(u):
    p = jnp.pad(u, 1, mode="edge")
    c = p[1:-1, 1:-1, 1:-1]
    return p[2:, 1:-1, 1:-1] + p[:-2, 1:-1, 1:-1] + p[1:-1, 2:, 1:-1] + p[1:-1, :-2, 1:-1] + p[1:-1, 1:-1, 2:] + p[1:-1, 1:-1, :-2] - 6 * c


def steps(n, f):
    return lambda *c: lax.fori_loop(0, n, lambda i, c: f(*c), c)


def gray_scott(u, v):
    r = u * v * v
    return u + 0.16 * lap(u) - r + 0.035 * (1 - u), v + 0.08 * lap(v) + r - 0.095 * v


def wave(u, p):
    return 2 * u - p + 0.25 * lap_pad(u), u


def burgers(u, v):
    dx = lambda a: (jnp.roll(a, -1, 1) - jnp.roll(a, 1, 1)) / 2
    dy = lambda a: (jnp.roll(a, -1, 0) - jnp.roll(a, 1, 0)) / 2
    return u - 0.01 * (u * dx(u) + v * dy(u)) + 0.01 * lap(u), v - 0.01 * (u * dx(v) + v * dy(v)) + 0.01 * lap(v)


def upwind(u, c):
    return jnp.where(c > 0, u - 0.1 * c * (u - jnp.roll(u, 1, 1)), u - 0.1 * c * (jnp.roll(u, -1, 1) - u)), c


def red_black(u, f):
    mask = (jnp.arange(u.shape[0])[:, None] + jnp.arange(u.shape[1])) % 2 == 0
    for m in (mask, ~mask):
        u = jnp.where(m, (lap_pad(u) + 4 * u - f) / 4, u)
    return u, f


def poisson_fft(f):
    k = [2 * jnp.cos(2 * jnp.pi * jnp.arange(n) / n) - 2 for n in f.shape]
    d = (k[0][:, None] + k[1]).at[0, 0].set(1)
    h = jnp.fft.fft2(f) / d
    return jnp.fft.ifft2(h.at[0, 0].set(0)).real


def poisson_dct(f):
    n, m = f.shape
    e = 2 * jnp.cos(jnp.pi * jnp.arange(n) / n)[:, None] + 2 * jnp.cos(jnp.pi * jnp.arange(m) / m) - 4
    h = jsp.fft.dctn(f, norm="ortho") / e.at[0, 0].set(1)
    return jsp.fft.idctn(h.at[0, 0].set(0), norm="ortho")


def multigrid(u, f, levels=4):
    """A V-cycle on 128 x 128 with damped Jacobi."""
    smooth = lambda u, f: u + 0.8 * (lap_pad(u) - f) / 4
    def cycle(u, f, l):
        for _ in range(2):
            u = smooth(u, f)
        if l:
            r = f - lap_pad(u)
            n, m = r.shape
            e = cycle(jnp.zeros((n // 2, m // 2)), r.reshape(n // 2, 2, m // 2, 2).mean((1, 3)) * 4, l - 1)
            u = u + jnp.repeat(jnp.repeat(e, 2, 0), 2, 1)
        for _ in range(2):
            u = smooth(u, f)
        return u
    return cycle(u, f, levels)


def cg_stencil(f):
    return jsp.sparse.linalg.cg(lambda x: 0.1 * x - lap_pad(x), f, maxiter=30)[0]


def stable_fluid(u, v, d):
    i, j = jnp.meshgrid(jnp.arange(u.shape[0]), jnp.arange(u.shape[1]), indexing="ij")
    move = lambda a: jsp.ndimage.map_coordinates(a, [i - 0.1 * u, j - 0.1 * v], order=1, mode="wrap")
    u, v, d = move(u), move(v), move(d)
    div = (jnp.roll(u, -1, 0) - jnp.roll(u, 1, 0) + jnp.roll(v, -1, 1) - jnp.roll(v, 1, 1)) / 2
    p = poisson_fft(div)
    return u - (jnp.roll(p, -1, 0) - jnp.roll(p, 1, 0)) / 2, v - (jnp.roll(p, -1, 1) - jnp.roll(p, 1, 1)) / 2, d


CX, CY = np.array([0, 1, 0, -1, 0, 1, -1, -1, 1]), np.array([0, 0, 1, 0, -1, 1, 1, -1, -1])
CW = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4, np.float32)


def boltzmann(f):
    """Nine velocities: collide, stream, bounce from a wall."""
    r = f.sum(0)
    u, v = jnp.tensordot(CX.astype(np.float32), f, 1) / r, jnp.tensordot(CY.astype(np.float32), f, 1) / r
    c = CX[:, None, None] * u + CY[:, None, None] * v
    f = f + 0.6 * (CW[:, None, None] * r * (1 + 3 * c + 4.5 * c * c - 1.5 * (u * u + v * v)) - f)
    f = jnp.stack([jnp.roll(f[i], (int(CX[i]), int(CY[i])), (0, 1)) for i in range(9)])
    wall = (jnp.arange(f.shape[1]) == 0)[:, None]
    return (jnp.where(wall, f[jnp.array([0, 3, 4, 1, 2, 7, 8, 5, 6])], f),)


def maxwell(e, h, k):
    h = h + 0.5 * (e[1:] - e[:-1])
    e = e.at[1:-1].add(0.5 * k * (h[1:] - h[:-1]))
    return e, h, k


def maxwell_2d(e, hx, hy):
    hx = hx.at[:, :-1].add(-0.5 * (e[:, 1:] - e[:, :-1]))
    hy = hy.at[:-1].add(0.5 * (e[1:] - e[:-1]))
    return e.at[1:-1, 1:-1].add(0.5 * (hy[1:-1, 1:-1] - hy[:-2, 1:-1] - hx[1:-1, 1:-1] + hx[1:-1, :-2])), hx, hy


def shallow(h, u, v):
    d = lambda a, x: (jnp.roll(a, -1, x) - jnp.roll(a, 1, x)) * 0.05
    return h - d(h * u, 0) - d(h * v, 1), u - u * d(u, 0) - v * d(u, 1) - 9.8 * d(h, 0), v - u * d(v, 0) - v * d(v, 1) - 9.8 * d(h, 1)


def euler_1d(q):
    """Rusanov's fluxes of a gas along a line."""
    def flux(q):
        r, m, e = q
        p = 0.4 * (e - 0.5 * m * m / r)
        return jnp.stack([m, m * m / r + p, (e + p) * m / r]), jnp.abs(m / r) + jnp.sqrt(1.4 * jnp.abs(p) / r)
    f, c = flux(q)
    g = 0.5 * (f[:, 1:] + f[:, :-1]) - 0.5 * jnp.maximum(c[1:], c[:-1]) * (q[:, 1:] - q[:, :-1])
    return (q.at[:, 1:-1].add(-0.05 * (g[:, 1:] - g[:, :-1])),)


def minmod(u):
    a, b = u - jnp.roll(u, 1), jnp.roll(u, -1) - u
    s = jnp.where(a * b > 0, jnp.sign(a) * jnp.minimum(jnp.abs(a), jnp.abs(b)), 0)
    l, r = u + s / 2, jnp.roll(u - s / 2, -1)
    f = jnp.maximum(jnp.maximum(l, 0) ** 2, jnp.minimum(r, 0) ** 2) / 2
    return (u - 0.1 * (f - jnp.roll(f, 1)),)


def weno(u):
    a, b, c, d, e = (jnp.roll(u, k) for k in (2, 1, 0, -1, -2))
    p = ((2 * a - 7 * b + 11 * c) / 6, (-b + 5 * c + 2 * d) / 6, (2 * c + 5 * d - e) / 6)
    s = (13 / 12 * (a - 2 * b + c) ** 2 + (a - 4 * b + 3 * c) ** 2 / 4, 13 / 12 * (b - 2 * c + d) ** 2 + (b - d) ** 2 / 4,
        13 / 12 * (c - 2 * d + e) ** 2 + (3 * c - 4 * d + e) ** 2 / 4)
    w = [g / (1e-6 + x) ** 2 for g, x in zip((0.1, 0.6, 0.3), s)]
    f = sum(x * y for x, y in zip(w, p)) / sum(w)
    return (u - 0.1 * (f - jnp.roll(f, 1)),)


def cahn_hilliard(c):
    return (c + 0.01 * lap(c**3 - c - 0.5 * lap(c)),)


def schroedinger(z):
    k = jnp.fft.fftfreq(z.size) * 2 * jnp.pi
    x = jnp.linspace(-1, 1, z.size)
    return (jnp.fft.ifft(jnp.exp(-0.5j * k * k) * jnp.fft.fft(jnp.exp(-0.1j * x * x) * z)),)


def kuramoto_sivashinsky(u):
    n = u.size
    k = jnp.fft.rfftfreq(n, 1 / n) * 2 * jnp.pi / 22
    l = k**2 - k**4
    e = jnp.exp(0.01 * l)
    return (jnp.fft.irfft(e * jnp.fft.rfft(u) - 0.005j * k * jnp.fft.rfft(u * u), n),)


def ising(s, u, b=0.44):
    i = (jnp.arange(s.shape[0])[:, None] + jnp.arange(s.shape[1])) % 2
    for p in (0, 1):
        n = jnp.roll(s, 1, 0) + jnp.roll(s, -1, 0) + jnp.roll(s, 1, 1) + jnp.roll(s, -1, 1)
        s = jnp.where((i == p) & (u[p] < jnp.exp(-2 * b * s * n)), -s, s)
    return s


def xy_energy(t):
    return -(jnp.cos(t - jnp.roll(t, 1, 0)) + jnp.cos(t - jnp.roll(t, 1, 1))).sum()


def forces(p, m):
    d = p[None] - p[:, None]
    r = (d * d).sum(-1) + 0.01
    return (m[None, :, None] * d / (r * jnp.sqrt(r))[..., None]).sum(1)


def lennard_jones(p):
    d = p[:, None] - p
    d = d - 4 * jnp.round(d / 4)
    r = (d * d).sum(-1) + jnp.eye(p.shape[0])
    s = 1 / (r + 0.1) ** 3
    return jnp.where(r < 2.25, 4 * (s * s - s), 0).sum() / 2


def sph(p, v):
    """Smoothed particles: densities, pressures, and what they push."""
    d = p[:, None] - p
    r = jnp.sqrt((d * d).sum(-1) + 1e-9)
    q = jnp.clip(1 - r / 0.8, 0, None)
    rho = (q**3).sum(1)
    pr = jnp.maximum(rho - 1, 0)
    f = ((pr[:, None] + pr) / rho * q**2)[..., None] * d / r[..., None]
    f = f.sum(1) + 0.1 * (q[..., None] * (v[None] - v[:, None])).sum(1)
    v = v + 0.01 * f + jnp.array([0, -0.01])
    p = p + 0.01 * v
    return p, jnp.where(jnp.abs(p) > 2, -0.5 * v, v)


def cloth(x, v):
    f = jnp.zeros_like(x)
    for a in (0, 1):
        e = jnp.diff(x, axis=a)
        n = jnp.sqrt((e * e).sum(-1, keepdims=True) + 1e-9)
        s = 5 * (n - 0.3) * e / n
        f = f.at[(slice(None),) * a + (slice(None, -1),)].add(s).at[(slice(None),) * a + (slice(1, None),)].add(-s)
    v = 0.99 * (v + 0.01 * (f + jnp.array([0, -1.0, 0])))
    return x + 0.01 * v.at[0].set(0), v


def boids(p, v):
    d = p[:, None] - p
    r = (d * d).sum(-1)
    near = (r < 0.5).astype(p.dtype)
    n = near.sum(1, keepdims=True)
    v = v + 0.01 * (near @ p / n - p) + 0.05 * (near @ v / n - v) + 0.02 * jnp.where((r < 0.1)[..., None], d, 0).sum(1)
    return p + 0.1 * v / jnp.maximum(jnp.linalg.norm(v, axis=1, keepdims=True), 1e-3), v


def cells(p):
    """Particles sorted into cells, with the start of each."""
    c = jnp.clip(((p + 2) * 4).astype(int), 0, 15)
    i = c[:, 0] * 16 + c[:, 1]
    o = jnp.argsort(i)
    return p[o], jnp.searchsorted(i[o], jnp.arange(256))


def cloud_in_cell(p):
    q = (p + 2) * 7.75
    f = jnp.floor(q).astype(int)
    t = q - f
    g = jnp.zeros((32, 32))
    for a in (0, 1):
        for b in (0, 1):
            g = g.at[(f[:, 0] + a) % 32, (f[:, 1] + b) % 32].add((t[:, 0] if a else 1 - t[:, 0]) * (t[:, 1] if b else 1 - t[:, 1]))
    return g


def projected_springs(p, e):
    def step(_, p):
        d = p[e[:, 0]] - p[e[:, 1]]
        n = jnp.linalg.norm(d, axis=1, keepdims=True) + 1e-6
        c = 0.2 * (n - 0.5) / n * d
        return p.at[e[:, 0]].add(-c).at[e[:, 1]].add(c)
    return lax.fori_loop(0, 10, step, p)


GAS = np.stack([np.ones(400), np.zeros(400), np.where(np.arange(400) < 200, 2.5, 0.25)]).astype(np.float32)
W9 = np.broadcast_to(CW[:, None, None], (9, 60, 66)) * (1 + 0.05 * uniform(1, 60, 66))
FIELDS = {
    "heat, rolled": (steps(20, lambda u: (u + 0.1 * lap(u),)), U), "heat, padded": (steps(20, lambda u: (u + 0.1 * lap_pad(u),)), U),
    "heat, edges": (steps(20, lambda u: (u + 0.1 * lap_pad(u, "edge"),)), U),
    "heat, reflected": (steps(20, lambda u: (u + 0.1 * lap_pad(u, "reflect"),)), U),
    "heat, wrapped": (steps(20, lambda u: (u + 0.1 * lap_pad(u, "wrap"),)), U),
    "heat, in place": (steps(20, lambda u: (u.at[1:-1, 1:-1].add(0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1,
        :-2] - 4 * u[1:-1, 1:-1])),)), U),
    "heat, by convolution": (steps(20, lambda u: (u + 0.1 * jsp.signal.convolve2d(u, jnp.array([[0, 1.0, 0], [1, -4, 1], [0, 1, 0]]),
        "same"),)), U),
    "heat, three axes": (steps(5, lambda u: (u + 0.1 * lap3(u),)), V3),
    "heat, once": (lambda u: u + 0.1 * lap(u), U),
    "heat, three axes, once": (lambda u: u + 0.1 * lap3(u), V3),
    "heat, varying": (steps(10, lambda u, k: (u + 0.1 * ((jnp.roll(k, -1, 0) + k) * (jnp.roll(u, -1, 0) - u) - (k + jnp.roll(k, 1,
        0)) * (u - jnp.roll(u, 1, 0))), k)), U, np.abs(F)),
    "heat, implicit along lines": (lambda u: lax.linalg.tridiagonal_solve(jnp.full((129, 131), -0.1).at[:, 0].set(0),
        jnp.full((129, 131), 1.2), jnp.full((129, 131), -0.1).at[:, -1].set(0), u[..., None])[..., 0], U),
    "nine points": (lambda u: sum((1 if i and j else 4) * jnp.roll(u, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 21, U),
    "fourth order": (lambda u: sum(c * jnp.roll(u, k, 1) for k, c in zip((-2, -1, 0, 1, 2), (-1 / 12, 4 / 3, -2.5, 4 / 3, -1 / 12))), U),
    "biharmonic": (lambda u: lap(lap(u)), U),
    "curl": (lambda u, v: jnp.gradient(v, axis=0) - jnp.gradient(u, axis=1), U, F),
    "divergence of three": (lambda u: sum(jnp.gradient(u * k, axis=k) for k in range(3)), V3),
    "curvature": (lambda u: (g := jnp.gradient(u), n := jnp.sqrt(g[0] ** 2 + g[1] ** 2 + 1e-6),
        jnp.gradient(g[0] / n, axis=0) + jnp.gradient(g[1] / n, axis=1))[2], U),
    "Gray-Scott": (steps(20, gray_scott), np.abs(U) / 2, np.abs(F) / 8),
    "wave": (steps(20, wave), U, F),
    "Burgers": (steps(20, burgers), U, F),
    "upwind": (steps(20, upwind), U, F),
    "Cahn-Hilliard": (steps(10, cahn_hilliard), U * 0.1),
    "shallow water": (steps(10, shallow), 1 + 0.1 * np.abs(U), U * 0.01, F * 0.01),
    "Maxwell, a line": (steps(100, maxwell), uniform(401), uniform(400), np.abs(uniform(399)) / 2),
    "Maxwell, a plane": (steps(20, maxwell_2d), U, F, F[::-1].copy()),
    "gas along a line": (steps(50, euler_1d), GAS),
    "minmod": (steps(50, minmod), uniform(500)),
    "WENO": (steps(30, weno), uniform(500)),
    "Boltzmann's lattice": (steps(10, boltzmann), W9.astype(np.float32)),
    "stable fluid": (stable_fluid, U, F, np.abs(U)),
    "Schroedinger": (steps(20, schroedinger), (uniform(512) + 1j * uniform(512)).astype(np.complex64)),
    "Kuramoto-Sivashinsky": (steps(20, kuramoto_sivashinsky), uniform(256)),
    "Jacobi": (steps(30, lambda u, f: ((lap_pad(u) + 4 * u - f) / 4, f)), U, F),
    "red and black": (steps(15, red_black), U, F),
    "multigrid": (multigrid, uniform(128, 128), uniform(128, 128)),
    "Poisson by FFT": (poisson_fft, uniform(128, 120)),
    "Poisson by cosines": (poisson_dct, uniform(64, 60)),
    "conjugate gradients": (cg_stencil, U),
    "Jacobi until close": (lambda u: lax.while_loop(lambda c: (c[1] > 1e-3) & (c[2] < 100),
        lambda c: (n := (lap_pad(c[0]) + 4 * c[0]) / 4, (n, jnp.abs(n - c[0]).max(), c[2] + 1))[1], (u, jnp.float32(1), 0))[0], U),
    "eikonal": (steps(20, lambda t: (jnp.minimum(t, jnp.minimum(jnp.minimum(jnp.roll(t, 1, 0), jnp.roll(t, -1, 0)),
        jnp.minimum(jnp.roll(t, 1, 1), jnp.roll(t, -1, 1))) + 1),)),
        np.where(integers(129, 131, high=100) == 0, 0, 1e6).astype(np.float32)),
    "sandpile": (steps(20, lambda z: (t := (z >= 4).astype(jnp.int32), p := jnp.pad(t, 1),
        (z - 4 * t + p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2],))[2]), integers(129, 131, high=8)),
    "forest fire": (steps(20, lambda t: (f := t == 2, n := jnp.roll(f, 1, 0) | jnp.roll(f, -1, 0) | jnp.roll(f, 1, 1) | jnp.roll(f, -1, 1),
        (jnp.where(f, 0, jnp.where((t == 1) & n, 2, t)),))[2]), integers(129, 131, high=3)),
    "rule 110, bytes": (lambda c: lax.scan(lambda c, _: (n := ((110 >> (4 * jnp.roll(c, 1) + 2 * c + jnp.roll(c,
        -1))) & 1).astype(jnp.uint8), n), c, None, length=100)[1], integers(300, high=2).astype(np.uint8)),
    "life by convolution, bytes": (lambda x: (n := lax.reduce_window(x, np.uint8(0), lax.add, (3, 3), (1, 1), "SAME") - x,
        ((n == 3) | ((x == 1) & (n == 2))).astype(jnp.uint8))[1], integers(200, 201, high=2).astype(np.uint8)),
    "Lenia": (lambda a: (k := jnp.exp(-(((jnp.hypot(jnp.arange(-13, 14)[:, None], jnp.arange(-13, 14)) / 13) - 0.5) ** 2) / 0.045),
        k := k / k.sum(), u := jnp.fft.irfft2(jnp.fft.rfft2(a) * jnp.fft.rfft2(jnp.pad(k, ((0, 101), (0, 101)))), (128, 128)),
        jnp.clip(a + 0.1 * (2 * jnp.exp(-((u - 0.15) ** 2) / 0.0005) - 1), 0, 1))[3], np.abs(uniform(128, 128)) / 2),
}
P2, P3 = uniform(150, 2), uniform(150, 3)
PARTICLES = {
    "Ising sweep": (ising, np.sign(uniform(100, 102)), np.abs(uniform(2, 100, 102)) / 2),
    "Ising, bytes": (lambda s, u: ising(s, u).astype(jnp.int8), np.sign(uniform(100, 102)).astype(np.int8),
        np.abs(uniform(2, 100, 102)) / 2),
    "XY energy": (xy_energy, uniform(100, 102)),
    "XY forces": (jax.grad(xy_energy), uniform(100, 102)),
    "gravity": (forces, P3, np.abs(uniform(150))),
    "leapfrog": (lambda p, v, m: steps(10, lambda p, v: (v := v + 0.01 * forces(p, m), (p + 0.01 * v, v))[1])(p, v), P3, uniform(150, 3),
        np.abs(uniform(150))),
    "Lennard-Jones": (lennard_jones, P3),
    "Lennard-Jones forces": (jax.grad(lennard_jones), P3),
    "Lennard-Jones hessian": (jax.hessian(lennard_jones), P3[:12].copy()),
    "smoothed": (steps(5, sph), P2, uniform(150, 2)),
    "cloth": (steps(20, cloth), uniform(20, 22, 3), uniform(20, 22, 3) / 10),
    "boids": (steps(5, boids), P2, uniform(150, 2)),
    "cells": (cells, uniform(3000, 2)),
    "cloud in cell": (cloud_in_cell, uniform(3000, 2)),
    "springs": (projected_springs, P3, integers(400, 2, high=150)),
    "Ewald, real part": (lambda p, q: (d := p[:, None] - p, r := jnp.sqrt((d * d).sum(-1) + jnp.eye(150)),
        (q[:, None] * q * jsp.special.erfc(r) / r * (1 - jnp.eye(150))).sum() / 2)[2], P3, uniform(150)),
    "structure factor": (lambda p, k: jnp.abs(jnp.exp(1j * (k @ p.T)).sum(1)) ** 2, P3, uniform(100, 3)),
    "pair distribution": (lambda p: jnp.histogram(jnp.sqrt(((p[:, None] - p) ** 2).sum(-1)).reshape(-1), 50, (0.01, 4.0))[0], P3),
    "multipoles": (lambda p, q: ((q[:, None, None] * (3 * p[:, :, None] * p[:, None] - (p * p).sum(1)[:, None, None] * jnp.eye(3))).sum(0),
        q @ p), P3, uniform(150)),
    "Verlet of f64": (lambda p, v: steps(20, lambda p, v: (v := v - 0.01 * p * (p * p).sum(1, keepdims=True), (p + 0.01 * v, v))[1])(p, v),
        wide(P3), wide(P3)),
    "diffusion limited": (lambda k: lax.scan(lambda c, k: (p := (c + jax.random.randint(k, c.shape, -1, 2)) % 64,
        jnp.zeros((64, 64), jnp.int32).at[p[:, 0], p[:, 1]].add(1).max()), jnp.full((200, 2), 32), jax.random.split(k, 20))[1], KEY),
}

ONCE = ["heat, once", "heat, three axes, once", "nine points", "curvature", "multigrid", "Poisson by FFT", "Poisson by cosines", "stable fluid"]
add_all("field", FIELDS)
add_all("grad field", FIELDS, ONCE, gradient)
add_all("field", FIELDS, [*ONCE, "heat, rolled", "heat, padded", "Gray-Scott", "wave", "heat, reflected", "heat, in place", "minmod",
                          "gas along a line", "WENO", "Boltzmann's lattice"], dtype=jnp.float64)
add_all("particles", PARTICLES)
add_all("grad particles", PARTICLES, ["gravity", "Ewald, real part", "structure factor", "cloud in cell"], gradient)
add_all("particles", PARTICLES, ["gravity", "smoothed", "Ewald, real part", "structure factor", "cloud in cell", "cloth", "springs"],
        dtype=jnp.float64)
