"""`make bench-wide`: functions from all over JAX (bench/functions/) on the plugin and on XLA's CPU, in turn in one process, worst first.

    bench/wide.py [--build DIR] [--filter PART|PART] [--family NAME|NAME] [--seconds S] [--json FILE] [--list]

A net with small meshes, not a scale: thousands of programs with a fraction of a second each. A time is the least of many calls, on
arguments that lie on the device; compile times are of one compilation, so on a machine that is shared only large ones say something.
Measure again, with --filter and more --seconds, what looks bad. doc/bench.md says how to read it.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SIDES = ("plugin", "XLA")


def best(call, count):
    """The least seconds of |count| calls."""
    import jax

    least = math.inf
    for _ in range(count):
        start = time.perf_counter()
        jax.block_until_ready(call())
        least = min(least, time.perf_counter() - start)
    return least


def compiled(function, device):
    """A call of the function on a device, and the seconds that its compilation took."""
    import jax

    arguments = [jax.device_put(argument, device) for argument in function.arguments]
    lowered = jax.jit(function.function).trace(*arguments).lower()
    start = time.perf_counter()
    program = lowered.compile()
    return (lambda: program(*arguments)), time.perf_counter() - start


def difference(ours, theirs):
    """The largest difference of two results, relative to the largest number of each array; infinity where kinds or NaNs differ.
    Only to be looked at: singular vectors, ties and chaos differ as they please."""
    import jax

    worst = 0.0
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            return math.inf
        if a.dtype == jax.dtypes.float0:  # tangents of integers
            continue
        wide = np.complex128 if np.iscomplexobj(a) else np.float64
        a, b = np.asarray(a).astype(wide), np.asarray(b).astype(wide)
        with np.errstate(invalid="ignore", over="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if not same.all():
                scale = np.abs(b[np.isfinite(b)]).max(initial=1e-30)
                worst = max(worst, float(np.nan_to_num(np.abs(a - b)[~same].max() / scale, nan=math.inf)))
    return worst


def measure(function, devices, seconds):
    """The row of one function: microseconds and milliseconds of both sides, ratios above 1 where the plugin is faster."""
    import jax

    with jax.enable_x64(function.x64):
        sides = [compiled(function, device) for device in devices]
        calls = [call for call, _ in sides]
        results = [call() for call in calls]
        row = {"name": function.name, "family": function.family, "difference": difference(*results)}
        del results
        longest = max(best(call, 1) for call in calls)
        count = max(1, min(100, int(seconds / 8 / longest)))
        times = [math.inf, math.inf]
        for _ in range(4 if longest < seconds else 1):
            times = [min(t, best(call, count)) for t, call in zip(times, calls)]
    row["us"] = {side: 1e6 * t for side, t in zip(SIDES, times)}
    row["compile_ms"] = {side: 1e3 * t for side, (_, t) in zip(SIDES, sides)}
    row["ratio"] = times[1] / times[0]
    row["compile_ratio"] = sides[1][1] / sides[0][1]
    return row


def line(row):
    if "error" in row:
        return f"FAILED {row['name']}: {row['error']}"
    us, ms = row["us"].values(), row["compile_ms"].values()
    text = f"{row['ratio']:7.2f} {row['name']:<50} {' '.join(f'{t:10.1f}' for t in us)} us {' '.join(f'{t:8.1f}' for t in ms)} ms"
    return text + (f"  differs by {row['difference']:.1e}" if row["difference"] > 1e-3 else "")


def mean(ratios):
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def report(rows, options):
    """What is slower than XLA, worst first; what compiles long; means by family."""
    good = [row for row in rows if "error" not in row]
    slow = sorted((row for row in good if row["ratio"] < options.below), key=lambda row: row["ratio"])
    print(f"\n  ratio below {options.below:g}: {len(slow)} of {len(good)} (run: plugin, XLA; compilation: plugin, XLA)")
    print(*map(line, slow), sep="\n")
    long = [row for row in good if row["compile_ms"]["plugin"] > 30 or row["compile_ratio"] < 1 < row["compile_ms"]["XLA"]]
    print(f"\ncompiles longer than 30 ms or than XLA: {len(long)}")
    print(*map(line, sorted(long, key=lambda row: -row["compile_ms"]["plugin"])), sep="\n")
    print(f"\n{'run':>7} {'compile':>7}  geometric means")
    for family in dict.fromkeys(row["family"] for row in good):
        chosen = [row for row in good if row["family"] == family]
        print(f"{mean([r['ratio'] for r in chosen]):7.2f} {mean([r['compile_ratio'] for r in chosen]):7.2f}  {family}, {len(chosen)} functions")


def chosen(table, options):
    parts, families = options.filter.split("|"), options.family.split("|")
    return [f for f in table.values() if any(p in f.name for p in parts) and any(p in f.family for p in families)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="", help="parts of names, separated by |")
    parser.add_argument("--family", default="", help="files of bench/functions/, separated by |")
    parser.add_argument("--seconds", type=float, default=0.1, help="time per function")
    parser.add_argument("--below", type=float, default=1.0, help="which ratios to list at the end")
    parser.add_argument("--json", type=pathlib.Path, help="all rows")
    parser.add_argument("--list", action="store_true", help="the names")
    options = parser.parse_args()
    os.environ |= {"JAX_PLATFORMS": "pjrt_cpu,cpu", "PJRT_CPU_LIBRARY": str(options.build.resolve() / "pjrt_plugin_cpu.so")}
    sys.path[:0] = [str(ROOT / "python"), str(HERE)]
    import functions
    import jax

    jax.config.update("jax_enable_compilation_cache", False)
    functions_chosen = chosen(functions.load(), options)
    if options.list:
        print(*(f"{function.family:<12} {function.name}" for function in functions_chosen), sep="\n")
        return
    devices, rows = [jax.devices("pjrt_cpu")[0], jax.devices("cpu")[0]], []
    try:
        for function in functions_chosen:
            try:
                rows.append(measure(function, devices, options.seconds))
            except Exception as error:
                rows.append({"name": function.name, "family": function.family, "error": str(error).split("\n")[0][:300]})
            row = rows[-1]
            if "error" in row or row["ratio"] < options.below or row["difference"] > 1e-3 or len(functions_chosen) <= 40:
                print(line(row), flush=True)
    except KeyboardInterrupt:
        pass  # what is measured so far is worth a report
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if any("error" not in row for row in rows):
        report(rows, options)


if __name__ == "__main__":
    main()
