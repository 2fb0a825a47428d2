"""One side of the comparison: a process that has imported JAX and forks a fresh child for every measurement.

bench.py starts one with JAX_PLATFORMS set and writes lines to its standard input: `fork PATH` makes a child that connects to
the Unix socket PATH and obeys there, and is answered with the child's process number; `wait PID` is answered with how it ended.
A child starts no backend before it is told to, so each has a client, caches and memory of its own, and a crash costs one row.
On the socket a request is one line of JSON, [name of a method of Child, arguments], and an answer is one line of JSON.
"""

import gc
import json
import os
import resource
import socket
import statistics
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import monitoring, xla_bridge

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs

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


def serve(path):
    """A child: obeys until the socket closes. Standard error goes to a file beside the socket."""
    log = os.open(path + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    requests, answers = connection.makefile("r"), connection.makefile("w")
    child = Child()
    for line in requests:
        method, *arguments = json.loads(line)
        try:
            answer = getattr(child, method)(*arguments)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:400]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main():
    programs.load()
    gc.freeze()
    reply = os.fdopen(os.dup(1), "w")
    print("ready", file=reply, flush=True)
    for line in sys.stdin:
        command, argument = line.split()
        if command == "fork":
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                status = 1
                try:
                    serve(argument)
                    status = 0
                finally:
                    os._exit(status)
            print(pid, file=reply, flush=True)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(int(argument), 0)[1]), file=reply, flush=True)


if __name__ == "__main__":
    main()
