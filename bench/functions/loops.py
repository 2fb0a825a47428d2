"""Loops that users write: small recurrences, filters, solvers, games, dynamic programmes, and cells of recurrent networks."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add

R = np.random.default_rng(5)


def normal(*shape, scale=1.0, dtype=np.float32):
    return (scale * R.normal(size=shape)).astype(dtype)


def uniform(*shape, low=0.0, high=1.0):
    return R.uniform(low, high, shape).astype(np.float32)


def integers(*shape, high):
    return R.integers(0, high, shape).astype(np.int32)


def fori(count, step):
    return lambda *carry: lax.fori_loop(0, count, step, carry if len(carry) > 1 else carry[0])


def loop(name, function, *arguments):
    add("loop: " + name, function, *arguments, x64=any(np.asarray(a).dtype == np.float64 for a in arguments))


def gradient(function, argnums=0):
    return jax.grad(lambda *a: sum(jnp.sum(r) for r in jax.tree.leaves(function(*a))), argnums)


# Numbers

SCALAR = {
    "pow": lambda i, c: jnp.power(c + 1.5, 0.7) * 0.3,
    "exp": lambda i, c: jnp.exp(-c) * 0.9,
    "log": lambda i, c: jnp.log(c + 2.0) + 0.1,
    "sin": lambda i, c: jnp.sin(c) + 0.5,
    "tan": lambda i, c: jnp.tan(c * 0.1) + 0.5,
    "atan2": lambda i, c: jnp.arctan2(c, 0.7) + 0.2,
    "tanh": lambda i, c: jnp.tanh(c) + 0.5,
    "sqrt": lambda i, c: jnp.sqrt(c + 1),
    "cbrt": lambda i, c: jnp.cbrt(c + 1),
    "erf": lambda i, c: jax.scipy.special.erf(c) + 0.3,
    "log1p": lambda i, c: jnp.log1p(c) + 0.3,
    "expm1": lambda i, c: jnp.expm1(c * 0.3) + 0.1,
    "float mod": lambda i, c: jnp.mod(c * 1.7 + 0.3, 1.0),
    "floor": lambda i, c: c * 1.7 - jnp.floor(c * 1.7),
    "round": lambda i, c: jnp.round(c * 10) * 0.07 + 0.1,
    "clip": lambda i, c: jnp.clip(c * 1.1 + 0.1, -1, 1) - 0.3,
    "divide": lambda i, c: 1.0 / (1.0 + c),
    "polynomial": lambda i, c: ((0.1 * c + 0.3) * c - 0.5) * c + 0.4,
    "integer pow": lambda i, c: c**5 * 0.1 + 0.7,
    "sigmoid": lambda i, c: jax.nn.sigmoid(c) - 0.3,
    "where of exp": lambda i, c: jnp.where(c > 0.5, jnp.exp(-c), c + 0.1),
}
for name, function in SCALAR.items():
    loop(f"number, {name}", fori(10000, function), np.float32(0.3))
for name in ("exp", "log", "sin", "tanh", "sqrt", "divide", "pow", "float mod"):
    loop(f"number of f64, {name}", fori(10000, SCALAR[name]), np.float64(0.3))
loop("number, complex exp", fori(3000, lambda i, c: jnp.exp(c) * 0.2), np.complex64(0.3 + 0.2j))
loop("number, complex multiply and abs", fori(10000, lambda i, c: c * c / (1 + jnp.abs(c)) + (0.3 + 0.1j)), np.complex64(0.3 + 0.2j))
loop("number, collatz", lambda n: lax.while_loop(lambda c: c[0] != 1, lambda c: (
    jnp.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1), (n, 0))[1], np.int32(837799 // 8))
loop("number, gcd", lambda n: lax.fori_loop(0, 500, lambda i, t: t + lax.while_loop(
    lambda c: c[1] != 0, lambda c: (c[1], c[0] % c[1]), (n + i, i + 1))[0], 0), np.int32(123456))
loop("number, linear congruence", fori(10000, lambda i, c: c * np.uint32(1664525) + np.uint32(1013904223)), np.uint32(7))
loop("number, xorshift", fori(10000, lambda i, c: (c := c ^ (c << 13), c := c ^ (c >> 17), c ^ (c << 5))[2]), np.uint32(7))
loop("number, modular power", lambda b: lax.while_loop(lambda c: c[2] > 0, lambda c: (
    jnp.where(c[2] & 1 == 1, c[0] * c[1] % 10007, c[0]), c[1] * c[1] % 10007, c[2] >> 1), (1, b, 2**30 - 3))[0], np.int32(5))
loop("number, remainder by a constant", fori(10000, lambda i, c: (c * 31 + i) % 9973), np.int32(5))
loop("number, fibonacci", fori(10000, lambda i, c: (c[1], c[0] + c[1])), np.int32(0), np.int32(1))
loop("number, newton until close", lambda a: lax.while_loop(lambda x: jnp.abs(x * x - a) > 1e-4 * a, lambda x: 0.5 * (x + a / x), a), np.float32(1e12))
loop("number, bisection", lambda a: lax.fori_loop(0, 2000, lambda i, c: (
    m := 0.5 * (c[0] + c[1]), (jnp.where(m * m < a, m, c[0]), jnp.where(m * m < a, c[1], m)))[1], (0.0 * a, a)), np.float32(30.0))
loop("number, sum over an array by index", lambda x: lax.fori_loop(0, x.size, lambda i, s: s + x[i] * x[i], 0.0), normal(10000))
loop("number, largest over an array by index", lambda x: lax.fori_loop(0, x.size, lambda i, c: (
    jnp.where(x[i] > c[0], x[i], c[0]), jnp.where(x[i] > c[0], i, c[1])), (-jnp.inf, 0)), normal(10000))
loop("number, binary search", lambda x, q: lax.map(lambda v: lax.fori_loop(0, 10, lambda i, c: (
    m := (c[0] + c[1]) // 2, (jnp.where(x[m] < v, m + 1, c[0]), jnp.where(x[m] < v, c[1], m)))[1], (0, 1024))[0], q), np.sort(normal(1024)), normal(1000))
loop("number, cond of three", fori(10000, lambda i, x: lax.cond(i % 3 == 0, lambda x: jnp.sin(x), lambda x: 0.5 * x + 1, x)), np.float32(0.3))
loop("number, switch by modulus", fori(10000, lambda i, x: lax.switch(i % 4, [lambda x: x + 1, jnp.sin, lambda x: -x, lambda x: x * 0.5], x)), np.float32(0.3))

# Series


def series(step, *start):
    return lambda x: lax.scan(step, start[0] if len(start) == 1 else start, x)


SERIES = {
    "exponential mean": series(lambda c, x: (0.9 * c + 0.1 * x,) * 2, 0.0),
    "mean and variance (Welford)": series(lambda c, x: ((c[0] + 1, m := c[1] + (x - c[1]) / (c[0] + 1), c[2] + (x - c[1]) * (x - m)), m), 0.0, 0.0, 0.0),
    "biquad filter": series(lambda c, x: (y := 0.2 * x + c[0], ((0.3 * x + 0.5 * y + c[1], 0.2 * x - 0.3 * y), y))[1], 0.0, 0.0),
    "garch": series(lambda v, x: (0.1 + 0.8 * v + 0.1 * x * x, jnp.log(v) + x * x / v), 1.0),
    "cumulative sum": series(lambda c, x: (c + x,) * 2, 0.0),
    "cumulative maximum": series(lambda c, x: (jnp.maximum(c, x),) * 2, -jnp.inf),
    "trading": series(lambda c, x: ((jnp.where(x > 1, c[0] + 1, jnp.where(x < -1, 0.0, c[0])), c[1] + c[0] * x), c[1]), 0.0, 0.0),
    "kalman of one": series(lambda c, y: ((c[0] + (g := (c[1] + 0.1) / (c[1] + 1.1)) * (y - c[0]), (1 - g) * (c[1] + 0.1)), c[0]), 0.0, 1.0),
    "ema in f16": lambda x: lax.scan(lambda c, v: ((0.9 * c + 0.1 * v).astype(jnp.float16),) * 2, jnp.float16(0), x.astype(jnp.float16)),
    "ema in bf16": lambda x: lax.scan(lambda c, v: ((0.9 * c + 0.1 * v).astype(jnp.bfloat16),) * 2, jnp.bfloat16(0), x.astype(jnp.bfloat16)),
    "integrate and fire": series(lambda v, x: ((w := v * 0.95 + x, jnp.where(w > 1, 0.0, w))[1], w > 1), 0.0),
    "queue": series(lambda c, x: ((jnp.maximum(c[0], c[1]) + x, c[1] + 0.7), c[0] - c[1]), 0.0, 0.0),
    "run lengths": series(lambda c, x: ((jnp.where((x > 0) == c[1], c[0] + 1, 1), x > 0), c[0]), 0, False),
}
for name, function in SERIES.items():
    loop(f"series, {name}", function, normal(5000))
for name in ("exponential mean", "garch", "kalman of one"):
    loop(f"series, gradient, {name}", gradient(SERIES[name]), normal(2000))
    loop(f"series, vmap of 32, {name}", jax.vmap(SERIES[name]), normal(32, 1000))

# Differential equations


def runge_kutta(f, h, count):
    def step(y, _):
        a = f(y)
        b = f(y + h / 2 * a)
        c = f(y + h / 2 * b)
        d = f(y + h * c)
        return y + h / 6 * (a + 2 * b + 2 * c + d), y
    return lambda y: lax.scan(step, y, None, length=count)


EQUATIONS = {
    "decay": (lambda y: -0.3 * y, np.float32(1)),
    "logistic": (lambda y: y * (1 - y), np.float32(0.1)),
    "pendulum": (lambda y: jnp.stack([y[1], -9.8 * jnp.sin(y[0])]), np.array([1, 0], np.float32)),
    "Lotka-Volterra": (lambda y: jnp.array([y[0] * (1.1 - 0.4 * y[1]), y[1] * (0.1 * y[0] - 0.4)]), np.array([10, 5], np.float32)),
    "Lorenz": (lambda y: jnp.array([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]), np.ones(3, np.float32)),
    "SIR": (lambda y: jnp.stack([-0.5 * y[0] * y[1], 0.5 * y[0] * y[1] - 0.1 * y[1], 0.1 * y[1]]), np.array([0.99, 0.01, 0], np.float32)),
    "Van der Pol": (lambda y: jnp.stack([y[1], 2 * (1 - y[0] ** 2) * y[1] - y[0]]), np.ones(2, np.float32)),
    "FitzHugh-Nagumo": (lambda y: jnp.stack([y[0] - y[0] ** 3 / 3 - y[1] + 0.5, 0.08 * (y[0] + 0.7 - 0.8 * y[1])]), np.ones(2, np.float32)),
    "double pendulum": (lambda y: jnp.stack([y[2], y[3], (jnp.sin(y[1] - y[0]) * y[3] ** 2 - 9.8 * jnp.sin(y[0])) / (1 + jnp.cos(y[0] - y[1]) ** 2),
                                             (jnp.sin(y[0] - y[1]) * y[2] ** 2 - 9.8 * jnp.sin(y[1])) / (2 - jnp.cos(y[0] - y[1]) ** 2)]),
                                                 np.array([0.3, 0.2, 0, 0], np.float32)),
    "linear of 4": (lambda y: jnp.array([[-1, 0.2, 0, 0], [0, -0.5, 0.1, 0], [0, 0, -0.3, 0.2], [0.1, 0, 0, -0.2]], jnp.float32) @ y, np.ones(4, np.float32)),
    "chain of 16": (lambda y: jnp.roll(y, 1) - 2 * y + jnp.roll(y, -1), normal(16)),
    "network of 8": (lambda y: jnp.tanh(jnp.outer(y, y).sum(0) * 0.1) - y, normal(8)),
    "Kepler": (lambda y: jnp.concatenate([y[2:], -y[:2] / jnp.linalg.norm(y[:2]) ** 3]), np.array([1, 0, 0, 1], np.float32)),
}
for name, (f, start) in EQUATIONS.items():
    loop(f"equation, {name}", runge_kutta(f, 1e-3, 2000), start)
for name in ("pendulum", "Lorenz"):
    f, start = EQUATIONS[name]
    loop(f"equation, gradient, {name}", gradient(lambda y, f=f: runge_kutta(f, 1e-3, 500)(y)[0]), start)
    loop(f"equation, vmap of 16, {name}", jax.vmap(lambda y, f=f: runge_kutta(f, 1e-3, 500)(y)[0]), start + 0.1 * normal(16, len(start)))
loop("equation, Lorenz in f64", runge_kutta(EQUATIONS["Lorenz"][0], 1e-3, 2000), np.ones(3))


def adaptive(f):
    """Bogacki and Shampine's method with steps of adaptive length."""
    def step(c):
        t, y, h, n = c
        k1 = f(y)
        k2 = f(y + h / 2 * k1)
        k3 = f(y + 3 * h / 4 * k2)
        new = y + h * (2 / 9 * k1 + 1 / 3 * k2 + 4 / 9 * k3)
        k4 = f(new)
        error = jnp.max(jnp.abs(h * (-5 / 72 * k1 + 1 / 12 * k2 + 1 / 9 * k3 - 1 / 8 * k4))) / 1e-5
        good = error < 1
        return jnp.where(good, t + h, t), jnp.where(good, new, y), h * jnp.clip(0.9 * jnp.maximum(error, 1e-6) ** (-1 / 3), 0.2, 5), n + 1
    return lambda y: lax.while_loop(lambda c: (c[0] < 5) & (c[3] < 5000), step, (0.0, y, 0.01, 0))[1]


