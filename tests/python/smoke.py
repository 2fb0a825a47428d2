"""A short tour of JAX on the plugin, for old and new releases of JAX alike. Prints one line and exits with 0 when all is right.

Run by tools/check_jax_versions.py in environments that hold nothing but JAX, so it uses no pytest.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def main():
    client = jax.devices()[0].client
    assert "libpjrt" in client.platform_version, client.platform_version
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 8)).astype(np.float32)

    close(jnp.tanh(x) @ x, np.tanh(x) @ x)
    close(jnp.sort(x, axis=1), np.sort(x, axis=1))
    close(jnp.linalg.norm(jnp.fft.fft(x)), np.linalg.norm(np.fft.fft(x)), 1e-4)
    close(jnp.cumsum(x, axis=0), np.cumsum(x, axis=0))
    close(jnp.asarray(x)[jnp.array([1, 3])], x[[1, 3]])
    close(jax.random.uniform(jax.random.PRNGKey(0), (3,)) < 1, [True] * 3)
    close(jnp.arange(4, dtype=jnp.bfloat16).sum(), 6)
    close(lax.fori_loop(0, 10, lambda i, v: v + i, 0), 45)
    close(lax.scan(lambda c, v: (c + v, c), jnp.float32(0), jnp.ones(5))[1], np.arange(5))

    def loss(w, image):
        y = lax.conv_general_dilated(image, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        y = lax.reduce_window(jax.nn.relu(y), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return -jax.nn.log_softmax(y.reshape(2, -1))[:, 0].mean()

    image = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    w = jnp.asarray(rng.normal(size=(3, 3, 3, 4)).astype(np.float32) / 5)
    step = jax.jit(lambda w: w - 0.1 * jax.grad(loss)(w, image), donate_argnums=0)
    first = float(loss(w, image))
    for _ in range(20):
        w = step(w)
    assert float(loss(w, image)) < 0.5 * first

    close(jnp.linalg.cholesky(x @ x.T + 8 * np.eye(8)), np.linalg.cholesky(x @ x.T + 8 * np.eye(8)), 1e-4)
    try:
        jax.jit(lambda a: a + 1)(object())
    except TypeError:
        pass
    print(f"jax {jax.__version__}: all right on {client.platform_version.splitlines()[-1]}")


main()
