"""`make bench`: the plugin against XLA's CPU, in turn on this machine, worst cases first.

    python bench/bench.py [--build BUILD] [--filter TEXT] [--seconds S] [--rounds N] [--json FILE]

Two processes, one per backend, take turns (A B A B ...) program by program, so that both see the same machine. A time is the
median of all calls; a ratio is ours over XLA's, below 1 where the plugin is faster. Absolute times of one machine mean nothing on
another. The answers of both sides are compared too, roughly: a fast wrong answer is no result.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


class Side:
    def __init__(self, platform, build):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PJRT_NAMES", "PJRT_REPLACE"))}
        env.update(JAX_PLATFORMS=platform, PYTHONPATH=str(ROOT / "python"), PJRT_CPU_LIBRARY=str(build / "pjrt_plugin_cpu.so"))
        worker = pathlib.Path(__file__).with_name("worker.py")
        self.process = subprocess.Popen([sys.executable, worker], env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": f"ended with exit status {self.process.wait()}"}

    def ask(self, *words):
        try:
            self.process.stdin.write("\t".join(words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.read()


def measure(name, sides, seconds, rounds):
    """The row of one program: compile times, medians and the spread of the ratio over the rounds, or what went wrong."""
    compiles = [side.ask("compile", name) for side in sides]
    for side, answer in zip(("plugin", "XLA"), compiles):
        if "error" in answer:
            return {"name": name, "error": f"{side}: {answer['error']}"}
    a, b = (answer["check"] for answer in compiles)
    if not math.isclose(a, b, rel_tol=1e-2, abs_tol=1e-3):
        return {"name": name, "error": f"the answers differ: mean size {a} and {b}"}
    times = [[], []]
    ratios = []
    for _ in range(rounds):
        medians = []
        for i, side in enumerate(sides):
            answer = side.ask("run", name, str(seconds))
            if "error" in answer:
                return {"name": name, "error": answer["error"]}
            times[i] += answer["times"]
            medians.append(statistics.median(answer["times"]))
        ratios.append(medians[0] / medians[1])
    ours, theirs = (1e6 * statistics.median(t) for t in times)
    return {"name": name, "ours_us": ours, "xla_us": theirs, "ratio": ours / theirs, "low": min(ratios), "high": max(ratios),
            "ours_compile_ms": compiles[0]["ms"], "xla_compile_ms": compiles[1]["ms"]}


def process_start(build):
    """Start of a process and a client, without Python: `pjrt devices`. Milliseconds, the median of ten."""
    import time

    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([build / "pjrt", "devices"], check=True, stdout=subprocess.DEVNULL)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="", help="only programs whose name holds this")
    parser.add_argument("--seconds", type=float, default=0.3, help="time per program, side and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, help="write the rows here too")
    args = parser.parse_args()
    build = args.build.resolve()

    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from programs import PROGRAMS

    sides = [Side("pjrt_cpu", build), Side("cpu", build)]
    print(f"plugin: {sides[0].hello.get('platform')}, XLA: {sides[1].hello.get('platform')}; {os.cpu_count()} processors")
    rows = []
    for name in PROGRAMS:
        if args.filter in name:
            rows.append(measure(name, sides, args.seconds, args.rounds))
            print(f"  {name}: {rows[-1].get('error') or format(rows[-1]['ratio'], '.2f')}", file=sys.stderr, flush=True)
            if sides[0].process.poll() is not None:
                sides[0] = Side("pjrt_cpu", build)

    good = sorted((row for row in rows if "ratio" in row), key=lambda row: -row["ratio"])
    print(f"\n{'program':<36} {'plugin µs':>12} {'XLA µs':>12} {'ratio':>8} {'(spread)':>15}  {'compile ms':>10} {'XLA':>7}")
    for row in good:
        spread = f"({row['low']:.2f}-{row['high']:.2f})"
        print(f"{row['name']:<36} {row['ours_us']:>12,.1f} {row['xla_us']:>12,.1f} {row['ratio']:>8.2f} {spread:>15}  "
              f"{row['ours_compile_ms']:>10.2f} {row['xla_compile_ms']:>7.1f}")
    for row in rows:
        if "error" in row:
            print(f"{row['name']:<36} FAILED: {row['error']}")
    if good:
        mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in good))
        compile_mean = math.exp(statistics.fmean(math.log(row["ours_compile_ms"] / row["xla_compile_ms"]) for row in good))
        print(f"\ngeometric mean of {len(good)} ratios: run {mean:.2f}, compile {compile_mean:.3f}; "
              f"worst {good[0]['ratio']:.1f} ({good[0]['name']})")
    print(f"client start in JAX: plugin {sides[0].hello['client_ms']:.1f} ms, XLA {sides[1].hello['client_ms']:.1f} ms; "
          f"`pjrt devices` as a whole: {process_start(build):.1f} ms")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))
    return any("error" in row for row in rows)


if __name__ == "__main__":
    sys.exit(main())
