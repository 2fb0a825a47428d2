"""Runs the frameworks' examples as README.md says, for the tests of each framework."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def lines_of_code(name):
    """The lines of an example but for empty ones and the first, which says how to run it."""
    return [line for line in (ROOT / "examples" / name).read_text().splitlines()[1:] if line.strip()]


def losses(name, **environment):
    """Runs an example, which prints "loss A -> B": both numbers."""
    env = dict(os.environ, **environment)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "python"), env.get("PYTHONPATH")]))
    result = subprocess.run([sys.executable, ROOT / "examples" / name], env=env, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return [float(number) for number in re.fullmatch(r"loss (\S+) -> (\S+)\n", result.stdout).groups()]


def check(name, **environment):
    """An example is ten lines and what it trains learns."""
    assert len(lines_of_code(name)) <= 10
    first, last = losses(name, **environment)
    assert 0 < last < first / 2
