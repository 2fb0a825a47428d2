"""Several virtual devices: sharded arrays, programs cut over them, collectives. Each test runs in a process with eight devices."""

import pytest

HEADER = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P, NamedSharding
assert len(jax.devices()) == 8
mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"))
def put(a, *spec):
    return jax.device_put(a, NamedSharding(mesh, P(*spec)))
x = np.arange(64, dtype=np.float32).reshape(8, 8)
xs = put(x, "x", "y")
"""

CASES = {
    "unreduced": """
from jax.sharding import AxisType
mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"), axis_types=(AxisType.Explicit,) * 2)
with jax.set_mesh(mesh):
    a, b = jax.device_put(x, P("x", "y")), jax.device_put(x, P("y", None))
    r = jax.jit(lambda a, b: jnp.einsum("ab,bc->ac", a, b, out_sharding=P("x", None, unreduced={"y"})))(a, b)
    assert r.sharding == NamedSharding(mesh, P("x", None, unreduced={"y"})), r.sharding
    shards = {s.device.id: np.asarray(s.data) for s in r.addressable_shards}
    for row in range(4):  # the terms of a part add up to it
        np.testing.assert_allclose(shards[2 * row] + shards[2 * row + 1], (x @ x)[2 * row:2 * row + 2])
    whole = jax.sharding.reshard(r, P(None, None))
    np.testing.assert_allclose(np.asarray(whole), x @ x)
    one = jax.sharding.reshard(jnp.float32(3), P(unreduced={"x", "y"}))
    assert sum(float(s.data) for s in one.addressable_shards) == 3
""",
    "sharded_input": """
r = jax.jit(lambda a: jnp.sin(a) @ a.T)(xs)
np.testing.assert_allclose(np.asarray(r), np.sin(x) @ x.T, rtol=1e-4, atol=1e-3)
""",
    "donation": """
a, b = put(x[:, :4], "x"), put(x, "x", "y")
jax.jit(lambda a: a @ a.T, donate_argnums=0)(a)
assert not a.is_deleted()  # no result could use its memory
jax.jit(lambda b: b * 2, donate_argnums=0)(b)
assert b.is_deleted()
""",
    "ragged": """
from jax import lax
def f(a, o, begins, sizes, at, received):
    return lax.ragged_all_to_all(a, o, begins[0], sizes[0], at[0], received[0], axis_name="y")
f = jax.jit(jax.shard_map(f, mesh=mesh, in_specs=(P("y"),) * 6, out_specs=P("y")))
i = lambda *rows: jnp.array(rows, jnp.int32)
r = f(i(1, 2, 2, 3, 4, 0), jnp.zeros(8, jnp.int32), i((0, 1), (0, 1)), i((1, 2), (1, 1)), i((0, 0), (1, 2)), i((1, 1), (2, 1)))
assert np.asarray(r).tolist() == [1, 3, 0, 0, 2, 2, 4, 0], r  # XLA's CPU cannot: by jax.lax.ragged_all_to_all's description
""",
    "output_sharding": """
sharding = NamedSharding(mesh, P("y"))
r = jax.jit(lambda a: a * 2, out_shardings=sharding)(xs)
assert r.sharding == sharding
np.testing.assert_array_equal(np.asarray(r), x * 2)
assert r.addressable_shards[0].data.shape == (4, 8)
""",
    "device_order": """
turned = Mesh(np.array(jax.devices())[::-1].reshape(2, 4), ("a", "b"))
r = jax.jit(lambda a: a + 1, out_shardings=NamedSharding(turned, P("b", "a")))(jax.device_put(x, NamedSharding(turned, P("a", "b"))))
np.testing.assert_array_equal(np.asarray(r), x + 1)
for shard in r.addressable_shards:
    np.testing.assert_array_equal(np.asarray(shard.data), (x + 1)[shard.index])
""",
    "psum": """
