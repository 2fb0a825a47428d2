"""Calls from PyTorch's OpInfo, compiled against eager: a small sample of what tools/torch_opinfo.py runs by the thousand."""

import importlib.util
import pathlib

import pytest

pytest.importorskip("expecttest")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = 120
SEED = 8


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("torch_opinfo", ROOT / "tools" / "torch_opinfo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")
def test_sample_agrees_with_eager(tool):
    """No crash, no error of ours, no difference; and most of what can be traced is compiled whole."""
    calls = tool.Opinfo().draws(CALLS, SEED)
    results = tool.run_all(calls, None, 1, 60)
    bad = [(r["call"], r["outcome"], r["detail"]) for r in results if r["outcome"] in ("crash", "error", "differ")]
    assert not bad
    counts, judged, good, whole = tool.summary(results)
    assert judged > 0.8 * CALLS
    assert whole > 0.85 * judged


def test_draws_are_the_same_each_time(tool):
    database = tool.Opinfo("^(add|mul|sum)$")
    assert database.draws(20, 5) == database.draws(20, 5)
    assert database.draws(20, 5) != database.draws(20, 6)


def test_a_dead_worker_is_a_crash(tool, monkeypatch):
    """The process of a call that dies, or takes too long, is an outcome and not the end of the run."""
    one = tool.Worker("^add$", 30)
    one.start()
    one.process.kill()
    one.process.wait()
    one.fresh = False
    monkeypatch.setattr(one.process, "poll", lambda: None)  # it dies between the look and the call
    assert one.run(["add", "float32", 0])["outcome"] == "crash"
    assert one.run(["add", "float32", 0])["outcome"] == "agree"
    one.stop()
