"""The plugin's side and XLA's: what a child of server.py does with JAX on the backend that JAX_PLATFORMS names.

A child starts its backend when it is told to, so each has a client, caches and memory of its own, and a crash costs one row.
"""

import gc
import os
import resource
import statistics
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import monitoring, xla_bridge

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs
import server

MS, US, MB = 1e3, 1e6, 1e6
BACKEND_COMPILE = "/jax/core/compile/backend_compile_duration"


def now():
    return time.perf_counter()


def resident():
    """Bytes of this process in memory now, and at most since the last reset_peak()."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return [1024 * int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM")]


def reset_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def block(result):
    if isinstance(result, jax.Array):
        result.block_until_ready()
    else:
        jax.block_until_ready(result)
    return result


def plain(x):
    """A NumPy array of a type that every NumPy can read from a file."""
    x = np.asarray(x)
    return x if x.dtype.kind in "biufc" else x.astype(np.float32)


class Child:
    def __init__(self):
        self.backend_ms = 0.0
        monitoring.register_event_duration_secs_listener(self.on_event)

    def on_event(self, name, seconds, **_):
        if name == BACKEND_COMPILE:
            self.backend_ms += MS * seconds

    def start(self, environment):
        """Starts the backend and times it, without the search for plugins, which is JAX's own."""
        os.environ.update(environment)
        jax.config.update("jax_enable_compilation_cache", False)
        xla_bridge._discover_and_register_pjrt_plugins()
        start = now()
        xla_bridge.backends()
        return {"client_ms": MS * (now() - start), "platform": jax.devices()[0].client.platform_version.splitlines()[-1]}

    def warm_up(self):
        """First use of everything that a compilation and a call need once per process."""
        block(jax.jit(lambda x: jnp.cos(x).max(0))(np.ones((3, 5), np.float32)))
        return {}

    def prepare(self, name):
        """Makes and copies the arguments, traces and lowers; in the other order the memory would count as the compiler's."""
        self.program = program = programs.PROGRAMS[name]
        jax.config.update("jax_enable_x64", program.x64)
        self.arguments = block(jax.device_put(program.make()))
        self.carry = program.carry
        start = now()
        self.lowered = jax.jit(program.function, donate_argnums=range(program.carry)).lower(*self.arguments)
        return {"lower_ms": MS * (now() - start)}

    def compile(self):
        gc.collect()
        gc.disable()
        reset_peak()
        self.base = resident()[0]
        self.backend_ms = 0.0
        start, cpu = now(), time.process_time()
        self.executable = self.lowered.compile()
        taken, cpu = now() - start, time.process_time() - cpu
        return {"compile_ms": MS * taken, "compile_cpu_ms": MS * cpu, "backend_ms": self.backend_ms, "compile_mb": (resident()[1] - self.base) / MB}

    def call(self):
        result = block(self.executable(*self.arguments))
        if self.carry:
            self.arguments[: self.carry] = result[: self.carry]
        return result

    def first(self, folder=None):
        """The first call; its results go to |folder| for comparison."""
        start = now()
        result = self.call()
        taken = now() - start
        if folder:
            for i, leaf in enumerate(jax.tree.leaves(result)):
                np.save(f"{folder}/{i}.npy", plain(leaf))
        return {"first_run_ms": MS * taken}

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

    def memory(self):
        """Growth of the process since before compilation: at most, and what is left."""
        at_rest, peak = resident()
        return {"peak_mb": (peak - self.base) / MB, "rest_mb": (at_rest - self.base) / MB}

    def export(self, path):
        """The program as StableHLO text and its flat arguments, for peers that read that."""
        with open(f"{path}/program.mlir", "w") as file:
            file.write(self.lowered.as_text())
        for i, leaf in enumerate(jax.tree.leaves(self.arguments)):
            np.save(f"{path}/{i}.npy", plain(leaf))
        return {"arguments": i + 1}

    def first_op(self):
        """The first program of a process: x + 1."""
        lowered = jax.jit(lambda x: x + 1).lower(np.float32(1))
        start = now()
        executable = lowered.compile()
        middle = now()
        block(executable(np.float32(1)))
        return {"compile_ms": MS * (middle - start), "backend_ms": self.backend_ms, "run_ms": MS * (now() - middle)}

    def eager(self):
        """The first calls of 20 functions of jax.numpy on 5 shapes, outside jit: what of it is compilation."""
        functions = [jnp.exp, jnp.tanh, jnp.sin, jnp.abs, jnp.sqrt, jnp.negative, jnp.square, jnp.sum, jnp.max, jnp.mean,
                     jnp.transpose, jnp.ravel, jnp.cumsum, jnp.sort, jnp.argmax, lambda x: x + x, lambda x: x * x, lambda x: x > 0,
                     lambda x: jnp.where(x > 0, x, 0), lambda x: jnp.concatenate([x, x])]
        arrays = [jax.device_put(np.ones(shape, np.float32)) for shape in ((3, 4), (8, 8), (16, 5), (100, 10), (33, 77))]
        self.backend_ms = 0.0
        start = now()
        for function in functions:
            for array in arrays:
                block(function(array))
        return {"total_ms": MS * (now() - start), "backend_ms": self.backend_ms, "calls": len(functions) * len(arrays)}

    def upload(self, bytes=256 << 20):
        """From host to device, the buffer awaited and dropped again; the median of seven, source pages touched before."""
        source = np.ones(bytes // 4, np.float32)
        times = []
        for _ in range(7):
            start = now()
            buffer = block(jax.device_put(source))
            times.append(now() - start)
            del buffer
        target = np.empty_like(source)
        copies = []
        for _ in range(5):
            start = now()
            np.copyto(target, source)
            copies.append(now() - start)
        return {"ms": MS * statistics.median(times), "memcpy_ms": MS * statistics.median(copies)}

    def usage(self):
        use = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu_s": use.ru_utime + use.ru_stime, "faults": use.ru_minflt, "threads": len(os.listdir("/proc/self/task"))}


if __name__ == "__main__":
    programs.load()
    server.main(Child)
