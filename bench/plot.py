"""Bars of what bench.py measured: FILE.json to OUT-run.png/.svg and OUT-compile.png/.svg, ratios by tag, on a logarithmic scale.

    python bench/plot.py build/bench.json [OUT]

Needs matplotlib (`make bench-plot` has it). Tags stand in columns of about equal height; within a tag the worst program is on top.
"""

import pathlib
import sys
import json

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

import report

COLUMNS = 4
GOOD, BAD, FAILED, LINE = "#2a6f97", "#c8553d", "#999999", "#333333"
ROW, GAP = 0.13, 3  # inches per bar, and bars' worth of room between tags


def columns_of(groups):
    """Puts the groups, kept in order, into COLUMNS columns of about equal height."""
    total = sum(len(rows) + GAP for _, rows in groups)
    columns, height = [[]], 0
    for group in groups:
        size = len(group[1]) + GAP
        if height + size / 2 > total / COLUMNS * len(columns) and len(columns) < COLUMNS:
            columns.append([])
        columns[-1].append(group)
        height += size
    return columns


def draw(result, ratio, title, path):
    rows = [row for row in result["rows"] if report.failed(row) or report.run_ratio(row)]
    groups = []
    for tag in dict.fromkeys(row["tag"] for row in rows):
        of_tag = [(row["name"], None if report.failed(row) else ratio(row)) for row in rows if row["tag"] == tag]
        groups.append((tag, sorted(of_tag, key=lambda pair: pair[1] or 0)))
    columns = columns_of(groups)
    bars = max(sum(len(rows) + GAP for _, rows in column) for column in columns)
    values = [value for _, rows in groups for _, value in rows if value]
    low, high = min(values + [0.5]) / 1.3, max(values + [2]) * 3.5
    figure, axes = plt.subplots(1, len(columns), figsize=(5.6 * len(columns), max(4, ROW * bars + 1)), squeeze=False)
    for axis, column in zip(axes[0], columns):
        y = 0
        for tag, of_tag in column:
            mean = report.mean([value for _, value in of_tag if value])
            axis.text(low, y + 1, f" {tag}: {mean:.2f}", fontsize=9, fontweight="bold", va="center")
            y += 2
            for name, value in of_tag:
                if value:
                    axis.barh(y, value - 1, left=1, height=0.8, color=GOOD if value >= 1 else BAD)
                    axis.text(max(value, 1) * 1.05, y, f"{value:.2g}" if value < 100 else f"{value:.0f}", fontsize=5.5, va="center")
                else:
                    axis.text(1.05, y, "failed", fontsize=5.5, va="center", color=FAILED)
                axis.text(low, y, f"{name}  ", fontsize=5.5, va="center", ha="right")
                y += 1
            y += GAP - 2
        axis.set_xscale("log")
        axis.set_xlim(low, high)
        axis.set_ylim(bars, -0.5)
        axis.axvline(1, color=LINE, linewidth=0.8)
        axis.set_yticks([])
        axis.tick_params(axis="x", labelsize=6)
        for side in ("top", "left", "right"):
            axis.spines[side].set_visible(False)
    about = result["machine"]
    figure.suptitle(f"{title}; above 1 the plugin is faster. {about['cpu']}, {about['processors']} processors, {about['commit']}, "
                    f"{about['time']}", fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.99))
    for kind in ("png", "svg"):
        figure.savefig(f"{path}.{kind}", dpi=110)
    plt.close(figure)


def main():
    source = pathlib.Path(sys.argv[1])
    out = sys.argv[2] if len(sys.argv) > 2 else str(source.with_suffix(""))
    result = json.loads(source.read_text())
    draw(result, report.run_ratio, "Run: XLA's time over the plugin's", f"{out}-run")
    draw(result, lambda row: row["compile_ratio"], "Compile: XLA's time over the plugin's", f"{out}-compile")


if __name__ == "__main__":
    main()
