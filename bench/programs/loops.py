"""Loops: while, fori_loop, scan and cond over small and middling bodies, with gradients, nests and vmap."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import K, floats, integers, key, uniform
from .movement import rolls


def loop(name, function, *makers, **options):
    add("loop", name, function, lambda: [make() for make in makers], **options)


def normal(*shape, dtype=np.float32, seed=0):
    return lambda: floats(*shape, dtype=dtype, seed=seed)


def scalar(value, dtype=np.float32):
    return lambda: dtype(value)


def fori(count):
    """A decorator: the body of a loop becomes the whole program."""
    def wrap(body):
        return lambda *carry: lax.fori_loop(0, count, lambda i, c: body(i, *c), carry)
    return wrap


def stable(n, seed=0):
    """A matrix whose powers neither grow nor vanish quickly: a random rotation, slightly damped."""
    return np.asarray(np.linalg.qr(floats(n, n, dtype=np.float64, seed=seed))[0] * 0.999, np.float32)


@fori(1_000_000)
def multiply_add(i, x):
    return (x * 0.999 + 0.5,)


def tanh_matrix(count):
    return lambda a, x: lax.fori_loop(0, count, lambda i, v: jnp.tanh(a @ v), x)


def while_matrices(a, b):
    """Small matrices until a norm falls, as in jax#25190: multiplies, adds and a test on the whole."""
    def body(carry):
        x, p, n = carry
        p = a @ p @ a.T + b
        x = x @ (jnp.eye(4) - 0.001 * p) * 0.9999
        return x, p / (1 + jnp.trace(p)), n + 1

    def go(carry):
        return (jnp.sum(carry[0] ** 2) > 1e-12) & (carry[2] < 5000)

    return lax.while_loop(go, body, (jnp.eye(4), b, 0))


def scan_3x3(matrices, x):
    """jax#36799: the product of many 3x3 matrices along a path."""
    def step(x, m):
        x = m @ x
        x = x / jnp.sqrt(jnp.sum(x * x))
        return x, x[0, 0]

    return lax.scan(step, x, matrices)


def scan_cell(w, state, xs):
    """jax#40150: a recurrence of a few small operations, whose gradient is asked for."""
    def step(s, x):
        s = jnp.tanh(w @ s + x)
        s = s * jax.nn.sigmoid(x) + 0.1 * jnp.sin(s)
        return s, jnp.sum(s)

    state, sums = lax.scan(step, state, xs)
    return jnp.mean(sums**2) + jnp.sum(state)


def rnn(w, u, state, xs):
    return lax.scan(lambda s, x: ((s := jnp.tanh(s @ w + x @ u)), s), state, xs)


def lstm(w, u, state, xs):
    def step(carry, x):
        h, c = carry
        i, f, g, o = jnp.split(h @ w + x @ u, 4, -1)
        c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return lax.scan(step, (state, state), xs)


def kalman(f, h, q, r, x, p, ys):
    def step(carry, y):
        x, p = carry
        x, p = f @ x, f @ p @ f.T + q
        s = h @ p @ h.T + r
        det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
        inverse = jnp.array([[s[1, 1], -s[0, 1]], [-s[1, 0], s[0, 0]]]) / det
        gain = p @ h.T @ inverse
        x = x + gain @ (y - h @ x)
        p = p - gain @ h @ p
        return (x, p), x

    return lax.scan(step, (x, p), ys)


def nested(x):
    def outer(i, x):
        return lax.fori_loop(0, 100, lambda j, y: y * 0.99 + 0.01 * jnp.float32(i), x)

    return lax.fori_loop(0, 1000, outer, x)


def cond_in_loop(x):
    def body(i, x):
        return lax.cond(x > 1, lambda x: x / 2, lambda x: 3 * x + 0.1, x)

    return lax.fori_loop(0, 20000, body, x)


def switch_in_loop(x, choices):
    def body(i, x):
        return lax.switch(choices[i % 1024], [lambda x: x + 1, lambda x: jnp.sin(x), lambda x: -x, lambda x: x * 0.5], x)

    return lax.fori_loop(0, 20000, body, x)


def newton_root(a):
    """A square root by Newton's method: each lane of the vmap stops at its own time."""
    def go(c):
        return jnp.abs(c[0] * c[0] - a) > 1e-5 * a

    return lax.while_loop(go, lambda c: (0.5 * (c[0] + a / c[0]), c[1] + 1), (jnp.float32(1), 0))


