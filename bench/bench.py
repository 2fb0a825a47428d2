"""`make bench`: the plugin against XLA's CPU, in turn on this machine, worst cases first.

Every program runs in fresh processes, one per backend, that take turns (A B A B ...), so that both see the same machine and a
crash costs one row. A run time is the median of all calls of a round; a ratio is XLA's time over the plugin's in the same round,
above 1 where the plugin is faster, and the ratio of a row is the median of its rounds. Compile times are of a new process with all
caches off. Answers are compared number by number: a fast wrong answer is no result. Absolute times of one machine mean nothing
on another. doc/bench.md says more.
"""

import argparse
import json
import math
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import report
from sides import ROOT, Failure, Side, together

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# The largest error that passes, in units of a number's size plus the root mean square of its array.
TOLERANCE = {"float16": 1e-2, "float32": 3e-5, "complex64": 3e-5, "float64": 1e-11, "complex128": 1e-11}


def error_of(ours, theirs, overall=False):
    """The largest error of an array, relative to each number's size plus the array's root mean square; infinity where one is not
    a number and the other is, or where whole numbers differ. |overall|: the root mean square of the errors over that of the array
    instead, for programs that magnify the last bit."""
    if overall:
        a, b = ours.astype(np.complex128), theirs.astype(np.complex128)
        return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30)) if a.shape == b.shape else math.inf
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return math.inf
    if ours.dtype.kind in "biu":
        return 0.0 if np.array_equal(ours, theirs) else math.inf
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    a, b = ours.astype(wide), theirs.astype(wide)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    a, b = a[~same], b[~same]
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    scale = math.sqrt(np.mean(np.abs(np.where(np.isfinite(theirs), theirs, 0).astype(wide)) ** 2))
    return float(np.max(np.abs(a - b) / (np.abs(b) + scale)))


def compare(program, folders):
    """The largest error over all results, and the largest allowed one as a share of what is allowed."""
    names = [sorted(os.listdir(folder)) for folder in folders]
    if names[0] != names[1]:
        raise Failure("the sides have different numbers of results")
    worst, share = 0.0, 0.0
    for name in names[0]:
        ours, theirs = (np.load(folder / name) for folder in folders)
        error = error_of(ours, theirs, program.overall)
        # bfloat16 is written as float32: its programs state their tolerance or are told apart by their name.
        low = 2e-2 if "bf16" in program.name else TOLERANCE.get(str(ours.dtype), 1.0)
        worst = max(worst, error)
        share = max(share, error / (program.tolerance or low))
    return worst, share


def compiled_in(log):
    """Milliseconds of each compilation inside the plugin, without the framework's part, from the lines of PJRT_LOG=compile."""
    return [float(taken) for taken in re.findall(r"^pjrt compile: .* ([0-9.]+) ms, fingerprint", log, re.MULTILINE)]


def prepared(program, sides, environments, patience):
    """A child of each side, with arguments made and the program lowered, at the same time."""
    children = []
    try:
        for side, environment in zip(sides, environments):
            children.append(side.child(environment))
        for child in children:
            child.send("warm_up")
            child.send("prepare", program.name)
        for request in range(3):
            answers = [child.receive(patience) for child in children]
    except Failure:
        for child in children:
            child.end(9)
        raise
    return children, answers