for name in ("logistic", "Lotka-Volterra", "Lorenz", "Van der Pol"):
    loop(f"equation, adaptive, {name}", adaptive(EQUATIONS[name][0]), EQUATIONS[name][1])

# Environments


def cartpole(state, forces):
    def step(s, u):
        x, v, a, w = s
        force = jnp.where(u > 0, 10.0, -10.0)
        sin, cos = jnp.sin(a), jnp.cos(a)
        t = (force + 0.05 * w**2 * sin) / 1.1
        wa = (9.8 * sin - cos * t) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        xa = t - 0.05 * wa * cos / 1.1
        s = jnp.array([x + 0.02 * v, v + 0.02 * xa, a + 0.02 * w, w + 0.02 * wa])
        done = (jnp.abs(s[0]) > 2.4) | (jnp.abs(s[2]) > 0.21)
        return jnp.where(done, jnp.zeros(4), s), (s, done)
    return lax.scan(step, state, forces)


def pendulum(state, torques):
    def step(s, u):
        a, w = s
        u = jnp.clip(u, -2, 2)
        cost = ((a + jnp.pi) % (2 * jnp.pi) - jnp.pi) ** 2 + 0.1 * w**2 + 0.001 * u**2
        w = jnp.clip(w + (15 * jnp.sin(a) + 3 * u) * 0.05, -8, 8)
        return (a + w * 0.05, w), (jnp.stack([jnp.cos(a), jnp.sin(a), w]), -cost)
    return lax.scan(step, (state[0], state[1]), torques)


