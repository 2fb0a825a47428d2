"""Custom calls that Python partitions: the cases of partitioner_cases.py, run as programs of each device, over whole arrays, and without
Shardy."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import PLUGIN, ROOT

CASES = pathlib.Path(__file__).with_name("partitioner_cases.py")
NAMES = [line[4:].split("(")[0] for line in CASES.read_text().splitlines() if line.startswith("def case_")]
WAYS = {"local": {}, "whole": {"PJRT_PARTITION": "whole"}, "gspmd": {"JAX_USE_SHARDY_PARTITIONER": "0"}}


@functools.cache
def results(way):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PJRT_", "JAX_"))}
    env |= {"PYTHONPATH": str(ROOT / "python"), "PJRT_REPLACE_CPU": "1", "PJRT_CPU_LIBRARY": str(PLUGIN), "JAX_NUM_CPU_DEVICES": "4"}
    run = subprocess.run([sys.executable, CASES], env=env | WAYS[way], text=True, capture_output=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way, name):
    error = results(way)[name]
    assert error is None, error
