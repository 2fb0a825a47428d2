"""Custom calls that Python partitions, on 4 devices: partitioner_cases.py prints {case: error or null} as JSON.

Run by test_custom_partitioner.py, in processes of their own. Cases of JAX's custom_partitioning come first, then partitioners that are
registered with jaxlib by themselves and give back what custom_partitioning would not.
"""

import functools
import gc
import io
import json
import os
import sys
import threading
import traceback
import weakref

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax._src import compiler, xla_bridge
from jax._src.interpreters import mlir
from jax._src.lib import xla_client
from jax.experimental.custom_partitioning import custom_partitioning
from jax.extend.core import Primitive
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

DEVICES = np.array(jax.devices())
MESH = Mesh(DEVICES.reshape(2, 2), ("x", "y"))
SHARDY = jax.config.jax_use_shardy_partitioner


def on(*spec):
    return NamedSharding(MESH, P(*spec))


def matrix(rows=8, columns=12):
    return np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)


def shardings(shapes):
    return jax.tree.map(lambda s: s.sharding, shapes)


def partitioned(body, rule, whole=None, seen=None, args=None, result=None, infer=None, user=None):
    """A function that is |body| on parts: cut as its operands and results are, or as |args| and |result| say."""

    @custom_partitioning
    def f(*xs):
        return (whole or body)(*xs)

    def partition(mesh, arg_shapes, result_shape):
        if seen is not None:
            seen.append((tuple(s.spec for s in shardings(arg_shapes)), jax.tree.map(lambda s: s.sharding.spec, result_shape)))
        return mesh, body, result or shardings(result_shape), args or shardings(arg_shapes)

    f.def_partition(partition, infer_sharding_from_operands=infer, propagate_user_sharding=user, sharding_rule=rule if SHARDY else None)
    return f