def mountain_car(state, actions):
    def step(s, a):
        v = jnp.clip(s[1] + (a - 1) * 0.001 - 0.0025 * jnp.cos(3 * s[0]), -0.07, 0.07)
        p = jnp.clip(s[0] + v, -1.2, 0.6)
        v = jnp.where((p <= -1.2) & (v < 0), 0.0, v)
        return jnp.stack([p, v]), (p >= 0.5)
    return lax.scan(step, state, actions)


def grid_world(place, actions, walls):
    moves = jnp.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
    def step(p, a):
        n = jnp.clip(p + moves[a], 0, 15)
        p = jnp.where(walls[n[0], n[1]], p, n)
        return p, p
    return lax.scan(step, place, actions)


def policy(w1, w2, state):
    def step(s, _):
        u = jnp.tanh(jnp.tanh(s @ w1) @ w2)
        s = s + 0.05 * jnp.stack([s[1], u[0] - jnp.sin(s[0]), s[3], u[1] - s[2]])
        return s, s
    return lax.scan(step, state, None, length=500)


def q_learning(q, actions, rewards):
    def step(c, x):
        q, s = c
        a, r = x
        n = (s * 5 + a * 3 + 1) % q.shape[0]
        return (q.at[s, a].add(0.1 * (r + 0.9 * q[n].max() - q[s, a])), n), q[s, a]
    return lax.scan(step, (q, 0), (actions, rewards))


loop("environment, cartpole", cartpole, normal(4, scale=0.01), normal(1000))
loop("environment, cartpole of 32", jax.vmap(cartpole), normal(32, 4, scale=0.01), normal(32, 300))
loop("environment, pendulum", pendulum, normal(2), normal(1000))
loop("environment, mountain car", mountain_car, np.array([-0.5, 0], np.float32), integers(1000, high=3))
loop("environment, grid world", grid_world, np.array([3, 3], np.int32), integers(1000, high=4), R.random((16, 16)) < 0.2)
loop("environment, policy of 32", policy, normal(4, 32, scale=0.3), normal(32, 2, scale=0.3), normal(4))
loop("environment, gradient of policy of 32", gradient(lambda *a: policy(*a)[1], (0, 1)), normal(4, 32, scale=0.3), normal(32, 2, scale=0.3), normal(4))
loop("environment, table of Q", q_learning, np.zeros((32, 4), np.float32), integers(1000, high=4), normal(1000))

