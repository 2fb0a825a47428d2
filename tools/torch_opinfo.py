#!/usr/bin/env python3
"""Compares compiled calls with eager ones over PyTorch's own database of operators and sample inputs (OpInfo).

    tools/torch_opinfo.py [--count 2000] [--seed 0] [--jobs 1] [--report FILE.md] [--op REGEX] [--list]

Draws (operator, type, sample) at random with a fixed seed. Each call goes the way that torch.compile(backend="libpjrt")
takes behind Dynamo: AOTAutograd, our decompositions, the table of lowerings, the plugin. Where OpInfo says that the operator
and type have gradients, the backward graph runs and is compared too. Tolerances are torch.testing's for the type, or
OpInfo's own where it states wider ones for the operator.

Outcomes of a call
  agree      compiled whole, results within tolerance of eager
  random     compiled whole, results random (eager gives others each time) or undefined (empty): shapes and types compared
  partly     results agree; some operations of the graph ran eagerly, which are named
  eager      nothing of the graph was compiled
  untraced   AOTAutograd itself refuses the call, on any backend: results decide its shapes or its path
  skipped    the eager call fails, or the sample needs what is not there
  closer     not within tolerance of eager, but nearer to the result in float64 than eager is
  differ     anything else that is not within tolerance
  error      our backend raised what eager did not
  crash      the process died, or the call took longer than --timeout

Works in processes of its own, so a crash is a line of the report. Needs: torch, expecttest.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import select
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUTCOMES = ("agree", "random", "partly", "eager", "untraced", "skipped", "closer", "differ", "error", "crash")
UNDEFINED = re.compile(r"^(new_)?empty(_like|_strided|_permuted)?$|^new_empty_strided$|^resize")


def _path():
    sys.path.insert(0, str(ROOT / "python"))


# --- One call ----------------------------------------------------------------------------------------------------------


class Opinfo:
    """The database, and how one drawn call is run. Imports torch."""

    def __init__(self, pattern=None):
        _path()
        import torch
        from torch.testing._internal.common_methods_invocations import op_db
        from libpjrt.torch.dtypes import TO_STABLEHLO
        self.torch = torch
        torch.set_num_threads(1)
        self.pairs = []
        for op in op_db:
            name = op.name + ("." + op.variant_test_name if op.variant_test_name else "")
            if pattern and not re.search(pattern, name):
                continue
            for dtype in sorted(op.supported_dtypes("cpu"), key=str):
                if dtype in TO_STABLEHLO:
                    self.pairs.append((name, op, dtype))
        self._samples = {}

    def draws(self, count, seed):
        """The calls of a run: (operator's name, type's name, number that picks the sample)."""
        numbers = random.Random(seed)
        return [(*self._named(numbers.choice(self.pairs)), numbers.randrange(1 << 30)) for _ in range(count)]

    @staticmethod
    def _named(pair):
        return pair[0], str(pair[2]).removeprefix("torch.")

    def samples(self, name, dtype):
        """All samples of an operator and a type, made from one seed; whether they are asked for gradients."""
        key = name, dtype
        if key not in self._samples:
            self._samples.clear()
            op, kind = next((op, d) for n, op, d in self.pairs if n == name and str(d) == "torch." + dtype)
            gradients = op.supports_autograd and kind in op.supported_backward_dtypes("cpu")
            self.torch.manual_seed(0)
            self._samples[key] = op, kind, gradients, list(op.sample_inputs("cpu", kind, requires_grad=gradients))
        return self._samples[key]

    def run(self, name, dtype, number):
        """The outcome of one call, a dict: outcome, detail (what differed, or ran eagerly), sample."""
        try:
            op, kind, gradients, samples = self.samples(name, dtype)
        except Exception as error:
            return {"outcome": "skipped", "detail": f"no samples: {_short(error)}"}
        if not samples:
            return {"outcome": "skipped", "detail": "no samples"}
        index = number % len(samples)
        try:
            result = Call(self.torch, name, op, kind, gradients, samples[index]).compare()
        except Exception as error:
            result = {"outcome": "error", "detail": f"{type(error).__name__}: {_short(error)}"}
        result["sample"] = index
        return result


def _short(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " / ".join(lines[:3])[:300]


class Call:
    """One sample of one operator, eager and compiled."""

    def __init__(self, torch, name, op, dtype, gradients, sample):
        import torch.utils._pytree as pytree
        self.torch, self.name, self.op, self.dtype, self.sample = torch, name, op, dtype, sample
        self.flat, self.spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        self.places = [i for i, v in enumerate(self.flat) if isinstance(v, torch.Tensor)]
        self.gradients = gradients and any(self.flat[i].requires_grad for i in self.places)
        self.leaves = pytree.tree_leaves
        self.unflatten = pytree.tree_unflatten

    def function(self, *tensors):
        flat = list(self.flat)
        for i, tensor in zip(self.places, tensors):
            flat[i] = tensor
        x, args, kwargs = self.unflatten(flat, self.spec)
        return self.op.op(x, *args, **kwargs)

    def inputs(self, dtype=None):
        """Fresh copies of the sample's tensors, laid out as they are; floats as `dtype` where that is given."""
        torch, result = self.torch, []
        for i in self.places:
            given = self.flat[i]
            tensor = given.detach().clone(memory_format=torch.preserve_format)
            if dtype and tensor.is_floating_point():
                tensor = tensor.to(dtype)
            result.append(tensor.requires_grad_(given.requires_grad))
        return result

    def results(self, function, dtype=None):
        """What `function` gives and, where gradients are wanted, those by all inputs, for weights of the results that are the
        same each time."""
        torch = self.torch
        torch.manual_seed(1)
        inputs = self.inputs(dtype)
        out = function(*inputs)
        leaves = [v if v.layout == torch.strided else v.to_dense() for v in self.leaves(out) if isinstance(v, torch.Tensor)]
        found = [v.detach().resolve_conj().resolve_neg() for v in leaves]
        numbers = [v for v in self.leaves(out) if not isinstance(v, torch.Tensor)]
        if self.gradients:
            process = self.sample.output_process_fn_grad
            wanted = process(out) if process is not None else out
            ends = [v for v in self.leaves(wanted) if isinstance(v, torch.Tensor) and v.requires_grad]
            starts = [v for v in inputs if v.requires_grad]
            if ends and starts:
                generator = torch.Generator().manual_seed(2)
                # In bfloat16: then they are the same numbers in every type.
                weights = [torch.randn(v.shape, generator=generator).bfloat16().to(v.dtype) for v in ends]
                grads = torch.autograd.grad(ends, starts, weights, allow_unused=True)
                found += [None if g is None else g.detach().resolve_conj().resolve_neg() for g in grads]
        return found, numbers

    def compiled(self):
        """The same, compiled, and what ran eagerly: {operation: why}; how many programs there were."""
        from torch._functorch.aot_autograd import aot_function
        from libpjrt.torch import backend, lowering
        eager, told = {}, lowering._tell
        before = backend.times["programs"]

        def tell(nodes):
            eager.update({str(n.target): why for n, why in nodes.items() if why})
        lowering._tell = tell
        try:
            function = aot_function(self.function, fw_compiler=backend._compile_graph, bw_compiler=backend._compile_graph,
                                    inference_compiler=backend._compile_graph, decompositions=backend.decompositions(),
                                    keep_inference_input_mutations=True)
            return self.results(function), eager, backend.times["programs"] - before
        finally:
            lowering._tell = told

    def compare(self):
        torch = self.torch
        try:
            expected = self.results(self.function)
            # Of one element dropped or not, other seeds often say the same.
            others = [self.results_with_seed(seed) for seed in range(3, 15 if re.search("dropout|bernoulli|rrelu", self.name) else 4)]
        except Exception as error:
            return {"outcome": "skipped", "detail": f"eager: {type(error).__name__}: {_short(error)}"}
        undefined = bool(UNDEFINED.match(self.op.name)) or not all(self.same(expected, again) for again in others)
        try:
            actual, eager, programs = self.compiled()
        except Exception as error:
            if _is_untraced(error):
                return {"outcome": "untraced", "detail": f"{type(error).__name__}: {_short(error)}"}
            return {"outcome": "error", "detail": f"{type(error).__name__}: {_short(error)}", "trace": traceback.format_exc()[-4000:]}
        detail = "; ".join(f"{name}: {why}" for name, why in sorted(eager.items()))
        difference = self.difference(expected, actual, undefined)
        if difference is None:
            outcome = "random" if undefined else "agree"
            if eager:
                outcome = "partly" if programs else "eager"
            return {"outcome": outcome, "detail": detail}
        if self.op.name == "topk" and self.another_choice(expected, actual):
            return {"outcome": "agree", "detail": "other indices of equal values"}
        if self.dtype in (torch.float32, torch.float16, torch.bfloat16, torch.complex64) and self.nearer(expected, actual):
            return {"outcome": "closer", "detail": difference}
        return {"outcome": "differ", "detail": difference + (f" [eager: {detail}]" if detail else "")}

    def results_with_seed(self, seed):
        """What eager gives from another seed, also where OpInfo's own wrapper of the operator sets one."""
        torch, set_seed = self.torch, self.torch.manual_seed
        inputs = self.inputs()
        set_seed(seed)
        torch.manual_seed = lambda number: set_seed(number + seed)
        try:
            out = self.function(*inputs)
        finally:
            torch.manual_seed = set_seed
        leaves = [v if v.layout == torch.strided else v.to_dense() for v in self.leaves(out) if isinstance(v, torch.Tensor)]
        return [v.detach().resolve_conj().resolve_neg() for v in leaves], None

    def same(self, expected, actual):
        """Whether two runs of eager gave the same bits, NaN included."""
        torch = self.torch
        for e, a in zip(expected[0], actual[0]):
            if e is None or a is None:
                continue
            if e.is_complex():
                e, a = torch.view_as_real(e), torch.view_as_real(a)
            if e.is_floating_point():
                e, a = e.double().nan_to_num(7), a.double().nan_to_num(7)
            if e.shape != a.shape or not torch.equal(e, a):
                return False
        return True

    def tolerance(self, dtype):
        """(rtol, atol): torch.testing's, or what OpInfo states for the operator where it is wider."""
        from torch.testing._comparison import default_tolerances
        from torch.testing._internal.common_device_type import toleranceOverride
        rtol, atol = default_tolerances(dtype)
        for info in self.op.decorators:
            if getattr(info, "device_type", None) not in (None, "cpu"):
                continue
            for decorator in getattr(info, "decorators", [info]):
                if isinstance(decorator, toleranceOverride) and self.dtype in decorator.d:
                    wider = decorator.d[self.dtype]
                    rtol, atol = max(rtol, wider.rtol), max(atol, wider.atol)
        return rtol, atol

    def difference(self, expected, actual, undefined):
        """What differs, in words, or None."""
        torch = self.torch
        if len(expected[0]) != len(actual[0]):
            return f"{len(actual[0])} tensors, expected {len(expected[0])}"
        if not undefined and expected[1] != actual[1] and repr(expected[1]) != repr(actual[1]):
            return f"results {actual[1]}, expected {expected[1]}"
        for i, (e, a) in enumerate(zip(expected[0], actual[0])):
            if e is None or a is None:
                if (e is None) != (a is None) and (e if a is None else a).abs().sum() != 0:
                    return f"tensor {i} is {'missing' if a is None else 'there'}"
                continue
            if e.shape != a.shape or e.dtype != a.dtype:
                return f"tensor {i} is {tuple(a.shape)} {a.dtype}, expected {tuple(e.shape)} {e.dtype}"
            if undefined:
                continue
            rtol, atol = self.tolerance(e.dtype)
            try:
                torch.testing.assert_close(a, e, rtol=rtol, atol=atol, equal_nan=True, check_stride=False)
            except AssertionError as error:
                return f"tensor {i}: {_short(error)}"
        return None

    def another_choice(self, expected, actual):
        """Of topk: whether the values are the same and lie where the indices say."""
        x, dim = self.sample.input.detach(), self.sample.args[1] if len(self.sample.args) > 1 else self.sample.kwargs.get("dim", -1)
        value, index = actual[0][:2]
        return self.torch.equal(value, expected[0][0]) and self.torch.equal(x.gather(dim, index) if x.ndim else x, value)

    def nearer(self, expected, actual):
        """Whether each tensor that is not within tolerance is no further than eager's from the result in float64."""
        torch = self.torch

        def widened(v):
            if isinstance(v, torch.Tensor) and (v.is_floating_point() or v.is_complex()):
                return v.to(torch.complex128 if v.is_complex() else torch.float64)
            if isinstance(v, torch.dtype) and v == self.dtype:
                return torch.complex128 if v.is_complex else torch.float64
            return v
        try:
            flat = list(self.flat)
            self.flat = [widened(v) for v in flat]
            for v, w in zip(self.flat, flat):
                if isinstance(w, torch.Tensor) and w.requires_grad:
                    v.requires_grad_(True)
            exact = self.results(self.function)
        except Exception:
            return False
        finally:
            self.flat = flat
        for e, a, x in zip(expected[0], actual[0], exact[0]):
            if e is None or a is None or x is None or not (e.is_floating_point() or e.is_complex()):
                if self.difference(([e], None), ([a], None), False):
                    return False
                continue
            rtol, atol = self.tolerance(e.dtype)
            if torch.allclose(a, e, rtol=rtol, atol=atol, equal_nan=True):
                continue
            if x.shape != a.shape or not torch.equal(x.isfinite(), a.isfinite()):
                return False
            ok = x.isfinite()
            mine, theirs = (a.to(x.dtype) - x)[ok].abs(), (e.to(x.dtype) - x)[ok].abs()
            if not bool((mine <= theirs + atol + rtol * x[ok].abs()).all()):
                return False
        return True


