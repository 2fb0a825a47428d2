"""Models in plain JAX with random weights: a GPT, an MLP, a convolutional net, ResNet-50."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .contractions import convolve
from .inputs import floats, integers
from .reductions import cross_entropy, layer_norm

LAYERS, WIDTH, HEADS, VOCABULARY, CONTEXT = 6, 384, 6, 4096, 128


def weights(generator, *shape, scale=None):
    scale = shape[0] ** -0.5 if scale is None else scale
    return (generator.standard_normal(shape, np.float32) * np.float32(scale)).astype(np.float32)


def gpt_parameters():
    make = functools.partial(weights, np.random.default_rng(0))
    norm = lambda: {"scale": np.ones(WIDTH, np.float32), "shift": np.zeros(WIDTH, np.float32)}
    layers = [{"norm1": norm(), "qkv": make(WIDTH, 3 * WIDTH), "out": make(WIDTH, WIDTH), "norm2": norm(),
               "up": make(WIDTH, 4 * WIDTH), "up_bias": np.zeros(4 * WIDTH, np.float32), "down": make(4 * WIDTH, WIDTH),
               "down_bias": np.zeros(WIDTH, np.float32)} for _ in range(LAYERS)]
    return {"tokens": make(VOCABULARY, WIDTH, scale=0.02), "positions": make(CONTEXT, WIDTH, scale=0.02), "layers": layers,
            "norm": norm()}


def split_heads(x):
    return x.reshape(*x.shape[:-1], HEADS, WIDTH // HEADS)


def feed_forward(p, x):
    return jax.nn.gelu(x @ p["up"] + p["up_bias"]) @ p["down"] + p["down_bias"]


def gpt(p, tokens):
    length = tokens.shape[1]
    x = p["tokens"][tokens] + p["positions"][:length]
    mask = jnp.tril(jnp.ones((length, length), bool))
    for layer in p["layers"]:
        q, k, v = map(split_heads, jnp.split(layer_norm(x, **layer["norm1"]) @ layer["qkv"], 3, -1))
        scores = jnp.einsum("bthd,bshd->bhts", q, k) * (WIDTH // HEADS) ** -0.5
        mixed = jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(jnp.where(mask, scores, -1e9)), v)
        x = x + mixed.reshape(x.shape) @ layer["out"]
        x = x + feed_forward(layer, layer_norm(x, **layer["norm2"]))
    return layer_norm(x, **p["norm"]) @ p["tokens"].T


def adam(p, g, m, v, t):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, v, g)
    a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.99**t)
    return jax.tree.map(lambda p, m, v: p - 1e-4 * (m * a) / (jnp.sqrt(v * b) + 1e-6), p, m, v), m, v


def gpt_step(state, tokens):
    p, m, v, t = state
    loss, g = jax.value_and_grad(lambda p: cross_entropy(gpt(p, tokens[:, :-1]).reshape(-1, VOCABULARY), tokens[:, 1:].reshape(-1)))(p)
    t = t + 1
    return (*adam(p, g, m, v, t), t), loss


def gpt_state():
    p = gpt_parameters()
    zeros = lambda: jax.tree.map(np.zeros_like, p)
    return p, zeros(), zeros(), np.float32(0)


def gpt_decode(state, p):
    """One token more for each of four texts: keys and values go into the cache in place, the likeliest token comes out."""
    cache, token, position = state
    x = p["tokens"][token] + p["positions"][position]
    seen = jnp.arange(CONTEXT) <= position
    new_cache = []
    for layer, (keys, values) in zip(p["layers"], cache):
        q, k, v = map(split_heads, jnp.split(layer_norm(x, **layer["norm1"]) @ layer["qkv"], 3, -1))
        keys = lax.dynamic_update_slice(keys, k[:, None], (0, position, 0, 0))
        values = lax.dynamic_update_slice(values, v[:, None], (0, position, 0, 0))
        new_cache.append((keys, values))
        scores = jnp.einsum("bhd,bshd->bhs", q, keys) * (WIDTH // HEADS) ** -0.5
        mixed = jnp.einsum("bhs,bshd->bhd", jax.nn.softmax(jnp.where(seen, scores, -1e9)), values)
        x = x + mixed.reshape(x.shape) @ layer["out"]
        x = x + feed_forward(layer, layer_norm(x, **layer["norm2"]))
    logits = layer_norm(x, **p["norm"]) @ p["tokens"].T
    return ((new_cache, jnp.argmax(logits, -1).astype(jnp.int32), (position + 1) % CONTEXT), logits)


def decode_state():
    shape = (4, CONTEXT, HEADS, WIDTH // HEADS)
    cache = [(floats(*shape, seed=2 * i), floats(*shape, seed=2 * i + 1)) for i in range(LAYERS)]
    return cache, integers(4, high=VOCABULARY), np.int32(50)


def mlp(params, x):
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b


def mlp_step(params, x, labels):
    loss, g = jax.value_and_grad(lambda p: cross_entropy(mlp(p, x), labels))(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, g), loss


def mlp_parameters():
    generator = np.random.default_rng(0)
    return [(weights(generator, n, m), np.zeros(m, np.float32)) for n, m in ((784, 512), (512, 512), (512, 10))]


def convnet(p, x):
    for w in p[:2]:
        x = jax.nn.relu(convolve(x, w))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = jax.nn.relu(x.reshape(x.shape[0], -1) @ p[2])
    return x @ p[3]


def convnet_step(p, x, labels):
    loss, g = jax.value_and_grad(lambda p: cross_entropy(convnet(p, x), labels))(p)
    return jax.tree.map(lambda p, g: p - 0.05 * g, p, g), loss


def convnet_parameters():
    make = functools.partial(weights, np.random.default_rng(0))
    return [make(3, 3, 1, 32, scale=0.3), make(3, 3, 32, 64, scale=0.06), make(7 * 7 * 64, 128), make(128, 10)]


STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))


def unit_parameters(generator, size, inputs, outputs):
    w = weights(generator, size, size, inputs, outputs, scale=(2 / (size * size * inputs)) ** 0.5)
    noise = lambda: 0.1 * generator.random(outputs, np.float32)
    return {"w": w, "scale": 0.5 + noise(), "shift": noise(), "mean": noise(), "var": 1 + noise()}


def resnet_parameters():
    generator = np.random.default_rng(0)
    unit = functools.partial(unit_parameters, generator)
    p = {"stem": unit(7, 3, 64), "stages": []}
    inputs = 64
    for count, width in STAGES:
        blocks = []
        for i in range(count):
            block = {"reduce": unit(1, inputs, width), "middle": unit(3, width, width), "expand": unit(1, width, 4 * width)}
            if i == 0:
                block["project"] = unit(1, inputs, 4 * width)
            blocks.append(block)
            inputs = 4 * width
        p["stages"].append(blocks)
    p["head"] = weights(generator, inputs, 1000)
    return p


def unit(p, x, stride=1, groups=1):
    x = convolve(x, p["w"], groups, stride)
    return (x - p["mean"]) * lax.rsqrt(p["var"] + 1e-5) * p["scale"] + p["shift"]


def resnet(p, x):
    x = jax.nn.relu(unit(p["stem"], x, 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for stage, blocks in enumerate(p["stages"]):
        for i, block in enumerate(blocks):
            stride = 2 if stage > 0 and i == 0 else 1
            y = jax.nn.relu(unit(block["reduce"], x))
            y = jax.nn.relu(unit(block["middle"], y, stride))
            y = unit(block["expand"], y)
            x = jax.nn.relu(y + (unit(block["project"], x, stride) if "project" in block else x))
    return x.mean((1, 2)) @ p["head"]


SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))  # width and stride, as MobileNet begins


def mobilenet_parameters():
    generator = np.random.default_rng(0)
    p, inputs = [unit_parameters(generator, 3, 3, 32)], 32
    for width, _ in SEPARABLE:
        deep = unit_parameters(generator, 3, 1, inputs)
        p.append((deep, unit_parameters(generator, 1, inputs, width)))
        inputs = width
    return p


def mobilenet(p, x):
    relu6 = lambda x: jnp.clip(x, 0, 6)
    x = relu6(unit(p[0], x, 2))
    for (deep, point), (_, stride) in zip(p[1:], SEPARABLE):
        x = relu6(unit(deep, x, stride, groups=x.shape[-1]))
        x = relu6(unit(point, x))
    return x.mean((1, 2))


def tokens(length=CONTEXT):
    return integers(2, length, high=VOCABULARY)


def digits():
    return [floats(128, 784), integers(128, high=10)]


add("model", "GPT 6x384, 2x128 tokens, forward", gpt, lambda: [gpt_parameters(), tokens()], tolerance=5e-3, quick=True)
add("model", "GPT 6x384, 2x128 tokens, training step", gpt_step, lambda: [gpt_state(), tokens(CONTEXT + 1)], tolerance=5e-2, quick=True)
add("model", "GPT training step, donated", gpt_step, lambda: [gpt_state(), tokens(CONTEXT + 1)], carry=1, tolerance=5e-2)
add("model", "GPT decode step, 4 texts, KV cache", gpt_decode, lambda: [decode_state(), gpt_parameters()], carry=1, tolerance=5e-3,
    quick=True)
add("model", "MLP 784-512-512-10, training step", mlp_step, lambda: [mlp_parameters(), *digits()], tolerance=5e-3, quick=True)
add("model", "MLP training step, donated", mlp_step, lambda: [mlp_parameters(), *digits()], carry=1, tolerance=5e-3)
add("model", "MLP forward, 1 row", mlp, lambda: [mlp_parameters(), floats(1, 784)], tolerance=5e-3)
add("model", "convnet 28x28, batch 64, training step", convnet_step,
    lambda: [convnet_parameters(), floats(64, 28, 28, 1), integers(64, high=10)], tolerance=5e-3)
add("model", "ResNet-50, 224x224, forward", resnet, lambda: [resnet_parameters(), floats(1, 224, 224, 3)], tolerance=1e-2, quick=True)
add("model", "MobileNet's first layers, 224x224", mobilenet, lambda: [mobilenet_parameters(), floats(1, 224, 224, 3)], tolerance=1e-2)
add("model", "MobileNet's first layers, 8 of 224x224", mobilenet, lambda: [mobilenet_parameters(), floats(8, 224, 224, 3)],
    tolerance=1e-2)
