"""Loops, scans and branches over arrays of 512 x 512."""

import jax
import jax.numpy as jnp
import jax.scipy.sparse.linalg
from jax import lax

from . import add, gradient
from .inputs import A, X


def affine(p, q):
    return p[0] * q[0], p[1] * q[0] + q[1]


def tanh_scan(a):
    return lax.scan(lambda c, x: (jnp.tanh(c * 0.9 + x), c), jnp.zeros(512), a)


FUNCTIONS = {
    "scan: sum": lambda a: lax.scan(lambda c, x: (c + x, c), jnp.zeros(512), a),
    "scan: tanh": tanh_scan,
    "scan: matrix by vector": lambda a: lax.scan(lambda c, x: (jnp.tanh(a @ c) + x, 0), jnp.zeros(512), a),
    "scan: moving mean": lambda a: lax.scan(lambda c, x: (c * 0.9 + x * 0.1,) * 2, a[0], a)[1],
    "scan: returns, reversed": lambda a: lax.scan(lambda c, x: (x + 0.95 * c,) * 2, jnp.zeros(512), a, reverse=True)[1],
    "scan: columns": lambda a: lax.scan(lambda c, x: (c + x, c * x), jnp.zeros(512), a.T)[1],
    "scan: numbers": lambda a: lax.scan(lambda c, x: (jnp.where(x > 0, c + x, 0),) * 2, 0.0, a.reshape(-1)[:20000])[1],
    "fori_loop: affine": lambda a: lax.fori_loop(0, 100, lambda i, c: c * 0.99 + 0.1, a),
    "fori_loop: rows in place": lambda a: lax.fori_loop(
        0, 500, lambda i, c: lax.dynamic_update_slice(c, lax.dynamic_slice(c, (i, 0), (1, 512)) * 2, (i + 1, 0)), a),
    "fori_loop: elements in place": lambda a: lax.fori_loop(1, 5000, lambda i, c: c.at[i].add(c[i - 1] * 0.5), a.reshape(-1)),
    "fori_loop: ode": lambda a: lax.fori_loop(0, 50, lambda i, y: y + 0.01 * (jnp.sin(y) - 0.5 * y**2), a),
    "map: sort": lambda a: lax.map(lambda r: jnp.sort(r)[::2], a),
    "associative_scan: multiply": lambda a: lax.associative_scan(jnp.multiply, a),
    "associative_scan: affine": lambda a: lax.associative_scan(affine, (a, a), axis=1),
    "associative_scan: maximum": lambda a: lax.associative_scan(jnp.maximum, a, axis=1),
    "while_loop: until large": lambda a: lax.while_loop(lambda c: c.sum() < 1e6, lambda c: c * 1.1 + 1, jnp.abs(a)),
    "cond": lambda a: lax.cond(a[0, 0] > 0, lambda a: a + 1, lambda a: a * 2, a),
    "switch": lambda a: lax.switch((a[0, 0] > 9).astype(int) + 1, [lambda a: a + 1, lambda a: a * 2, lambda a: a], a),
    "cg": lambda a: jax.scipy.sparse.linalg.cg(a @ a.T + 500 * jnp.eye(512), a[0], maxiter=20)[0],
    "vmap of while": lambda a: jax.vmap(lambda r: lax.while_loop(lambda c: c[0] < 50, lambda c: (c[0] + 1, c[1] * 0.9), (0, r)))(a),
}
for name, function in FUNCTIONS.items():
    add(name, function, A)
add("grad scan: tanh", gradient(lambda a: tanh_scan(a)[1]), A)
add("grad scan: moving mean", gradient(FUNCTIONS["scan: moving mean"]), A)
add("grad associative_scan: affine", gradient(FUNCTIONS["associative_scan: affine"]), A)
add("scan: logistic map, one number", lambda x: lax.fori_loop(0, 10000, lambda i, c: 3.7 * c * (1 - c), 0.3 + x[0] * 0), X)