f = jax.jit(jax.shard_map(lambda a: jax.lax.psum(a, "x"), mesh=mesh, in_specs=P("x", "y"), out_specs=P(None, "y")))
np.testing.assert_array_equal(np.asarray(f(xs)), x.reshape(4, 2, 8).sum(0))
""",
    "ppermute_axis_index": """
f = jax.jit(jax.shard_map(lambda a: jax.lax.ppermute(a, "x", [(i, (i + 1) % 4) for i in range(4)]) + jax.lax.axis_index("y"),
                          mesh=mesh, in_specs=P("x", "y"), out_specs=P("x", "y")))
expected = np.roll(x.reshape(4, 2, 8), 1, 0).reshape(8, 8)
expected[:, 4:] += 1
np.testing.assert_array_equal(np.asarray(f(xs)), expected)
""",
    "all_gather_all_to_all": """
f = jax.jit(jax.shard_map(lambda a: jax.lax.all_gather(a, "y", axis=1, tiled=True), mesh=mesh, in_specs=P("x", "y"),
                          out_specs=P("x", None), check_vma=False))
np.testing.assert_array_equal(np.asarray(f(xs)), x)
g = jax.jit(jax.shard_map(lambda a: jax.lax.all_to_all(a, "x", 1, 0, tiled=True), mesh=mesh, in_specs=P("x", None),
                          out_specs=P(None, "x")))
np.testing.assert_array_equal(np.asarray(g(put(x, "x"))), x)
""",
    "psum_scatter": """
f = jax.jit(jax.shard_map(lambda a: jax.lax.psum_scatter(a, "x", scatter_dimension=1, tiled=True), mesh=mesh,
                          in_specs=P("x", None), out_specs=P(None, "x")))
np.testing.assert_array_equal(np.asarray(f(put(x, "x"))), x.reshape(4, 2, 8).sum(0))
""",
    "pmap": """
f = jax.pmap(lambda a: a / jax.lax.psum(a, "i"), axis_name="i")
np.testing.assert_allclose(np.asarray(f(x + 1)), (x + 1) / (x + 1).sum(0), rtol=1e-6)
""",
    "first_of_unequal_replicas": """
r = jax.jit(jax.shard_map(lambda a: jax.lax.axis_index("x") + 10 * jax.lax.axis_index("y"), mesh=mesh, in_specs=P("x", "y"), out_specs=P(),
                          check_vma=False))(xs)
assert int(r) == 0, r
""",
    "constraints_in_the_optimized_program": """
f = jax.jit(lambda a: jax.lax.with_sharding_constraint(a * 2, NamedSharding(mesh, P("y", "x"))) + 1)
text = f.lower(xs).compile().as_text()
assert "multiply" in text and "add" in text, text
""",
    "gspmd": """
jax.config.update("jax_use_shardy_partitioner", False)
r = jax.jit(lambda a: jax.lax.with_sharding_constraint(a @ a.T, NamedSharding(mesh, P("y", "x"))))(xs)
assert r.sharding.is_equivalent_to(NamedSharding(mesh, P("y", "x")), 2), r.sharding
np.testing.assert_allclose(np.asarray(r), x @ x.T)
f = jax.jit(jax.shard_map(lambda v: jax.lax.psum(v, "y") * jax.lax.axis_index("x"), mesh=mesh, in_specs=P("x", "y"), out_specs=P("x", None)))
np.testing.assert_allclose(np.asarray(f(xs)), (x[:, :4] + x[:, 4:]) * np.repeat(np.arange(4), 2)[:, None])
f = jax.jit(jax.shard_map(lambda v, w: jax.lax.psum(v @ w, "x"), mesh=mesh, in_specs=(P(None, "x"), P("x")), out_specs=P(), axis_names={"x"}))
np.testing.assert_allclose(np.asarray(f(xs, put(x, None, "y"))), x @ x)
""",
    "gradient": """
