"""What JAX expects of a backend beyond numbers: devices, memories, dtypes, donation, errors, executables kept."""

import gc

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

from conftest import PLATFORM

ours = pytest.mark.skipif(PLATFORM != "pjrt_cpu", reason="about the plugin")


@ours
def test_runs_on_the_plugin():
    device = jax.devices()[0]
    assert device.platform == "cpu"
    assert "libpjrt" in device.client.platform_version
    assert device.id == 0 and device.process_index == 0 and str(device)


DTYPES = [np.bool_, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.complex64,
          ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3b11fnuz,
          ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2fnuz, ml_dtypes.float8_e3m4, ml_dtypes.float8_e4m3,
          ml_dtypes.float8_e8m0fnu, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2]


def two_values(dtype, count):
    """Values that each type has: powers of two for the one without zero, else 0 and 1."""
    return (np.arange(count) % 2 + (np.dtype(dtype).name == "float8_e8m0fnu")).astype(np.float32)


def widened(x):
    return np.asarray(x).astype(np.complex64)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda t: np.dtype(t).name)
def test_arrays_come_back(dtype):
    x = two_values(dtype, 24).reshape(2, 3, 4).astype(dtype)
    for host in (x, x[:, ::-1], np.asfortranarray(x), x.T, x[:0], x[0, 0, 0]):
        back = np.asarray(jax.device_put(host))
        assert back.dtype == host.dtype and back.shape == np.shape(host)
        assert (widened(back) == widened(host)).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda t: np.dtype(t).name)
def test_conversion_from_float(dtype):
    x = two_values(dtype, 5)
    y = jax.jit(lambda x: x.astype(dtype))(x)
    expected = x.astype(dtype)
    assert y.dtype == expected.dtype
    assert (widened(y) == widened(expected)).all()


def test_bfloat16_rounds_to_nearest_even():
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(jnp.asarray(x).astype(jnp.bfloat16)), x.astype(ml_dtypes.bfloat16))


def test_sixty_four_bits(run_python):
    out = run_python("""
import jax; jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
print(int(jnp.int64(2**40) * 3), float(jnp.float64(1) / 3), complex(jnp.exp(jnp.complex128(1j))), int(jnp.uint64(2**64 - 1)))
""", JAX_PLATFORMS=PLATFORM)
    product, third, exponential, largest = out.split()
    assert (product, third, largest) == ("3298534883328", "0.3333333333333333", "18446744073709551615")
    # Of 64 bits, not of 32; the last digit is the function's own (kernel/math.def: below 2 ULP).
    assert abs(complex(exponential) - complex(0.5403023058681398, 0.8414709848078965)) < 4e-16


def test_arrays_outlive_jax(run_python):
    """When Python ends, JAX destroys its clients before what a module's global variable keeps."""
    assert run_python("""
import jax, numpy as np
kept = jax.device_get(jax.jit(lambda x: x + 1)(np.zeros((1000, 1000), np.float32)))
print(int(kept.sum()))
""", JAX_PLATFORMS=PLATFORM) == "1000000\n"


def test_donated_arguments_are_gone():
    step = jax.jit(lambda x, y: (x + y, y * 2), donate_argnums=0)
    x, y = jnp.arange(1000.0), jnp.ones(1000)
    total, _ = step(x, y)
    assert x.is_deleted() and not y.is_deleted()
    with pytest.raises(RuntimeError, match="deleted"):
        np.asarray(x)
    np.testing.assert_array_equal(np.asarray(total), np.arange(1000) + 1)
    with pytest.raises((RuntimeError, ValueError), match="deleted|donated"):
        step(x, y)
    assert float(y.sum()) == 1000


def test_donating_what_is_used_twice_is_harmless():
    x = jnp.ones(10)
    view = np.asarray(x)  # may share memory with the array
    y = jax.jit(lambda x: x * 5, donate_argnums=0)(x)
    assert float(y.sum()) == 50 and view.sum() == 10


def test_host_memory_is_not_shared_with_the_caller():
    host = np.ones(100000, np.float32)
    x = jax.device_put(host)
    x.block_until_ready()
    y = jax.jit(lambda x: x + 1)(x)
    del host
    gc.collect()
    assert float(y[0]) == 2 and float(x.sum()) == 100000


