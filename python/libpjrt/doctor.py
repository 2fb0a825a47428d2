"""python -m libpjrt doctor: what is installed, which versions fit, whether each framework reaches the plugin, and what to do.

Each check that runs foreign code is a process of its own, so that one that crashes is a line of the report. Imports no
framework itself.
"""

import argparse
import dataclasses
import importlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys

import libpjrt

TIMEOUT_S = 300

WORKS, ABSENT, UNFIT, BROKEN = "works", "not installed", "does not fit", "broken"


@dataclasses.dataclass(frozen=True)
class Road:
    """A way from a framework to the plugin. `needs` are distributions and versions, as the extra of that name lists them."""

    name: str
    needs: dict
    entry: tuple  # group and name of the entry point by which the framework finds us, or ()
    environment: dict
    program: str  # raises, or prints what ran where
    alone: str = ""  # said where another version of a distribution is there
    check: str = ""  # module whose check() finds what is missing, as pairs (ok, text that says what to do)


ROADS = (
    # JAX finds the plugin as a module of the namespace package jax_plugins, too.
    Road("jax", {"jax": ">=0.4.36"}, (), {"JAX_PLATFORMS": "pjrt_cpu"}, """
import jax, jax.numpy as jnp
assert float((jnp.arange(4.0) * 2).sum()) == 12
print("platform pjrt_cpu, JAX_PLATFORMS=pjrt_cpu,cpu")
"""),
    Road("torch", {"torch": ">=2.11"}, ("torch_dynamo_backends", "libpjrt"), {}, """
import torch
assert float(torch.compile(lambda x: x * 2, backend="libpjrt")(torch.arange(4.0)).sum()) == 12
print('torch.compile(model, backend="libpjrt")')
"""),
    Road("torchax", {"torch": ">=2.7", "jax": ">=0.6.2", "torchax": ">=0.0.13", "optax": ""}, (), {"JAX_PLATFORMS": "pjrt_cpu"}, """
import libpjrt.torchax, torchax, torch
torchax.enable_globally()
assert float((torch.arange(4.0).to("jax") * 2).sum()) == 12
print("import libpjrt.torchax before torchax, JAX_PLATFORMS=pjrt_cpu,cpu")
"""),
    Road("torch_xla", {"torch": "==2.9.0", "torch_xla": "==2.9.0"}, ("torch_xla.plugins", "LIBPJRT"), {"PJRT_DEVICE": "LIBPJRT"}, """
import torch, torch_xla
assert float((torch.arange(4.0).to(torch_xla.device()) * 2).sum()) == 12
print("PJRT_DEVICE=LIBPJRT")
""", "torch_xla wants its own torch: give it a virtual environment of its own"),
    Road("tensorflow", {"tensorflow-cpu": ">=2.21,<2.22"}, (), {"TF_CPP_MIN_LOG_LEVEL": "3"}, """
import libpjrt.tensorflow
libpjrt.tensorflow.load()
import tensorflow as tf
with tf.device("PJRT"):
    assert float(tf.reduce_sum(tf.range(4.0) * 2)) == 12
print('libpjrt.tensorflow.load(), tf.device("PJRT")')
""", check="libpjrt.tensorflow.check"),
)


# --- Versions -----------------------------------------------------------------------------------------------------------


def _numbers(version: str) -> tuple:
    """2.13.0+cpu as (2, 13, 0); what follows the numbers does not count."""
    return tuple(int(part) for part in re.match(r"\d*(?:\.\d+)*", version)[0].split(".") if part)


def fits(version: str, wanted: str) -> bool:
    """Whether a version is in a list such as ">=2.20,<2.22"; an empty list takes all."""
    ours = _numbers(version)
    for clause in filter(None, wanted.split(",")):
        sign, bound = re.fullmatch(r"(>=|<|==)(.*)", clause).groups()
        length = max(len(ours), len(_numbers(bound)))
        a, b = (numbers + (0,) * (length - len(numbers)) for numbers in (ours, _numbers(bound)))
        if not {">=": a >= b, "<": a < b, "==": a == b}[sign]:
            return False
    return True


def _version(distribution: str):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- Checks -------------------------------------------------------------------------------------------------------------


