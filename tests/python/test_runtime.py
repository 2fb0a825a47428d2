"""Arrays and memory as JAX's users see them: who shares memory with whom, what frees it, what the runtime says of it."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from conftest import PLATFORM

ours = pytest.mark.skipif(PLATFORM == "cpu", reason="about the plugin")


def aligned(shape, dtype=np.float32, boundary=64):
    """A NumPy array at an address that compiled programs can read."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + boundary, np.uint8)
    start = -raw.ctypes.data % boundary
    return raw[start:start + size].view(dtype).reshape(shape)


# --- Sharing --------------------------------------------------------------------------------------------------------------


def test_donated_memory_is_the_results():
    x = jnp.arange(100000.0)
    address = x.unsafe_buffer_pointer()
    y = jax.jit(lambda x: x + 1, donate_argnums=0)(x)
    assert y.unsafe_buffer_pointer() == address and x.is_deleted() and float(y[-1]) == 100000


def test_donation_of_several_and_of_what_fits_no_result():
    x, y, z = jnp.ones((300, 300)), jnp.ones((300, 300)), jnp.ones(7)
    places = {x.unsafe_buffer_pointer(), y.unsafe_buffer_pointer()}
    with pytest.warns(UserWarning, match="donated buffers were not usable"):
        a, b, _ = jax.jit(lambda x, y, z: (jnp.sin(x), y * 2, z.sum()), donate_argnums=(0, 1, 2))(x, y, z)
    assert {a.unsafe_buffer_pointer(), b.unsafe_buffer_pointer()} == places
    assert float(b[0, 0]) == 2 and float(abs(a - jnp.sin(1)).max()) < 1e-6


def test_a_donated_argument_that_numpy_sees_is_not_overwritten():
    x = jnp.arange(1000.0)
    view = np.asarray(x)
    y = jax.jit(lambda x: x * 0, donate_argnums=0)(x)
    y.block_until_ready()
    assert view.tolist() == list(range(1000))


def test_numpy_reads_without_a_copy():
    x = jnp.arange(1000.0)
    assert np.asarray(x).ctypes.data == x.unsafe_buffer_pointer()
    assert not np.asarray(x).flags.writeable


def test_device_put_may_share_aligned_memory():
    host = aligned((1000,))
    host[:] = 3
    x = jax.device_put(host, may_alias=True)
    assert x.unsafe_buffer_pointer() == host.ctypes.data
    assert float(jax.jit(lambda x: x.sum())(x)) == 3000
    copy = jnp.array(host)
    host[:] = 4
    assert float(copy[0]) == 3
    odd = np.zeros(4001, np.uint8)[1:].view(np.float32)  # no program reads floats there
    odd[:] = 5
    assert float(jax.device_put(odd, may_alias=True).sum()) == 5000


def test_arrays_off_a_cache_line_are_copied_while_there_is_room(run_python):
    """Later ones are used where they are, and none is refused."""
    assert run_python("""
        import resource
        import jax, numpy as np

        def address_space():
            return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

        jax.jit(lambda x: x.sum())(np.ones(8, np.float32)).block_until_ready()
        raw = np.ones((64 << 20) + 80, np.uint8)
        start = -raw.ctypes.data % 64 + 16
        host = raw[start:start + (64 << 20)]
        resource.setrlimit(resource.RLIMIT_AS, (address_space() + (200 << 20), -1))
        arrays = [jax.device_put(host, may_alias=True) for _ in range(6)]
        own = [x.unsafe_buffer_pointer() != host.ctypes.data for x in arrays]
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        print(own[0], own[-1], [int(x[1] + x[-1]) for x in arrays])
    """.replace("\n        ", "\n"), JAX_PLATFORMS="pjrt_cpu") == "True False [2, 2, 2, 2, 2, 2]\n"


