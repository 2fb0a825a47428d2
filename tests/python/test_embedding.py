"""The host library as others use it: installed into a prefix, found by pkg-config and CMake, from C and C++; and the C
examples, which give JAX's numbers with no Python in their process."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def sanitized(build):
    return "PJ_SAN:STRING=\n" not in (build / "CMakeCache.txt").read_text()


FAULTS = re.findall(r"FAULT\((\w+),", (ROOT / "cts/broken/faults.def").read_text())


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    if sanitized(build):
        pytest.skip("a build with sanitizers is not for installing")
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", build, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def compile_program(prefix, tmp_path_factory):
    """compile_program(source, ...) -> the program, made with what pkg-config says."""
    folder = tmp_path_factory.mktemp("programs")
    env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", "pjrt", env=env))

    def compile_(*sources, compiler=("cc", "-std=c17"), options=()):
        out = folder / pathlib.Path(sources[0]).stem
        run(*compiler, *WARNINGS, *options, *sources, *flags, f"-Wl,-rpath,{prefix}/lib", "-o", out)
        return out

    return compile_


def test_hello_in_c_and_cpp(compile_program, tmp_path):
    assert run(compile_program(EXAMPLES / "hello.c")) == "2 3 4 5\n"
    source = tmp_path / "hello_cpp.cc"
    source.write_text((EXAMPLES / "hello.c").read_text())
    assert run(compile_program(source, compiler=("c++", "-std=c++17"))) == "2 3 4 5\n"


def test_lapack_without_python(compile_program, build):
    program = compile_program(EXAMPLES / "solve.c")
    assert run(program, build / "pjrt_plugin_cpu.so") == "info 0, pivots 3 3 3, residual small\n"


def test_a_plugins_faults_do_not_crash_the_host(compile_program, build):
    """Right numbers or an error, whatever a plugin does wrong on the way of hello.c."""
    program = compile_program(EXAMPLES / "hello.c")
    refused = set()
    for fault in FAULTS:
        result = subprocess.run([program, build / "pjrt_plugin_broken.so"], capture_output=True, text=True, timeout=60,
                                env={**os.environ, "PJRT_BROKEN": fault})
        assert result.returncode in (0, 1), (fault, result)
        if result.returncode:
            assert len(result.stderr) > 20, (fault, result)
            refused.add(fault)
    assert {"table_version", "compile_null", "outputs_miscounted"} <= refused
    assert len(FAULTS) > 100 and len(refused) < 20


def test_cmake_package(prefix, tmp_path):
    for name in ("hello.c", "hello.cc"):
        (tmp_path / name).write_text((EXAMPLES / "hello.c").read_text())
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(user LANGUAGES C CXX)\n"
        "find_package(pjrt 0.1 REQUIRED)\n"
        "add_executable(in_c hello.c)\ntarget_link_libraries(in_c pjrt::pjrt)\n"
        "add_executable(in_cpp hello.cc)\ntarget_link_libraries(in_cpp pjrt::pjrt)\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    for name in ("in_c", "in_cpp"):
        assert run(tmp_path / "build" / name) == "2 3 4 5\n"


def test_library_exports_its_functions_only(prefix):
    names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", prefix / "lib/libpjrt.so").splitlines()]
    header = (ROOT / "include/pjrt/pjrt.h").read_text()
    assert names and all(name.startswith("pjh_") and name in header for name in names)


def export(function, *arguments, path):
    """The function as JAX's own CPU lowers it, in a Python of its own; leaves the artifact in |path|."""
    import jax
    import jax.export

    exported = jax.export.export(jax.jit(function), platforms=["cpu"])(*arguments)
    path.write_bytes(exported.mlir_module_serialized)