# Filters and models of sequences


def kalman(n, m):
    f = np.float32(np.eye(n) * 0.95 + 0.02 * np.eye(n, k=1))
    h = np.eye(m, n, dtype=np.float32)
    def step(c, y):
        x, p = c
        x, p = f @ x, f @ p @ f.T + 0.1 * jnp.eye(n)
        s = h @ p @ h.T + jnp.eye(m)
        gain = jnp.linalg.solve(s, h @ p).T
        x = x + gain @ (y - h @ x)
        p = p - gain @ h @ p
        return (x, p), x
    return lambda ys: lax.scan(step, (jnp.zeros(n), jnp.eye(n)), ys)


def extended(ys):
    def step(c, y):
        x, p = c
        f = lambda x: jnp.stack([x[0] + 0.1 * x[1], x[1] - 0.1 * jnp.sin(x[0])])
        j = jax.jacfwd(f)(x)
        x, p = f(x), j @ p @ j.T + 0.01 * jnp.eye(2)
        s = p[0, 0] + 0.1
        g = p[:, 0] / s
        return (x + g * (y - x[0]), p - jnp.outer(g, p[0])), x
    return lax.scan(step, (jnp.zeros(2), jnp.eye(2)), ys)


def viterbi(trans, emit, obs):
    def forward(score, o):
        s = score[:, None] + trans
        return s.max(0) + emit[:, o], s.argmax(0)
    score, back = lax.scan(forward, jnp.zeros(trans.shape[0]), obs)
    return lax.scan(lambda s, b: (b[s], s), score.argmax(), back, reverse=True)


def hmm(trans, emit, obs):
    def step(a, o):
        a = (a @ trans) * emit[:, o]
        s = a.sum()
        return a / s, jnp.log(s)
    return lax.scan(step, jnp.ones(trans.shape[0]) / trans.shape[0], obs)[1].sum()


def hmm_log(trans, emit, obs):
    def step(a, o):
        return jax.nn.logsumexp(a[:, None] + trans, 0) + emit[:, o], 0
    return jax.nn.logsumexp(lax.scan(step, jnp.zeros(trans.shape[0]), obs)[0])


def crf(trans, emit):
    def step(a, e):
        return jax.nn.logsumexp(a[:, None] + trans, 0) + e, 0
    return jax.nn.logsumexp(lax.scan(step, emit[0], emit[1:])[0])


def ctc(logits, labels):
    """The forward variable of connectionist temporal classification."""
    n = labels.shape[0]
    ext = jnp.zeros(2 * n + 1, jnp.int32).at[1::2].set(labels)
    skip = jnp.where((jnp.arange(2 * n + 1) % 2 == 1) & (ext != jnp.roll(ext, 2)), 0.0, -1e30)
    def step(a, e):
        b = jnp.concatenate([jnp.full(1, -1e30), a[:-1]])
        c = jnp.concatenate([jnp.full(2, -1e30), a[:-2]]) + skip
        return jnp.logaddexp(jnp.logaddexp(a, b), c) + e[ext], 0
    a = lax.scan(step, jnp.where(jnp.arange(2 * n + 1) < 2, 0.0, -1e30), logits)[0]
    return jnp.logaddexp(a[-1], a[-2])


def particles(key, ys):
    def step(c, y):
        k, x = c
        k, a, b = jax.random.split(k, 3)
        x = 0.9 * x + jax.random.normal(a, x.shape)
        w = jnp.exp(-0.5 * (y - x) ** 2)
        cum = jnp.cumsum(w)
        u = (jnp.arange(x.size) + jax.random.uniform(b)) / x.size * cum[-1]
        x = x[jnp.clip(jnp.searchsorted(cum, u), 0, x.size - 1)]
        return (k, x), x.mean()
    return lax.scan(step, (key, jnp.zeros(64)), ys)[1]


KEY = np.asarray([1, 2], np.uint32)
for n, m in ((1, 1), (2, 1), (4, 2), (6, 3), (8, 4)):
    loop(f"filter, Kalman {n}x{m}", kalman(n, m), normal(200, m))
loop("filter, extended Kalman of 2", extended, normal(1000))
for n in (4, 16, 64):
    T = uniform(n, n, low=0.1)
    T /= T.sum(1, keepdims=True)
    loop(f"filter, Viterbi {n}", viterbi, np.log(T), np.log(uniform(n, 8, low=0.1)), integers(200, high=8))
    loop(f"filter, HMM {n}", hmm, T, uniform(n, 8, low=0.1), integers(200, high=8))
    loop(f"filter, HMM in logarithms {n}", hmm_log, np.log(T), np.log(uniform(n, 8, low=0.1)), integers(200, high=8))
loop("filter, gradient of HMM 16", jax.grad(hmm, (0, 1)), np.full((16, 16), 1 / 16, np.float32), uniform(16, 8, low=0.1), integers(200, high=8))
loop("filter, CRF 16", crf, normal(16, 16), normal(200, 16))
loop("filter, gradient of CRF 16", jax.grad(crf, (0, 1)), normal(16, 16), normal(200, 16))
loop("filter, CTC", ctc, -uniform(100, 32, low=1, high=6), integers(20, high=31) + 1)
loop("filter, particles 64", particles, KEY, normal(50))

# Chance


def walk(key):
    def step(c, _):
        k, x = c
        k, s = jax.random.split(k)
        x = x + jax.random.normal(s)
        return (k, x), x
    return lax.scan(step, (key, 0.0), None, length=500)[1]


def metropolis(key, n=1):
    log = lambda x: -0.5 * jnp.sum(x**2)
    def step(c, _):
        k, x, p = c
        k, a, b = jax.random.split(k, 3)
        y = x + 0.5 * jax.random.normal(a, x.shape)
        q = log(y)
        good = jnp.log(jax.random.uniform(b)) < q - p
        x, p = jnp.where(good, y, x), jnp.where(good, q, p)
        return (k, x, p), x
    return lax.scan(step, (key, jnp.zeros(n), 0.0), None, length=300)[1]