def test_shared_memory_lives_as_long_as_its_array():
    class Watched(np.ndarray):
        alive = 0

        def __del__(self):
            Watched.alive -= 1

    host = aligned((4096,)).view(Watched)
    Watched.alive = 1
    x = jax.device_put(host, may_alias=True)
    y = jax.jit(lambda x: x + 1)(x)
    del host
    gc.collect()
    assert float(x.sum()) == 0 and float(y.sum()) == 4096


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint16", "bfloat16", "complex64", "bool"])
def test_dlpack_both_ways(dtype):
    x = (jnp.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    if dtype != "bfloat16":  # NumPy has none
        view = np.from_dlpack(x)
        assert view.ctypes.data == x.unsafe_buffer_pointer()
        np.testing.assert_array_equal(view, np.asarray(x))
    again = jnp.from_dlpack(x)
    assert again.dtype == x.dtype and again.unsafe_buffer_pointer() == x.unsafe_buffer_pointer()
    if dtype not in ("bfloat16", "bool"):
        host = aligned((2, 3), dtype)
        back = jnp.from_dlpack(host, copy=False)
        host[0, 0] = 1
        assert back.unsafe_buffer_pointer() == host.ctypes.data and back[0, 0] == 1


DLPACK_COPIES = """
import jax, jax.numpy as jnp, numpy as np
jax.config.update('jax_enable_x64', True)
raw = np.zeros(1024, np.uint8)
raw = raw[-raw.ctypes.data % 64:]

def at(offset, dtype):
    x = raw[offset:offset + 10 * np.dtype(dtype).itemsize].view(dtype)
    x[:] = range(10)
    return x

for dtype in np.float32, np.int8, np.float64, np.complex64:
    for offset in 0, 1, 16, 64:  # on no element, on one, aligned as arrays are
        host = at(offset, dtype)
        x = jnp.from_dlpack(host, copy=True)
        host[:] = 0
        assert x.dtype == dtype and x.tolist() == list(range(10)), (dtype, offset)
        host[:] = 7
        x = jnp.from_dlpack(host)
        assert x.tolist() == [7] * 10, (dtype, offset)
        in_place = offset % min(8, host.itemsize) == 0
        assert (x.unsafe_buffer_pointer() == host.ctypes.data) == in_place, (dtype, offset)
        try:
            assert jnp.from_dlpack(host, copy=False).unsafe_buffer_pointer() == host.ctypes.data
            assert offset % 64 == 0, (dtype, offset)
        except ValueError as error:
            assert 'requires a copy since the source data buffer is not aligned' in str(error) and offset % 64, (dtype, offset)
"""


def test_dlpack_copies_when_asked_and_never_else(run_python):
    run_python(DLPACK_COPIES, PJRT_REPLACE_CPU="1")


def test_dlpack_of_transposed_memory():
    host = aligned((8, 6))
    host[:] = np.arange(48).reshape(8, 6)
    np.testing.assert_array_equal(jnp.from_dlpack(host.T), host.T)
    np.testing.assert_array_equal(np.from_dlpack(jnp.asarray(host.T)), host.T)


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    x = jnp.arange(6.0).reshape(2, 3)
    t = torch.from_dlpack(x)
    assert t.data_ptr() == x.unsafe_buffer_pointer() and t.sum() == 15
    back = jnp.from_dlpack(torch.arange(5, dtype=torch.float32))
    assert float(back.sum()) == 10


def test_layouts_of_arguments_and_results():
    try:
        from jax.experimental.layout import Format, Layout
    except ImportError:
        pytest.skip("another release of JAX names them otherwise")
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    turned = Format(Layout(major_to_minor=(1, 0)), sharding)
    x = jnp.arange(12.0).reshape(3, 4)
    y = jax.device_put(x, turned)
    assert y.format.layout.major_to_minor == (1, 0)
    np.testing.assert_array_equal(y, x)
    f = jax.jit(lambda x: x * 2, in_shardings=turned, out_shardings=turned)
    z = f(y)
    assert z.format.layout.major_to_minor == (1, 0)
    np.testing.assert_array_equal(z, 2 * x)
    np.testing.assert_array_equal(jax.jit(lambda x, z: x + z)(x, z), 3 * x)
    auto = jax.jit(lambda x: x.T @ x, in_shardings=Format(Layout.AUTO, sharding), out_shardings=Format(Layout.AUTO, sharding))
    compiled = auto.lower(jax.ShapeDtypeStruct((3, 4), np.float32)).compile()
    (formats, _) = compiled.input_formats
    np.testing.assert_allclose(compiled(jax.device_put(x, formats[0])), np.asarray(x).T @ np.asarray(x), rtol=1e-6)


# --- What frees memory, and what says how much there is -------------------------------------------------------------------


@ours
def test_clear_caches_frees_code(run_python):
    """The machine code of forgotten programs is unmapped, each time anew."""
    out = run_python("""
import gc, jax, jax.numpy as jnp

def code():  # bytes of executable memory that belong to no file
    total = 0
    with open("/proc/self/maps") as file:
        for fields in map(str.split, file):
            if "x" in fields[1] and (len(fields) < 6 or not fields[5].startswith(("/", "[vdso", "[vsyscall"))):
                total += int(fields[0].split("-")[1], 16) - int(fields[0].split("-")[0], 16)
    return total

def compile_some():
    kept = []
    for depth in range(1, 9):  # no two have the same code
        def f(x):
            for _ in range(depth):
                x = jnp.sin(x) + jnp.expm1(x)
            return x
        kept.append(jax.jit(f))
        kept[-1](jnp.ones(100))
    return code()

start = code()
for turn in range(3):
    used = compile_some()
    jax.clear_caches()
    gc.collect()
    print(used - start, code() - start)
""", JAX_PLATFORMS="pjrt_cpu", PJRT_CODE_CACHE_MB="0")
    for line in out.splitlines():
        used, left = map(int, line.split())
        assert used > 30000 and left < used / 4, out


@ours
def test_memory_statistics():
    device = jax.devices()[0]
    gc.collect()
    before = device.memory_stats()
    x = jnp.zeros(2_000_000) + 1
    x.block_until_ready()
    held = device.memory_stats()
    assert 8e6 <= held["bytes_in_use"] - before["bytes_in_use"] < 9e6
    assert held["peak_bytes_in_use"] >= held["bytes_in_use"]
    del x
    gc.collect()
    after = device.memory_stats()
    assert after["bytes_in_use"] <= before["bytes_in_use"] + 1e5 and after["peak_bytes_in_use"] >= held["peak_bytes_in_use"]


def test_deleted_arrays_are_freed():
    x = jnp.ones(1000)
    x.delete()
    assert x.is_deleted()
    with pytest.raises(RuntimeError, match="deleted"):
        x.sum()


def test_cost_analysis():
    compiled = jax.jit(lambda x, y: x @ y).lower(jnp.ones((32, 64)), jnp.ones((64, 16))).compile()
    cost = compiled.cost_analysis()
    assert cost["flops"] == 2 * 32 * 64 * 16
    assert cost["bytes accessed"] == 4 * (32 * 64 + 64 * 16 + 32 * 16)
    assert jax.jit(jnp.sin).lower(jnp.ones(100)).compile().cost_analysis()["transcendentals"] == 100


# --- Checks that JAX makes ------------------------------------------------------------------------------------------------


def test_transfer_guard():
    x = jnp.arange(3.0)
    f = jax.jit(lambda x, y: x + y)
    f(x, np.ones(3, np.float32))
    with jax.transfer_guard("disallow"):
        with pytest.raises(Exception, match="Disallowed host-to-device transfer"):
            f(x, np.ones(3, np.float32))
        assert jax.device_get(jax.device_put(np.ones(3, np.float32))).sum() == 3  # asked for


def test_debug_nans_and_infs():
    f = jax.jit(lambda x: jnp.log(x) * 2)
    with jax.debug_nans(True):
        assert np.isfinite(f(jnp.ones(3))).all()
        with pytest.raises(FloatingPointError, match="nan"):
            f(-jnp.ones(3))
        with pytest.raises(FloatingPointError, match="nan"):
            jax.jit(jax.grad(lambda x: jnp.sqrt(x) * 0.0))(jnp.float32(0))
    with jax.debug_infs(True), pytest.raises(FloatingPointError, match="inf"):
        f(jnp.zeros(3))


def test_checkify_and_runtime_errors():
    from jax.experimental import checkify

    f = jax.jit(checkify.checkify(lambda x, i: x[i] / x[0], errors=checkify.all_checks))
    error, value = f(jnp.arange(1.0, 5.0), 2)
    error.throw()
    assert float(value) == 3
    error, _ = f(jnp.arange(1.0, 5.0), 7)
    assert "out-of-bounds" in error.get()
    error, _ = f(jnp.arange(0.0, 5.0), 0)
    assert "nan" in error.get() or "division by zero" in error.get()


# --- The cache on disk, by several processes at once ----------------------------------------------------------------------


@ours
@pytest.mark.slow
def test_processes_share_a_cache(tmp_path):
    """Four processes compile the same programs into the same folders at once; damaged files are made anew."""
    import os
    import subprocess
    import sys

    from conftest import ROOT

    code = """
import jax, jax.numpy as jnp
total = 0.0
for n in range(2, 12):
    total += float(jax.jit(lambda x: jnp.tanh(x @ x.T).sum() * n)(jnp.ones((n, n)) / n))
print(round(total, 3))
"""
    env = dict(os.environ, JAX_PLATFORMS="pjrt_cpu", PYTHONPATH=str(ROOT / "python"), PJRT_CODEGEN="llvm",
               PJRT_CACHE_DIR=str(tmp_path / "code"), JAX_COMPILATION_CACHE_DIR=str(tmp_path / "jax"),
               JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0", JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1")

    def run(count):
        processes = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                     for _ in range(count)]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0] * count, outputs
        return {out for out, _ in outputs}

    first = run(4)
    assert len(first) == 1
    files = [path for path in (tmp_path / "code").rglob("*") if path.is_file()]
    assert files and any((tmp_path / "jax").iterdir())
    for path in files:
        path.write_bytes(path.read_bytes()[:-7] + b"damaged")
    for path in (tmp_path / "jax").iterdir():
        path.unlink()
    assert run(1) == first
