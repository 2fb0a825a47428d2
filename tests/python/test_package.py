"""The JAX package, the wheel and the shared objects."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

REPORT = """
import jax, jax.numpy as jnp
def kind(d): return 'libpjrt' if 'libpjrt' in d.client.platform_version else 'xla'
print(jax.default_backend(), kind(jax.devices()[0]), len(jax.devices()), float(jnp.arange(4.0).sum()))
"""


@pytest.fixture(autouse=True)
def needs_plugin(plugin):
    pytest.importorskip("jax")


def exported(path):
    listing = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in listing.splitlines()]


def test_plugin_exports_one_symbol(plugin):
    assert exported(plugin) == ["GetPjrtApi"]


def test_host_library_exports_its_interface(build):
    names = exported(build / "libpjrt.so")
    header = (ROOT / "include/pjrt/pjrt.h").read_text()
    assert sorted(names) == sorted(re.findall(r"PJH_API [^(]*?(pjh_\w+)\(", header))


def test_plugin_needs_only_the_c_library(plugin):
    out = subprocess.run(["ldd", plugin], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[0].split("/")[-1] for line in out.splitlines()} - {"linux-vdso.so.1"}
    assert needed <= {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2", "libgcc_s.so.1",
                      "libopenblas.so.0"}


def test_beside_the_built_in_cpu(run_python):
    out = run_python(REPORT + "print(kind(jax.devices('pjrt_cpu')[0]), float(jax.device_put(jnp.ones(3), "
                     "jax.devices('pjrt_cpu')[0]).sum()))")
    assert out.splitlines() == ["cpu xla 1 6.0", "libpjrt 3.0"]


def test_selected(run_python):
    assert run_python(REPORT, JAX_PLATFORMS="pjrt_cpu").split() == ["cpu", "libpjrt", "1", "6.0"]
    out = run_python(REPORT + "print(kind(jax.devices('cpu')[0]))", JAX_PLATFORMS="pjrt_cpu,cpu")
    assert out.split() == ["cpu", "libpjrt", "1", "6.0", "xla"]


def test_in_the_place_of_cpu(run_python):
    assert run_python(REPORT, PJRT_REPLACE_CPU="1").split() == ["cpu", "libpjrt", "1", "6.0"]
    assert run_python(REPORT, PJRT_REPLACE_CPU="1", JAX_PLATFORMS="cpu").split()[1] == "libpjrt"
    assert run_python(REPORT, PJRT_REPLACE_CPU="0").split()[1] == "xla"
    assert run_python(REPORT, PJRT_REPLACE_CPU="1", JAX_NUM_CPU_DEVICES="3").split()[2] == "3"
    flags = "--xla_force_host_platform_device_count=2"
    assert run_python(REPORT, PJRT_REPLACE_CPU="1", XLA_FLAGS=flags).split()[2] == "2"


def test_without_the_package(run_python, plugin):
    out = run_python(REPORT, package=False, PJRT_NAMES_AND_LIBRARY_PATHS=f"cpu:{plugin}")
    assert out.split() == ["cpu", "libpjrt", "1", "6.0"]


def test_is_quiet(run_python):
    code = REPORT + "import jax.scipy.linalg as l; l.cholesky(jnp.eye(3)); jax.jit(lambda x: x * 2)(1.0)"
    env = dict(os.environ, JAX_PLATFORMS="pjrt_cpu", PYTHONPATH=str(ROOT / "python"))
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 and result.stderr == ""


def test_a_missing_library_is_named(run_python):
    env = dict(os.environ, JAX_PLATFORMS="pjrt_cpu", PYTHONPATH=str(ROOT / "python"), PJRT_CPU_LIBRARY="/nonexistent.so")
    result = subprocess.run([sys.executable, "-c", REPORT], env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and "/nonexistent.so" in result.stderr


HANDLER = r"""
#include "pjrt/ext/xla_ffi.h"

// y = 3 x for float32, straight on the C interface.
XLA_FFI_Error *times_three(XLA_FFI_CallFrame *frame);
XLA_FFI_Error *times_three(XLA_FFI_CallFrame *frame) {
  if (frame->extension_start && frame->extension_start->type == XLA_FFI_Extension_Metadata) {
    XLA_FFI_Metadata *metadata = ((XLA_FFI_Metadata_Extension *)frame->extension_start)->metadata;
    metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    metadata->api_version.minor_version = XLA_FFI_API_MINOR;
    return 0;
  }
  XLA_FFI_Buffer *x = frame->args.args[0], *y = frame->rets.rets[0];
  long n = 1;
  for (long i = 0; i < x->rank; i++) n *= x->dims[i];
  for (long i = 0; i < n; i++) ((float *)y->data)[i] = 3 * ((float *)x->data)[i];
  return 0;
}
"""


def test_custom_calls_of_the_user(run_python, tmp_path):
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    (tmp_path / "handler.c").write_text(HANDLER)
    library = tmp_path / "handler.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{ROOT / 'include'}", tmp_path / "handler.c", "-o", library], check=True)
    code = f"""
import ctypes, jax, jax.numpy as jnp
jax.ffi.register_ffi_target("times_three", jax.ffi.pycapsule(ctypes.CDLL({str(library)!r}).times_three), platform="cpu")
f = jax.jit(lambda x: jax.ffi.ffi_call("times_three", jax.ShapeDtypeStruct(x.shape, x.dtype))(x))
for device in jax.devices() + jax.devices("cpu"):
    print(f(jax.device_put(jnp.arange(3.0), device)).tolist())
"""
    assert run_python(code, JAX_PLATFORMS="pjrt_cpu,cpu").splitlines() == ["[0.0, 3.0, 6.0]"] * 2


def test_readme_lists_the_options():
    rows = re.findall(r'^OPTION\(\w+,\s*"(\w+)",\s*"([^"]*)",\s*"[^"]*",\s*"([^"]*)"\)', (ROOT / "src/base/options.def").read_text(), re.M)
    readme = (ROOT / "README.md").read_text()
    assert rows
    for name, preset, meaning in rows:
        assert f"| `{name}` | {preset or '-'} | {meaning} |" in readme


def test_wheel(build, run_python, tmp_path):
    import libpjrt

    version = subprocess.run([build / "pjrt", "version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith(f"libpjrt {libpjrt.__version__},")
    subprocess.run([sys.executable, ROOT / "tools/make_wheel.py", "--build", build, "--out", tmp_path], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert re.fullmatch(r"libpjrt-[\d.]+-py3-none-linux_\w+\.whl", wheel.name)
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel],
                   check=True)
    code = REPORT + "import libpjrt; print(libpjrt.plugin_path())"
    out = run_python(code, package=False, PYTHONPATH=str(site), PJRT_CPU_LIBRARY="", JAX_PLATFORMS="pjrt_cpu")
    assert out.split()[1] == "libpjrt" and out.split()[-1] == str(site / "libpjrt/pjrt_plugin_cpu.so")