def _run(program: str, environment: dict) -> tuple:
    """Runs a program in a process of its own: whether all was well, and its last line, or the end of what it complained."""
    env = {name: value for name, value in os.environ.items() if name not in ("PJRT_REPLACE_CPU", "PJRT_NAMES_AND_LIBRARY_PATHS")}
    # As this process found the package, so that a source tree on sys.path is what is checked.
    env.update(environment, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    try:
        result = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, f"no answer in {TIMEOUT_S} seconds"
    if result.returncode == 0:
        return True, result.stdout.strip().splitlines()[-1]
    complaint = [line for line in result.stderr.strip().splitlines() if line.strip()]
    if result.returncode < 0:
        complaint.append(f"the process ended with signal {-result.returncode}")
    return False, complaint[-1] if complaint else f"exit status {result.returncode}"


_LOAD = """
import ctypes
class Version(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("major", ctypes.c_int), ("minor", ctypes.c_int)]
class Api(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("version", Version)]
library = ctypes.CDLL({path!r})
library.GetPjrtApi.restype = ctypes.POINTER(Api)
version = library.GetPjrtApi().contents.version
print(f"PJRT C API {{version.major}}.{{version.minor}}")
"""

_HOST = """
from libpjrt import host
client = host.client()
print("the Python extension starts a client")
"""


def check_plugin() -> dict:
    """The plugin's shared object: is it there, does it load, which version of the interface it has."""
    try:
        path = str(libpjrt.plugin_path())
    except FileNotFoundError as error:
        mend = "unset PJRT_CPU_LIBRARY or name a file that is there" if os.environ.get("PJRT_CPU_LIBRARY") else (
            "install the wheel, or build the source tree (make)")
        return {"status": BROKEN, "says": str(error), "mend": mend}
    ok, says = _run(_LOAD.format(path=path), {})
    if ok:
        return {"status": WORKS, "path": path, "says": f"{path}, {says}"}
    return {"status": BROKEN, "path": path, "says": says,
            "mend": f"the wheel is for another kind of machine than this one ({platform.machine()})?"}


def check_host() -> dict:
    """The Python extension, which the roads without a framework of their own use (torch)."""
    ok, says = _run(_HOST, {})
    if ok:
        return {"status": WORKS, "says": says}
    return {"status": BROKEN, "says": says, "mend": "needed for torch.compile alone; `make setup` gets Python's headers, `make` builds it"}


def check_road(road: Road) -> dict:
    """One framework: its distributions and versions, our entry point, and a small program."""
    versions = {name: _version(name) for name in road.needs}
    result = {"versions": versions}
    install = f"pip install 'libpjrt[{road.name}]'"
    missing = [name for name, version in versions.items() if version is None]
    if len(missing) == len(versions) or road.name in missing:
        return {**result, "status": ABSENT, "says": "", "mend": install}
    if missing:
        return {**result, "status": UNFIT, "says": f"{', '.join(missing)} is missing", "mend": install}
    wrong = [f"{name} {version} is installed, it takes {name}{road.needs[name]}" for name, version in versions.items()
             if not fits(version, road.needs[name])]
    there = ", ".join(f"{name} {version}" for name, version in versions.items())
    if wrong and road.name == "torch" and _version("torch_xla"):
        return {**result, "status": ABSENT, "says": "; ".join(wrong) + ", for torch_xla",
                "mend": f"in a virtual environment of its own: {install}"}
    if wrong:
        return {**result, "status": UNFIT, "says": "; ".join(wrong), "mend": road.alone or install}
    if road.entry and not any(point.name == road.entry[1] for point in _entry_points(road.entry[0])):
        return {**result, "status": BROKEN, "says": f"{there}; entry point {road.entry[1]} of {road.entry[0]} is not registered",
                "mend": "pip install libpjrt in this environment: a folder on PYTHONPATH has no entry points"}
    wants = [text for ok, text in importlib.import_module(road.check).check() if ok is False] if road.check else []
    if wants:
        return {**result, "status": BROKEN, "says": there, "mend": "; ".join(wants)}
    ok, says = _run(road.program, road.environment)
    if not ok:
        return {**result, "status": BROKEN, "says": f"{there}; {says}", "mend": _mend(road, says)}
    return {**result, "status": WORKS, "says": f"{there}; {says}"}


def _entry_points(group: str):
    points = importlib.metadata.entry_points()
    return points.select(group=group) if hasattr(points, "select") else points.get(group, ())  # Python 3.9 has a dictionary


def _mend(road: Road, says: str) -> str:
    """What helps against a failure, as far as its last line tells."""
    missing = re.search(r"lib(cu\w+|nv\w+|nccl)\.so\S*: cannot open", says)
    if missing:
        return "torch is a CUDA build without its libraries: install them, or a CPU build of torch"
    missing = re.search(r"No module named '([\w.]+)'", says)
    if missing:
        return f"pip install {missing[1].split('.')[0]}"
    return f"run it to see all: {' '.join(f'{k}={v}' for k, v in road.environment.items())} python -c {json.dumps(road.program.strip())}"


def examine(only=None) -> dict:
    """Everything that the report says, as a dictionary. `only`: names of roads; all by default."""
    report = {"libpjrt": libpjrt.__version__, "python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    report["plugin"] = check_plugin()
    if report["plugin"]["status"] == WORKS:
        report["host"] = check_host()
        report["roads"] = {road.name: check_road(road) for road in ROADS if not only or road.name in only}
    return report


def _print(report: dict) -> None:
    print(f"libpjrt {report['libpjrt']}, Python {report['python']}, {report['machine']}")
    for name, finding in [(key, report[key]) for key in ("plugin", "host") if key in report] + list(report.get("roads", {}).items()):
        print(f"{name:<11} {finding['status']}" + (f": {finding['says']}" if finding["says"] else ""))
        if finding.get("mend"):
            print(f"{'':<11} -> {finding['mend']}")


def main(arguments: list) -> int:
    """Prints the report; 0 if the plugin and every road that is installed works."""
    parser = argparse.ArgumentParser(prog="python -m libpjrt doctor", description="What works here, and what to do where it does not.")
    parser.add_argument("roads", nargs="*", metavar="ROAD", help="only these: " + ", ".join(road.name for road in ROADS))
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(arguments)
    unknown = set(args.roads) - {road.name for road in ROADS}
    if unknown:
        parser.error(f"no road is called {', '.join(sorted(unknown))}")
    report = examine(args.roads)
    if args.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
    findings = [report["plugin"], *report.get("roads", {}).values()]
    return 0 if all(finding["status"] in (WORKS, ABSENT) for finding in findings) else 1
