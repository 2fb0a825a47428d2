"""What `pjrt run` makes of an HLO program, against XLA's CPU client running the same program on the same inputs."""
import json
import os
import pathlib
import select
import subprocess
import sys

import ml_dtypes
import numpy

HERE = pathlib.Path(__file__).parent
# Of the largest absolute value of an output, by the bits of the element's fraction.
UNITS = 64


class Peer:
    """XLA in a child, started again when a program kills it."""

    def __init__(self, patience=60):
        self.child, self.patience = None, patience

    def ask(self, path, folder, seed=1):
        if self.child is None or self.child.poll() is not None:
            env = os.environ | {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
            self.child = subprocess.Popen([sys.executable, HERE / "hlo_peer.py"], env=env, text=True,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        print(path, folder, seed, file=self.child.stdin, flush=True)
        if not select.select([self.child.stdout], [], [], self.patience)[0]: # an infeed waits for ever
            self.child.kill()
        answer = self.child.stdout.readline()
        return json.loads(answer) if answer else {"error": "XLA died of it, or hung"}

    def close(self):
        if self.child:
            self.child.stdin.close()
            self.child.wait()


def differ(ours, wanted, kind):
    """What is wrong with |ours|, or None. Floats may differ by some units of the last place of the largest number."""
    if ours.shape != wanted.shape:
        return f"shape {ours.shape}, XLA's {wanted.shape}"
    if ours.tobytes() == wanted.tobytes():
        return None
    if kind.kind not in "fc" and "float" not in kind.name:
        if numpy.array_equal(ours.astype(numpy.int64), wanted.astype(numpy.int64)):  # bits above those of an int4
            return None
        return f"integers differ: {ours.ravel()[:8]}, XLA's {wanted.ravel()[:8]}"
    unit = float(ml_dtypes.finfo(kind).eps)
    wide = numpy.complex128 if kind.kind == "c" else numpy.float64
    a, b = ours.astype(wide), wanted.astype(wide)
    if not numpy.array_equal(numpy.isfinite(a), numpy.isfinite(b)):
        return f"not finite in other places: {a.ravel()[:8]}, XLA's {b.ravel()[:8]}"
    finite = numpy.isfinite(b)
    error, scale = abs(a[finite] - b[finite]).max(initial=0), abs(b[finite]).max(initial=0)
    if error > UNITS * unit * max(scale, 1e-3):
        return f"off by {error:.3g} of {scale:.3g}: {a.ravel()[:4]}, XLA's {b.ravel()[:4]}"
    return None


def load(path, kind):
    array = numpy.load(path)
    return array if array.dtype.kind != "V" else array.view(kind)


def compare(build, plugin, peer, path, folder, seed=1):
    """("same" | "refused" | "differs" | "ours" | "theirs", text): theirs: XLA cannot run it; ours: we cannot, or crash."""
    folder = pathlib.Path(folder)
    for old in folder.glob("*.npy"):
        old.unlink()
    answer = peer.ask(path, folder, seed)
    inputs = [folder / f"in{i}.npy" for i in range(len(answer.get("inputs", [])))]
    command = [build / "pjrt", "run", "--plugin", plugin, "-o", folder, path]
    if "error" in answer:
        run = subprocess.run([*command[:-1], "--generate", path], capture_output=True, text=True, timeout=60)
        return ("theirs" if run.returncode == 0 else "neither"), f"XLA: {answer['error']} | ours: {run.stderr.strip()[:300]}"
    run = subprocess.run([*command, *inputs], capture_output=True, text=True, timeout=60)
    if run.returncode:
        return "ours", f"exit status {run.returncode}: {run.stderr.strip()[:400]}"
    for i, name in enumerate(answer["outputs"]):
        kind = numpy.dtype(getattr(ml_dtypes, name, name))
        wrong = differ(load(folder / f"output_{i}.npy", kind), load(folder / f"want{i}.npy", kind), kind)
        if wrong:
            return "differs", f"output {i}: {wrong}"
    return "same", ""
