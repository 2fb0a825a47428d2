"""pytest plugin of tools/jax-tests: a line of JSON for each test as soon as its result is known, and a watch over tests that hang.

Lines survive a run that is killed. The watch does not need the interpreter: a thread of faulthandler ends the process of a test that takes
too long, wherever it waits, and leaves its stack in a file of the worker; so does a signal that kills it. xdist begins a new worker then.
Environment: JAX_TESTS_LOG (file of lines), JAX_TESTS_STACKS (folder), JAX_TESTS_TIMEOUT (seconds for a test).
"""

import faulthandler
import json
import os
import pathlib

import pytest

_stack = None


def pytest_configure(config):
    global _stack
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        _stack = open(pathlib.Path(os.environ["JAX_TESTS_STACKS"]) / f"{worker}.stack", "w")
        faulthandler.enable(_stack)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    if _stack is None:
        return (yield)
    _stack.seek(0)
    _stack.truncate()
    _stack.write(item.nodeid + "\n")
    _stack.flush()
    faulthandler.dump_traceback_later(float(os.environ["JAX_TESTS_TIMEOUT"]), exit=True, file=_stack)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _why(report):
    """The line of an error that says most: the last one that pytest marks with E, else the last."""
    text = report.longreprtext if not isinstance(report.longrepr, tuple) else str(report.longrepr[2])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines[-1:] or [""])[0][:300]


def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    outcome = report.outcome if report.when == "call" or report.outcome != "passed" else ""
    line = {"test": report.nodeid, "outcome": outcome, "seconds": round(getattr(report, "duration", 0), 3)}
    if outcome in ("failed", "skipped"):
        line["why"] = _why(report)
    with open(os.environ["JAX_TESTS_LOG"], "a") as log:
        log.write(json.dumps(line) + "\n")


def pytest_collectreport(report):
    """A module that cannot be imported, or asks to be skipped whole, counts as one test."""
    if "PYTEST_XDIST_WORKER" not in os.environ and report.outcome != "passed":
        line = {"test": report.nodeid, "outcome": report.outcome, "seconds": 0, "why": _why(report)}
        with open(os.environ["JAX_TESTS_LOG"], "a") as log:
            log.write(json.dumps(line) + "\n")