def _is_untraced(error):
    """Errors that tracing gives on any backend."""
    names = {"DataDependentOutputException", "DynamicOutputShapeException", "GuardOnDataDependentSymNode", "UnsupportedOperatorException",
             "UnsupportedFakeTensorException"}
    text = str(error)
    return type(error).__name__ in names or "fake tensors" in text.lower() or "FakeTensor" in text or \
        "Jiterator is only supported" in text or "sparse" in text.lower() or "SparseCPU" in text


# --- Processes ---------------------------------------------------------------------------------------------------------


def worker(pattern):
    """Runs the calls that stdin names, a JSON list a line, and writes the outcomes."""
    import warnings
    warnings.filterwarnings("ignore")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not mix with the answers
    database = Opinfo(pattern)
    for line in sys.stdin:
        name, dtype, number = json.loads(line)
        begin = time.perf_counter()
        result = database.run(name, dtype, number)
        result["seconds"] = round(time.perf_counter() - begin, 3)
        print(json.dumps(result), file=out, flush=True)


class Worker:
    def __init__(self, pattern, timeout):
        self.pattern, self.timeout, self.process = pattern, timeout, None

    def start(self):
        command = [sys.executable, __file__, "--worker"] + (["--op", self.pattern] if self.pattern else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.fresh = True

    def run(self, call):
        if self.process is None or self.process.poll() is not None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(call) + "\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], self.timeout + (120 if self.fresh else 0))
            self.fresh = False
            line = self.process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        self.process.kill()
        code = self.process.wait()
        self.process = None
        return {"outcome": "crash", "detail": f"longer than {self.timeout} s" if code == -9 else f"exit code {code}"}

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def run_all(calls, pattern, jobs, timeout, progress=None):
    """The outcomes of all calls in their order, with call, from `jobs` processes."""
    import threading
    # Calls of one operator and type come after one another, so that its samples are made once.
    order = sorted(range(len(calls)), key=lambda i: calls[i])
    results, lock, position = [None] * len(calls), threading.Lock(), [0]

    def serve():
        one = Worker(pattern, timeout)
        while True:
            with lock:
                if position[0] >= len(order):
                    break
                at = position[0]
                position[0] += 1
            i = order[at]
            result = one.run(calls[i])
            result["call"] = calls[i]
            results[i] = result
            if progress:
                progress(at, result)
        one.stop()
    threads = [threading.Thread(target=serve) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def summary(results):
    """Counts by outcome, and the share of judged calls that agree."""
    counts = collections.Counter(r["outcome"] for r in results)
    good = sum(counts[k] for k in ("agree", "random", "partly", "eager", "closer"))
    judged = good + counts["differ"] + counts["error"] + counts["crash"]
    whole = counts["agree"] + counts["random"] + counts["closer"]
    return counts, judged, good, whole


def report(results, seed):
    counts, judged, good, whole = summary(results)
    lines = ["# Compiled calls against eager ones, from OpInfo", "",
             f"{len(results)} calls drawn with seed {seed}; {judged} could be judged: {good} agree "
             f"({100 * good / max(judged, 1):.1f} %), {whole} of them compiled whole ({100 * whole / max(judged, 1):.1f} %).", "",
             "| outcome | calls |", "|---|---|"]
    lines += [f"| {o} | {counts[o]} |" for o in OUTCOMES]
    for outcome in ("crash", "error", "differ", "closer"):
        rows = [r for r in results if r["outcome"] == outcome]
        if rows:
            lines += ["", f"## {outcome}", ""]
            lines += sorted(f"- `{r['call'][0]}` {r['call'][1]} sample {r.get('sample')}: {r['detail']}" for r in rows)
    eager = collections.Counter()
    for r in results:
        if r["outcome"] in ("partly", "eager"):
            eager.update(set(r["detail"].split("; ")))
    if eager:
        lines += ["", "## What ran eagerly, and in how many calls", ""]
        lines += [f"- {n}: {what}" for what, n in eager.most_common()]
    untraced = collections.Counter(r["call"][0] + ": " + r["detail"] for r in results if r["outcome"] == "untraced")
    if untraced:
        lines += ["", "## Untraced", ""] + [f"- {n}: {what}" for what, n in sorted(untraced.items())]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--op", help="only operators whose name matches")
    parser.add_argument("--only", metavar="FILE", help="again the calls of a JSON report that were not good")
    parser.add_argument("--report", help="writes the report to this file, and beside it all outcomes as JSON")
    parser.add_argument("--one", nargs=3, metavar=("OP", "TYPE", "NUMBER"), help="one call, in this process")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.op)
    if args.one:
        result = Opinfo("^" + re.escape(args.one[0]) + "$").run(args.one[0], args.one[1], int(args.one[2]))
        trace = result.pop("trace", "")
        print(trace, result, sep="\n" if trace else "")
        return 0
    if args.only:
        again = json.loads(pathlib.Path(args.only).read_text())
        calls = [r["call"] for r in again if r["outcome"] in ("differ", "error", "crash", "closer") and
                 (not args.op or re.search(args.op, r["call"][0]))]
    else:
        calls = Opinfo(args.op).draws(args.count, args.seed)

    done = []

    def progress(at, result):
        done.append(result)
        if args.report and len(done) % 100 == 0:  # a run that is cut off has a report too
            pathlib.Path(args.report).write_text(report(done, args.seed))
        if result["outcome"] in ("differ", "error", "crash"):
            print(f"{at + 1}/{len(calls)} {result['outcome']}: {' '.join(map(str, result['call']))}: {result['detail'][:200]}", flush=True)
        elif at % 100 == 99:
            print(f"{at + 1}/{len(calls)}", flush=True)
    results = run_all(calls, args.op, args.jobs, args.timeout, progress)
    text = report(results, args.seed)
    if args.report:
        pathlib.Path(args.report).write_text(text)
        pathlib.Path(args.report).with_suffix(".json").write_text(json.dumps(results))
    counts, judged, good, whole = summary(results)
    print("  ".join(f"{o} {counts[o]}" for o in OUTCOMES))
    print(f"{good} of {judged} agree ({100 * good / max(judged, 1):.1f} %), {whole} compiled whole")
    return 0 if good >= 0.97 * judged and not counts["crash"] else 1


if __name__ == "__main__":
    sys.exit(main())
