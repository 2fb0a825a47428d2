"""More loops that users write: stochastic equations, samplers, controllers, neurons, searches, and tables filled step by step."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add

R = np.random.default_rng(11)
NOISE = R.normal(size=1000).astype(np.float32)
PAIRS = R.normal(size=(1000, 2)).astype(np.float32)


def uniform(*shape, low=0.0, high=1.0):
    return R.uniform(low, high, shape).astype(np.float32)


def scan(name, step, start, *xs):
    """A scan over |xs| whose state begins with |start|; |step| gives the next state, of which all are kept."""
    def function(start, *xs):
        return lax.scan(lambda c, x: (step(c, *x),) * 2, start, xs)
    add("simulation: " + name, function, jax.tree.map(np.float32, start), *xs)


def fori(name, count, step, *start):
    add("simulation: " + name, lambda *c: lax.fori_loop(0, count, lambda i, c: step(i, *c), c), *start)


# Stochastic equations and samplers


def heston(c, z):
    price, v = c
    root = jnp.sqrt(v * 0.01)
    return price * jnp.exp(-0.005 * v + root * z[0]), jnp.abs(v + 0.02 * (0.04 - v) + 0.3 * root * z[1])


def metropolis(x, z, u):
    return jnp.where(jnp.log(u) < 0.5 * (x * x - (x + z) ** 2), x + z, x)


def gibbs(c, z):
    a = 0.8 * c[1] + 0.6 * z[0]
    return a, 0.8 * a + 0.6 * z[1]


def leapfrog(potential, h):
    def step(i, q, p):
        p = p - 0.5 * h * jax.grad(potential)(q)
        q = q + h * p
        return q, p - 0.5 * h * jax.grad(potential)(q)
    return step


scan("Euler and Maruyama", lambda y, z: y + 0.01 * (1 - y) + 0.1 * jnp.sqrt(jnp.abs(y)) * z, 0.5, NOISE)
scan("Heston", heston, (1.0, 0.04), PAIRS)
scan("Ornstein and Uhlenbeck", lambda y, z: 0.9 * y + 0.4 * z, 0.0, NOISE)
scan("Metropolis", metropolis, 0.0, NOISE, uniform(1000, low=1e-3))
scan("Gibbs of two", gibbs, (0.0, 0.0), PAIRS)
fori("leapfrog of a Gaussian", 1000, leapfrog(lambda q: 0.5 * q @ q, 0.1), uniform(8), uniform(8))
fori("leapfrog of a banana", 1000, leapfrog(lambda q: (1 - q[0]) ** 2 + 10 * (q[1] - q[0] ** 2) ** 2, 0.01), uniform(2), uniform(2))

# Controllers and filters


def pid(c, d):
    y, total, before = c
    e = 1 - y
    total = jnp.clip(total + e * 0.01, -5, 5)
    u = jnp.clip(2 * e + 0.5 * total + 0.1 * (e - before) / 0.01, -10, 10)
    return y + 0.01 * (u - y + d), total, e


def alpha_beta(c, y):
    p = c[0] + 0.1 * c[1]
    return p + 0.85 * (y - p), c[1] + 0.05 * (y - p)


def phase_locked(c, x):
    e = x * jnp.cos(c[0])
    return c[0] + 0.1 + 0.05 * e + c[1], c[1] + 0.001 * e


def lms(c, x, d):
    w, b = c
    b = jnp.concatenate([x[None], b[:-1]])
    return w + 0.05 * (d - w @ b) * b, b


scan("PID control", pid, (0.0, 0.0, 0.0), NOISE)
scan("alpha-beta filter", alpha_beta, (0.0, 0.0), NOISE)
scan("complementary filter", lambda t, g, a: 0.98 * (t + 0.01 * g) + 0.02 * jnp.arctan2(a, 9.8), 0.0, NOISE, NOISE[::-1].copy())
scan("phase-locked loop", phase_locked, (0.0, 0.0), NOISE)
scan("adaptive filter of 8", lms, (np.zeros(8), np.zeros(8)), NOISE, NOISE[::-1].copy())
scan("Goertzel", lambda c, x: (x + 1.8 * c[0] - c[1], c[0]), (0.0, 0.0), NOISE)

# Neurons, maps and bodies


def izhikevich(c, i):
    v, u = c
    v, u = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + i), u + 0.01 * (0.2 * v - u)
    return jnp.where(v > 30, -65.0, v), jnp.where(v > 30, u + 8, u)


def hodgkin_huxley(c, i):
    v, m, h, n = c
    gain_m, gain_n = 0.1 * (v + 40) / (1 - jnp.exp(-(v + 40) / 10)), 0.01 * (v + 55) / (1 - jnp.exp(-(v + 55) / 10))
    current = i - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.4)
    return (v + 0.01 * current, m + 0.01 * (gain_m * (1 - m) - 4 * jnp.exp(-(v + 65) / 18) * m),
            h + 0.01 * (0.07 * jnp.exp(-(v + 65) / 20) * (1 - h) - h / (1 + jnp.exp(-(v + 35) / 10))),
            n + 0.01 * (gain_n * (1 - n) - 0.125 * jnp.exp(-(v + 65) / 80) * n))


def verlet(i, q, v):
    pull = lambda q: -q / (q @ q) ** 1.5
    v = v + 0.005 * pull(q)
    q = q + 0.01 * v
    return q, v + 0.005 * pull(q)


scan("neuron of Izhikevich", izhikevich, (-65.0, -13.0), 10 + NOISE)
scan("neuron of Hodgkin and Huxley", hodgkin_huxley, (-65.0, 0.05, 0.6, 0.32), 10 + NOISE)
fori("logistic map and its exponent", 3000, lambda i, x, s: (3.9 * x * (1 - x), s + jnp.log(jnp.abs(3.9 - 7.8 * x))),
     np.float32(0.3), np.float32(0))
fori("Henon map", 3000, lambda i, x, y: (1 - 1.4 * x**2 + y, 0.3 * x), np.float32(0.1), np.float32(0.1))
fori("two bodies by Verlet", 1000, verlet, np.array([1, 0], np.float32), np.array([0, 1], np.float32))

# Searches, systems and tables


def momentum(i, x, v):
    v = 0.9 * v - 0.001 * jax.grad(lambda x: jnp.sum((1 - x[:-1]) ** 2 + 10 * (x[1:] - x[:-1] ** 2) ** 2))(x)
    return x + v, v


def inverse_iteration(i, x, a):
    y = jnp.linalg.solve(a, x)
    return y / jnp.linalg.norm(y), a


def bandit(c, z):
    a = jnp.argmax(c[0] / c[1] + jnp.sqrt(2 * jnp.log(c[1].sum()) / c[1]))
    return c[0].at[a].add(z + 0.1 * a), c[1].at[a].add(1.0)


def odd_even(i, x):
    def pairs(x):
        x = x.reshape(-1, 2)
        return jnp.stack([x.min(1), x.max(1)], 1).reshape(-1)
    x = pairs(x)
    return (jnp.concatenate([x[:1], pairs(x[1:-1]), x[-1:]]),)


def knapsack(i, best, weights, values):
    taken = jnp.roll(best, weights[i]) + values[i]
    return jnp.maximum(best, jnp.where(jnp.arange(best.size) >= weights[i], taken, -1e9)), weights, values


fori("descent with momentum", 1000, momentum, 0.1 * uniform(8), np.zeros(8, np.float32))
fori("power iteration of 8", 500, lambda i, x, a: ((a @ x) / jnp.linalg.norm(a @ x), a), np.ones(8, np.float32), uniform(8, 8))
fori("inverse iteration of 4", 100, inverse_iteration, np.ones(4, np.float32), uniform(4, 4) + 4 * np.eye(4, dtype=np.float32))
scan("bandit of 8 by upper bounds", bandit, (np.zeros(8), np.ones(8)), NOISE)
fori("odd-even sort of 64", 32, odd_even, uniform(64))
fori("knapsack of 200", 40, knapsack, np.zeros(201, np.float32), R.integers(0, 40, 40).astype(np.int32), uniform(40))
fori("rule 110 of 64", 300, lambda i, x: ((x | jnp.roll(x, -1)) & ~(jnp.roll(x, 1) & x & jnp.roll(x, -1)),), R.random(64) < 0.5)
