"""Trains a small convolutional classifier on scikit-learn's digits with JAX, on whatever platform JAX selects.

    python train.py --out DIR [--epochs N]

Nothing here knows of libpjrt: JAX_PLATFORMS chooses where it runs. DIR gets

    history.json     loss and accuracy of each epoch, and the platform
    digits.mlirbc    the trained predict function as a StableHLO artifact: images in, digits and probabilities out
    images.npy       the test images, labels.npy what they show
"""

import argparse
import json
import pathlib
import time

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from jax import lax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CLASSES = 10
BATCH = 64
RATE = 3e-3


def load_data():
    """1,797 images of 8x8, as float32 [n, 8, 8, 1] from 0 to 1; the same split on every run."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[..., None]
    labels = digits.target.astype(np.int32)
    return train_test_split(images, labels, test_size=360, random_state=0, stratify=labels)


def init_params(key):
    def layer(key, *shape):
        scale = np.sqrt(2 / np.prod(shape[:-1])).astype(np.float32)
        return {"w": scale * jax.random.normal(key, shape), "b": jnp.zeros(shape[-1])}

    keys = jax.random.split(key, 4)
    return {
        "conv1": layer(keys[0], 3, 3, 1, 16),
        "conv2": layer(keys[1], 3, 3, 16, 32),
        "dense1": layer(keys[2], 2 * 2 * 32, 64),
        "dense2": layer(keys[3], 64, CLASSES),
    }


def conv(x, layer):
    y = lax.conv_general_dilated(x, layer["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + layer["b"])


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def logits_of(params, images):
    x = max_pool(conv(images, params["conv1"]))
    x = max_pool(conv(x, params["conv2"]))
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(x @ params["dense1"]["w"] + params["dense1"]["b"])
    return x @ params["dense2"]["w"] + params["dense2"]["b"]


def loss_of(params, images, labels):
    logp = jax.nn.log_softmax(logits_of(params, images))
    return -jnp.mean(jnp.take_along_axis(logp, labels[:, None], axis=1))


def adam(grads, params, state):
    step, m, v = state
    step = step + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    rate = RATE * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, m, v)
    return params, (step, m, v)


def train_step(params, state, images, labels):
    loss, grads = jax.value_and_grad(loss_of)(params, images, labels)
    params, state = adam(grads, params, state)
    return params, state, loss


def predict(params, images):
    logits = logits_of(params, images)
    return jnp.argmax(logits, axis=1).astype(jnp.int32), jax.nn.softmax(logits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    train_images, test_images, train_labels, test_labels = load_data()
    platform = jax.devices()[0].client.platform_version.splitlines()[-1]  # a plugin's own words come last
    print(f"{jax.default_backend()} ({platform}), "
          f"{len(train_images)} images to learn from, {len(test_images)} to test", flush=True)

    step = jax.jit(train_step, donate_argnums=(0, 1))
    answer = jax.jit(predict)
    params = init_params(jax.random.key(0))
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = (jnp.float32(0), zeros, jax.tree.map(jnp.copy, zeros))
    order = np.random.default_rng(0)
    history = []
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        losses = []
        shuffled = order.permutation(len(train_images))
        for i in range(0, len(shuffled) - BATCH + 1, BATCH):
            batch = shuffled[i : i + BATCH]
            params, state, loss = step(params, state, train_images[batch], train_labels[batch])
            losses.append(loss)
        loss = float(np.mean([np.asarray(x) for x in losses]))
        accuracy = float(np.mean(np.asarray(answer(params, test_images)[0]) == test_labels))
        history.append({"loss": loss, "accuracy": accuracy})
        print(f"epoch {epoch}/{args.epochs}  loss {loss:.6f}  test accuracy {accuracy:.4f}  "
              f"{time.perf_counter() - start:.1f} s", flush=True)

    trained = jax.tree.map(np.asarray, params)  # constants of the exported program
    shape = jax.ShapeDtypeStruct(test_images.shape, test_images.dtype)
    exported = jax.export.export(jax.jit(lambda images: predict(trained, images)))(shape)
    (args.out / "digits.mlirbc").write_bytes(exported.mlir_module_serialized)
    np.save(args.out / "images.npy", test_images)
    np.save(args.out / "labels.npy", test_labels)
    summary = {"platform": platform, "epochs": history}
    (args.out / "history.json").write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
