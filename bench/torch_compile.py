"""torch.compile with backend libpjrt against eager mode and Inductor, in turn in one run. Usage: torch_compile.py [options]

For each model, forward (no_grad) and training step (forward, backward): results against eager's, compile time (wall time
until the first result, after a first small graph that loads each backend; and the backend's own part of it, without Dynamo
and AOTAutograd), run time (the best of rounds in which the sides take turns). Worst first; geometric means of ratios
Inductor / libpjrt: above 1 ours is faster.
"""

import argparse
import copy
import json
import math
import os
import pathlib
import sys
import time

os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # a compile time from a cache says nothing
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]

import torch  # noqa: E402
import torch_models  # noqa: E402

from libpjrt.torch import backend as ours  # noqa: E402

SIDES = ("libpjrt", "inductor", "eager")


def inductor_seconds():
    from torch._dynamo.utils import compilation_time_metrics

    return sum(sum(seconds) for name, seconds in compilation_time_metrics.items() if name == "compile_fx_inner")


def own_seconds(side):
    """What a backend itself has taken so far."""
    if side == "libpjrt":
        return ours.times["lower"] + ours.times["compile"]
    return inductor_seconds() if side == "inductor" else 0.0


def compiled(side, module):
    if side == "eager":
        return module
    return torch.compile(module, backend=ours.backend if side == "libpjrt" else "inductor")


def make_call(module, function, x, train):
    if not train:
        module.eval()

        def call():
            with torch.no_grad():
                return function(x)
    else:
        module.train()

        def call():
            module.zero_grad(set_to_none=True)
            y = function(x)
            loss = y.square().mean()
            loss.backward()
            return loss
    return call


def worst_error(module, expected):
    """The largest difference of gradients relative to the largest gradient of that parameter's module."""
    scale = max(p.grad.abs().max().item() for p in expected.parameters())
    return max(((p.grad - q.grad).abs().max().item() / max(q.grad.abs().max().item(), 1e-3 * scale))
               for p, q in zip(module.parameters(), expected.parameters()))


def measure(name, train, sides, seconds):
    module, x = torch_models.make(name)
    row = {"name": name + (", train" if train else ", forward")}
    modules = {side: copy.deepcopy(module) for side in sides}
    calls = {}
    for side in sides:
        torch._dynamo.reset()
        calls[side] = call = make_call(modules[side], compiled(side, modules[side]), x, train)
        own, begin = own_seconds(side), time.perf_counter()
        result = call()
        row[side] = {"first_s": time.perf_counter() - begin, "own_s": own_seconds(side) - own, "result": result}
    results = {side: row[side].pop("result") for side in sides}
    for side in sides:
        if side != "eager":
            got, want = results[side], results["eager"]
            error = ((got - want).abs().max() / want.abs().max()).item()
            if train:
                error = max(error, worst_error(modules[side], modules["eager"]))
            row[side]["error"] = error
    best = {side: math.inf for side in sides}
    for side in sides:
        calls[side]()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for side in sides:
            time.sleep(0.02)  # threads of the side before come to rest
            for _ in range(2):
                calls[side]()  # and its data leave the caches
            until = time.perf_counter() + seconds / 20
            while time.perf_counter() < until:
                begin = time.perf_counter()
                calls[side]()
                best[side] = min(best[side], time.perf_counter() - begin)
    for side in sides:
        row[side]["run_ms"] = best[side] * 1e3
    columns = "; ".join(f"{side} {row[side]['run_ms']:.3f} ms, compiled in {row[side]['first_s']:.2f} s" for side in sides)
    print(f"{row['name']}: {columns}", file=sys.stderr, flush=True)
    return row


def geometric(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def report(rows):
    def ratio(row, key):
        return row["inductor"][key] / row["libpjrt"][key]

    rows = sorted(rows, key=lambda row: ratio(row, "run_ms"))
    print(f"{'run time, worst first':40} {'libpjrt ms':>10} {'inductor':>10} {'eager':>10} {'ind/ours':>9} {'eager/ours':>10} {'error':>8}")
    for row in rows:
        a, b, c = (row[side]["run_ms"] for side in SIDES)
        print(f"{row['name']:40} {a:10.3f} {b:10.3f} {c:10.3f} {b / a:9.2f} {c / a:10.2f} {row['libpjrt']['error']:8.1e}")
    print(f"\n{'compile time':40} {'libpjrt s':>10} {'inductor':>10} {'ratio':>7} {'own part':>10} {'inductor':>10} {'ratio':>7}")
    for row in sorted(rows, key=lambda row: ratio(row, "first_s")):
        a, b = row["libpjrt"], row["inductor"]
        print(f"{row['name']:40} {a['first_s']:10.2f} {b['first_s']:10.2f} {b['first_s'] / a['first_s']:7.1f} {a['own_s']:10.3f} "
              f"{b['own_s']:10.2f} {b['own_s'] / a['own_s']:7.1f}")
    print(f"\ngeometric means, inductor / libpjrt: run {geometric(ratio(r, 'run_ms') for r in rows):.2f} (worst "
          f"{min(ratio(r, 'run_ms') for r in rows):.2f}), compile {geometric(ratio(r, 'first_s') for r in rows):.1f}, the backends' own "
          f"parts {geometric(ratio(r, 'own_s') for r in rows):.1f}; eager / libpjrt: run "
          f"{geometric(r['eager']['run_ms'] / r['libpjrt']['run_ms'] for r in rows):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filter", default="", help="only models whose name contains this; several with |")
    parser.add_argument("--mode", choices=["forward", "train", "both"], default="both")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0, help="run time measured for each model and mode")
    parser.add_argument("--no-inductor", action="store_true", help="against eager mode alone")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sides = [side for side in SIDES if side != "inductor" or not args.no_inductor]
    for side in sides[:-1]:  # what is loaded once
        x = torch.randn(8, requires_grad=True)
        compiled(side, lambda x: (x * 2).relu().sum())(x).backward()
    rows = []
    for name in torch_models.MODELS:
        if not any(part in name for part in args.filter.split("|")):
            continue
        for train in (False, True):
            if args.mode in ("both", "train" if train else "forward"):
                rows.append(measure(name, train, sides, args.seconds))
    if not args.no_inductor:
        report(rows)
    if args.json:
        args.json.write_text(json.dumps({"torch": torch.__version__, "threads": args.threads, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