loss = lambda w, a: jnp.sum(jnp.tanh(a @ w) ** 2)
expected = np.asarray(jax.grad(loss)(jnp.asarray(x / 100), jnp.asarray(x)))
np.testing.assert_allclose(np.asarray(jax.jit(jax.grad(loss))(put(x / 100, None, "y"), xs)), expected, rtol=1e-4)
""",
    "constraint_in_scan": """
def f(a):
    a = jax.lax.with_sharding_constraint(a * 2, NamedSharding(mesh, P("y", "x")))
    return jax.lax.scan(lambda c, r: (c + r, c), jnp.zeros(8), a)[0]
np.testing.assert_array_equal(np.asarray(jax.jit(f)(xs)), 2 * x.sum(0))
""",
    "callbacks_on_parts": """
import threading
seen, lock = [], threading.Lock()
def see(a, b):
    with lock:
        seen.append((np.asarray(a), float(b)))
def f(a):
    jax.debug.callback(see, a + 1, a.sum(), partitioned=True)
    return a * 2
with jax.set_mesh(mesh):
    r = jax.jit(f)(xs)
    jax.effects_barrier()
np.testing.assert_array_equal(np.asarray(r), x * 2)
assert len(seen) == 8 and all(a.shape == (2, 4) and b == x.sum() for a, b in seen)
expected = {tuple((x + 1)[i:i + 2, k:k + 4].ravel()) for i in range(0, 8, 2) for k in (0, 4)}
assert {tuple(a.ravel()) for a, _ in seen} == expected
""",
    "inspected_shardings": """
seen = []
def f(a):
    jax.debug.inspect_array_sharding(a * 2, callback=seen.append)
    jax.debug.inspect_array_sharding(a.sum(), callback=seen.append)
    return a + 1
np.testing.assert_array_equal(np.asarray(jax.jit(f)(xs)), x + 1)
assert len(seen) == 2 and seen[0].is_equivalent_to(xs.sharding, 2) and seen[1].is_fully_replicated, seen
def refuse(sharding):
    raise ValueError("not so")
def g(a):
    jax.debug.inspect_array_sharding(a, callback=refuse)
    return a
try:
    jax.jit(g)(xs)
except Exception as error:
    assert "not so" in str(error), error
else:
    raise AssertionError("the callback's error was lost")
""",
    "optimized_text": """
inner = lambda a: jax.shard_map(lambda b: jax.lax.psum(b, "y"), in_specs=P(None, "y"), out_specs=P(), axis_names={"y"})(a)
f = jax.jit(jax.shard_map(lambda a: inner(jnp.sin(a)), mesh=mesh, in_specs=P("x"), out_specs=P("x"), axis_names={"x"}))
text = f.lower(xs).compile().as_text()
assert "SPMD" not in text and "f32[2,4]" in text and "all-reduce(" in text, text
def g(a):
    return jax.lax.with_sharding_constraint(a @ a, NamedSharding(mesh, P("x")))
text = jax.jit(g).lower(xs).compile().as_text()
assert '"Sharding"' not in text and "f32[2,8]" in text and "all-" in text, text
""",
    "failure_leaves_the_others_alive": """
def fail(a):
    raise ValueError("no")
f = jax.jit(jax.shard_map(lambda a: jax.pure_callback(fail, jax.ShapeDtypeStruct(a.shape, a.dtype), a), mesh=mesh,
                          in_specs=P("x", "y"), out_specs=P("x", "y")))
try:
    jax.block_until_ready(f(xs))
except Exception as error:
    assert "no" in str(error), error
else:
    raise AssertionError("the callback's error was lost")
np.testing.assert_array_equal(np.asarray(xs + 1), x + 1)
""",
}


@pytest.mark.parametrize("name", CASES)
def test_devices(plugin, run_python, name):
    run_python(HEADER + CASES[name], package=False, JAX_PLATFORMS="cpu", PJRT_CPU_DEVICES="8",
               PJRT_NAMES_AND_LIBRARY_PATHS=f"cpu:{plugin}")
