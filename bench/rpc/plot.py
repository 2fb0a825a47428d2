"""Draws what bench.py measured: FILE.json to FILE.png and FILE.svg, latency of small calls and throughput of transfers.

    python bench/rpc/plot.py build/rpc.json
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt

from bench import best_way, readable

COLOURS = {"direct": "#2a6f97", "gRPC tcp": "#c8553d", "gRPC unix": "#e09f3e"}
CALLS = {"call": "upload, execute,\ndownload", "execute": "execute", "nothing": "answer at once"}


def shown(microseconds):
    return f"{microseconds:.1f}" if microseconds < 100 else f"{microseconds:,.0f}"


def draw_latency(axis, rows):
    ticks, y = [], 0
    for call, label in CALLS.items():
        first = y
        for side, colour in COLOURS.items():
            for row in rows:
                if (row["call"], row["side"]) == (call, side):
                    axis.barh(y, row["p50_us"], color=colour, height=0.8)
                    axis.plot([row["p50_us"], row["p99_us"]], [y, y], color="#333333", linewidth=1)
                    axis.plot(row["p99_us"], y, "|", color="#333333")
                    axis.text(row["p99_us"] * 1.15, y, f"{shown(row['p50_us'])}, p99 {shown(row['p99_us'])}", fontsize=7, va="center")
                    y += 1
        ticks.append(((first + y - 1) / 2, label))
        y += 0.8
    axis.set_yticks([at for at, _ in ticks], [label for _, label in ticks], fontsize=8)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlim(1, 20 * max(row["p99_us"] for row in rows))
    axis.set_xlabel("microseconds per call: median, and 99th percentile", fontsize=8)
    axis.set_title("x + 1 on one f32", fontsize=10)


def draw_transfers(axis, rows, direction):
    sizes = list(dict.fromkeys(row["bytes"] for row in rows))
    for side, colour in COLOURS.items():
        for streams in (False,) if side == "direct" else (False, True):
            speeds = [size / (1 << 30) / best_way(rows, side, direction, size, streams)["median_s"] for size in sizes]
            kind = "" if side == "direct" else ", stream" if streams else ", unary"
            axis.plot(sizes, speeds, color=colour, linestyle="--" if streams else "-", marker="o", markersize=3, label=side + kind)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(sizes, [readable(size) for size in sizes], fontsize=7)
    axis.set_ylabel("GiB/s, median", fontsize=8)
    axis.grid(True, color="#dddddd", linewidth=0.5)
    axis.set_title(direction, fontsize=10)
    axis.legend(fontsize=7)


def main():
    source = pathlib.Path(sys.argv[1])
    result = json.loads(source.read_text())
    figure, axes = plt.subplots(1, 3, figsize=(16, 4.8))
    draw_latency(axes[0], result["latency"])
    for axis, direction in zip(axes[1:], ("upload", "download")):
        draw_transfers(axis, result["transfers"], direction)
    for axis in axes:
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    about = result["machine"]
    figure.suptitle(f"The same calls directly and through a gRPC server on loopback. {about['cpu']}, {about['processors']} processors, "
                    f"load {about['load']:.1f}, grpcio {result['grpcio']}, {about['time']}", fontsize=10)
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(source.with_suffix(f".{kind}"), dpi=110)


if __name__ == "__main__":
    main()
