"""Python functions called by compiled programs: in loops, under vmap, from several threads and devices, with errors, using JAX themselves."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import io_callback

from conftest import PLATFORM

FLOAT = jax.ShapeDtypeStruct((), np.float32)


def test_ordered_callbacks_keep_their_order():
    seen = []

    @jax.jit
    def count(n):
        def body(i, total):
            io_callback(lambda i: seen.append(int(i)), None, i, ordered=True)
            return total + io_callback(lambda i: np.float32(2 * i), FLOAT, i, ordered=True)

        return lax.fori_loop(0, n, body, 0.0)

    assert [float(count(50)), float(count(3))] == [2450, 6]
    jax.effects_barrier()
    assert seen == [*range(50), 0, 1, 2]


def test_unordered_callbacks_run_once_each():
    seen = []
    f = jax.jit(lambda x: lax.scan(lambda c, v: (c + v, io_callback(lambda v: seen.append(float(v)), None, v)), 0.0, x)[0])
    assert float(f(jnp.arange(20.0))) == 190
    jax.effects_barrier()
    assert sorted(seen) == list(range(20))


def test_debug_print(capfd):
    @jax.jit
    def f(x):
        jax.debug.print("x is {x} of {y:.2f}", x=x, y=x.sum(), ordered=True)
        return lax.while_loop(lambda v: v < 3, lambda v: (jax.debug.print("turn {}", v, ordered=True), v + 1)[1], 0)

    f(jnp.arange(3.0))
    jax.effects_barrier()
    assert capfd.readouterr().out.splitlines() == ["x is [0. 1. 2.] of 3.00", "turn 0", "turn 1", "turn 2"]


@pytest.mark.parametrize("method", ["sequential", "expand_dims", "broadcast_all"])
def test_under_vmap_and_grad(method):
    calls = []

    def host(x, y):
        calls.append(np.shape(x))
        return np.asarray(np.sin(x) * y, np.float32)

    @jax.custom_jvp
    def f(x, y):
        return jax.pure_callback(host, FLOAT, x, y, vmap_method=method)

    f.defjvp(lambda primals, tangents: (f(*primals), jnp.cos(primals[0]) * tangents[0] * primals[1]))
    x = jnp.linspace(0, 1, 5)
    np.testing.assert_allclose(jax.jit(jax.vmap(f, in_axes=(0, None)))(x, 2.0), 2 * np.sin(x), rtol=1e-6)
    assert set(calls) == {"sequential": {()}, "expand_dims": {(5,)}, "broadcast_all": {(5,)}}[method]
    np.testing.assert_allclose(jax.jit(jax.grad(lambda x: jax.vmap(f, in_axes=(0, None))(x, 2.0).sum()))(x), 2 * np.cos(x), rtol=1e-6)


def test_many_arrays_of_many_types():
    tree = {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": np.bool_([True, False]), "c": np.complex64(1 + 2j),
            "d": np.zeros((0, 4), np.float16), "e": np.float32([[1], [2]]).T}
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), x.dtype), tree)
    back = jax.jit(lambda t: jax.pure_callback(lambda t: jax.tree.map(np.asarray, t), shapes, t))(tree)
    jax.tree.map(np.testing.assert_array_equal, back, tree)


@pytest.mark.parametrize("kind", ["pure", "ordered", "unordered", "in a loop"])
def test_errors_reach_the_caller(kind):
    def bad(x):
        raise ValueError(f"not this one: {float(x)}")

    call = {"pure": lambda x: jax.pure_callback(bad, FLOAT, x), "ordered": lambda x: io_callback(bad, FLOAT, x, ordered=True),
            "unordered": lambda x: io_callback(bad, FLOAT, x),
            "in a loop": lambda x: lax.fori_loop(0, 5, lambda i, v: jax.pure_callback(bad, FLOAT, v), x)}[kind]
    with pytest.raises(Exception, match="not this one: 7.0"):
        jax.block_until_ready(jax.jit(call)(jnp.float32(7)))
    try:  # an ordered effect's token fails as well, and says so once
        jax.effects_barrier()
    except Exception as error:
        assert "not this one" in str(error)
    jax._src.dispatch.runtime_tokens.clear()
    assert float(jax.jit(lambda x: jax.pure_callback(lambda x: x, FLOAT, x))(jnp.float32(3))) == 3


def test_a_callback_that_answers_with_another_shape_is_an_error():
    with pytest.raises(Exception, match="shape"):
        jax.block_until_ready(jax.jit(lambda x: jax.pure_callback(lambda x: np.zeros(3, np.float32), FLOAT, x))(1.0))


@pytest.mark.parametrize("size", [1, 1000, 300000])
def test_a_callback_may_use_jax(size):
    """Small arrays and such as would be copied by another thread; the callback compiles, runs and reads programs."""
    inner = jax.jit(lambda x: jnp.tanh(x) * 2)

    def host(x):
        y = jnp.asarray(x)
        return np.asarray(inner(y) + jax.jit(lambda y: y.sum() * 0)(y))

    def outer(x):
        y = jax.pure_callback(host, jax.ShapeDtypeStruct(x.shape, x.dtype), x * 1)
        return lax.fori_loop(0, 3, lambda i, v: jax.pure_callback(host, jax.ShapeDtypeStruct(x.shape, x.dtype), v), y)

    x = jnp.linspace(0, 1, size)
    expected = x
    for _ in range(4):
        expected = jnp.tanh(expected) * 2
    result = []
    thread = threading.Thread(target=lambda: result.append(np.asarray(jax.jit(outer)(x))), daemon=True)
    thread.start()
    thread.join(60)
    assert result, "it waits for itself"
    np.testing.assert_allclose(result[0], expected, rtol=1e-5)


def test_callbacks_within_callbacks():
    def host(x, depth):
        return np.float32(float(ask(x, depth - 1)) + 1) if depth > 0 else np.float32(x)

    def ask(x, depth):
        return jax.jit(lambda x: jax.pure_callback(lambda x: host(x, depth), FLOAT, x))(x)

    assert float(ask(jnp.float32(1), 5)) == 6


def test_from_several_threads():
    f = jax.jit(lambda x: lax.fori_loop(0, 10, lambda i, v: jax.pure_callback(lambda v: v + 1, FLOAT, v), x))
    results = [None] * 6

    def work(k):
        results[k] = [float(f(jnp.float32(100 * k + i))) for i in range(10)]

    threads = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [[100 * k + i + 10 for i in range(10)] for k in range(6)]


@pytest.mark.skipif(PLATFORM == "cpu", reason="about devices of the plugin")
@pytest.mark.parametrize("replace", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_in_programs_of_several_devices(run_python, replace):
    out = run_python("""
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((4,), ("x",))
x = jax.device_put(jnp.arange(8.0), NamedSharding(mesh, P("x")))
seen = []

def part(x):
    jax.debug.callback(lambda v: seen.append(v.tolist()), x)
    y = jax.pure_callback(lambda v: np.asarray(v) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x)
    return y + jax.lax.psum(y.sum(), "x")

print(jax.jit(jax.shard_map(part, mesh=mesh, in_specs=P("x"), out_specs=P("x")))(x).tolist())
jax.effects_barrier()
print(sorted(seen))
print(jax.jit(lambda x: jax.pure_callback(lambda v: np.asarray(v) + 1, jax.ShapeDtypeStruct(x.shape, x.dtype), x))(x).tolist())
""", **({"PJRT_REPLACE_CPU": "1"} if replace else {"JAX_PLATFORMS": "pjrt_cpu,cpu"}), PJRT_CPU_DEVICES="4")
    assert out.splitlines() == [str([2.0 * i + 56 for i in range(8)]), "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]",
                                str([i + 1.0 for i in range(8)])]