class Bench:
    def __init__(self, options, sides, peers):
        self.options, self.sides, self.peers = options, sides, peers

    def patience(self, program):
        return program.patience or self.options.patience

    def environments(self):
        return [{"PJRT_LOG": "fallback,compile"}, {}]

    def measure(self, program, sides):
        """The row of one program. Sides beyond the plugin may be missing."""
        row = {"name": program.name, "tag": program.tag}
        began = time.perf_counter()
        compiles, inside = [], []
        children = []
        try:
            for last in [False] * (self.options.compiles - 1) + [True]:
                children, answers = prepared(program, sides, self.environments(), self.patience(program))
                compiles.append([child.ask("compile", patience=self.patience(program)) for child in children])
                inside += compiled_in(children[0].log())[-1:]
                # A second sample is worth little where the first took seconds.
                if last or sum(c["compile_ms"] for c in compiles[0]) > 2000:
                    break
                for child in children:
                    child.end(9)
            row |= self.merge(sides, "lower_ms", [a["lower_ms"] for a in answers])
            for figure in ("compile_ms", "compile_cpu_ms", "backend_ms", "compile_mb"):
                row |= self.merge(sides, figure, [statistics.median(c[i][figure] for c in compiles) for i in range(len(sides))])
            row["inside_ms"] = statistics.median(inside) if inside else 0
            self.run(program, sides, children, row)
        except Failure as failure:
            row["error"] = str(failure)
        finally:
            for child in children:
                child.end(9)
            lines = children[0].log().splitlines() if children else []
            row["fallbacks"] = sum("fallback" in line for line in lines)
        if len(sides) == 2 and "error" not in row:
            row["compile_ratio"] = row["compile_ms"]["XLA"] / row["compile_ms"]["plugin"]
        row["spent_s"] = time.perf_counter() - began
        return row

    def row(self, program):
        alone = self.options.quick and not program.xla_quick
        row = self.measure(program, self.sides[:1] if alone else self.sides)
        if program.tag == "model" and not self.options.no_once and "error" not in row:
            row["warm"] = self.warm_cache(program)
        return row

    def run(self, program, sides, children, row):
        patience = self.patience(program)
        with tempfile.TemporaryDirectory(prefix="pjrt-bench-") as scratch:
            folders = [pathlib.Path(scratch) / side.name for side in sides]
            for folder in folders:
                folder.mkdir()
            firsts = [child.ask("first", str(folder), patience=patience) for child, folder in zip(children, folders)]
            row |= self.merge(sides, "first_run_ms", [f["first_run_ms"] for f in firsts])
            if len(sides) == 2:
                row["error_seen"], share = compare(program, folders)
                if share > 1:
                    row["wrong"] = f"the answers differ by {row['error_seen']:.2g}"
            peers = self.open_peers(program, children, folders, row)
            try:
                self.rounds(program, sides, children, peers, row)
            finally:
                for peer in peers:
                    peer.end(9)

    def rounds(self, program, sides, children, peers, row):
        rounds, seconds = self.options.rounds, self.options.seconds
        longest = 1e-3 * max(row["first_run_ms"].values())
        if longest > 8 * seconds:
            rounds = max(1, min(rounds, 2))
        names = [side.name for side in sides] + [peer.side.name for peer in peers]
        samples = {name: [] for name in names}
        for _ in range(rounds):
            for child, name in zip(children + peers, names):
                try:
                    samples[name].append(child.ask("run", seconds, patience=self.patience(program)))
                except Failure:
                    if child not in peers:
                        raise
        for figure in ("us", "best_us", "cpu_us"):
            middle = min if figure == "best_us" else statistics.median
            row[figure] = {name: middle(s[figure] for s in samples[name]) for name in names if samples[name]}
        row |= self.merge(sides, "peak_mb", [child.ask("memory")["peak_mb"] for child in children])
        ours = [s["us"] for s in samples["plugin"]]
        for name in names[1:]:
            ratios = [theirs["us"] / mine for theirs, mine in zip(samples[name], ours)]
            # The peers' figures of a round that one of them missed do not pair up; such peers have no ratio.
            if len(ratios) == len(ours):
                row.setdefault("ratio", {})[name] = statistics.median(ratios)
                row.setdefault("spread", {})[name] = [min(ratios), max(ratios)]

    def open_peers(self, program, children, folders, row):
        """Children of the peers that know the program, compiled. A peer that fails, or whose answer is not XLA's, is left out."""
        ready = []
        for peer in self.peers if len(children) == 2 else []:
            child = peer.child()
            try:
                child.receive()
                with tempfile.TemporaryDirectory(prefix="pjrt-bench-") as scratch:
                    scratch = pathlib.Path(scratch)
                    (scratch / "out").mkdir()
                    children[1].ask("export", str(scratch))
                    if child.ask("prepare", program.name, str(scratch), patience=60)["known"]:
                        row.setdefault("peer_compile_ms", {})[peer.name] = child.ask("compile", patience=90)["compile_ms"]
                        child.ask("first", str(scratch / "out"), patience=60)
                        error, share = compare(program, [scratch / "out", folders[1]])
                        # Other libraries round elsewhere: ten times the tolerance only tells that the program is the same.
                        if share > 10 and not self.values_differ(peer, program):
                            raise Failure(f"{peer.name}: the answers differ by {error:.2g}")
                        ready.append(child)
                        continue
            except Failure as failure:
                row.setdefault("peer_errors", {})[peer.name] = str(failure)
            child.end(9)
        return ready

    @staticmethod
    def values_differ(peer, program):
        """torch's random numbers come from other generators, so only speed is comparable."""
        return program.tag == "rng" and peer.name != "iree"

    @staticmethod
    def merge(sides, figure, values):
        return {figure: {side.name: value for side, value in zip(sides, values)}}

    def once(self):
        """What is measured once per side: starts, first operation, transfer, eager calls."""
        result = {}
        for side in self.sides:
            figures = result[side.name] = {}
            starts, first_ops = [], []
            try:
                for _ in range(5):
                    with side.child() as child:
                        starts.append(child.receive())
                        first_ops.append(child.ask("first_op"))
                figures["platform"] = starts[0]["platform"]
                figures["client_ms"] = statistics.median(s["client_ms"] for s in starts)
                for figure in ("compile_ms", "backend_ms", "run_ms"):
                    figures["first_op_" + figure] = statistics.median(f[figure] for f in first_ops)
                for name in ("eager", "upload"):
                    with side.child() as child:
                        child.receive()
                        child.ask("warm_up")
                        figures[name] = child.ask(name, patience=120)
                        figures["threads"] = child.ask("usage")["threads"]
            except Failure as failure:
                figures.setdefault("errors", []).append(str(failure))
        result["process_start_ms"] = process_start(self.options.build)
        return result

    def warm_cache(self, program):
        """Compile time of a second process over a disk cache that a first one filled."""
        plugin = self.sides[0]
        times = []
        folder = tempfile.mkdtemp(prefix="pjrt-bench-cache-")
        try:
            for _ in range(2):
                children, _ = prepared(program, [plugin], [{"PJRT_CACHE_DIR": folder}], self.patience(program))
                with children[0] as child:
                    times.append(child.ask("compile", patience=self.patience(program))["compile_ms"])
            return {"cold_ms": times[0], "warm_ms": times[1], "entries": sum(len(files) for _, _, files in os.walk(folder))}
        except Failure as failure:
            return {"error": str(failure)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def process_start(build):
    """Start of a process and a client, without Python: `pjrt devices`. Milliseconds, the median of ten."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([build / "pjrt", "devices"], check=True, stdout=subprocess.DEVNULL)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def machine():
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    wanted = {"avx2", "fma", "f16c", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "sve"}
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return {"cpu": fields.get("model name", "?"), "processors": len(os.sched_getaffinity(0)),
            "features": sorted(wanted & set(fields.get("flags", "").split())), "commit": commit, "load": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%d %H:%M")}


def open_sides(options):
    """The plugin, XLA, and the peers that were asked for."""
    common = {"PYTHONPATH": str(ROOT / "python"), "OPENBLAS_NUM_THREADS": "1"}
    sides = [Side("plugin", sys.executable, "worker.py",
                  common | {"JAX_PLATFORMS": "pjrt_cpu", "PJRT_CPU_LIBRARY": str(options.build / "pjrt_plugin_cpu.so")}),
             Side("XLA", sys.executable, "worker.py", common | {"JAX_PLATFORMS": "cpu"})]
    # The peers' Python finds JAX, which makes the inputs, in this one's packages.
    site = next(path for path in sys.path if path.endswith("site-packages"))
    peers = [Side(name, options.peers_python, "peer.py", {"BENCH_PEER": name, "PYTHONPATH": site, "JAX_PLATFORMS": "cpu"})
             for name in options.peers.split(",") if name]
    for side in sides + peers:
        side.ready()
    return sides, peers


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="", help="only programs whose name or tag holds one of these, separated by |")
    parser.add_argument("--quick", action="store_true", help="fewer programs and rounds: three minutes")
    parser.add_argument("--seconds", type=float, help="time per program, side and round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--compiles", type=int, help="processes that each program is compiled in")
    parser.add_argument("--patience", type=float, help="seconds that one side may take for one step")
    parser.add_argument("--no-once", action="store_true", help="without starts, transfers, eager calls and the warm cache")
    parser.add_argument("--peers", default="", help="also these, of torch, inductor, iree: see `make bench-peers`")
    parser.add_argument("--peers-python", type=pathlib.Path, default=ROOT / ".venv-peers/bin/python")
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured here")
    parser.add_argument("--list", action="store_true", help="name the programs and stop")
    options = parser.parse_args()
    for name, quick, full in (("seconds", 0.06, 0.15), ("rounds", 3, 3), ("compiles", 1, 3), ("patience", 60, 60)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    options.build = options.build.resolve()
    return options


def chosen(options):
    """The programs that --filter and --quick leave."""
    import programs

    words = options.filter.split("|")
    return [program for program in programs.load().values()
            if (program.quick or not options.quick) and any(word in program.name or word == program.tag for word in words)]


def main():
    options = parse()
    if options.list:
        for program in chosen(options):
            print(f"{program.tag:<14} {program.name}")
        return 0
    began = time.perf_counter()
    sides, peers = open_sides(options)
    bench = Bench(options, sides, peers)
    result = {"machine": machine(), "quick": options.quick, "rows": []}
    if not options.no_once:
        result["once"] = bench.once()
    # Interrupted, a bench reports what it has.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for program in chosen(options):
            row = bench.row(program)
            result["rows"].append(row)
            print("  " + report.one_line(row), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        result["interrupted"] = True
    for side in sides + peers:
        side.close()
    result["minutes"] = (time.perf_counter() - began) / 60
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    print(report.text(result))
    return any("error" in row or "wrong" in row for row in result["rows"])


if __name__ == "__main__":
    sys.exit(main())
