"""Plugins of others, without their hardware: inspected, compiled for ahead of time, checked by the kit; what they refuse is said well.

They are large, so they are downloaded by `make check-plugins` only (tools/plugin_matrix.py), and tests of those that are not in
BUILD/plugins are skipped. Each command runs in a process of its own: a crash of a plugin is one failure.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from json_schema import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import plugin_matrix  # noqa: E402

pytestmark = pytest.mark.slow
NAMES = [plugin.name for plugin in plugin_matrix.PLUGINS]
MACHINES = [(plugin.name, machine) for plugin in plugin_matrix.PLUGINS for machine in plugin.machines]


@pytest.fixture
def find(build):
    def find(name):
        plugin = next(plugin for plugin in plugin_matrix.PLUGINS if plugin.name == name)
        if not plugin.path(build):
            pytest.skip(f"{name} is not in {build / 'plugins'}: make check-plugins downloads it")
        return plugin, plugin.path(build)

    return find


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("programs")
    # In a process of its own, where JAX runs on its own CPU backend.
    subprocess.run([sys.executable, "-c", "import pathlib, plugin_matrix; plugin_matrix.write_programs(pathlib.Path('.').resolve())"],
                   cwd=folder, check=True, env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT / "tools")})
    return folder


def inspect(plugin, build, *arguments, folder=None):
    status, out, error = plugin_matrix.pjrt(plugin, build, "inspect", "--json", *arguments, folder=folder)
    assert status == 0, error[-2000:]
    found = json.loads(out)
    validate(found, json.loads((ROOT / "cli/inspect.schema.json").read_text()))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_inspect(plugin, build, find, name):
    plugin, path = find(name)
    found = inspect(plugin, build, path)["plugin"]
    assert found["api"]["major"] == 0 and found["api"]["minor"] >= 54
    assert len(found["functions"]["empty"]) == 138 - found["functions"]["filled"] and found["extensions"]
    assert found["functions"]["filled"] == 138 or found["api"]["minor"] < 112  # an older table is shorter
    if name != "cpu":
        assert re.match(r"[A-Z_]+: starting a client of .*: \w+", found["unavailable"]["client"])


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("libtpu", "cuda"))])
def test_no_client_without_the_hardware(build, find, name):
    plugin, path = find(name)
    for command in (["devices"], ["compile", "add.mlirbc"]):
        status, out, error = plugin_matrix.pjrt(plugin, build, command[0], "--plugin", path, *command[1:], folder=ROOT)
        last = plugin_matrix.message(error)
        assert status == 1 and out == "" and last.startswith(f"pjrt {command[0]}: ")
        assert "NOT_FOUND" in last or "FAILED_PRECONDITION" in last
        assert len(command) > 1 or str(path) in last and re.search("device", last)


@pytest.mark.parametrize("name,machine", MACHINES, ids=["-".join(names) for names in MACHINES])
def test_ahead_of_time(build, find, programs, name, machine):
    plugin, path = find(name)
    arguments = ["--plugin", path, *plugin.machines[machine]]
    found = inspect(plugin, build, *arguments, "train.mlirbc", folder=programs)
    executable = found["executable"]
    assert executable["source"] == "compiled ahead of time" and executable["outputs"] == ["f32[256,512]", "f32[512,10]"]
    assert executable["serialized_bytes"] > 0 and executable["fingerprint"] and executable["memory"]["argument_size_in_bytes"] > 0
    if not name.startswith("cuda"):  # which does not count without a device
        assert executable["cost"]["flops"] > 64 * 256 * 512 * 2
    if name != "cpu":
        assert sum(executable["optimized_program"]["steps"].values()) > 3
        kernels = executable["optimized_program"]["kernels"]
        assert any("fusion" in kernel["operations"] for kernel in kernels) and all(kernel["name"] for kernel in kernels)
    # The program that cannot be compiled: the plugin's message, and no file.
    (programs / "bad.mlir").write_text("func.func @main() { %0 = stablehlo.frobnicate : tensor<f32> return }")
    status, out, error = plugin_matrix.pjrt(plugin, build, "compile", *arguments, "-o", "bad.exe", "bad.mlir", folder=programs)
    assert status == 1 and out == "" and not (programs / "bad.exe").exists() and "bad.mlir" in plugin_matrix.message(error)


@pytest.mark.parametrize("name,machine", [names for names in MACHINES if names[0] != "cpu"], ids="-".join)
def test_hlo(build, find, programs, name, machine):
    """A program as HloModuleProto goes to the plugin as it is, and compiles to what StableHLO gives."""
    plugin, path = find(name)
    arguments = ["--plugin", path, *plugin.machines[machine]]
    found = inspect(plugin, build, *arguments, "--format", "hlo", "add.hlo", folder=programs)["executable"]
    assert found["outputs"] == ["f32[8,128]"] and found["serialized_bytes"] > 0
    (programs / "bad.hlo").write_bytes((programs / "add.hlo").read_bytes()[:-40])
    status, out, error = plugin_matrix.pjrt(plugin, build, "compile", *arguments, "--format", "hlo", "bad.hlo", folder=programs)
    assert status == 1 and out == "" and "bad.hlo" in plugin_matrix.message(error)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("libtpu")])
def test_topologies(build, find, name):
    plugin, path = find(name)
    topology = inspect(plugin, build, "--topology", "v5e:2x2", path)["plugin"]["topology"]
    assert topology["platform"] == "tpu" and len(topology["devices"]) == 4
    status, out, error = plugin_matrix.pjrt(plugin, build, "inspect", "--topology", "v99:2x2", path)
    assert status == 1 and out == "" and "v99:2x2" in plugin_matrix.message(error)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("libtpu")])
def test_check_reports(build, find, name):
    """The kit on a plugin that has no device: a whole report, no crash and no hang of the kit itself. These are the tests
    that can be tried without one, and those of clients, which fail with the plugin's own message, as all others do."""
    plugin, path = find(name)
    filters = [word for tag in ("api", "ahead", "client") for word in ("--filter", f"{tag}.*")]
    status, out, error = plugin_matrix.pjrt(plugin, build, "check", "--json", "--quiet", "--topology", "v5e:2x2", *filters, path, timeout=600)
    assert status == 1, error[-2000:]
    report = json.loads(out)
    validate(report, json.loads((ROOT / "cts/report.schema.json").read_text()))
    assert report["total"]["tests"] == len(report["tests"]) >= 38 and report["api"]["major"] == 0
    verdicts = {test["name"]: test["verdict"] for test in report["tests"]}
    clients = {test["name"]: test["message"] for test in report["tests"] if test["name"].startswith("client.") and test["verdict"] != "passed"}
    assert len(clients) > 10 and all("PJRT_Client_Create: NOT_FOUND: TPU initialization failed" in text for text in clients.values())
    # libtpu aborts where a topology is made before PJRT_Plugin_Initialize.
    assert {name for name, verdict in verdicts.items() if verdict != "passed"} - set(clients) <= {"ahead.before_initialize"}
