"""The bench itself: its programs trace, its comparison finds errors, its report survives failures and missing figures."""

import argparse
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from conftest import BUILD, ROOT

sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench/rpc")]
import bench
import functions
import host
import programs
import report
import wide

PROGRAMS = programs.load()


def test_programs_have_distinct_figures():
    assert len(PROGRAMS) > 200
    assert {program.tag for program in PROGRAMS.values()} == set(programs.TAGS)
    assert all(len(name) <= 46 and "|" not in name for name in PROGRAMS)
    assert sum(program.quick for program in PROGRAMS.values()) < 100


@pytest.mark.parametrize("name, operations", [
    ("unrolled, 1,552 ops", 1552), pytest.param("unrolled, 7,744 ops", 7744, marks=pytest.mark.slow)])
def test_unrolled_programs_have_the_stated_size(name, operations):
    import jax

    program = PROGRAMS[name]
    text = jax.jit(program.function).lower(*program.make()).as_text()
    assert len(re.findall(r"(?<!#)stablehlo\.\w+", text)) == operations


@pytest.mark.slow
def test_every_program_traces():
    import jax

    for program in PROGRAMS.values():
        with jax.enable_x64(program.x64):
            arguments = program.make()
            results = jax.eval_shape(program.function, *arguments)
            shapes = lambda tree: jax.tree.map(lambda x: (np.shape(x), np.result_type(x)), tree)
            if program.carry:
                assert shapes(tuple(results[: program.carry])) == shapes(tuple(arguments[: program.carry])), program.name


def test_functions_of_all_families():
    table = functions.load()
    assert len(table) > 2000 and {function.family for function in table.values()} == set(functions.MODULES)
    assert all(len(name) <= 50 for name in table)


@pytest.mark.slow
def test_every_function_traces():
    import jax

    for function in functions.load().values():
        with jax.enable_x64(function.x64):
            assert jax.tree.leaves(jax.eval_shape(function.function, *function.arguments)), function.name


def test_report_of_functions(capsys):
    row = lambda name, ours, theirs: {"name": name, "family": "unary", "us": {"plugin": ours, "XLA": theirs}, "ratio": theirs / ours,
                                      "compile_ms": {"plugin": 2, "XLA": 20}, "compile_ratio": 10, "difference": 0.0}
    wide.report([row("a", 1, 4), row("b", 2, 1), {"name": "c", "family": "unary", "error": "crash"}], argparse.Namespace(below=1))
    text = capsys.readouterr().out
    assert "ratio below 1: 1 of 2" in text and "0.50 b" in text and "1.41" in text and "unary, 2 functions" in text
    assert wide.difference([np.float32([1, np.nan])], [np.float32([1, np.nan])]) == 0
    assert wide.difference([np.float32([1, 2])], [np.float32([1, 4])]) == pytest.approx(0.5)
    assert wide.difference([np.float32([1, np.nan])], [np.float32([1, 4])]) == math.inf


def test_error_of_arrays():
    x = np.array([1, -2, 3e-3, np.nan, np.inf], np.float32)
    assert bench.error_of(x, x.copy()) == 0
    y = x.copy()
    y[0] += 1e-3
    assert 2e-4 < bench.error_of(y, x) < 1e-3
    y[3] = 0
    assert bench.error_of(y, x) == math.inf
    assert bench.error_of(x, x.astype(np.float64)) == math.inf
    assert bench.error_of(np.array([1, 2]), np.array([1, 3])) == math.inf
    assert bench.error_of(np.array([3.0, 4.0]), np.array([3.0, 4.5]), overall=True) == pytest.approx(0.5 / math.hypot(3, 4.5))


def test_report_of_failures_only():
    machine = {"cpu": "any", "processors": 2, "features": [], "commit": "", "time": "", "load": 0.0}
    rows = [{"name": "a", "tag": "loop", "error": "plugin: ended by SIGSEGV"}]
    text = report.text({"machine": machine, "rows": rows})
    assert "FAILED  a: plugin: ended by SIGSEGV" in text and "not measured" in text


def test_changes_between_runs():
    row = lambda name, run, compiled: {"name": name, "ratio": {"XLA": run}, "compile_ratio": compiled}
    old = {"rows": [row("a", 2.0, 10), row("b", 2.0, 10), {"name": "c", "error": "crash"}]}
    new = {"rows": [row("a", 1.0, 10), row("b", 2.1, 30), row("c", 1.0, 10), row("new", 1.0, 1)]}
    lines = report.changes(new, old)
    assert lines[0] == "works now  c" and lines[1].split() == ["0.50", "x", "run", "a"]
    assert lines[2].split() == ["3.00", "x", "compile", "b"] and lines[3].startswith("run: 2 programs")


@pytest.mark.slow
def test_bench_runs(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, ROOT / "bench/bench.py", "--build", BUILD, "--quick", "--no-once", "--filter", "x + 1, scalar", "--json", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "call of x + 1, scalar" in done.stdout and out.exists()


def test_peers_know_only_programs_that_exist():
    # torch_programs.py imports torch, which is not installed here: its names are read from the text.
    text = (ROOT / "bench/torch_programs.py").read_text()
    names = [name for call in re.findall(r"@?known\(((?:\s*\"[^\"]+\",?)+)", text) for name in re.findall(r"\"([^\"]+)\"", call)]
    names += re.findall(r"^    \"([^\"]+)\": lambda", text, re.M)
    assert len(names) > 150 and set(names) <= set(PROGRAMS), set(names) - set(PROGRAMS)


def test_rpc_host(plugin):
    """What both sides of bench/rpc call: the plugin through ctypes."""
    device = host.Host(BUILD / "libpjrt.so", plugin)
    program = device.compile("func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {\n"
                             "  %0 = stablehlo.add %x, %x : tensor<3xf32>\n  return %0 : tensor<3xf32>\n}\n")
    argument = device.upload(np.float32([1, 2, 3]).tobytes(), "f32", 3)
    result = device.execute(program, argument)
    assert np.frombuffer(device.download(result), np.float32).tolist() == [2, 4, 6]
    room = bytearray(12)
    assert device.download_into(argument, room) is room and np.frombuffer(room, np.float32).tolist() == [1, 2, 3]
    device.destroy(argument)
    device.destroy(result)
    with pytest.raises(RuntimeError, match="frobnicate"):
        device.compile("func.func @main() { %0 = stablehlo.frobnicate : tensor<f32> return }")