def test_embed(compile_program, tmp_path):
    def model(params, x):
        return {"y": params["w"] @ x, "z": x + 1}

    export(model, {"w": np.ones((3, 4), np.float32)}, np.ones(4, np.float32), path=tmp_path / "model.mlirbc")
    program = compile_program(EXAMPLES / "embed.c")
    x = np.arange(4)
    expected = (np.arange(12).reshape(3, 4) @ x).sum(), (x + 1).sum()
    assert run(program, "cpu", tmp_path / "model.mlirbc").splitlines() == [
        "parameter 0: params['w']", "parameter 1: x",
        f"result 0: result['y']: sum {expected[0]}", f"result 1: result['z']: sum {expected[1]}"]

    (tmp_path / "bad.mlir").write_text("func.func @main() -> tensor<f32> {\n  return %x : tensor<f32>\n}\n")
    for plugin, file, words in [("nope", "model.mlirbc", ['"nope"', "hint: "]), ("cpu", "bad.mlir", ["INVALID_ARGUMENT", "%x"]),
                                ("cpu", "missing", ["No such file"])]:
        result = subprocess.run([program, plugin, tmp_path / file], capture_output=True, text=True, timeout=60)
        assert result.returncode == 1 and all(word in result.stderr for word in words), result.stderr


# A main around the example's own that then tells what the process has mapped.
WITH_MAPS = """
#include <stdio.h>
int example_main(int argc, char **argv);
int main(int argc, char **argv) {
  int status = example_main(argc, argv);
  FILE *maps = fopen("/proc/self/maps", "r");
  for (int c; maps && (c = getc(maps)) != EOF;)
    putc(c, stderr);
  return status;
}
"""


def run_without_python(compile_program, tmp_path, name, *arguments):
    """The example's output; fails when Python is in its process."""
    source = tmp_path / f"{name}_maps.c"
    source.write_text(WITH_MAPS)
    example = tmp_path / f"{name}.o"
    run("cc", "-std=c17", "-c", "-Dmain=example_main", f"-I{ROOT}/include", EXAMPLES / f"{name}.c", "-o", example)
    program = compile_program(source, example)
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "libpjrt.so" in result.stderr and "pjrt_plugin_cpu.so" in result.stderr
    assert "python" not in result.stderr.lower().replace(str(tmp_path).lower(), "")
    return result.stdout


def test_generate_says_what_jax_says(compile_program, tmp_path):
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    said = run(sys.executable, EXAMPLES / "generate.py", "--out", tmp_path, "5", "17", "42", env=env)
    tokens = said.split()
    assert len(tokens) == 24 and len(set(tokens)) > 10
    out = run_without_python(compile_program, tmp_path, "generate", "cpu", tmp_path / "step.mlirbc",
                             tmp_path / "weights.bin", 24, 5, 17, 42)
    assert out == said


@pytest.mark.slow
def test_classify_is_as_right_as_jax(compile_program, tmp_path):
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    run(sys.executable, EXAMPLES / "digits/train.py", "--out", tmp_path, "--epochs", "1", env=env)
    history = json.loads((tmp_path / "history.json").read_text())
    labels = np.load(tmp_path / "labels.npy")
    out = run_without_python(compile_program, tmp_path, "classify", "cpu", tmp_path / "digits.mlirbc",
                             tmp_path / "images.npy", tmp_path / "labels.npy").splitlines()
    right = round(history["epochs"][-1]["accuracy"] * len(labels))
    assert out[-1] == f"{right} of {len(labels)} are right"
    assert sum(int(digit) == label for digit, label in zip(out[:-1], labels, strict=True)) == right


def test_found_in_this_python(build, tmp_path):
    """The plugins of a real environment: those that its metadata name, of whatever packages are installed."""
    import importlib.metadata

    source = tmp_path / "find.c"
    source.write_text("""
#include <pjrt/pjrt.h>
#include <stdio.h>
int main(int argc, char **argv) {
  PjhFoundList *list;
  PjhFindOptions options = {.path = "", .python = argv[argc - 1]};
  if (pjh_plugins_find(&options, &list))
    return 1;
  for (size_t i = 0; i < pjh_found_count(list); i++) {
    const PjhFound *found = pjh_found_get(list, i);
    printf("%s|%s|%s|%d|%s\\n", found->name, found->path, found->source, found->usable, found->reason);
  }
  pjh_found_free(list);
  return 0;
}
""")
    program = tmp_path / "find"
    run("cc", "-std=c17", *WARNINGS, f"-I{ROOT}/include", source, f"-L{build}", "-lpjrt", f"-Wl,-rpath,{build}", "-o", program)
    env = {key: value for key, value in os.environ.items() if not key.startswith("PJRT_")}
    listed = [line.split("|")[0] for line in run(program, sys.prefix, env=env).splitlines()]
    assert "cpu" in listed  # beside the library
    for entry in importlib.metadata.entry_points(group="jax_plugins"):
        assert entry.name in listed
