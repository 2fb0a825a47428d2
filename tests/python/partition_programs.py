"""Programs for eight devices, for test_partition.py: `python partition_programs.py FIRST COUNT` compiles the named programs and COUNT
random ones from seed FIRST on, and prints {program: [shardings of arguments, shardings of results]} as JSON. Nothing is run: it is
about the shardings that the compiler chooses."""

import functools
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

MESHES = {shape: jax.make_mesh(shape, tuple("abc"[:len(shape)]), axis_types=(AxisType.Auto,) * len(shape))
          for shape in [(8,), (4, 2), (2, 4), (2, 2, 2)]}
MESH = MESHES[(4, 2)]
PROGRAMS = {}


def arg(shape, *spec, dtype=jnp.float32, mesh=MESH, cut=True):
    """An argument; without |cut| its sharding is the compiler's to choose."""
    return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, P(*spec)) if cut else None)


def wsc(x, *spec, mesh=MESH):
    return lax.with_sharding_constraint(x, NamedSharding(mesh, P(*spec)))


def program(*args, **jit_options):
    def add(f):
        PROGRAMS[f.__name__] = (f, args, jit_options)
        return f
    return add


# --- Models ---------------------------------------------------------------------------------------

def mlp(p, x):
    for w, b in p:
        x = jax.nn.relu(x @ w + b)
    return x


LAYERS = [(arg((16, 64), None, "b"), arg((64,), "b")), (arg((64, 16), "b", None), arg((16,)))]
FREE_LAYERS = [(arg((16, 64), cut=False), arg((64,), cut=False)), (arg((64, 16), cut=False), arg((16,), cut=False))]


@program(LAYERS, arg((32, 16), "a"))
def mlp_tensor(p, x):
    return mlp(p, x)


@program(FREE_LAYERS, arg((32, 16), "a"))
def mlp_free(p, x):
    return mlp(p, x)


@program(LAYERS, arg((32, 16), "a"), arg((32, 16), "a"))
def mlp_step(p, x, y):
    loss, grads = jax.value_and_grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(p)
    return loss, jax.tree.map(lambda a, g: a - 0.1 * g, p, grads)


@program([(arg((16, 64), ("a", "b")), arg((64,), "a")), (arg((64, 16), ("b", "a")), arg((16,)))], arg((32, 16), "a"))
def mlp_fsdp_step(p, x):
    return jax.grad(lambda p: jnp.sum(mlp(p, x) ** 2))(p)