def check(f, expected, *args, **how):
    for result, want in zip(jax.tree.leaves(jax.jit(f, **how)(*args)), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(np.asarray(result), np.asarray(want))


def raises(text, f, *args, **how):
    try:
        jax.block_until_ready(jax.jit(f, **how)(*args))
    except Exception as error:
        assert text in str(error), str(error)
    else:
        raise AssertionError("no error")


def same_sharding(mesh, arg_shapes, result_shape):
    return arg_shapes[0].sharding


def double(x):
    return x * 2


# --- custom_partitioning


def case_elementwise():
    seen, x = [], matrix()
    f = partitioned(double, "i j -> i j", seen=seen, infer=same_sharding)
    check(lambda x: f(x) + 1, x * 2 + 1, x, in_shardings=on("x", "y"), out_shardings=on("x", "y"))
    assert seen == [((P("x", "y"),), P("x", "y"))], seen
    text = jax.jit(f, in_shardings=on("x", "y"), out_shardings=on("x", "y")).lower(x).compile().as_text()
    assert "all-gather" not in text and "f32[4,6]" in text, text


def case_collective():
    seen = []

    def body(x, y):
        return lax.psum(x @ y, "y")

    f = partitioned(body, "i j, j k -> i k", whole=jnp.matmul, seen=seen, infer=lambda mesh, args, result: on("x", None))
    x, y = matrix(8, 4), matrix(4, 6)
    check(f, x @ y, x, y, in_shardings=(on("x", "y"), on("y", None)), out_shardings=on("x"))
    assert seen[0] == ((P("x", "y"), P("y", None)), P("x", None)), seen


def case_axis_index():
    def body(x):
        return x + lax.axis_index("x") * 100 + lax.axis_index("y") * 1000

    f = partitioned(body, "i j -> i j", whole=double, infer=same_sharding)
    x = matrix(4, 4)
    expected = x + np.repeat([0, 100], 2)[:, None] + np.repeat([0, 1000], 2)[None, :]
    check(f, expected, x, in_shardings=on("x", "y"), out_shardings=on("x", "y"))


def case_other_order_of_axes():
    seen, x = [], matrix()
    f = partitioned(double, "i j -> i j", seen=seen, infer=same_sharding)
    check(f, x * 2, x, in_shardings=on(None, ("y", "x")), out_shardings=on(None, ("y", "x")))
    assert seen == [((P(None, ("y", "x")),), P(None, ("y", "x")))], seen


def case_several_results():
    f = partitioned(lambda x, y: (x + y, x.sum(1)), "i j, i j -> i j, i", infer=lambda mesh, args, result: (on("x"), on("x")))
    x = matrix()
    check(f, (x * 2, x.sum(1)), x, x, in_shardings=(on("x"), on("x")), out_shardings=(on("x"), on()))


def case_overridden():
    """Whatever propagation wanted."""
    f = partitioned(lambda x: x - x.max(), "i j -> i j", args=(on(),), result=on(), infer=same_sharding)
    x = matrix()
    check(f, x - x.max(), x, in_shardings=on("x"), out_shardings=on(None, "y"))


def case_loops_and_functions():
    f = partitioned(double, "i j -> i j", infer=same_sharding)

    @jax.jit
    def g(x):
        return f(x) - 1

    def h(x):
        y = lax.scan(lambda c, _: (g(c) * 0.5, None), x, None, length=3)[0]
        return lax.cond(x[0, 0] > 0, g, lambda x: x, y) + g(x.T).T

    x = matrix() + 1
    y = x
    for _ in range(3):
        y = (y * 2 - 1) * 0.5
    check(h, y * 2 - 1 + x * 2 - 1, x, in_shardings=on("x", None), out_shardings=on("x"))


def case_scan_of_the_body():
    def body(xs):
        return lax.psum(lax.scan(lambda c, x: (c + jnp.sum(x), None), jnp.float32(0), xs)[0], ("x", "y"))

    f = partitioned(body, "i j -> ", whole=jnp.sum, infer=lambda mesh, args, result: on())
    x = matrix(4, 4)
    check(f, x.sum(), x, in_shardings=on("x", "y"))


def case_erf_and_sort():
    """Operations of chlo and with regions in what comes back."""
    f = partitioned(lambda x: jnp.sort(jax.scipy.special.erf(x), axis=1) + lax.top_k(x, 12)[0], "i j -> i j", infer=same_sharding)
    x = matrix() / 100
    want = np.sort(np.asarray(jax.scipy.special.erf(x)), 1) + np.sort(x, 1)[:, ::-1]
    got = jax.jit(f, in_shardings=on("x"), out_shardings=on("x"))(x)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-5)


def case_collectives_in_turn():
    f = partitioned(lambda x: lax.psum(x @ x.T, "y"), "i j -> i k", whole=lambda x: x @ x.T,
                    result=on(), args=(on(None, "y"),), infer=lambda mesh, args, result: on())
    g = partitioned(lambda x: lax.psum(x.sum(), ("x", "y")) + 0 * x, "i j -> i j", whole=lambda x: x.sum() + 0 * x,
                    args=(on("x", "y"),), result=on("x", "y"), infer=same_sharding)
    x = matrix(4, 4)
    y = x @ x.T
    z = y @ y.T
    check(lambda x: f(f(x)) + g(f(x)) - g(x), z + y.sum() - x.sum(), x, in_shardings=on("x", "y"), out_shardings=on("x"))


def case_serialized():
    """What is stored is what the partitioner made: nobody is asked when it is read."""
    seen = []
    f = partitioned(lambda x: jax.scipy.special.erf(x) * 2, "i j -> i j", seen=seen, infer=same_sharding)
    x = matrix() / 50
    compiled = jax.jit(f, in_shardings=on("x", "y"), out_shardings=on("x", "y")).lower(x).compile()
    client, executable = jax.devices()[0].client, compiled.runtime_executable()
    stored, asked = executable.serialize(), len(seen)
    devices = xla_client.DeviceList(tuple(jax.devices()))
    options = compiler.get_compile_options(1, 4, np.arange(4).reshape(1, 4))
    again = client.deserialize_executable(stored, devices, options)
    assert len(seen) == asked
    cut = jax.device_put(x, on("x", "y"))
    parts = again.execute_sharded([cut]).disassemble_into_single_device_arrays()[0]
    for part, want in zip(parts, compiled(cut).addressable_shards, strict=True):
        np.testing.assert_array_equal(np.asarray(part), np.asarray(want.data))


