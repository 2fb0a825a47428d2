"""How many instructions a compilation takes, by valgrind: a figure that does not depend on what else the machine does.

    python bench/instructions.py [--filter TEXT] [--call FUNCTION] [--profile N]

Runs `pjrt run` on each program under callgrind and counts what happens inside FUNCTION of the plugin (the compilation by default;
pj_api_LoadedExecutable_Execute with --threads 1 counts a run instead). --profile prints the N functions that took the most,
with what they called. Programs with bfloat16 arguments are left out, since NumPy's files do not hold them.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import numpy as np

import bench
from sides import ROOT


def write(program, folder):
    """The program's text and arguments as files; their paths."""
    jax.config.update("jax_enable_x64", program.x64)
    arguments = program.make()
    text = folder / "program.mlir"
    text.write_text(jax.jit(program.function).lower(*arguments).as_text())
    paths = []
    for i, leaf in enumerate(jax.tree.leaves(arguments)):
        if np.asarray(leaf).dtype.kind not in "biufc":
            return None
        paths.append(folder / f"{i}.npy")
        np.save(paths[-1], leaf)
    return [text, *paths]


def count(files, options, folder):
    """Instructions inside the function, and callgrind's file."""
    out = folder / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={options.call}",
               options.build / "pjrt", "run", "--plugin", options.build / "pjrt_plugin_cpu.so", *files]
    environment = os.environ | ({"PJRT_THREADS": options.threads} if options.threads else {})
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=options.patience)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found or found[1] == "0":
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.returncode else f"nothing counted in {options.call}")
    return int(found[1]), out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--filter", default="", help="only programs whose name or tag holds one of these, separated by |")
    parser.add_argument("--quick", action="store_true", help="only the programs of make bench-quick")
    parser.add_argument("--call", default="pj_api_Client_Compile", help="the function of the plugin that is counted")
    parser.add_argument("--threads", default="", help="PJRT_THREADS; 1 makes counts of runs repeatable")
    parser.add_argument("--profile", type=int, default=0, help="print so many functions by what they and their callees took")
    parser.add_argument("--patience", type=float, default=600)
    options = parser.parse_args()
    options.build = options.build.resolve()
    for program in bench.chosen(options):
        with tempfile.TemporaryDirectory(prefix="pjrt-bench-") as scratch:
            folder = pathlib.Path(scratch)
            files = write(program, folder)
            if not files:
                continue
            try:
                instructions, out = count(files, options, folder)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{'FAILED':>14}  {program.name}: {error}", flush=True)
                continue
            print(f"{instructions / 1e6:>12.2f} M  {program.name}", flush=True)
            if options.profile:
                lines = subprocess.run(["callgrind_annotate", "--inclusive=yes", out], capture_output=True, text=True).stdout
                rows = re.findall(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(?:\S*?:)(.+?)(?: \[\S+\])?$", lines, re.M)
                # What takes nearly all is only the way to what takes the time; recursive functions are counted more than once.
                rows = [(int(number.replace(",", "")), what) for number, what in rows]
                rows = [(number, what) for number, what in rows if number < 0.9 * instructions]
                for number, what in rows[: options.profile]:
                    print(f"    {number / 1e6:>10.2f} M {number / instructions:>5.0%}  {what[:110]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