def attention(p, x, heads):
    batch, length, width = x.shape
    q, k, v = (jnp.reshape(x @ p[n], (batch, length, heads, width // heads)) for n in "qkv")
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / (width // heads) ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e9)
    out = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
    return out.reshape(batch, length, width) @ p["o"]


def norm(x, g):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(jnp.mean((x - mean) ** 2, -1, keepdims=True) + 1e-5) * g


def block(p, x):
    x = x + attention(p, norm(x, p["g"]), 4)
    return x + jax.nn.gelu(norm(x, p["h"]) @ p["up"]) @ p["down"]


def gpt(p, tokens, scan):
    x = p["embed"][tokens] + p["place"][: tokens.shape[1]]
    if scan:
        x, _ = lax.scan(lambda x, layer: (block(layer, x), None), x, p["layers"])
    else:
        for i in range(2):
            x = block(jax.tree.map(lambda a: a[i], p["layers"]), x)
    return norm(x, p["g"]) @ p["embed"].T


def gpt_step(p, tokens, scan):
    def loss(p):
        logits = gpt(p, tokens[:, :-1], scan)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[:, 1:, None], -1))
    value, grads = jax.value_and_grad(loss)(p)
    return value, jax.tree.map(lambda a, g: a - 0.1 * g, p, grads)


def gpt_parameters(tensor, fsdp, cut=True):
    """Shardings of tensor parallelism along axis |tensor|, and of the other dimension along |fsdp|."""
    a = functools.partial(arg, cut=cut)
    layers = {"g": a((2, 32)), "h": a((2, 32)), "up": a((2, 32, 64), None, fsdp, tensor), "down": a((2, 64, 32), None, tensor, fsdp),
              "o": a((2, 32, 32), None, tensor, fsdp)}
    layers |= {n: a((2, 32, 32), None, fsdp, tensor) for n in "qkv"}
    return {"layers": layers, "embed": a((96, 32), tensor, fsdp), "place": a((16, 32)), "g": a((32,))}


for tensor, fsdp, data in [(None, None, "a"), ("b", None, "a"), ("b", "a", "a"), (None, "a", "a"), (None, ("a", "b"), ("a", "b"))]:
    for scan in (False, True):
        PROGRAMS[f"gpt_{tensor}_{fsdp}_{data}_{scan}"] = (
            functools.partial(gpt_step, scan=scan), (gpt_parameters(tensor, fsdp), arg((8, 9), data, dtype=jnp.int32)), {})
PROGRAMS["gpt_free"] = (functools.partial(gpt_step, scan=True), (gpt_parameters(None, None, False), arg((8, 9), "a", dtype=jnp.int32)), {})


# --- Single things --------------------------------------------------------------------------------

@program(arg((16, 8), "a"), arg((8, 32), None, "b"))
def scan_constraint(x, w):
    h = wsc(jax.nn.relu(x @ w), "a", None)
    c, s = lax.scan(lambda c, _: ((c := jnp.tanh(c @ w.T @ w)), c.sum()), h, None, length=3)
    return c, s, jnp.argsort(c)


@program(arg((16, 16), "a"), arg((16, 16), None, "b"), arg((), dtype=jnp.bool_))
def cond(x, y, which):
    return lax.cond(which, lambda x, y: (x + y, x * 2), lambda x, y: (x @ y, y), x, y)


@program(arg((8, 16, 16, 8), "a", None, None, "b"), arg((3, 3, 8, 32), None, None, "b"))
def convolution(x, w):
    y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


@program(arg((64, 32), "a", "b"), arg((4, 8), "a", dtype=jnp.int32))
def embedding(table, index):
    return table[index], table.at[index].add(1.0), jnp.take(table, index, axis=1)


@program(arg((16, 12, 8), "a", None, "b"))
def shapes(x):
    return (x.reshape(192, 8), x.reshape(16, 96), x.reshape(4, 4, 96), x.transpose(2, 0, 1), jnp.concatenate([x, x], 0), jnp.roll(x, 1, 0),
            x[2:10], x[:, ::-1], jnp.pad(x, ((0, 2), (0, 0), (1, 1))), jnp.flip(x, 0), jnp.stack([x, x * 2], 1), x.reshape(-1))


@program(arg((16, 24), "a", "b"))
def reductions(x):
    return x.sum(0), x.max(1), jnp.argmax(x, 1), jnp.cumsum(x, 0), jnp.sort(x, 0), jax.nn.softmax(x, -1), lax.top_k(x, 4), x.mean()


@program(arg((8, 16, 16), "a", "b"))
def linear_algebra(x):
    return jnp.linalg.cholesky(x), jnp.linalg.qr(x), jnp.fft.fft(x), jnp.fft.rfft(x, axis=0), jnp.linalg.eigh(x)[0]


@program(arg((16, 16), "a"), arg((16, 16), cut=False))
def special(x, y):
    return [f(x) + y for f in (lax.erf, lax.erf_inv, lax.lgamma, lax.digamma, jnp.arcsin, jnp.arccosh, jnp.sinh, jnp.tan, lax.bessel_i1e)]


@program(arg((2,), dtype=jnp.uint32), arg((16, 32), "a", "b"))
def random(key, x):
    return jax.random.normal(key, (16, 32)) + x, jax.random.bernoulli(key, 0.5, (16, 32)), jax.random.permutation(key, 16)


@program(arg((16, 8), "a"), arg((16, 8), cut=False), arg((16, 8), None, "b"))
def alike(x, y, z):
    from jax.experimental.shard_alike import shard_alike
    y, _ = shard_alike(y + 1, x)
    z, y = shard_alike(z * 2, y)
    return y, z


@program(arg((16, 8), "a", "b"), arg((16, 8), cut=False))
def manual(x, y):
    f = jax.shard_map(lambda x, y: lax.psum(x, "b") + y, mesh=MESH, in_specs=(P("a", "b"), P("a", None)), out_specs=P("a", None),
                      check_vma=False)
    return f(x, jnp.sin(y)[:, :4]) * 2


@program(arg((16, 8), None, "b"), arg((8, 12), "b"))
def manual_partial(x, w):
    f = jax.shard_map(lambda x, w: lax.psum(jnp.tanh(x @ w), "a"), mesh=MESH, in_specs=(P("a"), P()), out_specs=P(), axis_names={"a"})
    return f(x, w) + 1


@program(arg((15, 9), cut=False), arg((16, 6), "a"))
def uneven(x, y):
    return wsc(x, "a", "b") * 2, jnp.concatenate([y, y[:2]], 0), y.reshape(96)[:90]


@program(arg((16, 8), cut=False), arg((16, 8), cut=False), out_shardings=(NamedSharding(MESH, P("a")), None))
def stated_results(x, y):
    return x * 2, y + x


@program(arg((16, 8), cut=False))
def chains(x):
    y = wsc(wsc(wsc(x + 1, "a", None), None, "b"), "b", "a")
    return y * 2, wsc(x, P.UNCONSTRAINED, "b") * 3


# --- Random programs ------------------------------------------------------------------------------

class Random:
    """A random graph of operations on arrays of up to three dimensions."""

    def __init__(self, seed):
        self.r = np.random.RandomState(seed)
        self.mesh = list(MESHES.values())[self.r.randint(len(MESHES))]
        self.sizes = [1, 2, 3, 4, 6, 8, 12, 16, 32]
        self.shapes = [tuple(int(self.r.choice(self.sizes)) for _ in range(self.r.randint(1, 4))) for _ in range(self.r.randint(1, 5))]
        self.args = [self.argument(s) for s in self.shapes]
        self.seed = seed

    def spec(self, shape, even=True):
        axes = [a for a in self.mesh.axis_names if self.r.rand() < 0.7]
        self.r.shuffle(axes)
        dims = [[] for _ in shape]
        for axis in axes:
            d = self.r.randint(len(shape))
            count = int(np.prod([self.mesh.shape[a] for a in dims[d] + [axis]]))
            if not even or shape[d] % count == 0:
                dims[d].append(axis)
        return P(*[tuple(d) if d else None for d in dims])

    def argument(self, shape):
        cut = self.r.rand() < 0.7
        return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(self.mesh, self.spec(shape)) if cut else None)

    def pick(self, values, rank=None):
        found = [v for v in values if rank is None or v.ndim == rank]
        return found[self.r.randint(len(found))] if found else None

    def step(self, values, depth):
        r, x = self.r, self.pick(values)
        kind = r.randint(26)
        axis = r.randint(x.ndim) if x.ndim else 0
        if not x.ndim:
            return jnp.broadcast_to(x, (8, 4))
        if kind <= 2:
            return [jnp.sin, jnp.negative, lambda x: x * 2 + 1][kind](x)
        if kind <= 6:
            same = [v for v in values if v.shape == x.shape]
            return x + self.pick(same)
        if kind == 7:
            return x.sum(axis)
        if kind == 8:
            return x.transpose(r.permutation(x.ndim))
        if kind == 9:
            return x.reshape(-1) if r.rand() < 0.5 else x.reshape(x.shape[::-1])
        if kind == 10 and x.ndim < 3:
            return jnp.broadcast_to(jnp.expand_dims(x, axis), x.shape[:axis] + (4,) + x.shape[axis:])
        if kind == 11:
            return jnp.concatenate([x, x * 3], axis)
        if kind == 12:
            return lax.slice_in_dim(x, 0, max(1, x.shape[axis] // 2), axis=axis)
        if kind <= 15:
            y = self.pick([v for v in values if v.ndim])
            pairs = [(i, j) for i in range(x.ndim) for j in range(y.ndim) if x.shape[i] == y.shape[j]]
            if pairs and x.ndim + y.ndim <= 5:
                i, j = pairs[r.randint(len(pairs))]
                return jnp.tensordot(x, y, ((i,), (j,)))
        if kind <= 17:
            options = [jax.P.UNCONSTRAINED if r.rand() < 0.2 else s for s in tuple(self.spec(x.shape, even=r.rand() < 0.8))]
            return lax.with_sharding_constraint(x, NamedSharding(self.mesh, P(*options)))
        if kind == 18:
            return jnp.flip(x, axis) if r.rand() < 0.5 else jnp.sort(x, axis)
        if kind == 19:
            return jnp.cumsum(x, axis)
        if kind == 20:
            index = jnp.asarray(r.randint(0, x.shape[axis], (4,)))
            return jnp.take(x, index, axis=axis)
        if kind == 21:
            return lax.dynamic_slice_in_dim(x, jnp.sum(values[0]).astype(jnp.int32), max(1, x.shape[axis] // 2), axis)
        if kind == 22:
            return lax.dynamic_update_slice_in_dim(x, lax.slice_in_dim(x, 0, 1, axis=axis) * 2,
                                                    jnp.sum(values[0]).astype(jnp.int32), axis)
        if kind == 23 and depth == 0:
            other = self.pick(values)
            return lax.fori_loop(0, 3, lambda i, c: c * 2 + jnp.sum(jnp.sin(other)), x)
        if kind == 24 and depth == 0:
            return lax.cond(jnp.sum(values[0]) > 0, lambda x: x + 1, lambda x: x * self.pick([v for v in values if v.shape == x.shape]), x)
        return x + jnp.ones(x.shape)

    def __call__(self, *args):
        self.r = np.random.RandomState(self.seed + 1000000)
        values = list(args)
        for _ in range(self.r.randint(3, 20)):
            y = self.step(values, 0)
            if y.size <= 1 << 16:
                values.append(y)
        return values[len(args):][-4:] or [values[0] * 2]


# --- Running --------------------------------------------------------------------------------------

def describe(sharding):
    """What an HloSharding means, however it was written."""
    if sharding.is_replicated():
        return "replicated"
    return [list(sharding.tile_assignment_dimensions()), list(sharding.tile_assignment_devices()),
            sharding.replicate_on_last_tile_dim(), [str(t) for t in sharding.subgroup_types()]]


def shardings(tree, shapes):
    return [describe(s._to_xla_hlo_sharding(len(a.shape))) for s, a in zip(jax.tree.leaves(tree), jax.tree.leaves(shapes))]


def choose(f, args, options):
    lowered = jax.jit(f, keep_unused=True, **options).lower(*args)
    compiled = lowered.compile()
    return [shardings(compiled.input_shardings[0], args), shardings(compiled.output_shardings, lowered.out_info)]


def chosen(first, count):
    programs = dict(PROGRAMS) if first == 0 else {}
    for seed in range(first, first + count):
        fuzz = Random(seed)
        programs[f"random_{seed}"] = (fuzz, fuzz.args, {})
    return programs


def main(first, count):
    result = {}
    for name, (f, args, options) in chosen(first, count).items():
        try:
            result[name] = choose(f, args, options)
        except Exception as e:  # both sides must fail alike
            result[name] = f"{type(e).__name__}: {e}"[:300]
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