def case_gradient():
    f = partitioned(double, "i j -> i j", infer=same_sharding)

    @jax.custom_vjp
    def g(x):
        return f(x)

    g.defvjp(lambda x: (f(x), None), lambda _, d: (f(d),))
    x = matrix()
    check(jax.grad(lambda x: g(x).sum()), np.full_like(x, 2), x, in_shardings=on("x"))


def case_error_of_the_function():
    f = partitioned(lambda x: 1 / 0, "i j -> i j", whole=double, infer=same_sharding)
    x = matrix()
    raises("ZeroDivisionError", f, x, in_shardings=on("x"))
    raises("Mismatch in result shapes", partitioned(lambda x: x[:1], "i j -> i j", whole=double, infer=same_sharding), x, in_shardings=on("x"))
    case_elementwise()


def case_one_device():
    f = partitioned(double, "i j -> i j", infer=same_sharding)
    check(f, matrix() * 2, matrix())


def case_several_threads():
    errors = []

    def work(k):
        try:
            f = partitioned(lambda x: x * k, "i j -> i j", infer=same_sharding)
            check(lambda x: f(x) + k, matrix() * k + k, matrix(), in_shardings=on("x"), out_shardings=on("x"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def case_infer_and_propagate():
    """Without Shardy's rules the partitioner says how results are cut."""
    if SHARDY:
        return
    asked, seen, x = [], [], matrix()

    def infer(mesh, args, result):
        asked.append(("infer", args[0].sharding.spec))
        return args[0].sharding

    def user(mesh, shape):
        asked.append(("user", shape.sharding.spec))
        return shape.sharding

    f = partitioned(double, None, seen=seen, infer=infer, user=user)
    check(lambda x: f(f(x)), x * 4, x, in_shardings=on("x", "y"))
    assert asked and all(spec == P("x", "y") for _, spec in asked), asked
    assert seen[-1] == ((P("x", "y"),), P("x", "y")), seen


# --- Partitioners that are registered alone


def bytecode(f, *shapes):
    """A module that computes f, as custom_partitioning hands it over."""
    module = jax.jit(f).lower(*shapes).compiler_ir()
    out = io.BytesIO()
    with module.context:
        module.operation.write_bytecode(out)
    return out.getvalue()


def register(name, partition):
    user, infer = lambda sharding, *_: sharding, lambda *_: None
    xla_bridge.register_plugin_callbacks(functools.partial(xla_client.register_custom_call_partitioner, name, user, partition, infer, True))


def call(name, *xs, results=None):
    out = results or jax.ShapeDtypeStruct(xs[0].shape, xs[0].dtype)
    return jax.ffi.ffi_call(name, out, has_side_effect=False)(*xs)


ROWS = on(("x", "y"))._to_xla_hlo_sharding(2)
PART = jax.ShapeDtypeStruct((2, 12), np.float32)


def answer(name, module, args=(ROWS,), result=ROWS):
    register(name, lambda *_: (module, list(args), result))
    return lambda x: call(name, x)


def case_answer_as_bytecode():
    f = answer("bytecode", bytecode(double, PART))
    check(f, matrix() * 2, matrix(), in_shardings=on(("x", "y")), out_shardings=on())


def case_answer_as_text():
    f = answer("text", jax.jit(double).lower(PART).as_text().encode())
    check(f, matrix() * 2, matrix(), in_shardings=on(None, "y"), out_shardings=on(("x", "y")))


def case_whole_arrays():
    f = answer("whole", bytecode(double, PART))
    x = jax.device_put(matrix(), on())
    check(f, matrix() * 2, x)


def case_answer_that_is_no_program():
    whole = bytecode(double, PART)
    for name, module, text in (("nothing", b"", ""), ("noise", b"\x00\x01noise", ""), ("short", whole[:-9], "bytecode, byte"),
                               ("broken", whole[:60] + b"\xff" + whole[61:], ""), ("entry", b"module {}", "entry function")):
        raises(text, answer(name, module), matrix(), in_shardings=on("x"))
    case_answer_as_bytecode()


def case_answer_that_does_not_fit():
    two = bytecode(lambda x, y: x + y, PART, PART)
    raises("2 parameters and 1 results, expected 1 and 1", answer("two", two), matrix(), in_shardings=on("x"))
    wide = bytecode(double, jax.ShapeDtypeStruct((8, 12), np.float32))
    raises("parameter 0 is tensor<8x12xf32>", answer("wide", wide), matrix(), in_shardings=on("x"))
    ints = bytecode(lambda x: x.astype(jnp.int32), PART)
    raises("result 0 is tensor<2x12xi32>", answer("ints", ints), matrix(), in_shardings=on("x"))
    five = bytecode(double, jax.ShapeDtypeStruct((1, 12), np.float32))
    raises("size 6, into 4 parts", answer("uneven", five), matrix(6), in_shardings=on("x"))


def case_strange_devices():
    """Parts in an order that no axes of the mesh have."""
    proto = xla_client.OpSharding()
    proto.type = xla_client.OpSharding.Type.OTHER
    proto.tile_assignment_dimensions = [4, 1]
    proto.tile_assignment_devices = [0, 3, 1, 2]
    strange = xla_client.HloSharding.from_proto(proto)
    raises("axes of the mesh", answer("strange", bytecode(double, PART), result=strange), matrix(), in_shardings=on("x"))
    # One that they have: the last axis first.
    proto.tile_assignment_devices = [0, 2, 1, 3]
    turned = xla_client.HloSharding.from_proto(proto)
    check(answer("turned", bytecode(double, PART), args=(turned,), result=turned), matrix() * 2, matrix(), in_shardings=on("x"))


def case_partitioners_are_let_go():
    class Partition:
        def __call__(self, *_):
            return bytecode(double, PART), [ROWS], ROWS

    def run(partition):
        register("again", partition)
        check(lambda x: call("again", x), matrix() * 2, matrix(), in_shardings=on("x"))
        return weakref.ref(partition)

    first, second = run(Partition()), run(Partition())
    for _ in range(3):
        gc.collect()
    assert first() is None and second() is not None


def case_batches():
    """Calls that compute each element of a batch alone."""
    name, batched = "lapack_sgeqrf_ffi", Primitive("batched_qr")
    batched.multiple_results = True
    batched.def_abstract_eval(lambda x: (x, jax.core.ShapedArray(x.shape[:-1], x.dtype)))

    @functools.partial(mlir.register_lowering, batched)
    def lower(ctx, x):
        attributes = {"mhlo.frontend_attributes": mlir.ir_attribute({"num_batch_dims": "1"})}
        return jax.ffi.ffi_lowering(name, extra_attributes=attributes)(ctx, x)

    x = np.random.default_rng(0).normal(size=(8, 4, 4)).astype(np.float32)
    f = jax.jit(batched.bind, in_shardings=on("x"), out_shardings=[on("x"), on("x")])
    whole = jax.jit(batched.bind)(x)
    jax.clear_caches()
    jax.ffi.register_ffi_target_as_batch_partitionable(name)
    text = f.lower(x).compile().as_text()
    assert "all-gather" not in text and ("f32[4,4,4]" in text or os.environ.get("PJRT_PARTITION") == "whole"), text
    for part, want in zip(f(x), whole, strict=True):
        np.testing.assert_allclose(np.asarray(part), np.asarray(want), atol=1e-6)


def main():
    wanted = sys.argv[1:]
    results = {}
    for name, case in list(globals().items()):
        if not name.startswith("case_") or (wanted and name not in wanted):
            continue
        try:
            print(name, file=sys.stderr, flush=True)
            case()
            results[name] = None
        except Exception:
            results[name] = traceback.format_exc()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
