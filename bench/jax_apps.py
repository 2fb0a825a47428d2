"""Runs programs of JAX's libraries (bench/apps/) on the plugin and on the built-in CPU, compares their results and their times.

    make bench-jax-apps                       all of them, in an environment of their own
    bench/jax_apps.py [--filter PART|PART] [--check] [--seconds S] [--markdown FILE] [--json FILE]

Runs in an environment with JAX, the libraries and the package libpjrt. Each program has two processes, one per platform, which take
turns: first calls (trace, compile, run), then calls for a while. Processor time counts all threads of a process, those that spin too,
and says more than the clock on a machine that is shared. Compile is what JAX's monitoring says of the backend, without tracing.
--check calls each once, for the results alone, and exits with 1 when one differs. Worst ratio first.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import apps  # noqa: E402

PLATFORMS = {"ours": "pjrt_cpu,cpu", "xla": "cpu"}


# --- In the process of one program on one platform ------------------------------------------------------------------------


def work(name):
    """Makes the program, then obeys commands: "first FILE" calls it once and keeps its results there, "run S" calls it for S seconds."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    import jax
    import numpy as np

    compiles = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiles.append(seconds) if event == "/jax/core/compile/backend_compile_duration" else None)
    jax.config.update("jax_enable_x64", apps.load()[name].x64)
    call = jax.block_until_ready(apps.PROGRAMS[name].make())

    def once():
        start, cpu = time.perf_counter(), time.process_time()
        results = jax.block_until_ready(call())
        return time.perf_counter() - start, time.process_time() - cpu, results

    print(json.dumps({"ready": jax.devices()[0].client.platform_version}), file=out, flush=True)
    for line in sys.stdin:
        command, argument = line.split()
        compiles.clear()
        if command == "first":
            seconds, _, results = once()
            with open(argument, "wb") as file:
                pickle.dump([np.asarray(leaf) for leaf in jax.tree.leaves(results)], file)
            answer = {"first": seconds, "compile": sum(compiles), "programs": len(compiles)}
        else:
            end, best, cpu = time.perf_counter() + float(argument), float("inf"), float("inf")
            while time.perf_counter() < end or best == float("inf"):
                best, cpu = map(min, (best, cpu), once()[:2])
            answer = {"run": best, "cpu": cpu, "recompiled": len(compiles)}
        print(json.dumps(answer), file=out, flush=True)


# --- Over them ------------------------------------------------------------------------------------------------------------


class Side:
    """A program on one platform."""

    def __init__(self, name, platform, log):
        env = dict(os.environ, JAX_PLATFORMS=PLATFORMS[platform], TF_CPP_MIN_LOG_LEVEL="2")
        self.log = log
        self.process = subprocess.Popen([sys.executable, __file__, "--work", name], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log, text=True)

    def ask(self, command=None):
        if command:
            try:
                print(command, file=self.process.stdin, flush=True)
            except BrokenPipeError:
                pass
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.log.seek(0)
        last = [text for text in self.log.read().splitlines() if text.strip()][-1:]
        raise RuntimeError(f"exit status {code}: {last[0][:300] if last else ''}")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def difference(ours, theirs):
    """The largest difference of two lists of arrays, each relative to the largest element of its array; a string when they differ in kind."""
    import numpy as np

    if len(ours) != len(theirs):
        return "other results"
    worst = 0.0
    for a, b in zip(ours, theirs):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{a.dtype}{list(a.shape)} for {b.dtype}{list(b.shape)}"
        a, b = a.astype(np.float64), b.astype(np.float64)
        if not (np.isnan(a) == np.isnan(b)).all() or not (np.isinf(a) == np.isinf(b)).all():
            return "other NaN or infinite elements"
        finite = np.isfinite(b)
        if finite.any():
            scale = max(np.abs(b[finite]).max(), 1e-30)
            worst = max(worst, float(np.abs(a - b)[finite].max() / scale))
    return worst


