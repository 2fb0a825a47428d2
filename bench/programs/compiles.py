"""Small calls, and programs whose compilation is what hurts."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import K, floats, integers


def unrolled(steps):
    """Sixteen operations per step, each step with constants of its own; 97 steps are 1,552 operations, 484 are 7,744."""
    generator = np.random.default_rng(0)
    constants = [(generator.standard_normal((8, 8), np.float32) / 3, generator.standard_normal((8, 8), np.float32),
                  np.float32(generator.random()), generator.permutation(8)[:3, None].astype(np.int32)) for _ in range(steps)]

    def program(x):
        for matrix, shift, scale, place in constants:
            y = jnp.tanh(jnp.dot(x, matrix) + shift)
            y = lax.scatter(y, place, y[1:4] * scale, SET)
            x = lax.concatenate([y[4:], y[2:4], y[:2]], 0)
        return x

    return program


SET = lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,))


def unrolled_recurrence(w, x):
    for i in range(60):
        x = jnp.tanh(x @ w) + x[:, ::-1] * (0.1 + i / 600)
    return jnp.sum(x)


def unequal_layers(x, ws):
    for w in ws:
        x = jax.nn.gelu(x @ w)
    return x


def large_constants(x):
    table = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
    index = jnp.arange(K * K).reshape(K, K) % 977
    return x * table + jnp.where(index > 400, index, -index).astype(jnp.float32)


def many_results(x):
    return [x * i + jnp.sin(x) for i in range(100)]


WIDTHS = [64 + 8 * i for i in range(31)]

add("call", "x + 1, scalar", lambda x: x + 1, lambda: [np.float32(1)], quick=True)
add("call", "20 arguments of 8 floats, each + 1", lambda *xs: [x + 1 for x in xs], lambda: [floats(8)] * 20, quick=True)
add("call", "x + 1, 1,024 elements", lambda x: x + 1, lambda: [floats(K)])
add("call", "x + 1, donated", lambda x: (x + 1,), lambda: [floats(K)], carry=1)
add("call", "100 results of 8 floats", lambda x: [x + i for i in range(100)], lambda: [floats(8)])
add("call", "identity of 10 arguments", lambda *xs: xs, lambda: [floats(8)] * 10)
add("call", "small softmax, 8x16", jax.nn.softmax, lambda: [floats(8, 16)], quick=True)

add("compile", "unrolled, 1,552 ops", unrolled(97), lambda: [floats(8, 8)], tolerance=1e-3, quick=True)
add("compile", "unrolled, 7,744 ops", unrolled(484), lambda: [floats(8, 8)], tolerance=1e-2, patience=240, quick=True, xla_quick=False)
add("compile", "gradient of 60 unrolled steps", jax.grad(unrolled_recurrence, (0, 1)), lambda: [floats(16, 16) / 4, floats(4, 16)],
    tolerance=1e-2)
add("compile", "30 layers of unequal widths", unequal_layers,
    lambda: [floats(32, WIDTHS[0]), [floats(a, b) / a**0.5 for a, b in zip(WIDTHS, WIDTHS[1:])]], tolerance=1e-2)
add("compile", "constants of 4 MiB", large_constants, lambda: [floats(1024, 1024)])
add("compile", "100 results, 1,024 elements", many_results, lambda: [floats(K)])
add("compile", "vmap of scan of cond", jax.vmap(lambda x, s: lax.scan(
    lambda c, i: (lax.cond(c > i, lambda c: c * 0.5, lambda c: jnp.sin(c) + i, c), c), x, s)), lambda: [floats(64), floats(64, 100)],
    tolerance=1e-2)
