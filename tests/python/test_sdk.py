"""The SDK as a vendor meets it: an installed prefix, the template and the examples built from it alone with the C compiler, the
conformance kit on each, JAX on one, clear words for wrong tables, and the guide's own commands."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ("null", "toy", "handful")
CC = os.environ.get("CC", "cc")


def run(*command, cwd=None, timeout=120, status=0, **environment):
    """Runs a command; its output. Fails with that if it does not end with |status| (None: any but 0)."""
    env = {**os.environ, **environment}
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)
    good = result.returncode == status if status is not None else result.returncode > 0
    assert good, f"{command}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix") / "pjrt"
    run("cmake", "--install", build, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def link(prefix):
    """link(source, output): a plugin of one C file, with the flags that pkg-config says."""
    flags = run("pkg-config", "--cflags", "--libs", "pjrt-sdk", PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()

    def link(source, output, standard="c17"):
        run(CC, f"-std={standard}", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared", source,
            "-o", output, *flags)
        return output

    return link


@pytest.fixture(scope="module")
def plugins(prefix, link, tmp_path_factory):
    """The examples and the template, built from the installed files."""
    folder = tmp_path_factory.mktemp("plugins")
    share = prefix / "share/pjrt/sdk"
    made = {name: link(share / name / f"{name}.c", folder / f"pjrt_plugin_{name}.so") for name in EXAMPLES}
    made["mydevice"] = link(share / "template/mydevice.c", folder / "pjrt_plugin_mydevice.so")
    return made


def profile(prefix, name):
    folder = "template" if name == "mydevice" else name
    return prefix / "share/pjrt/sdk" / folder / f"{name}.profile"


def test_headers_stand_alone(prefix, tmp_path):
    """Each header is C and C++ by itself, and none leads into the library's own."""
    headers = sorted((prefix / "include/pjrt/sdk").glob("*.h"))
    assert len(headers) == 6
    for header in headers:
        text = header.read_text()
        assert re.findall(r'#include "(?!pjrt/)', text) == [], header
        source = tmp_path / "one.c"
        source.write_text(f"#include <pjrt/sdk/{header.name}>\n")
        for language, standard in (("c", "c11"), ("c++", "c++17")):
            run(CC, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{prefix / 'include'}",
                source)


def test_plugins_export_one_symbol(plugins):
    for plugin in plugins.values():
        symbols = run("nm", "-D", "--defined-only", plugin).split()
        assert symbols[2::3] == ["GetPjrtApi"], plugin
        needed = re.findall(r"NEEDED.*\[(.*?)\]", run("readelf", "-d", plugin))
        assert set(needed) <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}, needed


def test_examples_are_short():
    for name in EXAMPLES:
        lines = (ROOT / f"examples/sdk/{name}/{name}.c").read_text().splitlines()
        assert len(lines) < 800, name


def test_template_builds_by_make_and_cmake(prefix, tmp_path):
    run("cp", "-r", prefix / "share/pjrt/sdk/template", tmp_path / "made")
    run("make", f"PREFIX={prefix}", cwd=tmp_path / "made")
    run("cmake", "-S", tmp_path / "made", "-B", tmp_path / "configured", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "configured")
    for folder in ("made", "configured"):
        said = run(prefix / "bin/pjrt", "devices", "--plugin", tmp_path / folder / "pjrt_plugin_mydevice.so")
        assert "mydevice" in said


QUICK = ("upload.*_copy", "upload.during_call", "upload.until_transfer", "upload.strides.*", "download.*", "execute.*", "donation.*",
         "serialize.*", "op.dot_general.*", "buffer.view", "op.add.*", "transfer.*", "leak.large_buffer")


