"""Writes the HLO that XLA makes of JAX programs, before and after its passes, with inputs and outputs: hlo_jax.py FOLDER.

FOLDER/NAME.before.hlo and FOLDER/NAME.after.hlo; FOLDER/NAME/in0.npy ..., FOLDER/NAME/want0.npy ... Optimised modules hold fusions,
bitcasts, layouts that are not row-major, and calls, which no framework sends. One line of JSON for each program.
"""
import json
import os
import pathlib
import sys

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy

f32 = numpy.float32


def a(*dims, seed=0):
    return (numpy.random.default_rng(seed + sum(dims)).integers(-32, 32, dims) / 16).astype(f32)


def loss(w, x):
    h = jax.nn.gelu(x @ w)
    return jax.nn.logsumexp(h, axis=-1).mean()


def attention(q, k, v):
    s = jnp.einsum("bqhd,bkhd->bhqk", q, k) / 2.0
    s = jnp.where(jnp.tril(jnp.ones(s.shape[-2:], bool)), s, -jnp.inf)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(s), v)


def conv(x, w):
    y = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.lax.reduce_window(jax.nn.relu(y), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


PROGRAMS = {
    "layer_norm": (lambda x: (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5), a(4, 32)),
    "loss_and_gradient": (jax.value_and_grad(loss), a(8, 16), a(4, 8)),
    "attention": (attention, a(2, 5, 2, 4), a(2, 5, 2, 4, seed=1), a(2, 5, 2, 4, seed=2)),
    "conv_pool": (conv, a(2, 8, 8, 3), a(3, 3, 3, 4)),
    "conv_gradient": (jax.grad(lambda w, x: conv(x, w).sum()), a(3, 3, 3, 4), a(2, 8, 8, 3)),
    "scan": (lambda x, w: jax.lax.scan(lambda h, y: (jnp.tanh(h @ w + y),) * 2, jnp.zeros(4, f32), x), a(6, 4), a(4, 4)),
    "cumulative": (lambda x: (jnp.cumsum(x, 1), jnp.cumprod(x, 0)), a(3, 5)),
    "sort_and_argsort": (lambda x: (jnp.sort(x, 1), jnp.argsort(x, 0), jnp.median(x, 1)), a(5, 7)),
    "gather_scatter": (lambda x, i: (x[i], x.at[i].add(1.0), jnp.take_along_axis(x, i[:, None], 1)), a(5, 5), numpy.array([0, 3, 3, 1, 4], "int32")),
    "switch": (lambda i, x: jax.lax.switch(i, [jnp.sin, jnp.cos, lambda y: y * 2], x), numpy.int32(1), a(6)),
    "while": (lambda x: jax.lax.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * 0.5 + 1), (0, x)), a(3, 3)),
    "random": (lambda k: (jax.random.normal(k, (4, 3)), jax.random.permutation(k, 7)), numpy.array([1, 2], "uint32")),
    "transposes": (lambda x: (x.transpose(2, 0, 1).reshape(10, 6).T @ jnp.ones((10, 3)), x[::-1, 1::2].transpose(1, 2, 0)), a(3, 4, 5)),
    "half": (lambda x: x.astype(jnp.bfloat16) @ x.T.astype(jnp.bfloat16), a(4, 16)),
    "top_k": (lambda x: jax.lax.top_k(x, 3), numpy.random.default_rng(1).permutation(40).reshape(4, 10).astype(f32)),
    "fft": (lambda x: jnp.abs(jnp.fft.rfft(x)), a(3, 16)),
    "reduce_window_gradient": (jax.grad(lambda x: (jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2, 2), (2, 2), "VALID") ** 2).sum()), a(6, 8)),
    "dot_batch": (lambda x, y: jnp.einsum("bij,bjk->kbi", x, y), a(3, 4, 5), a(3, 5, 6)),
    "histogram": (lambda x: jnp.histogram(x, bins=5, range=(-2, 2))[0], a(50)),
    "complex": (lambda x: jnp.exp(1j * x) * (x + 2j), a(9)),
}

if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    for name, (function, *inputs) in PROGRAMS.items():
        compiled = (lowered := jax.jit(function).lower(*inputs)).compile()
        (root / f"{name}.before.hlo").write_bytes(lowered.compiler_ir("hlo").as_serialized_hlo_module_proto())
        (root / f"{name}.after.hlo").write_bytes(compiled.runtime_executable().hlo_modules()[0].as_serialized_hlo_module_proto())
        outputs = jax.tree.leaves(compiled(*inputs))
        (root / name).mkdir()
        for prefix, arrays in ("in", inputs), ("want", outputs):
            for i, value in enumerate(arrays):
                numpy.save(root / name / f"{prefix}{i}.npy", numpy.asarray(value))
        print(json.dumps({"name": name, "inputs": len(inputs), "outputs": [str(value.dtype) for value in outputs]}), flush=True)
