"""Exports one step of a small GPT for generate.c, and says which tokens JAX itself generates.

    python generate.py --out DIR [--count N] [TOKEN...]

The step takes weights, a token, its position and a cache of keys and values, and gives the likeliest next token and the
cache, which is donated. The weights are random: what the model says has no meaning, but is the same in C. DIR gets

    step.mlirbc    the step as a StableHLO artifact
    weights.bin    the weights, in the order of the parameters, little-endian f32
    tokens.txt     what JAX generates after the prompt, on whatever platform JAX selects

It needs JAX; generate.c needs none of it.
"""

import argparse
import pathlib

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

VOCABULARY, WIDTH, HEADS, LAYERS, LENGTH = 97, 64, 4, 2, 64


def init_weights(key):
    def matrix(key, *shape):
        return jax.random.normal(key, shape) / np.sqrt(shape[0]).astype(np.float32)

    keys = iter(jax.random.split(key, 3 + 4 * LAYERS))
    return {
        "embed": jax.random.normal(next(keys), (VOCABULARY, WIDTH)),
        "place": jax.random.normal(next(keys), (LENGTH, WIDTH)),
        "layers": [{
            "qkv": matrix(next(keys), WIDTH, 3 * WIDTH),
            "out": matrix(next(keys), WIDTH, WIDTH),
            "up": matrix(next(keys), WIDTH, 4 * WIDTH),
            "down": matrix(next(keys), 4 * WIDTH, WIDTH),
        } for _ in range(LAYERS)],
        "head": matrix(next(keys), WIDTH, VOCABULARY),
    }


def norm(x):
    x = x - x.mean()
    return x * jax.lax.rsqrt((x * x).mean() + 1e-5)


def step(weights, token, position, cache):
    """cache: [layers, keys and values, heads, length, width of a head]."""
    x = weights["embed"][token] + weights["place"][position]
    for i, layer in enumerate(weights["layers"]):
        query, key, value = (norm(x) @ layer["qkv"]).reshape(3, HEADS, 1, WIDTH // HEADS)
        cache = jax.lax.dynamic_update_slice(cache, jnp.stack([key, value])[None], (i, 0, 0, position, 0))
        scores = jnp.einsum("hod,hnd->hn", query, cache[i, 0]) / np.sqrt(WIDTH // HEADS).astype(np.float32)
        scores = jnp.where(jnp.arange(LENGTH) <= position, scores, -jnp.inf)
        mixed = jnp.einsum("hn,hnd->hd", jax.nn.softmax(scores), cache[i, 1])
        x = x + mixed.reshape(WIDTH) @ layer["out"]
        x = x + jax.nn.gelu(norm(x) @ layer["up"]) @ layer["down"]
    return jnp.argmax(norm(x) @ weights["head"]).astype(jnp.int32), cache


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("prompt", nargs="*", type=int, default=[5, 17, 42])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    weights = init_weights(jax.random.key(0))
    cache = jnp.zeros((LAYERS, 2, HEADS, LENGTH, WIDTH // HEADS))
    jitted = jax.jit(step, donate_argnums=3, keep_unused=True)
    exported = jax.export.export(jitted)(weights, jnp.int32(0), jnp.int32(0), cache)
    (args.out / "step.mlirbc").write_bytes(exported.mlir_module_serialized)
    flat = [np.asarray(leaf, "<f4") for leaf in jax.tree.leaves(weights)]
    (args.out / "weights.bin").write_bytes(b"".join(leaf.tobytes() for leaf in flat))

    tokens = []
    for position in range(len(args.prompt) + args.count - 1):
        token = jnp.int32(args.prompt[position] if position < len(args.prompt) else tokens[-1])
        token, cache = jitted(weights, token, jnp.int32(position), cache)
        if position >= len(args.prompt) - 1:
            tokens.append(int(token))
    (args.out / "tokens.txt").write_text(" ".join(map(str, tokens)) + "\n")
    print(*tokens)


if __name__ == "__main__":
    main()
