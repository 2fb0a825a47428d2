"""Products of 200 shapes in four dtypes: the plugin's against torch's (oneDNN, MKL) and OpenBLAS's, in turn, in one run.

    python bench/sweep/sweep.py [--build DIR] [--peers-python FILE] [--json FILE] [--dtypes f32,bf16] [--seconds S] [--take N]

`make bench-sweep` has what it needs. Ours is an execution through libpjrt from C (`pjrt bench`), the upload not counted; torch is
a call of torch.mm (torch._int_mm for i8, which gives i32) with a ready result, OpenBLAS one of cblas_?gemm or cblas_?gemv. All
have the same number of threads. Each product is timed for --seconds on each side; the median counts.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from shapes import DTYPES, shapes

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ("torch", "openblas")
REST = 0.3  # seconds before ours: the peers' threads go on looking for work for a while and hold the processors


def program(dtype, m, n, k):
    wide = {"i8": "i32"}.get(dtype, dtype)
    types = f"(tensor<{m}x{k}x{dtype}>, tensor<{k}x{n}x{dtype}>) -> tensor<{m}x{n}x{wide}>"
    return (f"func.func @main(%a: tensor<{m}x{k}x{dtype}>, %b: tensor<{k}x{n}x{dtype}>) -> tensor<{m}x{n}x{wide}> {{\n"
            f"  %r = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : {types}\n  return %r : tensor<{m}x{n}x{wide}>\n}}\n")


class Peers:
    """The child with the peers' libraries."""

    def __init__(self, python, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        self.child = subprocess.Popen([python, pathlib.Path(__file__).with_name("peer.py")], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, env=environment)

    def measure(self, library, dtype, shape, seconds):
        print(library, dtype, *shape, seconds, file=self.child.stdin, flush=True)
        answer = self.child.stdout.readline()
        if not answer:
            raise SystemExit(f"the peers' process ended at {library} {dtype} {shape}")
        return json.loads(answer)


def measure_ours(build, path, seconds):
    command = [build / "pjrt", "bench", "--plugin", build / "pjrt_plugin_cpu.so", "--json", "--seconds", str(seconds), path]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"pjrt bench failed: {run.stderr.strip()}")
    (row,) = json.loads(run.stdout)
    return {"median_s": row["median_s"], "min_s": row["min_s"], "calls": row["runs"]}


def ratio(row):
    """The best peer's time over ours."""
    return min(row[library]["median_s"] for library in LIBRARIES if "median_s" in row[library]) / row["ours"]["median_s"]


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def gflops(row):
    m, n, k = row["shape"]
    return 2e-9 * m * n * k / row["ours"]["median_s"]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--peers-python", default=ROOT / ".venv-peers/bin/python")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--dtypes", default=",".join(DTYPES))
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--take", type=int, default=1, help="only each N-th shape")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    dtypes = args.dtypes.split(",")
    if unknown := set(dtypes) - set(DTYPES):
        parser.error(f"no dtype {', '.join(unknown)}; there are {', '.join(DTYPES)}")
    os.environ["PJRT_THREADS"] = str(args.threads)
    peers = Peers(args.peers_python, args.threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "product.mlir"
        for dtype in dtypes:
            for done, shape in enumerate(shapes()[:: args.take], 1):
                path.write_text(program(dtype, *shape))
                time.sleep(REST)
                row = {"dtype": dtype, "shape": shape, "ours": measure_ours(args.build, path, args.seconds)}
                for library in LIBRARIES:
                    row[library] = peers.measure(library, dtype, shape, args.seconds)
                rows.append(row)
                if sys.stderr.isatty():
                    print(f"\r{dtype} {done}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)

    print(f"{processor()}, {args.threads} threads. Ratio: the better peer's median time over ours.\n")
    print(f"{'dtype':6}{'m x n x k':>22}{'ours us':>12}{'GFLOP/s':>9}" + "".join(f"{library + ' us':>14}" for library in LIBRARIES) + f"{'ratio':>8}")
    for row in sorted(rows, key=ratio):
        others = "".join(f"{row[library]['median_s'] * 1e6:14.1f}" if "median_s" in row[library] else f"{'-':>14}" for library in LIBRARIES)
        print(f"{row['dtype']:6}{'x'.join(map(str, row['shape'])):>22}{row['ours']['median_s'] * 1e6:12.1f}{gflops(row):9.1f}{others}{ratio(row):8.2f}")
    print()
    for dtype in dtypes:
        ratios = [ratio(row) for row in rows if row["dtype"] == dtype]
        print(f"{dtype}: geometric mean {mean(ratios):.2f}, worst {min(ratios):.2f}, {sum(r >= 1 for r in ratios)} of {len(ratios)} at 1 or above")
    print(f"all: geometric mean {mean([ratio(row) for row in rows]):.2f}, worst {min(map(ratio, rows)):.2f}")
    if args.json:
        commit = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%h"], capture_output=True, text=True).stdout.strip()
        args.json.write_text(json.dumps({"machine": {"cpu": processor(), "threads": args.threads, "commit": commit}, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
