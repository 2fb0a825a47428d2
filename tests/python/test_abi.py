"""The ABI headers against upstream's, where a copy of those is at hand (PJRT_UPSTREAM_HEADER)."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def upstream():
    named = os.environ.get("PJRT_UPSTREAM_HEADER")
    fetched = ROOT / "build/upstream/tensorflow/include/xla/pjrt/c/pjrt_c_api.h"
    path = pathlib.Path(named) if named else fetched
    if not path.exists():
        pytest.skip(f"no upstream header at {path}: set PJRT_UPSTREAM_HEADER or run make check-abi")
    return path


def test_no_differences():
    tool = ROOT / "tests/abi/abi_table.py"
    done = subprocess.run([sys.executable, tool, "compare", upstream()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("0 differences")


def test_the_table_in_the_tree_is_that_of_the_headers():
    tool = ROOT / "tests/abi/abi_table.py"
    done = subprocess.run([sys.executable, tool, "expected", upstream()], capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "tests/abi/abi_expected.h").read_text()