def measure(name, args):
    """One row of the table."""
    row = {"program": name}
    missing = [p for p in apps.PROGRAMS[name].packages if importlib.util.find_spec(p.split(".")[0]) is None]
    if missing:
        return row | {"skipped": f"needs {', '.join(missing)}"}
    with tempfile.TemporaryDirectory() as folder:
        sides = {}
        try:
            for platform in PLATFORMS:
                log = open(f"{folder}/{platform}.log", "w+")
                sides[platform] = Side(name, platform, log)
                version = sides[platform].ask()["ready"]
                assert ("libpjrt" in version) == (platform == "ours"), f"{platform} runs on {version}"
                row[platform] = sides[platform].ask(f"first {folder}/{platform}")
            results = {}
            for platform in PLATFORMS:
                with open(f"{folder}/{platform}", "rb") as file:
                    results[platform] = pickle.load(file)
            row["difference"] = difference(results["ours"], results["xla"])
            row["agrees"] = isinstance(row["difference"], float) and row["difference"] <= apps.PROGRAMS[name].tolerance
            if not args.check:
                for _ in range(3):
                    for platform in PLATFORMS:
                        answer = sides[platform].ask(f"run {args.seconds / 3}")
                        for key in ("run", "cpu"):
                            row[platform][key] = min(row[platform].get(key, float("inf")), answer[key])
                        row[platform]["recompiled"] = answer["recompiled"]
        except RuntimeError as error:
            row["error"] = f"{platform}: {error}"
        finally:
            for side in sides.values():
                side.close()
    return row


def ratios(row):
    """XLA's time over ours, to run and to compile."""
    return row["xla"]["run"] / row["ours"]["run"], row["xla"]["compile"] / max(row["ours"]["compile"], 1e-9)


def order(rows):
    """Those that were timed, worst run first."""
    return sorted((row for row in rows if "run" in row.get("xla", {}) and "run" in row.get("ours", {})), key=lambda row: ratios(row)[0])


def line(row):
    if "skipped" in row:
        return f"{row['program']:36s} skipped: {row['skipped']}"
    if "error" in row:
        return f"{row['program']:36s} FAILED: {row['error']}"
    text = f"{row['program']:36s} {'same' if row['agrees'] else 'DIFFERS'} ({row['difference']})"
    if order([row]):
        run, compilation = ratios(row)
        text += (f"  run {row['xla']['run'] * 1e3:9.2f} / {row['ours']['run'] * 1e3:9.2f} ms = {run:6.2f}"
                 f"  cpu {row['xla']['cpu'] * 1e3:9.2f} / {row['ours']['cpu'] * 1e3:9.2f} ms = {row['xla']['cpu'] / row['ours']['cpu']:6.2f}"
                 f"  compile {row['xla']['compile']:7.2f} / {row['ours']['compile']:6.2f} s = {compilation:6.2f}"
                 f"  first {row['xla']['first']:6.2f} / {row['ours']['first']:6.2f} s")
    return text


def markdown(rows):
    """The table of doc/jax-programs.md, worst run first."""
    lines = ["| program | run: XLA ms | ours ms | ratio | processor time: XLA ms | ours ms | ratio | compile: XLA s | ours s | ratio "
             "| first call: XLA s | ours s | programs | largest difference |", "|---" * 14 + "|"]
    for row in order(rows):
        run, compilation = ratios(row)
        x, o = row["xla"], row["ours"]
        differs = row["difference"] if isinstance(row["difference"], str) else f"{row['difference']:.0e}"
        lines.append(f"| {row['program']} | {x['run'] * 1e3:.2f} | {o['run'] * 1e3:.2f} | {run:.2f} | {x['cpu'] * 1e3:.2f} "
                     f"| {o['cpu'] * 1e3:.2f} | {x['cpu'] / o['cpu']:.2f} | {x['compile']:.2f} | {o['compile']:.2f} | {compilation:.1f} | {x['first']:.2f} | {o['first']:.2f} | {o['programs']} "
                     f"| {differs if row['agrees'] else '**' + differs + '**'} |")
    lines += [f"\n{line(row)}" for row in rows if "skipped" in row or "error" in row]
    return "\n".join(lines) + "\n"


def write(rows, args):
    """What is known so far: a run takes long, and may be stopped."""
    if args.markdown:
        args.markdown.write_text(markdown(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--filter", default="", help="parts of names, separated by |")
    parser.add_argument("--check", action="store_true", help="results only: one call each")
    parser.add_argument("--seconds", type=float, default=3, help="per platform and program")
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if args.work:
        return work(args.work)
    rows = []
    for name in apps.load():
        if any(part in name for part in args.filter.split("|")):
            rows.append(measure(name, args))
            print(line(rows[-1]), flush=True)
            write(rows, args)
    bad = [row["program"] for row in rows if "error" in row or not row.get("agrees", True)]
    print(f"{len(rows)} programs, {len(bad)} differ or fail" + (f": {', '.join(bad)}" if bad else ""))
    if not args.check:
        print("worst first:")
        for row in order(rows):
            print(line(row))
    return len(bad) > 0


if __name__ == "__main__":
    sys.exit(main())