def test_memories():
    device = jax.devices()[0]
    kinds = {m.kind for m in device.addressable_memories()}
    assert kinds == {"device", "pinned_host", "unpinned_host"}
    assert device.default_memory().kind == "device"
    sharding = jax.sharding.SingleDeviceSharding(device, memory_kind="pinned_host")
    x = jax.device_put(jnp.arange(8), sharding)
    assert x.sharding.memory_kind == "pinned_host" and np.asarray(x).tolist() == list(range(8))


def test_compiled_program_describes_itself():
    compiled = jax.jit(lambda x: jnp.sin(x) @ x.T).lower(jnp.ones((4, 8))).compile()
    assert compiled.input_shardings and compiled.output_shardings
    analysis = compiled.memory_analysis()
    assert analysis.argument_size_in_bytes == 128 and analysis.output_size_in_bytes == 64
    np.testing.assert_allclose(np.asarray(compiled(np.zeros((4, 8), np.float32))), np.zeros((4, 4)))


def test_executable_survives_serialisation():
    from jax.experimental import serialize_executable

    compiled = jax.jit(lambda x: x * 2 + 1).lower(jnp.ones(3)).compile()
    payload, in_tree, out_tree = serialize_executable.serialize(compiled)
    again = serialize_executable.deserialize_and_load(payload, in_tree, out_tree)
    assert np.asarray(again(jnp.arange(3.0))).tolist() == [1, 3, 5]


def test_export_round_trip():
    exported = jax.export.export(jax.jit(lambda x: jnp.tanh(x) + 1))(jax.ShapeDtypeStruct((3,), np.float32))
    again = jax.export.deserialize(exported.serialize())
    x = np.float32([0, 1, 2])
    np.testing.assert_allclose(np.asarray(again.call(x)), np.tanh(x) + 1, rtol=1e-6)


def test_callbacks():
    seen = []
    jax.jit(lambda x: jax.debug.callback(lambda v: seen.append(float(v)), x * 2))(jnp.float32(4))
    jax.effects_barrier()
    assert seen == [8]
    result = jax.jit(lambda x: jax.pure_callback(lambda v: np.sin(v), jax.ShapeDtypeStruct((3,), np.float32), x))(jnp.ones(3))
    np.testing.assert_allclose(np.asarray(result), np.sin(np.ones(3)), rtol=1e-6)


def test_dlpack_and_zero_copy():
    x = jnp.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(np.from_dlpack(x), np.asarray(x))
    y = jnp.from_dlpack(np.arange(5, dtype=np.float32))
    assert float(y.sum()) == 10


# --- Bad programs and bad calls: an error that names them, and a process that lives on ------------------------------------


def compile_text(text):
    """Compiles StableHLO text past all of JAX's own checks of programs."""
    from jax._src.lib import xla_client

    client = jax.devices()[0].client
    options = xla_client.CompileOptions()
    devices = xla_client.DeviceList(tuple(jax.devices()))
    return client.compile_and_load(text, devices, options)


ADD = """
func.func public @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = stablehlo.add %x, %y : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
"""


def call(executable, *arrays):
    return executable.execute_sharded(list(arrays)).disassemble_into_single_device_arrays()


@ours
@pytest.mark.parametrize("arrays,words", [
    ([np.zeros((2, 3), np.float32)], ["1", "2"]),
    ([np.zeros((2, 3), np.float32)] * 3, ["3", "2"]),
    ([np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32)], ["f32[3,2]", "f32[2,3]"]),
    ([np.zeros((2, 3), np.float32), np.zeros((2, 3), np.int32)], ["32[2,3]", "f32[2,3]"]),
], ids=["too few", "too many", "shape", "type"])
def test_wrong_arguments(arrays, words):
    executable = compile_text(ADD)
    bystander = jnp.ones(4)
    with pytest.raises(Exception, match="INVALID_ARGUMENT") as caught:
        call(executable, *map(jnp.asarray, arrays))
    for word in words:
        assert word in str(caught.value)
    good = jnp.ones((2, 3))
    ((result,),) = call(executable, good, good)
    assert np.asarray(result).sum() == 12 and float(bystander.sum()) == 4


