"""Draws what sweep.py measured: FILE.json to FILE.png and FILE.svg, a panel a dtype: the better peer's time over ours by work.

    python bench/sweep/plot.py build/sweep.json
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

from sweep import mean, ratio

GOOD, BAD, LINE = "#2a6f97", "#c8553d", "#333333"
NAMED = 4  # of the worst shapes


def draw(axis, dtype, rows):
    work = [row["shape"][0] * row["shape"][1] * row["shape"][2] for row in rows]
    ratios = [ratio(row) for row in rows]
    axis.scatter(work, ratios, s=14, c=[GOOD if value >= 1 else BAD for value in ratios], linewidths=0)
    for row in sorted(rows, key=ratio)[:NAMED]:
        m, n, k = row["shape"]
        axis.annotate(f"{m}x{n}x{k}", (m * n * k, ratio(row)), fontsize=6, xytext=(3, -6), textcoords="offset points")
    axis.axhline(1, color=LINE, linewidth=0.8)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(f"{dtype}: geometric mean {mean(ratios):.2f}, worst {min(ratios):.2f}", fontsize=10)
    axis.set_xlabel("multiply-adds", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.grid(True, which="major", linewidth=0.3)


def main():
    path = pathlib.Path(sys.argv[1])
    result = json.loads(path.read_text())
    dtypes = list(dict.fromkeys(row["dtype"] for row in result["rows"]))
    figure, axes = plt.subplots(1, len(dtypes), figsize=(4.6 * len(dtypes), 4.2), sharey=True, squeeze=False)
    for axis, dtype in zip(axes[0], dtypes):
        draw(axis, dtype, [row for row in result["rows"] if row["dtype"] == dtype])
    axes[0][0].set_ylabel("the better of torch and OpenBLAS / ours", fontsize=8)
    about = result["machine"]
    figure.suptitle(f"Products [m, k] x [k, n]; above 1 the plugin is faster. {about['cpu']}, {about['threads']} threads, {about['commit']}", fontsize=10)
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{kind}"), dpi=130)


main()
