"""The main job, `make run`: train on the plugin, train on XLA's CPU, compare, and classify again from C.

    python examples/digits/run.py [--build BUILD] [--out DIR]

1. train.py on the plugin (JAX_PLATFORMS=pjrt_cpu), 2. train.py on JAX's built-in CPU, 3. the losses side by side, which
must be equal within float tolerance, 4. `pjrt run` on the exported program and the test images: a C program that loads
the plugin through the C API; its accuracy must be that of training. Fails loudly when a check does not hold.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

# Both sides sum in their own order. A difference of one part in 10^7 per step grows over the steps of all epochs.
LOSS_TOLERANCE = 1e-3
MIN_ACCURACY = 0.95


def fail(message):
    print(f"FAILED: {message}", flush=True)
    sys.exit(1)


def train(title, platform, out, build):
    print(f"\n=== {title}", flush=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PJRT_NAMES", "PJRT_REPLACE"))}
    env["JAX_PLATFORMS"] = platform
    if platform != "cpu":
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "python"), env.get("PYTHONPATH")]))
        env["PJRT_CPU_LIBRARY"] = str(build / "pjrt_plugin_cpu.so")
    result = subprocess.run([sys.executable, HERE / "train.py", "--out", out], env=env)
    if result.returncode:
        fail(f"training on {platform} ended with exit status {result.returncode}")
    return json.loads((out / "history.json").read_text())


def compare(ours, theirs):
    print("\n=== losses side by side", flush=True)
    print(f"{'epoch':>5}  {'plugin':>10}  {'XLA':>10}  {'relative difference':>20}")
    worst = 0.0
    for epoch, (a, b) in enumerate(zip(ours["epochs"], theirs["epochs"], strict=True), 1):
        difference = abs(a["loss"] - b["loss"]) / b["loss"]
        worst = max(worst, difference)
        print(f"{epoch:>5}  {a['loss']:>10.6f}  {b['loss']:>10.6f}  {difference:>20.1e}")
    if not worst <= LOSS_TOLERANCE:
        fail(f"losses differ by {worst:.1e} of their size, allowed are {LOSS_TOLERANCE:.0e}")


def classify(out, build):
    print("\n=== the exported program, run by a C program", flush=True)
    command = [build / "pjrt", "run", "--plugin", build / "pjrt_plugin_cpu.so", "--time", "-o", out / "answers",
               out / "digits.mlirbc", out / "images.npy"]
    print("$ " + " ".join(str(part) for part in command), flush=True)
    result = subprocess.run(command)
    if result.returncode:
        fail(f"pjrt run ended with exit status {result.returncode}")
    digits = np.load(out / "answers" / "output_0.npy")
    labels = np.load(out / "labels.npy")
    return float(np.mean(digits == labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out" / "digits")
    args = parser.parse_args()
    build = args.build.resolve()

    ours = train("JAX on the plugin of libpjrt", "pjrt_cpu", args.out / "plugin", build)
    if "libpjrt" not in ours["platform"]:
        fail(f"the training ran on {ours['platform']}, not on libpjrt")
    theirs = train("the same on XLA's CPU", "cpu", args.out / "xla", build)
    compare(ours, theirs)
    accuracy = classify(args.out / "plugin", build)

    trained = ours["epochs"][-1]["accuracy"]
    print(f"\ntest accuracy: {trained:.4f} in JAX on the plugin, {theirs['epochs'][-1]['accuracy']:.4f} in JAX on XLA, "
          f"{accuracy:.4f} from C")
    if accuracy != trained:
        fail("the C program classifies other images right than JAX did on the same plugin")
    if min(trained, accuracy) < MIN_ACCURACY:
        fail(f"an accuracy below {MIN_ACCURACY}")
    print("PASSED")


if __name__ == "__main__":
    main()
