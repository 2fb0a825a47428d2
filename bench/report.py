"""What bench.py prints: the table, worst first, means by tag, and the figures that the project promised.

    python bench/report.py FILE.json             prints the report of an earlier run again
    python bench/report.py NEW.json OLD.json     says what changed between two runs: ratios, so machines matter less
"""

import json
import math
import pathlib
import statistics
import sys

SCOPE = ("elementwise", "reduction", "normalisation", "movement", "loop")


def mean(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else math.nan


def failed(row):
    return "error" in row or "wrong" in row


def run_ratio(row):
    return row.get("ratio", {}).get("XLA")


def ratio_of(row, figure):
    return row[figure]["XLA"] / max(row[figure]["plugin"], 1e-9)


def compared(rows):
    return [row for row in rows if run_ratio(row) and not failed(row)]


def one_line(row):
    words = row.get("error") or row.get("wrong")
    if words:
        return f"{row['name']}: FAILED: {words}"
    if not run_ratio(row):
        return f"{row['name']}: alone: run {row['us']['plugin']:,.1f} us, compile {row['compile_ms']['plugin']:.1f} ms"
    return f"{row['name']}: run {run_ratio(row):.2f}, compile {row['compile_ratio']:.1f}"


def table(rows):
    good = sorted(compared(rows), key=run_ratio)
    peers = sorted({name for row in good for name in row["ratio"]} - {"XLA"})
    lines = [f"{'program':<46} {'tag':<13} {'plugin us':>11} {'XLA us':>11} {'ratio':>7} {'(spread)':>15} "
             f"{'compile ms':>11} {'XLA':>8} {'ratio':>6} {'peak MB':>8} {'XLA':>6}" + "".join(f" {peer:>9}" for peer in peers)]
    for row in good:
        low, high = row["spread"]["XLA"]
        lines.append(
            f"{row['name']:<46} {row['tag']:<13} {row['us']['plugin']:>11,.1f} {row['us']['XLA']:>11,.1f} {run_ratio(row):>7.2f} "
            f"{f'({low:.2f}-{high:.2f})':>15} {row['compile_ms']['plugin']:>11.1f} {row['compile_ms']['XLA']:>8.1f} "
            f"{row['compile_ratio']:>6.1f} {row['peak_mb']['plugin']:>8.1f} {row['peak_mb']['XLA']:>6.1f}"
            + "".join(f" {row['ratio'][peer]:>9.2f}" if peer in row["ratio"] else f" {'':>9}" for peer in peers))
    for row in rows:
        if not failed(row) and not run_ratio(row):
            lines.append(f"{row['name']:<46} {row['tag']:<13} {row['us']['plugin']:>11,.1f} {'':>35} {row['compile_ms']['plugin']:>11.1f}")
    return lines


def failures(rows):
    return [f"FAILED  {row['name']}: {row.get('error') or row.get('wrong')}" for row in rows if failed(row)]


def tags(rows):
    lines = [f"{'tag':<14} {'programs':>8} {'run':>7} {'worst':>7} {'below 1':>8} {'compile':>8} {'failed':>7}"]
    for tag in dict.fromkeys(row["tag"] for row in rows):
        of_tag = [row for row in rows if row["tag"] == tag]
        good = compared(of_tag)
        ratios = [run_ratio(row) for row in good]
        lines.append(f"{tag:<14} {len(of_tag):>8} {mean(ratios):>7.2f} {min(ratios, default=math.nan):>7.2f} "
                     f"{sum(r < 1 for r in ratios):>8} {mean([row['compile_ratio'] for row in good]):>8.1f} "
                     f"{sum(map(failed, of_tag)):>7}")
    return lines


class Judge:
    """Lines of `figure, value, bar`, marked where the bar is missed."""

    def __init__(self):
        self.lines, self.figures = [], {}

    def add(self, what, value, bar=None, unit="", detail=""):
        """|bar| is the least value, or the greatest if negative."""
        self.figures[what] = value
        if value is None or math.isnan(value):
            self.lines.append(f"  {'?':<6} {what}: not measured")
            return
        met = bar is None or (value >= bar if bar >= 0 else value <= -bar)
        mark = "" if bar is None else ("ok" if met else "SHORT")
        goal = "" if bar is None else f" (goal {'>=' if bar >= 0 else '<='} {abs(bar):g})"
        self.lines.append(f"  {mark:<6} {what}: {value:.2f}{unit}{goal}" + (f"; {detail}" if detail else ""))

    def heading(self, text):
        self.lines.append(text)


def worst_of(rows, figure):
    row = min(rows, key=figure, default=None)
    return (math.nan, "") if row is None else (figure(row), row["name"])


def judge(result):
    rows = result["rows"]
    named = {row["name"]: row for row in rows}
    once = result.get("once", {})
    good = compared(rows)
    j = Judge()

    j.heading(f"compile (ratios are XLA's time / the plugin's; {len(good)} programs compared, {sum(map(failed, rows))} failed)")
    worst, name = worst_of(good, lambda row: row["compile_ratio"])
    j.add("compile, geometric mean", mean([row["compile_ratio"] for row in good]), 15)
    j.add("compile, geometric mean without JAX's Python", mean([ratio_of(row, "backend_ms") for row in good]))
    j.add("compile, geometric mean of processor time", mean([ratio_of(row, "compile_cpu_ms") for row in good]))
    inside = [row for row in good if row.get("inside_ms")]
    j.add("compile, geometric mean of XLA's time / that inside the plugin, without the framework's part",
          mean([row["backend_ms"]["XLA"] / row["inside_ms"] for row in inside]),
          detail=f"{mean([row['inside_ms'] for row in inside]):.2f} ms of {mean([row['compile_ms']['plugin'] for row in inside]):.2f}")
    j.add("compile, worst", worst, 3, detail=name)
    step = named.get("GPT 6x384, 2x128 tokens, training step", {})
    j.add("GPT training step, compile ratio", step.get("compile_ratio", math.nan), 25)
    for name, bar in (("unrolled, 1,552 ops", -0.4), ("unrolled, 7,744 ops", -2)):
        row = named.get(name)
        if row and "compile_ms" in row:
            xla = row["compile_ms"].get("XLA")
            j.add(f"{name}, compile", row["compile_ms"]["plugin"] / 1e3, bar, " s", f"XLA {xla / 1e3:.1f} s" if xla else "")
            xla = row["compile_mb"].get("XLA")
            j.add(f"{name}, memory above start", row["compile_mb"]["plugin"], -300, " MB", f"XLA {xla:.0f} MB" if xla else "")
    eager = {name: side.get("eager") for name, side in once.items() if isinstance(side, dict)}
    if eager.get("plugin"):
        other = f"all {eager['plugin']['total_ms'] / 1e3:.2f} s"
        if eager.get("XLA"):
            other += f"; XLA {eager['XLA']['backend_ms'] / 1e3:.2f} s, all {eager['XLA']['total_ms'] / 1e3:.2f} s"
        j.add("100 first eager calls, in compile", eager["plugin"]["backend_ms"] / 1e3, -0.3, " s", other)
    warm = [row["compile_ms"]["XLA"] / row["warm"]["warm_ms"] for row in good if "warm_ms" in row.get("warm", {})]
    entries = sum(row["warm"].get("entries", 0) for row in good if "warm" in row)
    j.add("second process, warm disk cache, models", mean(warm), 50,
          detail=f"worst {min(warm):.1f}, {entries} entries" if warm else "")

    j.heading("run")
    scope = [row for row in good if row["tag"] in SCOPE]
    worst, name = worst_of(scope, run_ratio)
    busy = result["machine"]["load"]
    if busy > 1:
        j.heading(f"  the machine was busy (load {busy:.1f}): trust best times and processor times more than medians")
    j.add("run, geometric mean of best times over these", mean([ratio_of(row, "best_us") for row in scope]))
    j.add("run, geometric mean of processor times over these", mean([ratio_of(row, "cpu_us") for row in scope]))
    j.add("run, geometric mean over " + ", ".join(SCOPE), mean([run_ratio(row) for row in scope]), 3)
    j.add("run, worst of these", worst, 1, detail=f"{name}; {sum(run_ratio(r) < 1 for r in scope)} of {len(scope)} below 1")
    best = best_peer_ratios(scope)
    if best:
        j.add("run, against the best peer of each of these", mean(best), 1.2, detail=f"{len(best)} programs")
    worst, name = worst_of(good, run_ratio)
    j.add("run, geometric mean over all", mean([run_ratio(row) for row in good]), 3)
    j.add("run, share at or above 1", sum(run_ratio(row) >= 1 for row in good) / len(good) if good else math.nan, 0.95)
    j.add("run, worst of all", worst, 0.8, detail=name)
    best = best_peer_ratios(good)
    if best:
        j.add("run, against the best peer of each", mean(best), 1.3, detail=f"{len(best)} programs")

    j.heading("calls and starts")
    for name in ("x + 1, scalar", "20 arguments of 8 floats, each + 1"):
        row = named.get(name, {})
        detail = f"{row['us']['plugin']:.1f} us, XLA {row['us']['XLA']:.1f}" if run_ratio(row) else ""
        j.add(f"call of {name}", run_ratio(row) or math.nan, 1, detail=detail)
    loops = [row for row in good if row["tag"] == "loop"]
    worst, name = worst_of(loops, run_ratio)
    j.add("loops, worst", worst, 1.5, detail=name)
    plugin, xla = once.get("plugin", {}), once.get("XLA", {})
    for what, figure in (("client start", "client_ms"), ("first operation's compile, without JAX's Python", "first_op_backend_ms")):
        detail = f"XLA {xla[figure]:.1f} ms" if figure in xla else ""
        if figure.startswith("first") and plugin and xla:
            detail += f"; with it {plugin['first_op_compile_ms']:.1f}, XLA {xla['first_op_compile_ms']:.1f}"
        j.add(what, plugin.get(figure, math.nan), -3, " ms", detail)
    if "upload" in plugin:
        ratio = plugin["upload"]["memcpy_ms"] / plugin["upload"]["ms"]
        j.add("256 MiB to the device, memcpy's time / the plugin's", ratio, 0.9, detail=f"{plugin['upload']['ms']:.1f} ms, memcpy "
              f"{plugin['upload']['memcpy_ms']:.1f} ms, XLA {xla.get('upload', {}).get('ms', math.nan):.1f} ms")
    if "process_start_ms" in once:
        j.add("`pjrt devices`, process and client", once["process_start_ms"], unit=" ms")

    j.heading("memory")
    steps = [row for row in good if "training step" in row["name"]]
    for row in steps:
        ours, theirs = row["peak_mb"]["plugin"], row["peak_mb"]["XLA"]
        j.add(f"{row['name']}, peak of XLA's / ours", theirs / max(ours, 0.1), 1, detail=f"{ours:.0f} MB, XLA {theirs:.0f} MB")
    fallbacks = sum(row.get("fallbacks", 0) for row in rows)
    j.heading(f"lines of PJRT_LOG=fallback over the bench: {fallbacks}")
    return j


def best_peer_ratios(rows):
    """For each program that a peer ran: the fastest of XLA and the peers against the plugin."""
    return [min(row["ratio"].values()) for row in rows if len(row["ratio"]) > 1]


def text(result):
    rows = result["rows"]
    about = result["machine"]
    lines = [f"{about['cpu']}, {about['processors']} processors, {' '.join(about['features'])}; {about['commit']}, {about['time']}, "
             f"load {about['load']:.1f}; {result.get('minutes', 0):.1f} minutes"
             + (", interrupted" if result.get("interrupted") else ""), ""]
    lines += table(rows) + [""] + failures(rows) + [""] + tags(rows) + [""] + judge(result).lines
    return "\n".join(lines)


def changes(new, old, least=1.2):
    """Programs whose ratios to XLA changed by a factor of |least|, the largest losses first, and what failed or works now."""
    before = {row["name"]: row for row in old["rows"]}
    lines, factors = [], {}
    for row in new["rows"]:
        earlier = before.get(row["name"])
        if earlier is None:
            continue
        if failed(row) != failed(earlier):
            lines.append(f"{'FAILS NOW' if failed(row) else 'works now'}  {row['name']}")
        for what, ratio in (("run", run_ratio), ("compile", lambda r: r.get("compile_ratio"))):
            if not failed(row) and not failed(earlier) and ratio(row) and ratio(earlier):
                factors[what, row["name"]] = ratio(row) / ratio(earlier)
    for (what, name), factor in sorted(factors.items(), key=lambda item: item[1]):
        if not 1 / least < factor < least:
            lines.append(f"{factor:8.2f} x  {what:<8} {name}")
    for what in ("run", "compile"):
        of_kind = [factor for (kind, _), factor in factors.items() if kind == what]
        lines.append(f"{what}: {len(of_kind)} programs, ratios changed by {mean(of_kind):.3f} in geometric mean")
    return lines


def main():
    results = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
    print(text(results[0]) if len(results) == 1 else "\n".join(changes(*results)))


if __name__ == "__main__":
    main()
