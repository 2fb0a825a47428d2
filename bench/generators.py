"""The two generators of machine code: run time of programs with PJRT_CODEGEN=llvm over that with auto, on one thread, worst first.

    python bench/generators.py [--filter TEXT] [--build BUILD]

A program is compiled by both in one process and called by turns, a few milliseconds each, with the same arguments in the same
memory: where that lies makes as much of a difference as code does. Times are the least of many calls.
"""

import argparse
import math
import os
import pathlib
import sys

import bench
from sides import ROOT

GENERATORS = ("auto", "llvm")


def compiled(child, program, generator):
    """A child of worker.py's kind that shares |child|'s arguments (none: makes them)."""
    import jax
    import worker

    os.environ["PJRT_CODEGEN"] = generator
    if not child:
        new = worker.Child()
        new.prepare(program.name)
    else:
        new = worker.Child.__new__(worker.Child)
        new.__dict__ |= child.__dict__
        jax.clear_caches()
        new.lowered = jax.jit(program.function, donate_argnums=range(program.carry)).lower(*child.arguments)
    new.ms = new.compile()["compile_ms"]
    return new


def measure(program, options):
    """The least time of each generator in microseconds, and how long it compiled in milliseconds."""
    own = compiled(None, program, GENERATORS[0])
    llvm = compiled(own, program, GENERATORS[1])
    best = [math.inf, math.inf]
    for _ in range(options.rounds):
        for i, child in enumerate((own, llvm)):
            child.call()
            best[i] = min(best[i], child.run(options.seconds)["best_us"])
    return best, [own.ms, llvm.ms]


def mean(ratios):
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="elementwise|reduction|normalisation|loop|movement",
                        help="only programs whose name or tag holds one of these, separated by |")
    parser.add_argument("--seconds", type=float, default=0.005, help="time per program, generator and round")
    parser.add_argument("--rounds", type=int, default=20)
    parser.set_defaults(quick=False)
    options = parser.parse_args()
    os.environ |= {"JAX_PLATFORMS": "pjrt_cpu", "PJRT_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                   "PJRT_CPU_LIBRARY": str(options.build.resolve() / "pjrt_plugin_cpu.so")}
    sys.path.insert(0, str(ROOT / "python"))
    rows = []
    for program in bench.chosen(options):
        best, ms = measure(program, options)
        rows.append((best[1] / best[0], program, best, ms))
    print(f"{'ratio':>6} {'own us':>10} {'LLVM us':>10} {'own ms':>8} {'LLVM ms':>8}  (run, compilation)")
    for ratio, program, best, ms in sorted(rows, key=lambda row: row[0]):
        print(f"{ratio:6.2f} {best[0]:10.1f} {best[1]:10.1f} {ms[0]:8.2f} {ms[1]:8.2f}  {program.tag:<13} {program.name}")
    for tag in dict.fromkeys(row[1].tag for row in rows):
        ratios = [row[0] for row in rows if row[1].tag == tag]
        print(f"{mean(ratios):6.3f} {tag}, {len(ratios)} programs")


if __name__ == "__main__":
    main()