@pytest.mark.parametrize("name", ("null", "toy", "handful", "mydevice"))
def test_some_of_the_kit(prefix, plugins, name):
    filters = [word for pattern in QUICK for word in ("--filter", pattern)]
    run(prefix / "bin/pjrt", "check", "--quiet", "--profile", profile(prefix, name), *filters, plugins[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ("null", "toy", "handful", "mydevice"))
def test_all_of_the_kit(prefix, plugins, name):
    said = run(prefix / "bin/pjrt", "check", "--quiet", "--profile", profile(prefix, name), plugins[name], timeout=600)
    assert re.search(r"(\d{3}) of \1 tests, 0 failed", said), said
    assert "declared in vain" not in said


def test_toy_memory_is_limited(prefix, plugins, tmp_path):
    """A program whose result does not fit says so, and the options of the client arrive."""
    program = tmp_path / "large.mlir"
    program.write_text("func.func @main() -> tensor<1048576xf32> {\n  %x = stablehlo.iota dim = 0 : tensor<1048576xf32>\n"
                       "  return %x : tensor<1048576xf32>\n}\n")
    pjrt = (prefix / "bin/pjrt", "run", "--plugin", plugins["toy"], "-o", tmp_path / "out")
    run(*pjrt, "--option", "memory_mb=8", program)
    said = run(*pjrt, "--option", "memory_mb=2", program, status=1)
    assert "RESOURCE_EXHAUSTED" in said and "4194304 bytes are asked for" in said, said
    said = run(*pjrt, "--option", "memory=2", program, status=1)
    assert 'unknown option "memory": there are device_count, memory_mb and latency_us' in said, said
    said = run(*pjrt, "--option", "memory_mb=0", program, status=1)
    assert "option memory_mb must be an integer from 1 to" in said, said


VIEWS = r"""
#include <pjrt/pjrt.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define OK(call) do { PjhError *e = (call); if (e) { puts(pjh_error_message(e)); return 1; } } while (0)

static int gone;
static void on_delete(void *data, void *user) { (void)data; gone += user == &gone; }

static PJRT_Error *view(const PJRT_Api *api, PjhClient *client, void *data, int64_t count, PJRT_Buffer **out) {
  PJRT_Client_CreateViewOfDeviceBuffer_Args args = {.struct_size = sizeof args, .client = pjh_client_handle(client),
      .device_buffer_ptr = data, .dims = &count, .num_dims = 1, .element_type = PJRT_Buffer_Type_F32,
      .device = pjh_client_device(client, 0), .on_delete_callback = on_delete, .on_delete_callback_arg = &gone};
  PJRT_Error *error = api->PJRT_Client_CreateViewOfDeviceBuffer(&args);
  *out = args.buffer;
  return error;
}

int main(int argc, char **argv) {
  PjhPlugin *plugin;
  PjhClient *client;
  PjhBuffer *x;
  const float in[] = {1, 2, 3, 4};
  float out[4] = {0};
  const int64_t four = 4;
  (void)argc;
  OK(pjh_plugin_load(argv[1], &plugin));
  OK(pjh_client_create(plugin, NULL, 0, &client));
  OK(pjh_buffer_from_host(client, 0, in, PJRT_Buffer_Type_F32, &four, 1, NULL, &x));
  const PJRT_Api *api = pjh_plugin_api(plugin);
  PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args where = {.struct_size = sizeof where, .buffer = pjh_buffer_handle(x)};
  assert(!api->PJRT_Buffer_OpaqueDeviceMemoryDataPointer(&where));
  PJRT_Buffer *seen;
  assert(!view(api, client, where.device_memory_ptr, 4, &seen));
  PJRT_Buffer_ToHostBuffer_Args fetch = {.struct_size = sizeof fetch, .src = seen, .dst = out, .dst_size = sizeof out};
  assert(!api->PJRT_Buffer_ToHostBuffer(&fetch));
  PJRT_Event_Await_Args await = {.struct_size = sizeof await, .event = fetch.event};
  assert(!api->PJRT_Event_Await(&await));
  PJRT_Event_Destroy_Args drop = {.struct_size = sizeof drop, .event = fetch.event};
  api->PJRT_Event_Destroy(&drop);
  assert(!memcmp(in, out, sizeof in) && !gone);
  PJRT_Buffer_Destroy_Args destroy = {.struct_size = sizeof destroy, .buffer = seen};
  api->PJRT_Buffer_Destroy(&destroy);
  assert(gone == 1);
  static _Alignas(64) float host[4];  /* not the device's, and more than it has */
  assert(view(api, client, host, 4, &seen) && view(api, client, where.device_memory_ptr, 1 << 30, &seen));
  pjh_buffer_destroy(x);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  puts("viewed");
  return 0;
}
"""


def test_views_of_memory_that_the_host_cannot_address(prefix, plugins, tmp_path):
    (tmp_path / "views.c").write_text(VIEWS)
    flags = run("pkg-config", "--cflags", "--libs", "pjrt", PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()
    run(CC, "-std=c17", "-Wall", "-Wextra", "-Werror", tmp_path / "views.c", "-o", tmp_path / "views", *flags)
    assert run(tmp_path / "views", plugins["toy"], LD_LIBRARY_PATH=str(prefix / "lib")).strip() == "viewed"


@pytest.mark.parametrize("name", ("toy", "handful"))
def test_profile(prefix, plugins, tmp_path, name):
    """Plugins made with the SDK have its profiler: it shows what libpjrt's compiler made, with its lines; of what the vendor's
    compiler made it can only tell the runs."""
    (tmp_path / "p.mlir").write_text('func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {\n'
                                     '  %0 = stablehlo.tanh %x : tensor<64x64xf32> loc("model.py":8:5)\n'
                                     '  %1 = stablehlo.sine %0 : tensor<64x64xf32> loc("model.py":9:5)\n'
                                     '  return %1 : tensor<64x64xf32>\n}\n')
    said = run(prefix / "bin/pjrt", "profile", "--repeat", 3, "--html", tmp_path / "r.html", "--plugin", plugins[name], tmp_path / "p.mlir")
    assert "3 runs: median" in said, said
    assert ("there are only times of whole runs" if name == "handful" else "model.py:9") in said, said


def test_programs_run_on_the_board(prefix, link, tmp_path):
    """The toy's board gets one command to run the program and one to fetch the result: nothing runs on copies at the host."""
    source = (prefix / "share/pjrt/sdk/toy/toy.c").read_text()
    begin = "  switch (command->kind) {"
    assert source.count(begin) == 1
    (tmp_path / "toy.c").write_text(source.replace(begin, '  dprintf(2, "command %d\\n", (int)command->kind);\n' + begin)
                                    .replace("#include <string.h>", "#include <stdio.h>\n#include <string.h>"))
    plugin = link(tmp_path / "toy.c", tmp_path / "pjrt_plugin_toy.so")
    program = tmp_path / "one.mlir"
    program.write_text("func.func @main() -> tensor<2xf32> {\n  %x = stablehlo.iota dim = 0 : tensor<2xf32>\n"
                       "  return %x : tensor<2xf32>\n}\n")
    said = run(prefix / "bin/pjrt", "run", "--plugin", plugin, program)
    assert re.findall(r"command (\d)", said) == ["2", "1"], said  # LAUNCH, COPY_OUT


JAX = """
import jax, jax.numpy as jnp, numpy as np
assert jax.devices()[0].platform == "toy", jax.devices()
assert jax.devices()[0].device_kind == "Toy 1"
assert jax.devices()[0].memory_bytes == 64 << 20 and jax.devices()[0].firmware == "toy 1"
w = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
step = jax.jit(lambda w, x: (jnp.tanh(x @ w.T).sum(), jnp.sort(x * 2)))
total, ordered = step(w, np.array([[3, 1, 2, 0]], np.float32))
expected = np.tanh(np.array([[3, 1, 2, 0]], np.float32) @ w.T).sum()
assert abs(float(total) - expected) < 1e-5, (total, expected)
assert ordered.tolist() == [[0, 2, 4, 6]]
gradient = jax.jit(jax.grad(lambda w: (jnp.sin(w) ** 2).sum()))(w)
assert np.allclose(gradient, np.sin(2 * w), atol=1e-5)
x = jax.device_put(np.arange(5))
for i in range(20):
    x = jax.jit(lambda x: x + 1, donate_argnums=0)(x)
assert x.tolist() == [20, 21, 22, 23, 24]
print("sound")
"""


def test_jax_on_the_toy(plugins, run_python):
    said = run_python(JAX, package=False, PJRT_NAMES_AND_LIBRARY_PATHS=f"toy:{plugins['toy']}", JAX_PLATFORMS="toy")
    assert said.strip() == "sound"


def test_left_to_the_evaluator_and_to_libpjrt(prefix, plugins, tmp_path):
    """The handful compiler leaves a program with a custom call whole, and says so when asked."""
    program = tmp_path / "call.mlir"
    program.write_text('func.func @main() -> tensor<2xf32> {\n  %x = stablehlo.iota dim = 0 : tensor<2xf32>\n'
                       '  %y = stablehlo.custom_call @nobody(%x) : (tensor<2xf32>) -> tensor<2xf32>\n'
                       '  return %y : tensor<2xf32>\n}\n')
    said = run(prefix / "bin/pjrt", "run", "--plugin", plugins["handful"], program, status=1, PJRT_LOG="fallback")
    assert "the whole program, by libpjrt: stablehlo.custom_call: left to libpjrt" in said, said


# --- Wrong use -------------------------------------------------------------------------------------

FAULTS = {
    "copy_in": "platform wrong: PjsDeviceOps lacks the function copy_in",
    "open": "platform wrong: PjsDeviceOps lacks the function open",
    "launch": "PjsDeviceOps has launch and host_pointer",
    "view": "PjsDeviceOps has can_view and host_pointer",
    "half": "platform wrong: PjsDeviceOps has stats but not reset_stats: both or none",
    "no_size": "PjsDeviceOps has struct_size 0 instead of",
    "large": "libpjrt_sdk.a knows",
    "platform_size": "PjsPlatform has struct_size 3 instead of",
    "version": "the platform was compiled for SDK version 7 (sdk_version), but libpjrt_sdk.a has version 1",
    "name": 'a platform\'s name must be 1 to 31 lower-case letters, digits and underscores, but is "Wrong Name"',
    "nothing": "platform wrong has neither a device nor a compiler",
    "compiler": "platform wrong: PjsCompilerOps lacks the function compile",
    "open_fails": "platform wrong: libwrong.so.2 is not installed",
    "open_null": "platform wrong: open succeeded without a driver",
    "no_devices": "platform wrong: device_count says 0",
    "address": "platform wrong: allocate succeeded with address 0",
    "copy_fails": "the link is down",
}

WRONG = r"""
#include <stdlib.h>
#include <string.h>
#include <pjrt/sdk/sdk.h>
struct PjsDriver { int unused; };
static struct PjsDriver driver;
static bool is(const char *fault) { return strcmp(getenv("FAULT"), fault) == 0; }
static PjsError *my_open(const PjsOpenOptions *options, PjsDriver **out) {
  (void)options;
  if (is("open_fails"))
    return pjs_error(PJRT_Error_Code_UNAVAILABLE, "libwrong.so.%d is not installed", 2);
  *out = is("open_null") ? NULL : &driver;
  return NULL;
}
static void my_close(PjsDriver *d) { (void)d; }
static int my_count(PjsDriver *d) { (void)d; return is("no_devices") ? 0 : 1; }
static bool my_view(PjsDriver *d, int device, PjsAddress address, size_t size) {
  (void)d; (void)device; (void)address; (void)size;
  return true;
}
static PjsError *my_allocate(PjsDriver *d, int device, size_t size, PjsAddress *out) {
  (void)d; (void)device;
  *out = is("address") ? 0 : (PjsAddress)(uintptr_t)malloc(size + 1);
  return NULL;
}
static void my_free(PjsDriver *d, int device, PjsAddress address, size_t size) {
  (void)d; (void)device; (void)size;
  free((void *)(uintptr_t)address);
}
static void my_in(PjsDriver *d, int device, PjsAddress to, const void *from, size_t size, PjsDone *done) {
  (void)d; (void)device;
  memcpy((void *)(uintptr_t)to, from, size);
  pjs_done(done, is("copy_fails") ? pjs_error(PJRT_Error_Code_DATA_LOSS, "the link is down") : NULL);
}
static void my_out(PjsDriver *d, int device, void *to, PjsAddress from, size_t size, PjsDone *done) {
  (void)d; (void)device;
  memcpy(to, (void *)(uintptr_t)from, size);
  pjs_done(done, NULL);
}
static void my_launch(PjsDriver *d, int device, const PjsLaunch *launch, PjsDone *done) {
  (void)d; (void)device; (void)launch;
  pjs_done(done, NULL);
}
static void *my_host(PjsDriver *d, int device, PjsAddress address) { (void)d; (void)device; return (void *)(uintptr_t)address; }
static void my_stats(PjsDriver *d, int device, PjsDeviceStats *stats) { (void)d; (void)device; (void)stats; }
PJS_EXPORT const PJRT_Api *GetPjrtApi(void);
PJS_EXPORT const PJRT_Api *GetPjrtApi(void) {
  static PjsDeviceOps device = {.struct_size = sizeof device, .open = my_open, .close = my_close, .device_count = my_count,
                                .allocate = my_allocate, .free = my_free, .copy_in = my_in, .copy_out = my_out};
  static PjsCompilerOps compiler = {.struct_size = sizeof compiler};
  static PjsPlatform platform = {.struct_size = sizeof platform, .sdk_version = PJS_VERSION, .name = "wrong",
                                 .version = "wrong 1", .device = &device};
  if (is("copy_in")) device.copy_in = NULL;
  if (is("open")) device.open = NULL;
  if (is("view")) { device.can_view = my_view; device.host_pointer = my_host; }
  if (is("launch")) { device.launch = my_launch; device.host_pointer = my_host; }
  if (is("half")) device.stats = my_stats;
  if (is("no_size")) device.struct_size = 0;
  if (is("large")) device.struct_size += 8;
  if (is("platform_size")) platform.struct_size = 3;
  if (is("version")) platform.sdk_version = 7;
  if (is("name")) platform.name = "Wrong Name";
  if (is("nothing")) platform.device = NULL;
  if (is("compiler")) platform.compiler = &compiler;
  return pjs_plugin_api(&platform);
}
"""


@pytest.fixture(scope="module")
def wrong(link, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong.c").write_text(WRONG)
    return link(folder / "wrong.c", folder / "pjrt_plugin_wrong.so")


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_wrong_use_is_told(prefix, wrong, tmp_path, fault):
    program = tmp_path / "add.mlir"
    program.write_text("func.func @main() -> tensor<4xf32> {\n  %x = stablehlo.iota dim = 0 : tensor<4xf32>\n"
                       "  %y = stablehlo.add %x, %x : tensor<4xf32>\n  return %y : tensor<4xf32>\n}\n")
    said = run(prefix / "bin/pjrt", "run", "--plugin", wrong, program, status=0 if fault == "none" else 1, FAULT=fault)
    if fault == "none":
        assert "6" in said
    else:
        assert FAULTS[fault] in said, said


# --- A device and a compiler ---------------------------------------------------------------------------

BOTH = r"""
#include <stdlib.h>
#include <string.h>
#include <pjrt/sdk/sdk.h>
/* Memory that the host cannot address, as far as libpjrt knows, and a compiler of negations alone. */
#define MARK ((PjsAddress)1 << 63)
static char *at(PjsAddress address) { return (char *)(uintptr_t)(address & ~MARK); }
struct PjsDriver { int opened; };
struct PjsExecutable { size_t count; };
static struct PjsDriver the_driver = {42};
static PjsError *my_open(const PjsOpenOptions *options, PjsDriver **out) { (void)options; *out = &the_driver; return NULL; }
static void my_close(PjsDriver *d) { (void)d; }
static int my_count(PjsDriver *d) { (void)d; return 1; }
static PjsError *my_allocate(PjsDriver *d, int device, size_t size, PjsAddress *out) {
  (void)d; (void)device;
  *out = MARK | (PjsAddress)(uintptr_t)malloc(size + 1);
  return NULL;
}
static void my_free(PjsDriver *d, int device, PjsAddress address, size_t size) { (void)d; (void)device; (void)size; free(at(address)); }
static void my_in(PjsDriver *d, int device, PjsAddress to, const void *from, size_t size, PjsDone *done) {
  (void)d; (void)device;
  memcpy(at(to), from, size);
  pjs_done(done, NULL);
}
static void my_out(PjsDriver *d, int device, void *to, PjsAddress from, size_t size, PjsDone *done) {
  (void)d; (void)device;
  memcpy(to, at(from), size);
  pjs_done(done, NULL);
}
static PjsError *my_compile(const PjsModule *module, const PjsCompileOptions *options, PjsExecutable **out) {
  const PjsRegion *body = pjs_op_region(pjs_module_entry(module), 0);
  const PjsOp *op = pjs_region_first(body);
  (void)options;
  if (!pjs_op_is(op, "stablehlo.negate"))
    return pjs_op_error(op, PJRT_Error_Code_UNIMPLEMENTED, "only negations");
  *out = malloc(sizeof **out);
  (*out)->count = pjs_type_num_elements(pjs_value_type(pjs_op_result(op, 0)));
  return NULL;
}
static void my_destroy(PjsExecutable *executable) { free(executable); }
static void my_run(const PjsExecutable *executable, const PjsRun *run, PjsDone *done) {
  if (run->driver != &the_driver || run->device != 0 || run->num_inputs != 1 || run->num_outputs != 1 ||
      run->inputs[0].host || run->outputs[0].host || run->inputs[0].element != PJRT_Buffer_Type_F32 ||
      run->inputs[0].rank != 1 || run->outputs[0].bytes != executable->count * sizeof(float)) {
    pjs_done(done, pjs_error(PJRT_Error_Code_INTERNAL, "a run that is not what was compiled"));
    return;
  }
  const float *in = (const float *)at(run->inputs[0].address);
  float *out = (float *)at(run->outputs[0].address);
  for (size_t i = 0; i < executable->count; i++)
    out[i] = -in[i];
  pjs_done(done, NULL);
}
static const PjsDeviceOps device = {.struct_size = sizeof device, .open = my_open, .close = my_close, .device_count = my_count,
                                    .allocate = my_allocate, .free = my_free, .copy_in = my_in, .copy_out = my_out};
static const PjsCompilerOps compiler = {.struct_size = sizeof compiler, .form = PJS_FORM_VERIFIED, .compile = my_compile,
                                        .destroy = my_destroy, .run = my_run};
static const PjsPlatform platform = {.struct_size = sizeof platform, .sdk_version = PJS_VERSION, .name = "both",
                                     .version = "both 1", .device = &device, .compiler = &compiler};
PJRT_SDK_PLUGIN(platform)
"""


def test_a_device_and_a_compiler(prefix, link, tmp_path):
    """The compiler runs over the device's addresses; what it refuses libpjrt runs on copies."""
    numpy = pytest.importorskip("numpy")
    (tmp_path / "both.c").write_text(BOTH)
    plugin = link(tmp_path / "both.c", tmp_path / "pjrt_plugin_both.so")
    numpy.save(tmp_path / "x.npy", numpy.array([1, -2, 3], numpy.float32))
    for op, expected, left in (("negate", [-1, 2, -3], False), ("abs", [1, 2, 3], True)):
        program = tmp_path / f"{op}.mlir"
        program.write_text(f"func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {{\n  %y = stablehlo.{op} %x : tensor<3xf32>\n"
                           "  return %y : tensor<3xf32>\n}\n")
        said = run(prefix / "bin/pjrt", "run", "--plugin", plugin, "-o", tmp_path / "out", program, tmp_path / "x.npy",
                   PJRT_LOG="fallback")
        assert numpy.load(tmp_path / "out/output_0.npy").tolist() == expected
        assert (f"the whole program, by libpjrt: stablehlo.{op}: only negations" in said) == left, said


CXX = r"""
#include <pjrt/sdk/sdk.h>
struct PjsExecutable {};
namespace {
PjsError *compile(const PjsModule *, const PjsCompileOptions *, PjsExecutable **) {
  return pjs_error(PJRT_Error_Code_UNIMPLEMENTED, "nothing yet");
}
void destroy(PjsExecutable *) {}
void run(const PjsExecutable *, const PjsRun *, PjsDone *done) { pjs_done(done, nullptr); }
const PjsCompilerOps compiler{sizeof(PjsCompilerOps), PJS_FORM_VERIFIED, compile, destroy, run, nullptr, nullptr};
const PjsPlatform platform{sizeof(PjsPlatform), PJS_VERSION, "cxx", "cxx 1", nullptr, &compiler};
}
PJRT_SDK_PLUGIN(platform)
"""


def test_a_plugin_in_cxx(prefix, link, tmp_path):
    """C++ links in the same way; a compiler that does nothing yet leaves everything to libpjrt."""
    (tmp_path / "cxx.cc").write_text(CXX)
    plugin = link(tmp_path / "cxx.cc", tmp_path / "pjrt_plugin_cxx.so", "c++17")
    program = tmp_path / "one.mlir"
    program.write_text("func.func @main() -> tensor<3xf32> {\n  %x = stablehlo.iota dim = 0 : tensor<3xf32>\n"
                       "  return %x : tensor<3xf32>\n}\n")
    said = run(prefix / "bin/pjrt", "run", "--plugin", plugin, program, PJRT_LOG="fallback")
    assert "by libpjrt: nothing yet" in said and "2" in said, said


# --- The guide ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_guide_works_as_it_stands(prefix, tmp_path):
    """The commands of doc/new-device.md from section 2 on, in an empty folder; installing was done before."""
    text = (ROOT / "doc/new-device.md").read_text()
    script = ["set -e"]
    for section in ("## 2. Copy the template", "## 6. Test it"):
        part = text.split(section, 1)[1].split("\n## ", 1)[0]
        blocks = re.findall(r"(?:^    .*\n)+", part, re.M)
        script += [re.sub(r"^    ", "", block, flags=re.M) for block in blocks]
    assert len(script) >= 7
    (tmp_path / "pjrt").symlink_to(prefix)
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    said = run("bash", "-c", "\n".join(script), cwd=tmp_path, timeout=900, HOME=str(tmp_path), PATH=path)
    assert "0 failed" in said and "Device" in said, said
