"""HLO programs, run by `pjrt run` and by XLA's CPU client on the same inputs: made of text here, made by XLA of JAX programs
before and after its passes, and those of ../shared/suites/hlo that torch_xla and TensorFlow handed over."""
import json
import os
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy
import pytest
from conftest import ROOT
from hlo_compare import Peer, compare, differ, load
from hlo_programs import PROGRAMS

hlo = pytest.importorskip("jaxlib._hlo", reason="jaxlib is not installed")
HERE = pathlib.Path(__file__).parent
SUITE = pathlib.Path(os.environ.get("HLO_SUITE", ROOT.parent / "shared" / "suites" / "hlo"))

# What XLA's client cannot run, or not with the same numbers.
THEIRS = {"all-to-all of one": "XLA's importer aborts", "constants of tuples": "its importer has no such constants", "bitcast of a transposed layout": "no input of its passes"}


@pytest.fixture(scope="module")
def peer():
    peer = Peer(patience=60)
    yield peer
    peer.close()


def check(build, plugin, peer, folder, names):
    failures = []
    for name in names:
        (folder / "program.hlo").write_bytes(hlo.hlo_module_from_text(PROGRAMS[name]).as_serialized_hlo_module_proto())
        verdict, text = compare(build, plugin, peer, folder / "program.hlo", folder)
        if verdict != ("theirs" if name in THEIRS else "same"):
            failures.append(f"{name}: {verdict}: {text}")
    assert not failures, "\n".join(failures)


def test_programs(build, plugin, peer, tmp_path):
    """Every sixteenth of the elementwise ones, every sixth of the others."""
    check(build, plugin, peer, tmp_path, list(PROGRAMS)[:120:16] + list(PROGRAMS)[120::6])


@pytest.mark.slow
def test_all_programs(build, plugin, peer, tmp_path):
    check(build, plugin, peer, tmp_path, PROGRAMS)


@pytest.mark.slow
def test_jax_programs(build, plugin, tmp_path):
    """Optimised modules hold fusions, bitcasts and layouts, which no framework hands over."""
    run = subprocess.run([sys.executable, HERE / "hlo_jax.py", tmp_path], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    failures = []
    for program in map(json.loads, run.stdout.splitlines()):
        folder = tmp_path / program["name"]
        inputs = [folder / f"in{i}.npy" for i in range(program["inputs"])]
        for stage in "before", "after":
            command = [build / "pjrt", "run", "--plugin", plugin, "-o", folder, tmp_path / f"{program['name']}.{stage}.hlo", *inputs]
            ours = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if ours.returncode:
                failures.append(f"{program['name']} {stage}: {ours.stderr}")
                continue
            for i, name in enumerate(program["outputs"]):
                kind = numpy.dtype(getattr(ml_dtypes, name, name))
                if wrong := differ(load(folder / f"output_{i}.npy", kind), load(folder / f"want{i}.npy", kind), kind):
                    failures.append(f"{program['name']} {stage}, output {i}: {wrong}")
    assert not failures, "\n".join(failures)


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch_xla", "tensorflow"])
def test_frameworks(framework, build, plugin, peer, tmp_path):
    programs = sorted((SUITE / framework).glob("*.hlo"))
    if not programs:
        pytest.skip(f"no suite at {SUITE}")
    wrong = {}
    for path in programs:
        verdict, text = compare(build, plugin, peer, path, tmp_path)
        random = b"\x12\x03rng" in path.read_bytes()  # the opcode rng: other numbers each time
        dynamic = path.stem.startswith(("dyn_", "where_"))  # results of bounded shapes: doc/hlo.md
        vectors = path.stem == "linalg_prog19"  # signs of eigenvectors
        if verdict == "ours" and not dynamic or verdict == "differs" and not (random or vectors):
            wrong[path.stem] = f"{verdict}: {text}"
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
