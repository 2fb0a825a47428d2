"""One side of the comparison: a process with one backend, told over its standard input what to time.

Reads lines `compile NAME` and `run NAME SECONDS`, answers each with one line of JSON. Started by bench.py.
"""

import json
import os
import sys
import time

import jax
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main():
    start = time.perf_counter()
    device = jax.devices()[0]
    client_ms = 1e3 * (time.perf_counter() - start)
    from programs import PROGRAMS

    compiled = {}
    answer = {"platform": device.client.platform_version.splitlines()[-1], "client_ms": client_ms}
    reply = os.fdopen(os.dup(1), "w")
    while True:
        print(json.dumps(answer), file=reply, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        command, *rest = line.rstrip("\n").split("\t")
        function, make = PROGRAMS[rest[0]]
        try:
            if command == "compile":
                arguments = jax.device_put(make(), device)
                lowered = jax.jit(function).lower(*arguments)
                start = time.perf_counter()
                program = lowered.compile()
                answer = {"ms": 1e3 * (time.perf_counter() - start)}
                result = jax.block_until_ready(program(*arguments))
                compiled[rest[0]] = program, arguments
                answer["check"] = float(sum(np.abs(np.asarray(x, np.complex64)).mean() for x in jax.tree.leaves(result)))
            else:
                program, arguments = compiled[rest[0]]
                times, end = [], time.perf_counter() + float(rest[1])
                while not times or (time.perf_counter() < end and len(times) < 1000):
                    start = time.perf_counter()
                    jax.block_until_ready(program(*arguments))
                    times.append(time.perf_counter() - start)
                answer = {"times": times}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


main()
