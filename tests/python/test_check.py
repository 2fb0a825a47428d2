"""`pjrt check`: the CPU plugin passes, every planted fault is caught by its test, and reports and messages are right."""

import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FAULTS = re.findall(r'^(?:TABLE_)?FAULT\((\w+),.*?"([\w.]+)", "', (SOURCE / "cts/broken/faults.def").read_text(), re.M)
QUICK = {"table_hole", "destroy_null_crash", "copy_late", "strides_ignored", "donation_ignored", "leak_event"}
HANGS = {"event_never_ready", "zero_copy_held", "transfer_unfilled"}


@pytest.fixture
def check(build, tmp_path):
    """check(*arguments, fault=None) -> (exit status, stdout, stderr)"""

    def run(*arguments, fault=None, timeout=240):
        environment = {**os.environ, **({"PJRT_BROKEN": fault} if fault else {})}
        result = subprocess.run([build / "pjrt", "check", *map(str, arguments)], cwd=tmp_path, capture_output=True,
                                text=True, timeout=timeout, env=environment)
        return result.returncode, result.stdout, result.stderr

    run.cpu = build / "pjrt_plugin_cpu.so"
    run.broken = build / "pjrt_plugin_broken.so"
    run.folder = tmp_path
    return run


def verdicts(report):
    return {test["name"]: test["verdict"] for test in json.loads(report)["tests"]}


@pytest.mark.parametrize("fault,test", [pytest.param(f, t, id=f, marks=[] if f in QUICK else pytest.mark.slow)
                                        for f, t in FAULTS])
def test_fault_is_caught(check, fault, test):
    limit = 8 if fault in HANGS else 60
    status, sound, err = check("--json", "--filter", test, check.cpu)
    assert (status, verdicts(sound)) == (0, {test: "passed"}), sound + err
    status, out, err = check("--json", "--limit", limit, "--filter", test, check.broken, fault=fault)
    verdict = verdicts(out)[test]
    assert status == 1 and verdict in ("failed", "crashed", "hung"), out + err
    assert (verdict == "hung") == (fault in HANGS), out


def test_there_are_enough_faults():
    assert len(FAULTS) >= 95 and len({f for f, _ in FAULTS}) == len(FAULTS)
    assert QUICK | HANGS <= {f for f, _ in FAULTS}
