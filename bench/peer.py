"""A peer's side: torch (eager), inductor (torch.compile) or iree, as BENCH_PEER says, in the Python that has them.

A child answers as worker.py's does, to fewer requests. torch runs what torch_programs.py has under the program's name; IREE
compiles the StableHLO text that XLA's side exported.
"""

import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np

import programs
import server

PEER = os.environ["BENCH_PEER"]
if PEER == "iree":
    import iree.compiler.tools
    import iree.runtime
else:
    import torch
    import torch.utils._pytree as pytree
    import torch_programs

MS, US = 1e3, 1e6


def now():
    return time.perf_counter()


class Peer:
    def start(self, _):
        return {}

    def compile(self):
        start = now()
        self.build()
        return {"compile_ms": MS * (now() - start)}

    def first(self, folder):
        for i, leaf in enumerate(self.results()):
            np.save(f"{folder}/{i}.npy", leaf)
        return {}

    def run(self, seconds):
        times = []
        cpu = time.process_time()
        end = now() + seconds
        while not times or (now() < end and len(times) < 100_000):
            start = now()
            self.call()
            times.append(now() - start)
        cpu = time.process_time() - cpu
        return {"us": US * statistics.median(times), "best_us": US * min(times), "cpu_us": US * cpu / len(times),
                "calls": len(times)}


def tensor(x):
    x = np.array(x)
    if x.dtype.name == "bfloat16":
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


class Torch(Peer):
    def prepare(self, name, folder):
        self.function = torch_programs.PROGRAMS.get(name)
        if self.function is None or (PEER == "inductor" and name in torch_programs.EAGER_ONLY):
            return {"known": False}
        import jax

        self.arguments = jax.tree.map(tensor, programs.PROGRAMS[name].make())
        return {"known": True}

    def build(self):
        if PEER == "inductor":
            self.function = torch.compile(self.function)
            self.call()

    def call(self):
        self.result = self.function(*self.arguments)

    def results(self):
        self.call()
        for leaf in pytree.tree_leaves(self.result):
            leaf = leaf.detach() if isinstance(leaf, torch.Tensor) else torch.tensor(leaf)
            yield (leaf.float() if leaf.dtype in (torch.bfloat16, torch.float16) else leaf).numpy()


class Iree(Peer):
    FLAGS = ["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]

    def prepare(self, name, folder):
        with open(f"{folder}/program.mlir") as file:
            self.text = file.read()
        count = sum(file.endswith(".npy") for file in os.listdir(folder))
        self.inputs = [np.load(f"{folder}/{i}.npy") for i in range(count)]
        self.donated = programs.PROGRAMS[name].carry > 0
        # Argument files hold bfloat16 as float32, and loops to LAPACK are calls that IREE does not know.
        return {"known": "bf16" not in self.text and "custom_call" not in self.text}

    def build(self):
        code = iree.compiler.tools.compile_str(self.text, target_backends=["llvm-cpu"], input_type="stablehlo", extra_args=self.FLAGS)
        config = iree.runtime.Config("local-task")
        module = iree.runtime.VmModule.copy_buffer(config.vm_instance, code)
        context = iree.runtime.SystemContext(vm_modules=[iree.runtime.create_hal_module(config.vm_instance, config.device), module],
                                             config=config)
        self.function = context.modules[module.name]["main"]
        self.arguments = [iree.runtime.asdevicearray(config.device, x) for x in self.inputs]

    def call(self):
        self.result = self.function(*self.arguments)

    def results(self):
        self.call()
        results = self.result if isinstance(self.result, (tuple, list)) else [self.result]
        hosted = [result.to_host() for result in results]
        # An update may be written into the argument's own memory; the other sides keep arguments that are not donated.
        for i, (argument, given) in enumerate(zip(self.arguments, self.inputs)):
            if not self.donated and argument.to_host().tobytes() != given.tobytes():
                raise ValueError(f"argument {i} was overwritten")
        return hosted


if __name__ == "__main__":
    programs.load()
    if PEER != "iree":
        torch.set_grad_enabled(False)
    server.main(Iree if PEER == "iree" else Torch)