def hamiltonian(key):
    u = lambda x: 0.5 * jnp.sum(x**2) + 0.1 * jnp.sum(x**4)
    g = jax.grad(u)
    def step(c, _):
        k, x = c
        k, a, b = jax.random.split(k, 3)
        p = jax.random.normal(a, x.shape)
        def leap(i, c):
            x, p = c
            p = p - 0.05 * g(x)
            x = x + 0.1 * p
            return x, p - 0.05 * g(x)
        y, q = lax.fori_loop(0, 10, leap, (x, p))
        good = jnp.log(jax.random.uniform(b)) < u(x) + 0.5 * p @ p - u(y) - 0.5 * q @ q
        x = jnp.where(good, y, x)
        return (k, x), x
    return lax.scan(step, (key, jnp.zeros(10)), None, length=100)[1]


def ising(key):
    def sweep(i, c):
        s, k = c
        k, a = jax.random.split(k)
        n = sum(jnp.roll(s, d, x) for d in (1, -1) for x in (0, 1))
        mask = (jnp.add.outer(jnp.arange(32), jnp.arange(32)) + i) % 2 == 0
        flip = jax.random.uniform(a, s.shape) < jnp.exp(-0.8 * s * n)
        return jnp.where(mask & flip, -s, s), k
    return lax.fori_loop(0, 100, sweep, (jnp.ones((32, 32)), key))[0]


def price(key):
    def step(c, _):
        k, s = c
        k, a = jax.random.split(k)
        s = s * jnp.exp(0.001 + 0.02 * jax.random.normal(a, s.shape))
        return (k, s), s.mean()
    return lax.scan(step, (key, jnp.ones(256)), None, length=100)


def rejection(key):
    def body(c):
        k, x, n = c
        k, s = jax.random.split(k)
        x = jax.random.uniform(s, (2,), minval=-1.0)
        return k, x, n + 1
    return lax.fori_loop(0, 100, lambda i, c: (r := lax.while_loop(lambda d: jnp.sum(d[1] ** 2) > 0.5, body, (c[0], jnp.ones(2), 0)), (r[0], c[1] + r[1]))[1],
        (key, jnp.zeros(2)))[1]


loop("chance, random walk", walk, KEY)
loop("chance, Metropolis of 1", metropolis, KEY)
loop("chance, Metropolis of 10", lambda k: metropolis(k, 10), KEY)
loop("chance, Hamiltonian of 10", hamiltonian, KEY)
loop("chance, Ising 32x32", ising, KEY)
loop("chance, prices of 256", price, KEY)
loop("chance, rejection", rejection, KEY)
loop("chance, fold_in", lambda k: lax.fori_loop(0, 500, lambda i, s: s + jax.random.uniform(jax.random.fold_in(k, i)), 0.0), KEY)
loop("chance, bits of 4", lambda k: lax.fori_loop(0, 500, lambda i, c: (jax.random.split(c[0])[0], c[1] ^ jax.random.bits(c[0], (4,))),
    (k, jnp.zeros(4, jnp.uint32))), KEY)
loop("chance, vmap of 8 walks", jax.vmap(walk), R.integers(0, 2**32, (8, 2), dtype=np.uint32))

# Small matrices


def solve(count):
    return lambda m, x: lax.fori_loop(0, count, lambda i, x: jnp.linalg.solve(m + jnp.diag(x) * 0.01, x) + 0.1, x)


for n in (2, 3, 4, 6):
    Q = np.linalg.qr(normal(n, n))[0].astype(np.float32)
    loop(f"matrices, product of many {n}x{n}", lambda m: lax.scan(lambda c, a: (a @ c, 0), jnp.eye(m.shape[-1]), m)[0], np.repeat(Q[None], 1000, 0))
    loop(f"matrices, all products of {n}x{n}", lambda m: lax.scan(lambda c, a: (c := c @ a, c), jnp.eye(m.shape[-1]), m)[1], np.repeat(Q[None], 1000, 0))
    loop(f"matrices, {n}x{n} by vector", lambda m, x: lax.fori_loop(0, 3000, lambda i, x: m @ x, x), Q, normal(n))
    loop(f"matrices, solve {n}x{n}", solve(200), Q + np.eye(n, dtype=np.float32) * n, normal(n))