@ours
def test_a_program_for_more_devices_is_refused():
    from jax._src.lib import xla_client

    options = xla_client.CompileOptions()
    options.num_replicas = 4
    with pytest.raises(Exception, match="4"):
        jax.devices()[0].client.compile_and_load(ADD.encode(), xla_client.DeviceList(tuple(jax.devices())), options)


@ours
def test_a_failed_computation_fails_its_result_only():
    def bad(x):
        raise RuntimeError("on purpose")

    result = None
    with pytest.raises(Exception, match="on purpose"):
        result = jax.jit(lambda x: jax.pure_callback(bad, jax.ShapeDtypeStruct((), np.float32), x))(jnp.float32(1))
        result.block_until_ready()
    assert float(jnp.float32(1) + 1) == 2


# --- Several devices ------------------------------------------------------------------------------------------------------


FOUR = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
assert len(jax.devices()) == 4
mesh = Mesh(np.array(jax.devices()).reshape(4), ("x",))
"""


@ours
def test_each_device_computes(run_python):
    out = run_python(FOUR + """
for device in jax.devices():
    y = jax.jit(lambda y: y.sum() * 2)(jax.device_put(jnp.ones(3), device))
    print(device.id, next(iter(y.devices())).id, float(y))
spread = jax.device_put(jnp.arange(8.0), NamedSharding(mesh, P("x")))
print([shard.data.tolist() for shard in spread.addressable_shards], np.asarray(spread).tolist())
""", JAX_PLATFORMS="pjrt_cpu", PJRT_CPU_DEVICES="4")
    assert out.splitlines() == [f"{i} {i} 6.0" for i in range(4)] + [
        "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]"]


@ours
def test_replicas_meet_in_collectives(run_python):
    text = """
func.func public @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "stablehlo.all_reduce"(%x) <{replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %1 = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
"""
    out = run_python(FOUR + f"text = {text!r}" + """
from jax._src.lib import xla_client
options = xla_client.CompileOptions()
options.num_replicas = 4
client = jax.devices()[0].client
program = client.compile_and_load(text, xla_client.DeviceList(tuple(jax.devices())), options)
x = jax.device_put(jnp.arange(8.0), NamedSharding(mesh, P("x")))
(shards,) = program.execute_sharded([x]).disassemble_into_single_device_arrays()
print([shard.tolist() for shard in shards])
""", JAX_PLATFORMS="pjrt_cpu", PJRT_CPU_DEVICES="4")
    assert out.strip() == str([[12.0, 16.0]] * 4)


@ours
def test_programs_over_global_shapes(run_python):
    out = run_python(FOUR + """
x = jax.device_put(jnp.arange(16.0), NamedSharding(mesh, P("x")))
total = jax.jit(jax.shard_map(lambda x: jax.lax.psum(x, "x"), mesh=mesh, in_specs=P("x"), out_specs=P()))(x)
print(np.asarray(total).tolist())
print(np.asarray(jax.jit(lambda x: (x * 2).sum())(x)).tolist())
""", JAX_PLATFORMS="pjrt_cpu", PJRT_CPU_DEVICES="4")
    assert out.splitlines() == ["[24.0, 28.0, 32.0, 36.0]", "240.0"]


@ours
def test_threads_share_one_executable():
    import threading

    f = jax.jit(lambda x: jnp.cumsum(jnp.sin(x))[-1])
    expected = float(f(jnp.arange(1000.0)))
    results, errors = [], []

    def work():
        try:
            for _ in range(50):
                results.append(float(f(jnp.arange(1000.0))))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and set(results) == {expected} and len(results) == 200


def test_loops_do_not_leak():
    def rss():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096

    f = jax.jit(lambda x: x + 1)
    x = jnp.zeros(100000)
    for _ in range(50):
        x = f(x)
    x.block_until_ready()
    gc.collect()
    before = rss()
    for _ in range(500):
        x = f(x)
    x.block_until_ready()
    assert float(x[0]) == 550
    assert rss() - before < 40e6  # 500 results of 0.4 MB would be 200 MB
