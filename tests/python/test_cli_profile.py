"""pjrt profile and pjrt bench: what they measure, the forms in which they tell it, and bad arguments."""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

import odd_plugin
from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """module @two {
  func.func public @main(%x: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64xf32>) {
    %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32> loc("model.py":7:3)
    %1 = stablehlo.tanh %0 : tensor<64x64xf32> loc("jit(f)/tanh"("model.py":8:5))
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [1] : (tensor<64x64xf32>, tensor<f32>) -> tensor<64xf32> loc("model.py":9:5)
    return %1, %3 : tensor<64x64xf32>, tensor<64xf32>
  }
}
"""
DONATES = """func.func @main(%x: tensor<8xf32> {tf.aliasing_output = 0 : i32}) -> tensor<8xf32> {
  %0 = stablehlo.add %x, %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}
"""


@pytest.fixture
def pjrt(build, plugin, tmp_path):
    """pjrt(*arguments) -> (exit status, stdout, stderr), in a folder of its own with program.mlir."""
    (tmp_path / "program.mlir").write_text(PROGRAM)
    (tmp_path / "donates.mlir").write_text(DONATES)
    np.save(tmp_path / "x.npy", np.ones((64, 64), np.float32))
    np.save(tmp_path / "y.npy", np.ones((64, 63), np.float32))

    def run(*arguments):
        result = subprocess.run([build / "pjrt", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True,
                                timeout=120)
        assert result.returncode in (0, 1, 2), result
        return result.returncode, result.stdout, result.stderr

    run.folder, run.plugin = tmp_path, plugin
    return run


def good(result):
    assert result[0] == 0 and not result[2], result
    return result[1]


def load(text, schema):
    value = json.loads(text)
    validate(value, json.loads((ROOT / "cli" / schema).read_text()))
    return value


# --- profile -------------------------------------------------------------------------------------


def test_profile_names_kernels_and_lines(pjrt):
    found = load(good(pjrt("profile", "program.mlir", "x.npy", "--repeat", 4, "--json")), "profile.schema.json")
    assert found["profiler"] and len(found["runs_s"]) == 4 and found["runs_s"] == sorted(found["runs_s"])
    kernels = {k["source"]: k for k in found["kernels"]}
    assert kernels["model.py:7:3"]["ops"] == "dot_general" and kernels["model.py:7:3"]["flops"] == 2 * 64**3
    assert kernels["model.py:7:3"]["bytes"] == 2 * 64 * 64 * 4  # its operands are one array
    assert all(k["calls"] == 4 for k in found["kernels"])
    assert any("tanh" in k["ops"] for k in found["kernels"])
    assert {"model.py:7"} < {line["name"] for line in found["lines"]}
    assert {"compile", "passes", "schedule and code"} <= {p["name"] for p in found["compile_phases"]}
    assert sum(k["self_us"] for k in found["kernels"]) <= 1e6 * sum(found["runs_s"])


def test_profile_table(pjrt):
    out = good(pjrt("profile", "program.mlir", "--repeat", 3))
    assert re.search(r"compile .*, first run .*, then 3 runs: median .*, least ", out)
    assert re.search(r"%.*gemm\w*\.\d+  model.py:7:3", out) and "GFLOP/s" in out
    short = good(pjrt("profile", "program.mlir", "--repeat", 3, "--top", 1))
    assert "others (--top shows more)" in short


def test_profile_trace(pjrt):
    good(pjrt("profile", "program.mlir", "--repeat", 3, "--trace", "t.json"))
    events = json.loads((pjrt.folder / "t.json").read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    assert all(e["ts"] >= 0 and e["dur"] >= 0 and e["tid"] >= 1 for e in spans)
    assert sum(e["cat"] == "run" for e in spans) == 4  # and the first one
    runs = [e for e in spans if e["cat"] == "run"]
    for step in (e for e in spans if e["cat"] == "step"):
        assert any(run["pid"] == step["pid"] and run["tid"] == step["tid"] and run["ts"] <= step["ts"] + 1e-3
                   and step["ts"] + step["dur"] <= run["ts"] + run["dur"] + 1e-3 for run in runs), step
    assert {"compile", "transfer"} <= {e["cat"] for e in spans}
    assert any(e["args"]["source"] == "model.py:7:3" for e in spans)


class Page(html.parser.HTMLParser):
    """The tags of a page, and every text in it that would fetch something."""

    def __init__(self):
        super().__init__()
        self.tags, self.fetches = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetches += [value for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_profile_report(pjrt):
    (pjrt.folder / "<b>&.mlir").write_text(PROGRAM)
    good(pjrt("profile", "<b>&.mlir", "--repeat", 3, "--html", "r.html"))
    text = (pjrt.folder / "r.html").read_text()
    page = Page()
    page.feed(text)
    assert not page.fetches and "script" not in page.tags and "url(" not in text and "://" not in text
    assert page.tags.count("h2") == 5 and page.tags.count("svg") > 4 and "b" not in page.tags[:9]
    for word in ("time per run [", "time since the run began [", "model.py:7", "prefers-color-scheme:dark"):
        assert word in text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURE = """<script>addEventListener("load", () => {
  const page = document.documentElement, bad = [];
  if (page.scrollWidth > page.clientWidth) bad.push("page " + page.scrollWidth);
  for (const text of document.querySelectorAll("body > svg > g > text")) {
    const box = text.getBoundingClientRect();
    if (box.left < -1 || box.right > page.clientWidth + 1 || !box.width) bad.push(text.textContent);
  }
  document.title = "measured " + page.clientWidth + ": " + bad.join("; ");
})</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [500, 1100])
def test_reports_in_a_browser(pjrt, width):
    """Laid out by Chromium, nothing runs out of the window and every bar has its label."""
    good(pjrt("profile", "program.mlir", "--repeat", 3, "--html", "profile.html"))
    good(pjrt("check", "--quiet", "--filter", "api.*", "--html", "check.html", pjrt.plugin))
    for name in ("profile.html", "check.html"):
        page = pjrt.folder / name
        page.write_text(page.read_text() + MEASURE)
        result = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={pjrt.folder}/browser",
                                 f"--window-size={width},1500", "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
                                capture_output=True, text=True, timeout=120)
        title = re.search(r"<title>(.*?)</title>", result.stdout)
        assert title and re.fullmatch(rf"measured {width}: ", title[1]), (title, result.stderr[-500:])


def test_profile_without_profiler(pjrt):
    plain = odd_plugin.make(pjrt.folder, pjrt.plugin, ROOT / "include", change="outer.extension_start=0")
    out = good(pjrt("profile", "--plugin", plain, "program.mlir", "--repeat", 2, "--html", "r.html"))
    assert "This plugin has no profiler" in out and "2 runs: median" in out
    found = load(good(pjrt("profile", "--plugin", plain, "program.mlir", "--json")), "profile.schema.json")
    assert not found["profiler"] and not found["kernels"] and len(found["runs_s"]) == 20
    assert "This plugin has no profiler" in (pjrt.folder / "r.html").read_text()


def test_profile_of_a_shared_function(pjrt):
    """What has no place of its own, as in functions that JAX shares between callers, has that of the call."""
    (pjrt.folder / "shared.mlir").write_text("""module {
  func.func private @sorted(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = "stablehlo.sort"(%x) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }) {dimension = 0 : i64} : (tensor<64xf32>) -> tensor<64xf32> loc("sort")
    return %0 : tensor<64xf32>
  }
  func.func public @main(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = func.call @sorted(%x) : (tensor<64xf32>) -> tensor<64xf32> loc("jit(sort)"("model.py":4:2))
    return %0 : tensor<64xf32>
  }
}
""")
    found = load(good(pjrt("profile", "shared.mlir", "--repeat", 2, "--json")), "profile.schema.json")
    assert [(k["ops"], k["source"], k["op_name"]) for k in found["kernels"]] == [("sort", "model.py:4:2", "sort")]


def test_profile_of_the_evaluator(pjrt, monkeypatch):
    """A program that it runs whole shows its operations, but not those of a reduction's body."""
    monkeypatch.setenv("PJRT_COMPILER", "eval")
    found = load(good(pjrt("profile", "program.mlir", "x.npy", "--repeat", 4, "--json")), "profile.schema.json")
    assert {k["source"]: k["ops"] for k in found["kernels"]} == {
        "model.py:7:3": "dot_general", "model.py:8:5": "tanh", "model.py:9:5": "reduce"}
    assert all(k["calls"] == 4 and k["bytes"] > 0 and k["flops"] > 0 for k in found["kernels"])
    out = good(pjrt("profile", "program.mlir", "--repeat", 2))
    assert re.search(r"%.*evaluate_tanh\.\d+  model.py:8:5", out), out


def test_profile_of_a_loop_and_donation(pjrt):
    out = load(good(pjrt("profile", "donates.mlir", "--repeat", 5, "--json")), "profile.schema.json")
    assert [k["calls"] for k in out["kernels"]] == [5]


# --- bench ---------------------------------------------------------------------------------------


def test_bench(pjrt):
    found = load(good(pjrt("bench", "program.mlir", "donates.mlir", "--plugin", pjrt.plugin, "--plugin", pjrt.plugin,
                           "--seconds", 0.05, "--json")), "bench.schema.json")
    assert [f["program"] for f in found] == ["program.mlir"] * 2 + ["donates.mlir"] * 2
    for f in found:
        assert f["runs"] >= 5 and 0 < f["min_s"] <= f["median_s"] <= f["p95_s"] and f["compile_s"] > 0
    assert found[0]["runs"] == found[1]["runs"]  # in turn
    out = good(pjrt("bench", "program.mlir", "--input", "x.npy", "--repeat", 3)).splitlines()
    assert "median" in out[0] and len(out) == 2 and out[1].endswith("program.mlir") and " 3 " in out[1]


# --- Bad arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["profile", "bench"])
def test_bad_arguments(pjrt, command):
    for arguments in ([], ["--frob", "program.mlir"], ["program.mlir", "--repeat", "0"],
                      ["program.mlir", "--repeat", "many"], ["program.mlir", "--repeat"]):
        status, out, err = pjrt(command, *arguments)
        assert (status, out) == (2, "") and f"pjrt {command}:" in err and "--help" in err, arguments
    (pjrt.folder / "cut.mlir").write_text(PROGRAM[:150])
    (pjrt.folder / "dynamic.mlir").write_text("func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {\n  return %x : tensor<?xf32>\n}\n")
    for arguments, words in ((["none.mlir"], ["NOT_FOUND", "none.mlir"]), (["cut.mlir"], ["INVALID_ARGUMENT", "cut.mlir"]),
                             (["."], ["folder"]), (["dynamic.mlir"], ["UNIMPLEMENTED", "parameter 0"]),
                             (["program.mlir", "--plugin", "/none.so"], ["/none.so"]),
                             (["program.mlir", "--plugin", "program.mlir"], ["program.mlir"]),
                             (["program.mlir", "--device", "9"], ["device 9"])):
        status, out, err = pjrt(command, *arguments)
        assert (status, out) == (1, "") and all(word in err for word in words), (arguments, err)
    old = odd_plugin.make(pjrt.folder, pjrt.plugin, ROOT / "include", change="outer.pjrt_api_version.minor_version=5")
    status, out, err = pjrt(command, "--plugin", old, "program.mlir")
    assert (status, out) == (1, "") and "0.5" in err and "FAILED_PRECONDITION" in err, err


def test_bad_inputs(pjrt):
    given = {"profile": lambda *files: ["profile", "program.mlir", *files],
             "bench": lambda *files: ["bench", "program.mlir", *(w for f in files for w in ("--input", f))]}
    for arguments in given.values():
        for files, words in ((["y.npy"], ["argument 0", "f32[64,64]", "f32[64,63]"]), (["none.npy"], ["none.npy"]),
                             (["x.npy", "x.npy"], ["1 parameters", "2 inputs"]), (["program.mlir"], ["not an .npy file"])):
            status, out, err = pjrt(*arguments(*files))
            assert (status, out) == (1, "") and all(word in err for word in words), (files, err)
    assert pjrt("bench", "program.mlir", "donates.mlir", "--input", "x.npy")[0] == 2
    for option in ("--trace", "--html"):
        status, _, err = pjrt("profile", "program.mlir", option, "none/out")
        assert status == 1 and "none/out" in err