loop("matrices, inverse 3x3", lambda m: lax.fori_loop(0, 200, lambda i, x: jnp.linalg.inv(x + m) + jnp.eye(3), m), np.eye(3, dtype=np.float32) * 2)
loop("matrices, cross products", fori(3000, lambda i, x: jnp.cross(x, jnp.array([0.3, 0.2, 0.9])) + 0.1), normal(3))
loop("matrices, chain of transformations 4x4", lambda t: lax.scan(lambda c, a: (c := c @ jnp.array(
    [[1, 0, 0, 0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ jnp.eye(4).at[0, 0].set(jnp.cos(a)).at[1, 1].set(jnp.cos(a)).at[0, 1].set(
        -jnp.sin(a)).at[1, 0].set(jnp.sin(a)), c[:3, 3]), jnp.eye(4), t), normal(500))
loop("matrices, Sherman-Morrison of 8", lambda p, xs: lax.scan(lambda p, x: (p - jnp.outer(px := p @ x, px) / (1 + x @ px), 0), p, xs)[0],
    np.eye(8, dtype=np.float32), normal(500, 8))
loop("matrices, recursive least squares of 4", lambda xs, ys: lax.scan(lambda c, v: (px := c[1] @ v[0], g := px / (1 + v[0] @ px), (
    (c[0] + g * (v[1] - v[0] @ c[0]), c[1] - jnp.outer(g, px)), 0))[2], (jnp.zeros(4), 10 * jnp.eye(4)), (xs, ys))[0], normal(500, 4), normal(500))
loop("matrices, tridiagonal (Thomas)", lambda a, b, c, d: lax.scan(lambda x, v: (x := v[1] - v[0] * x, x), 0.0, lax.scan(lambda p, v: (
    q := (v[2] / (m := v[1] - v[0] * p[0]), (v[3] - v[0] * p[1]) / m), q), (0.0, 0.0), (a, b, c, d))[1], reverse=True)[1],
    normal(1000), 5 + uniform(1000), normal(1000), normal(1000))
loop("matrices, conjugate gradients of 16", lambda a, b: jax.scipy.sparse.linalg.cg(lambda x: a @ x, b, maxiter=100)[0],
     np.eye(16, dtype=np.float32) * 5 + normal(16, 16, scale=0.1), normal(16))
loop("matrices, Gram-Schmidt of 8", lambda a: lax.fori_loop(0, 8, lambda i,
    q: (v := q[i] - (jnp.where(jnp.arange(8) < i, q @ q[i], 0)) @ q, q.at[i].set(v / jnp.linalg.norm(v)))[1], a), normal(8, 8))
loop("matrices, Jacobi of 32", lambda a, b: lax.fori_loop(0, 200, lambda i, x: (b - a @ x + jnp.diag(a) * x) / jnp.diag(a), b),
    np.eye(32, dtype=np.float32) * 40 + normal(32, 32), normal(32))
loop("matrices, power iteration of 16", lambda a, x: lax.fori_loop(0, 500, lambda i, x: (y := a @ x, y / jnp.linalg.norm(y))[1], x), uniform(16, 16),
    normal(16))
loop("matrices, PageRank of 64", lambda a, x: lax.while_loop(lambda c: (c[1] > 1e-7) & (c[2] < 100), lambda c: (
    y := 0.85 * a @ c[0] + 0.15 / 64, jnp.abs(y - c[0]).sum(), c[2] + 1), (x, jnp.float32(1), 0))[0], (lambda a: a / a.sum(0))(uniform(64, 64) ** 8),
        np.full(64, 1 / 64, np.float32))

# Dynamic programmes and arrays in place


def edit(a, b):
    def row(prev, x):
        cost = jnp.minimum(prev[1:] + 1, prev[:-1] + (b != x))
        first = prev[0] + 1
        rest = lax.scan(lambda l, c: ((v := jnp.minimum(l + 1, c)), v), first, cost)[1]
        return jnp.concatenate([first[None], rest]), None
    return lax.scan(row, jnp.arange(b.size + 1), a)[0]


def longest_common(a, b):
    def cell(j, c):
        t, i = c
        v = jnp.where(a[i] == b[j], t[i, j] + 1, jnp.maximum(t[i, j + 1], t[i + 1, j]))
        return t.at[i + 1, j + 1].set(v), i
    def row(i, t):
        return lax.fori_loop(0, b.size, cell, (t, i))[0]
    return lax.fori_loop(0, a.size, row, jnp.zeros((a.size + 1, b.size + 1), jnp.int32))[-1, -1]


def knapsack(weights, values):
    def item(best, x):
        w, v = x
        i = jnp.arange(best.size)
        return jnp.where(i >= w, jnp.maximum(best, best[jnp.maximum(i - w, 0)] + v), best), 0
    return lax.scan(item, jnp.zeros(256), (weights, values))[0]


def time_warp(a, b):
    def row(prev, x):
        d = jnp.abs(x - b)
        low = jnp.minimum(prev[1:], prev[:-1])
        rest = lax.scan(lambda l, v: ((r := v[0] + jnp.minimum(l, v[1])), r), jnp.float32(1e9), (d, low))[1]
        return jnp.concatenate([jnp.full(1, 1e9), rest]), 0
    return lax.scan(row, jnp.full(b.size + 1, 1e9).at[0].set(0), a)[0][-1]


def sieve(n):
    def mark(i, p):
        return jnp.where(p[i] & (jnp.arange(n) % jnp.maximum(i, 2) == 0) & (jnp.arange(n) > i), False, p)
    return lambda p: lax.fori_loop(2, 32, mark, p)


def union(a, b):
    def root(p, x):
        return lax.while_loop(lambda x: p[x] != x, lambda x: p[x], x)
    def join(p, e):
        return p.at[root(p, e[0])].set(root(p, e[1])), 0
    return lax.scan(join, jnp.arange(256), (a, b))[0]


def dijkstra(w):
    n = w.shape[0]
    def step(i, c):
        d, done = c
        u = jnp.argmin(jnp.where(done, jnp.inf, d))
        return jnp.minimum(d, d[u] + w[u]), done.at[u].set(True)
    return lax.fori_loop(0, n, step, (jnp.full(n, jnp.inf).at[0].set(0), jnp.zeros(n, bool)))[0]


def queens(board):
    """A machine that runs a small programme on a stack, step by step."""
    def step(i, c):
        stack, top, pc = c
        op = board[pc % 16]
        a, b = stack[top % 32], stack[(top - 1) % 32]
        v = lax.switch(op, [lambda: a + b, lambda: a - b, lambda: a ^ b, lambda: a * 3 + 1])
        return stack.at[(top + 1) % 32].set(v & 0xFFFF), top + 1, pc + 1 + (v & 1)
    return lax.fori_loop(0, 2000, step, (jnp.arange(32), 0, 0))[0]


def heap_sift(x):
    n = x.size
    def sift(c):
        i, x = c
        l, r = 2 * i + 1, 2 * i + 2
        m = jnp.where((r < n) & (x[jnp.minimum(r, n - 1)] > x[jnp.minimum(l, n - 1)]), r, l)
        m = jnp.minimum(m, n - 1)
        swap = x[m] > x[i]
        a, b = x[i], x[m]
        x = x.at[i].set(jnp.where(swap, b, a)).at[m].set(jnp.where(swap, a, b))
        return jnp.where(swap, m, n), x
    def start(k, x):
        return lax.while_loop(lambda c: 2 * c[0] + 1 < n, sift, (n // 2 - 1 - k, x))[1]
    return lax.fori_loop(0, n // 2, start, x)


A4, B4 = integers(100, high=4), integers(100, high=4)
loop("table, edit distance", edit, A4, B4)
loop("table, longest common subsequence by cell", longest_common, A4, B4)
loop("table, knapsack", knapsack, integers(64, high=50), uniform(64))
loop("table, time warp", time_warp, normal(100), normal(100))
loop("table, sieve", sieve(1024), np.ones(1024, bool))
loop("table, union and find", union, integers(300, high=256), integers(300, high=256))
loop("table, Dijkstra of 64", dijkstra, uniform(64, 64))
loop("table, Floyd-Warshall of 32", lambda d: lax.fori_loop(0, 32, lambda k, d: jnp.minimum(d, d[:, k][:, None] + d[k]), d), uniform(32, 32))
loop("table, coins", lambda c: lax.fori_loop(1, 1000, lambda i, t: t.at[i].set(jnp.min(jnp.where(c <= i, t[jnp.maximum(i - c, 0)], 1e9)) + 1),
    jnp.zeros(1000)), np.array([1, 5, 10, 25], np.int32))
loop("table, Fibonacci in place", lambda x: lax.fori_loop(2, 2000, lambda i, x: x.at[i].set((x[i - 1] + x[i - 2]) * 0.5), x), normal(2000))
loop("table, histogram by index", lambda x: lax.fori_loop(0, 2000, lambda i, h: h.at[x[i]].add(1), jnp.zeros(64, jnp.int32)), integers(2000, high=64))
loop("table, prefix sums in place", lambda x: lax.fori_loop(1, 2000, lambda i, x: x.at[i].add(x[i - 1]), x), normal(2000))
loop("table, shuffle", lambda x, j: lax.fori_loop(0, 1000, lambda i, x: (a := x[i], x.at[i].set(x[j[i]]).at[j[i]].set(a))[1], x),
    np.arange(1000, dtype=np.int32), integers(1000, high=1000))
loop("table, machine with a stack", queens, integers(16, high=4))
loop("table, heap", heap_sift, normal(256))
loop("table, partition", lambda x: lax.fori_loop(0, 1000, lambda i,
    c: (s := x[i] < 0, (c[0].at[jnp.where(s, c[1], 999 - c[2])].set(x[i]), c[1] + s, c[2] + ~s))[1], (jnp.zeros(1000), 0, 0))[0], normal(1000))
loop("table, cellular automaton", lambda x: lax.scan(lambda c, _: (jnp.roll(c, 1) ^ (c | jnp.roll(c, -1)),) * 2, x, None, length=200), R.random(256) < 0.5)
loop("table, rows stacked", lambda x: lax.scan(lambda c, _: (c * 0.99 + 0.01, c), x, None, length=500), normal(64))
loop("table, window of the last 8", lambda x: lax.scan(lambda c, v: (c := jnp.concatenate([c[1:], v[None]]), c.mean()), jnp.zeros(8), x)[1], normal(1000))
loop("table, ring buffer", lambda x: lax.fori_loop(0, 1000, lambda i, c: (b := lax.dynamic_update_slice(c[0], x[i][None], (i % 16,)), (b, c[1] + b.sum()))[1],
    (jnp.zeros(16), 0.0))[1], normal(1000))
loop("table, beam of 8", lambda s, t: lax.scan(lambda c, i: (v := (c[:, None] + t).reshape(-1), r := lax.top_k(v, 8), (r[0], r[1] // 16))[2], s, None,
    length=100), normal(8), normal(8, 16))
loop("table, greedy choice", lambda e, w: lax.scan(lambda t, _: (n := jnp.argmax(e[t] @ w), n), 0, None, length=200)[1], normal(64, 16), normal(16, 64))
loop("table, embedding sums", lambda e, i: lax.scan(lambda c, t: (c * 0.9 + e[t], 0), jnp.zeros(32), i)[0], normal(100, 32), integers(1000, high=100))
loop("table, hash of bytes", lambda x: lax.scan(lambda h, b: ((h ^ b) * np.uint32(16777619), 0), np.uint32(2166136261), x)[0],
    integers(5000, high=256).astype(np.uint32))
loop("table, crc of bytes", lambda x: lax.scan(lambda h, b: (lax.fori_loop(0, 8, lambda _, h: jnp.where(h & 1, (h >> 1) ^ np.uint32(0xEDB88320), h >> 1),
    h ^ b), 0), np.uint32(0xFFFFFFFF), x)[0], integers(500, high=256).astype(np.uint32))
loop("table, count bits", lambda n: lax.while_loop(lambda c: c[0] != 0, lambda c: (c[0] & (c[0] - 1), c[1] + 1), (n, 0))[1], np.uint32(0xFFFFFFF7))
loop("table, game of life 16x16", lambda x: lax.fori_loop(0, 100, lambda _,
    x: (n := sum(jnp.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j), ((n == 3) | ((x == 1) & (n == 2))).astype(jnp.int32))[1], x),
        integers(16, 16, high=2))

# Cells


def rnn(w, u, h, xs):
    return lax.scan(lambda h, x: ((h := jnp.tanh(h @ w + x @ u)), h), h, xs)


def gru(w, u, h, xs):
    def step(h, x):
        a, b = jnp.split(h @ w, 3, -1), jnp.split(x @ u, 3, -1)
        r, z = jax.nn.sigmoid(a[0] + b[0]), jax.nn.sigmoid(a[1] + b[1])
        h = (1 - z) * jnp.tanh(b[2] + r * a[2]) + z * h
        return h, h
    return lax.scan(step, h, xs)


def lstm(w, u, h, xs):
    def step(c, x):
        h, c = c
        i, f, g, o = jnp.split(h @ w + x @ u, 4, -1)
        c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    return lax.scan(step, (h, h), xs)


def decode(wq, wo, k, v, x):
    """One head of attention over what was seen, a token at a time."""
    n = k.shape[0]
    def step(c, i):
        k, v, x = c
        q, a, b = jnp.split(x @ wq, 3)
        k, v = k.at[i].set(a), v.at[i].set(b)
        p = jax.nn.softmax(jnp.where(jnp.arange(n) <= i, k @ q / 8, -1e30))
        x = jnp.tanh(x + (p @ v) @ wo)
        return (k, v, x), x
    return lax.scan(step, (k, v, x), jnp.arange(n))[1]


def state_space(a, b, c, xs):
    return lax.scan(lambda h, x: ((h := a * h + b * x), c @ h), jnp.zeros(a.shape), xs)[1]


def selective(a, b, c, d, xs):
    def step(h, v):
        x, b, c, d = v
        d = jax.nn.softplus(d)
        h = jnp.exp(d[:, None] * a) * h + (d * x)[:, None] * b
        return h, h @ c
    return lax.scan(step, jnp.zeros(a.shape), (xs, b, c, d))[1]


def multilayer(w1, w2, x, y):
    def step(p, _):
        loss = lambda p: jnp.mean((jnp.tanh(x @ p[0]) @ p[1] - y) ** 2)
        g = jax.grad(loss)(p)
        return jax.tree.map(lambda p, g: p - 0.01 * g, p, g), 0
    return lax.scan(step, (w1, w2), None, length=100)[0]


def hopfield(w, x):
    return lax.while_loop(lambda c: jnp.any(c[0] != c[1]) & (c[2] < 100), lambda c: (jnp.sign(w @ c[0]), c[0], c[2] + 1), (x, x * 0, 0))[0]


for name, cell, gates in (("RNN", rnn, 1), ("GRU", gru, 3), ("LSTM", lstm, 4)):
    for batch, n, inputs in ((1, 8, 4), (1, 32, 8), (4, 16, 8), (8, 64, 32), (1, 128, 64), (32, 128, 64)):
        W = [normal(n, gates * n, scale=0.5 / n**0.5), normal(inputs, gates * n, scale=0.3), normal(batch, n), normal(50, batch, inputs)]
        loop(f"cell, {name} {batch}x{n}", cell, *W)
        if (batch, n) in ((1, 32), (4, 16), (8, 64)):
            loop(f"cell, gradient of {name} {batch}x{n}", gradient(lambda *a, cell=cell: cell(*a)[1] ** 2, (0, 1)), *W)
loop("cell, attention, 64 tokens of 32", decode, normal(32, 96, scale=0.2), normal(32, 32, scale=0.2), np.zeros((64, 32), np.float32),
    np.zeros((64, 32), np.float32), normal(32))
loop("cell, state space of 64", state_space, uniform(64), normal(64), normal(64), normal(500))
loop("cell, selective 32x8", selective, -uniform(32, 8), normal(100, 8), normal(100, 8), normal(100, 32), normal(100, 32))
loop("cell, two layers trained, 32x4", multilayer, normal(4, 16), normal(16, 1), normal(32, 4), normal(32, 1))
loop("cell, Hopfield of 64", hopfield, normal(64, 64), np.sign(normal(64)))
loop("cell, regression by descent", lambda x, y: lax.fori_loop(0, 200, lambda i, w: w - 0.01 * x.T @ (jax.nn.sigmoid(x @ w) - y), jnp.zeros(8)),
    normal(64, 8), (normal(64) > 0).astype(np.float32))
loop("cell, Adam on Rosenbrock", lambda x: lax.fori_loop(0, 500, lambda i, c: (
    g := jax.grad(lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))(c[0]), m := 0.9 * c[1] + 0.1 * g,
        v := 0.999 * c[2] + 0.001 * g * g, (
        c[0] - 0.01 * m / (jnp.sqrt(v) + 1e-8), m, v))[3], (x, 0 * x, 0 * x))[0], normal(4))
loop("cell, k-means of 64 points", lambda x, c: lax.fori_loop(0, 50, lambda i, c: (
    a := jnp.argmin(jnp.sum((x[:, None] - c) ** 2, -1), 1), o := jax.nn.one_hot(a, 4), o.T @ x / (o.sum(0)[:, None] + 1e-6))[2], c), normal(64, 2),
        normal(4, 2))
loop("cell, Sinkhorn 16x16", lambda k: lax.fori_loop(0, 200, lambda i, c: (u := 1 / (k @ c[1]), (u, 1 / (k.T @ u)))[1], (jnp.ones(16), jnp.ones(16))),
    uniform(16, 16, low=0.1))
loop("cell, n-body of 4", lambda p, v: lax.fori_loop(0, 500, lambda i, c: (
    d := c[0][None] - c[0][:, None], f := jnp.sum(d / (jnp.sum(d * d, -1, keepdims=True) + 0.1) ** 1.5, 1), (c[0] + 1e-3 * c[1], c[1] + 1e-3 * f))[2],
        (p, v)), normal(4, 3), normal(4, 3))
loop("cell, nested scans", lambda x: lax.scan(lambda c, r: (lax.scan(lambda d, v: (jnp.tanh(d + v), d * v), c, r)), 0.0, x), normal(50, 50))
loop("cell, vmap of a while", jax.vmap(lambda n: lax.while_loop(lambda c: c[0] > 1, lambda c: (jnp.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1),
    (n, 0))[1]), np.arange(1, 65, dtype=np.int32))
loop("cell, vmap of a while of floats", jax.vmap(lambda a: lax.while_loop(lambda x: jnp.abs(x * x - a) > 1e-4 * a, lambda x: 0.5 * (x + a / x), a)),
    uniform(256, low=1, high=1e6))