def newton_system(x, count=200):
    """Newton's method on a system of 8 unknowns with its Jacobian by jax.jacfwd and a linear step by iteration."""
    def f(x):
        return x**3 + 0.1 * jnp.roll(x, 1) * x - 1

    def body(i, x):
        j, r = jax.jacfwd(f)(x), f(x)
        d = jnp.diagonal(j)
        step = lax.fori_loop(0, 5, lambda k, s: (r - (j @ s - d * s)) / d, r / d)
        return x - step

    return lax.fori_loop(0, count, body, x)


def heat(x, count=100):
    return lax.fori_loop(0, count, lambda _, u: u + 0.1 * rolls(u), x)


def life(x):
    def step(_, x):
        n = sum(jnp.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
        return ((n == 3) | ((x == 1) & (n == 2))).astype(jnp.int32)

    return lax.fori_loop(0, 50, step, x)


def n_body(p, v, m):
    def step(_, carry):
        p, v = carry
        d = p[None] - p[:, None]
        r2 = jnp.sum(d * d, -1) + 0.1
        v = v + 1e-3 * jnp.sum(d * (m * lax.rsqrt(r2) / r2)[..., None], 1)
        return p + 1e-3 * v, v

    return lax.fori_loop(0, 100, step, (p, v))


def mandelbrot(c):
    def step(_, carry):
        z, n = carry
        inside = jnp.abs(z) < 2
        return jnp.where(inside, z * z + c, z), n + inside

    return lax.fori_loop(0, 50, step, (jnp.zeros_like(c), jnp.zeros(c.shape, jnp.int32)))[1]


def plane():
    return (np.linspace(-2, 0.5, 512)[None] + 1j * np.linspace(-1.2, 1.2, 512)[:, None]).astype(np.complex64)


def lorenz(x):
    def f(s):
        return jnp.stack([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])

    def step(_, s):
        h = 1e-5
        a = f(s)
        b = f(s + h / 2 * a)
        c = f(s + h / 2 * b)
        return s + h / 6 * (a + 2 * b + 2 * c + f(s + h * c))

    return lax.fori_loop(0, 10000, step, x)


def collatz(n):
    return lax.while_loop(lambda c: c[0] != 1, lambda c: (jnp.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1), (n, 0))[1]


def fill(x):
    def body(i, x):
        return lax.dynamic_update_slice(x, (x[i % 1000] * 0.5 + i)[None], (i,))

    return lax.fori_loop(0, 20000, body, x)


def edit_distance(a, b):
    """Levenshtein's table row by row; within a row by a scan."""
    def row(previous, x):
        cost = jnp.minimum(previous[1:] + 1, previous[:-1] + (b != x))
        first = previous[0] + 1
        _, rest = lax.scan(lambda left, c: ((v := jnp.minimum(left + 1, c)), v), first, cost)
        return jnp.concatenate([first[None], rest]), None

    return lax.scan(row, jnp.arange(b.size + 1), a)[0]


@fori(64)
def floyd_warshall(k, d):
    return (jnp.minimum(d, d[:, k][:, None] + d[k]),)


def power_iteration(a, x):
    def step(_, x):
        y = a @ x
        return y / jnp.sqrt(jnp.sum(y * y))

    return lax.fori_loop(0, 1000, step, x)


def descent(a, b, x):
    loss = jax.grad(lambda x: 0.5 * x @ a @ x - b @ x)
    return lax.fori_loop(0, 1000, lambda _, x: x - 0.05 * loss(x), x)


def random_walk(k):
    def step(k, _):
        k, use = jax.random.split(k)
        return k, jax.random.uniform(use)

    return jnp.cumsum(lax.scan(step, jax.random.wrap_key_data(k), None, length=1000)[1])


def map_rows(x):
    return lax.map(lambda r: jnp.sum(jnp.sin(r) * jnp.roll(r, 1)), x)


def bisection(target):
    def body(_, c):
        low, high = c
        middle = (low + high) / 2
        below = middle * jnp.exp(middle) < target
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    return lax.fori_loop(0, 40, body, (jnp.zeros_like(target), jnp.full_like(target, 3.0)))[0]


def divisors(a):
    """Euclid's algorithm a thousand times: a loop of a few divisions inside of another."""
    def euclid(i, total):
        return total + lax.while_loop(lambda c: c[1] != 0, lambda c: (c[1], c[0] % c[1]), (a + i, i + 1))[0]

    return lax.fori_loop(0, 1000, euclid, 0)


def insertion_sort(x):
    """Neighbours change places until each element stands where it belongs."""
    def swap(carry):
        j, x = carry
        a, b = x[j - 1], x[j]
        return j - 1, x.at[j - 1].set(b).at[j].set(a)

    def insert(i, x):
        return lax.while_loop(lambda c: (c[0] > 0) & (c[1][jnp.maximum(c[0] - 1, 0)] > c[1][c[0]]), swap, (i, x))[1]

    return lax.fori_loop(1, x.size, insert, x)


def bubble_sort(x):
    def pass_over(_, x):
        return lax.fori_loop(0, x.size - 1, lambda j, x: x.at[j].set(jnp.minimum(x[j], x[j + 1])).at[j + 1].set(
            jnp.maximum(x[j], x[j + 1])), x)

    return lax.fori_loop(0, x.size, pass_over, x)


def rotations(q, w):
    """A unit quaternion that turns at the speed |w|: a state of four elements, each computed in its own way."""
    def step(_, q):
        turn = jnp.stack([-q[1] * w[0] - q[2] * w[1] - q[3] * w[2], q[0] * w[0] + q[2] * w[2] - q[3] * w[1],
                          q[0] * w[1] - q[1] * w[2] + q[3] * w[0], q[0] * w[2] + q[1] * w[1] - q[2] * w[0]])
        q = q + 0.01 * turn
        return q / jnp.linalg.norm(q)

    return lax.fori_loop(0, 10000, step, q)


def advantages(rewards, values, ends):
    """Generalised advantage estimation: a scan from behind over values and those of the next step."""
    def step(a, turn):
        r, v, after, end = turn
        a = r + 0.99 * after * (1 - end) - v + 0.99 * 0.95 * (1 - end) * a
        return a, a

    return lax.scan(step, jnp.zeros(rewards.shape[1]), (rewards, values[:-1], values[1:], ends), reverse=True)[1]


def running_maximum(x):
    def step(carry):
        i, most, out = carry
        most = jnp.maximum(most, x[i])
        return i + 1, most, out.at[i].set(most)

    return lax.while_loop(lambda c: c[0] < x.size, step, (0, -jnp.inf, jnp.zeros_like(x)))[2]


@functools.partial(jax.vmap, in_axes=(None, 0))
def pendulum_paths(length, angle):
    def step(c, _):
        a, w = c
        w = w - 0.01 * 9.81 / length * jnp.sin(a)
        return (a + 0.01 * w, w), a

    return lax.scan(step, (angle, jnp.float32(0)), None, length=500)[1]


CELL = [lambda: stable(8) * 0.5, normal(8), normal(1000, 8, seed=1)]
RNN = [lambda: stable(128), lambda: floats(64, 128) / 8, normal(32, 128), normal(100, 32, 64)]

loop("fori_loop 1,000,000, scalar", multiply_add, scalar(1), tolerance=1e-3, quick=True)
loop("fori_loop 20,000, tanh(A16x16 @ x)", tanh_matrix(20000), lambda: stable(16), normal(16), tolerance=1e-3, quick=True)
loop("fori_loop 1,000, tanh(A64x64 @ x)", tanh_matrix(1000), lambda: stable(64), normal(64), tolerance=1e-3)
loop("while of 4x4 matrices, 5,000", while_matrices, lambda: stable(4), lambda: np.eye(4, dtype=np.float32) * 0.1, tolerance=1e-2,
     quick=True)
loop("scan of 3x3 matrices, 10,000", scan_3x3, lambda: np.eye(3, dtype=np.float32) + 0.1 * floats(10000, 3, 3), lambda: stable(3),
     tolerance=1e-2, quick=True)
loop("scan of a cell of 8, 1,000", scan_cell, *CELL, tolerance=1e-3)
loop("gradient of scan, cell of 8, 1,000", jax.grad(scan_cell, (0, 1, 2)), *CELL, tolerance=1e-2, quick=True)
loop("RNN 32x128, 100 steps", rnn, *RNN, tolerance=1e-2, quick=True)
loop("gradient of RNN 32x128, 100 steps", jax.grad(lambda *a: jnp.sum(rnn(*a)[1] ** 2), (0, 1)), *RNN, tolerance=1e-2)
loop("RNN 1x32, 1,000 steps", rnn, lambda: stable(32), lambda: floats(8, 32) / 4, normal(32), normal(1000, 8), tolerance=1e-2)
loop("LSTM 8x64, 100 steps", lstm, lambda: floats(64, 256) / 8, lambda: floats(32, 256) / 8, normal(8, 64), normal(100, 8, 32),
     tolerance=1e-3)
loop("Kalman filter 4x2, 2,000 steps", kalman, lambda: stable(4), lambda: np.eye(2, 4, dtype=np.float32),
     lambda: 0.1 * np.eye(4, dtype=np.float32), lambda: np.eye(2, dtype=np.float32), normal(4),
     lambda: np.eye(4, dtype=np.float32), normal(2000, 2), tolerance=1e-3)
loop("nested fori_loop 1,000 x 100, scalar", nested, scalar(1), tolerance=1e-3, quick=True)
loop("cond in a loop, 20,000", cond_in_loop, scalar(0.3), tolerance=1e-3, quick=True)
loop("switch in a loop, 20,000", switch_in_loop, scalar(0.3), lambda: integers(1024, high=4), tolerance=1e-2)
loop("vmap of while, Newton, 10,000 lanes", jax.vmap(newton_root), lambda: uniform(10000, low=0.1, high=1000), tolerance=1e-4,
     quick=True)
loop("Newton scalar, 1 lane", newton_root, scalar(777.7), tolerance=1e-4)
loop("Newton system of 8, 200 steps", newton_system, lambda: uniform(8, low=0.8, high=1.2), tolerance=1e-3)
loop("heat stencil 512x512, 100 steps", heat, normal(512, 512), tolerance=1e-3, quick=True)
loop("heat stencil 64x64, 1,000 steps", lambda x: heat(x, 1000), normal(64, 64), tolerance=1e-3)
loop("game of life 512x512, 50 steps", life, lambda: integers(512, 512, high=2), quick=True)
loop("n-body 64, 100 steps", n_body, normal(64, 3), lambda: 0.1 * floats(64, 3, seed=1), lambda: uniform(64, seed=2), tolerance=1e-2,
     quick=True)
loop("mandelbrot 512x512, 50 steps", mandelbrot, plane, tolerance=0.05, overall=True, quick=True)
loop("Lorenz by Runge-Kutta, 10,000 steps", lorenz, lambda: np.array([1, 1, 1], np.float32), tolerance=1e-2)
loop("Collatz of 77,031", collatz, scalar(77031, np.int32))
loop("vmap of Collatz, 10,000 lanes", jax.vmap(collatz), lambda: np.arange(1, 10001, dtype=np.int32))
loop("dynamic_update_slice in a loop, 20,000", fill, normal(20000), tolerance=1e-3, quick=True)
loop("edit distance, 256x256", edit_distance, lambda: integers(256, high=4), lambda: integers(256, high=4, seed=1))
loop("Floyd-Warshall, 64", floyd_warshall, lambda: uniform(64, 64), tolerance=1e-4)
loop("power iteration 64x64, 1,000", power_iteration, lambda: uniform(64, 64), normal(64), tolerance=1e-3)
loop("gradient descent of 32, 1,000 steps", descent, lambda: np.eye(32, dtype=np.float32) + 0.01 * uniform(32, 32), normal(32),
     normal(32, seed=1), tolerance=1e-3)
loop("random walk, 1,000 splits", random_walk, key, tolerance=1e-3)
loop("map over 1,000 rows of 256", map_rows, normal(1000, 256), tolerance=1e-3)
loop("bisection of 16 Ki, 40 steps", bisection, lambda: uniform(16 * K, low=0.1, high=40), tolerance=1e-3)
loop("pendulums, 64 lanes, 500 steps", pendulum_paths, scalar(1.3), normal(64), tolerance=1e-2)
loop("insertion sort of 64", insertion_sort, normal(64))
loop("bubble sort of 64", bubble_sort, normal(64))
loop("rotations by a quaternion, 10,000", rotations, lambda: np.array([1, 0, 0, 0], np.float32), normal(3), tolerance=1e-3)
loop("advantages of 256x2048", advantages, normal(256, 2048), normal(257, 2048, seed=1),
     lambda: np.asarray(uniform(256, 2048, seed=2) < 0.05, np.float32), tolerance=1e-4)
loop("running maximum of 5,000", running_maximum, normal(5000))
loop("greatest common divisors, 1,000", divisors, scalar(123456, np.int32))
