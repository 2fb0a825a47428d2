"""python -m libpjrt doctor."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from conftest import ROOT
from libpjrt import doctor


def run(*arguments, path=str(ROOT / "python"), **environment):
    env = dict(os.environ, PYTHONPATH=path, **environment)
    return subprocess.run([sys.executable, "-m", "libpjrt", *arguments], env=env, capture_output=True, text=True, timeout=300)


def test_extras_and_roads_say_the_same():
    extras = tomllib.loads((ROOT / "python/pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) == {road.name for road in doctor.ROADS}
    for road in doctor.ROADS:
        assert {name + wanted for name, wanted in road.needs.items()} == set(extras[road.name]), road.name
        for wanted in road.needs.values():
            assert doctor.fits("999", wanted) == ("<" not in wanted and "==" not in wanted)


def test_entry_points_are_those_of_the_package():
    points = tomllib.loads((ROOT / "python/pyproject.toml").read_text())["project"]["entry-points"]
    for road in doctor.ROADS:
        if road.entry:
            assert road.entry[1] in points[road.entry[0]], road.name


@pytest.mark.parametrize("version, wanted, answer", [
    ("2.13.0+cpu", ">=2.11", True), ("2.9.0", ">=2.11", False), ("2.9.0+cu128", "==2.9.0", True), ("2.9.1", "==2.9.0", False),
    ("2.9", "==2.9.0", True), ("2.22.0rc0", ">=2.20,<2.22", False), ("2.21.3", ">=2.20,<2.22", True), ("0.10.2", ">=0.4.36", True),
    ("0.4.35", ">=0.4.36", False), ("1", "", True)])
def test_versions(version, wanted, answer):
    assert doctor.fits(version, wanted) == answer


def test_report(plugin):
    pytest.importorskip("jax")
    result = run("doctor", "jax", "torch_xla", "--json", PJRT_CPU_LIBRARY=str(plugin))
    report = json.loads(result.stdout)
    assert report["plugin"]["status"] == "works" and report["plugin"]["path"] == str(plugin)
    assert report["plugin"]["says"].endswith("PJRT C API 0.112")
    assert report["roads"]["jax"]["status"] == "works" and report["roads"]["jax"]["versions"]["jax"]
    assert set(report["roads"]) == {"jax", "torch_xla"}
    assert report["roads"]["torch_xla"]["status"] == "not installed"
    assert report["roads"]["torch_xla"]["mend"] == "pip install 'libpjrt[torch_xla]'"
    assert result.returncode == 0 and result.stderr == ""


def fake(folder, name, version, code=""):
    """A distribution of that name with one module."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / f"{name}.py").write_text(code)


def test_what_does_not_fit(plugin, tmp_path):
    fake(tmp_path, "torch", "2.13.0")
    fake(tmp_path, "torch_xla", "2.9.0")
    path = os.pathsep.join([str(ROOT / "python"), str(tmp_path)])
    result = run("doctor", "torch_xla", "torchax", path=path, PJRT_CPU_LIBRARY=str(plugin))
    assert "torch 2.13.0 is installed, it takes torch==2.9.0" in result.stdout and "virtual environment of its own" in result.stdout
    assert "torchax     not installed" in result.stdout
    assert result.returncode == 1


def test_torch_xla_keeps_its_torch(plugin, tmp_path):
    fake(tmp_path, "torch", "2.9.0")
    fake(tmp_path, "torch_xla", "2.9.0")
    result = run("doctor", "torch", path=os.pathsep.join([str(ROOT / "python"), str(tmp_path)]), PJRT_CPU_LIBRARY=str(plugin))
    assert "torch 2.9.0 is installed, it takes torch>=2.11, for torch_xla" in result.stdout
    assert "virtual environment of its own" in result.stdout and result.returncode == 0


def test_what_does_not_run(plugin, tmp_path):
    fake(tmp_path, "torch", "2.9.0", "import os; os.abort()")
    fake(tmp_path, "torch_xla", "2.9.0")
    info = tmp_path / "libpjrt-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: libpjrt\nVersion: 0\n")
    path = os.pathsep.join([str(ROOT / "python"), str(tmp_path)])
    result = run("doctor", "torch_xla", path=path, PJRT_CPU_LIBRARY=str(plugin))
    assert "is not registered" in result.stdout and result.returncode == 1
    (info / "entry_points.txt").write_text("[torch_xla.plugins]\nLIBPJRT = libpjrt.torch_xla:CpuPlugin\n")
    result = run("doctor", "torch_xla", path=path, PJRT_CPU_LIBRARY=str(plugin))
    assert "the process ended with signal 6" in result.stdout and result.returncode == 1
    (tmp_path / "torch.py").write_text("import nonsense_that_is_not_there")
    result = run("doctor", "torch_xla", path=path, PJRT_CPU_LIBRARY=str(plugin))
    assert "-> pip install nonsense_that_is_not_there" in result.stdout and result.returncode == 1


def test_what_tensorflow_lacks(plugin, tmp_path):
    fake(tmp_path, "tensorflow_cpu", "2.21.0")
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").touch()
    path = os.pathsep.join([str(ROOT / "python"), str(tmp_path)])
    result = run("doctor", "tensorflow", path=path, PJRT_CPU_LIBRARY=str(plugin), PJRT_TENSORFLOW_LIBRARY=str(tmp_path / "none.so"))
    assert "tensorflow  broken: tensorflow-cpu 2.21.0\n" in result.stdout and result.returncode == 1
    assert "no adapter for TensorFlow 2.21" in result.stdout and "python -m libpjrt.tensorflow build" in result.stdout


def test_without_a_plugin():
    result = run("doctor", PJRT_CPU_LIBRARY="/nonexistent.so")
    assert result.returncode == 1 and "/nonexistent.so" in result.stdout and "PJRT_CPU_LIBRARY" in result.stdout
    result = run("doctor", PJRT_CPU_LIBRARY=str(ROOT / "Makefile"))
    assert result.returncode == 1 and "plugin      broken" in result.stdout


def test_usage():
    assert run().returncode == 2 and "usage" in run().stderr
    assert run("doctor", "caffe").returncode == 2
