"""`make bench-check`: are the answers right? Every program once on the plugin, compared with XLA's answer; nothing is timed.

    python bench/check.py [--filter TEXT] [--answers FOLDER] [--threads 1,2,5]

XLA's answers are kept in FOLDER (remove it when programs change), so that a second check needs only the plugin. With --threads the
plugin runs with each of these numbers of threads, and all must give the same bits. Every program is called twice in the same
process, which must give the same bits too.
"""

import argparse
import os
import pathlib
import re
import shutil
import sys
import tempfile

import bench
from sides import ROOT, Failure


def answer(program, side, environment, folder, patience, again=None):
    """Compiles and calls |program|; its results go to |folder|, those of a second call to |again|. Returns lines about fallbacks."""
    children, _ = bench.prepared(program, [side], [environment], patience)
    with children[0] as child:
        child.ask("compile", patience=patience)
        child.ask("first", str(folder), patience=patience)
        if again:
            child.ask("first", str(again), patience=patience)
        return sorted({line for line in child.log().splitlines() if "fallback" in line})


def different(folder, other):
    """Whether any result differs in any bit; the number of the first that does."""
    for name in sorted(os.listdir(folder)):
        if (folder / name).read_bytes() != (other / name).read_bytes():
            return name.removesuffix(".npy")
    return None


def check(program, sides, options, scratch):
    """What is wrong with the plugin's answer, or None; the error; lines about fallbacks."""
    kept = options.answers / re.sub(r"[^A-Za-z0-9]+", "-", program.name)
    patience = max(options.patience, program.patience or 0)
    if not kept.exists():
        fresh = scratch / "XLA"
        fresh.mkdir()
        answer(program, sides[1], {}, fresh, patience)
        shutil.copytree(fresh, kept.with_suffix(f".{os.getpid()}"))
        kept.with_suffix(f".{os.getpid()}").rename(kept)
    first = None
    for threads in options.threads.split(","):
        folder, again = scratch / f"threads-{threads or 'default'}", scratch / "again"
        folder.mkdir()
        again.mkdir()
        environment = {"PJRT_LOG": "fallback"} | ({"PJRT_THREADS": threads} if threads else {})
        fallbacks = answer(program, sides[0], environment, folder, patience, again)
        if not program.carry and (place := different(folder, again)):
            return f"a second call gives another result {place}", 0, fallbacks
        shutil.rmtree(again)
        if first and (place := different(folder, first)):
            return f"{threads} threads give another result {place} than {options.threads.split(',')[0]}", 0, fallbacks
        first = first or folder
    error, share = bench.compare(program, [first, kept])
    return (f"the answers differ by {error:.2g}" if share > 1 else None), error, fallbacks


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="", help="only programs whose name or tag holds one of these, separated by |")
    parser.add_argument("--quick", action="store_true", help="only the programs of make bench-quick")
    parser.add_argument("--answers", type=pathlib.Path, help="keep XLA's answers here")
    parser.add_argument("--threads", default="", help="numbers of threads to compare, as 1,2,5")
    parser.add_argument("--patience", type=float, default=120, help="seconds that one step may take")
    options = parser.parse_args()
    options.build, options.peers, options.peers_python = options.build.resolve(), "", ""
    options.answers = (options.answers or options.build / "answers").resolve()
    options.answers.mkdir(parents=True, exist_ok=True)
    sides, _ = bench.open_sides(options)
    wrong, fell_back, count = [], 0, 0
    for program in bench.chosen(options):
        count += 1
        with tempfile.TemporaryDirectory(prefix="pjrt-bench-") as scratch:
            try:
                fault, error, fallbacks = check(program, sides, options, pathlib.Path(scratch))
            except Failure as failure:
                fault, error, fallbacks = str(failure), 0, []
        print(f"{'WRONG' if fault else 'ok':<6} {program.name}: {fault or f'{error:.1e}'}", flush=True)
        for line in fallbacks:
            print(f"         {line}", flush=True)
        fell_back += bool(fallbacks)
        if fault:
            wrong.append(program.name)
    for side in sides:
        side.close()
    print(f"{count - len(wrong)} of {count} programs right, {fell_back} with fallbacks")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
