"""What a server in between costs: the same calls through gRPC on loopback, and directly through libpjrt.

    python bench/rpc/bench.py [--build build] [--json build/rpc.json] [--largest BYTES] [--calls N]

Both ways run the same code (host.py) over the same library and plugin; for gRPC it runs in a second process. `make bench-rpc`
has what this needs, and draws the result (plot.py).
"""

import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

import grpc

import host
import wire

HERE = pathlib.Path(__file__).resolve().parent
ADD = "func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {\n" \
      "  %one = stablehlo.constant dense<1.0> : tensor<1xf32>\n" \
      "  %0 = stablehlo.add %x, %one : tensor<1xf32>\n  return %0 : tensor<1xf32>\n}\n"
FOUR_BYTES = b"\0\0\x80\x3f"  # 1.0
TWO = b"\0\0\0\x40"
CHUNKS = (1 << 18, 1 << 20, 1 << 22)  # message sizes of the streams, of which the best counts
SIZES = (1 << 10, 1 << 14, 1 << 18, 1 << 22, 1 << 26, 1 << 28)
ROUNDS, ROUND_SECONDS = 3, 0.25


class Direct:
    name, ways = "direct", ("",)

    def __init__(self, library, plugin):
        self.device = host.Host(library, plugin)
        self.program = self.device.compile(ADD)
        self.argument = self.device.upload(FOUR_BYTES, "f32", 1)

    def call(self):
        argument = self.device.upload(FOUR_BYTES, "f32", 1)
        result = self.device.execute(self.program, argument)
        answer = self.device.download(result)
        self.device.destroy(argument)
        self.device.destroy(result)
        return answer

    def execute(self):
        self.device.destroy(self.device.execute(self.program, self.argument))

    def upload(self, data, way):
        return self.device.upload(data, "ui8", len(data))

    def download(self, buffer, way):
        return self.device.download_into(buffer, self.room)

    def destroy(self, buffer):
        self.device.destroy(buffer)

    def close(self):
        pass


class Remote:
    """The server in a process of its own, over TCP on loopback or a Unix socket."""

    ways = ("unary", *(f"stream {chunk >> 10} KiB" for chunk in CHUNKS))

    def __init__(self, name, address, library, plugin):
        self.name = name
        self.process = subprocess.Popen([sys.executable, HERE / "server.py", library, plugin, address], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().strip()
        if not port:
            raise SystemExit(f"the server on {address} did not start (exit status {self.process.wait()})")
        self.channel = grpc.insecure_channel(address.replace(":0", f":{port}"), options=wire.OPTIONS)
        makers = {"upload_stream": self.channel.stream_unary, "download_stream": self.channel.unary_stream}
        self.methods = {name: makers.get(name, self.channel.unary_unary)(f"/pjrt/{name}") for name in wire.METHODS}
        self.methods["compile"](ADD.encode())
        self.argument, self.result = self.methods["upload_f32"](FOUR_BYTES), wire.HANDLE.pack(0)

    def nothing(self):
        self.methods["nothing"](FOUR_BYTES)

    def call(self):
        return self.methods["call"](FOUR_BYTES)

    def execute(self):
        self.result = self.methods["execute"](self.argument + self.result)

    def upload(self, data, way):
        if way == "unary":
            return self.methods["upload"](data)
        chunk = chunk_of(way)

        def messages():
            yield wire.HANDLE.pack(len(data))
            for at in range(0, len(data), chunk):
                yield data[at:at + chunk]

        return self.methods["upload_stream"](messages())

    def download(self, buffer, way):
        if way == "unary":
            return self.methods["download"](buffer)
        view, at = memoryview(self.room), 0
        for message in self.methods["download_stream"](buffer + wire.HANDLE.pack(chunk_of(way))):
            view[at:at + len(message)] = message
            at += len(message)
        return self.room

    def destroy(self, buffer):
        self.methods["destroy"](buffer)

    def close(self):
        self.channel.close()
        self.process.stdin.close()
        self.process.wait()


def chunk_of(way):
    return int(way.split()[1]) << 10


# --- Measuring ---------------------------------------------------------------------------------------------------------


def timed(function, *arguments):
    start = time.perf_counter_ns()
    result = function(*arguments)
    return (time.perf_counter_ns() - start) / 1e9, result


def latency(sides, calls):
    """Rows of each side's small calls, measured in turn: a tenth of the calls each time."""
    cells = {(side.name, what): (getattr(side, what), []) for what in ("nothing", "execute", "call") for side in sides
             if hasattr(side, what)}
    for _ in range(10):
        for function, seconds in cells.values():
            for _ in range(20):
                function()
            seconds.extend(timed(function)[0] for _ in range(calls // 10))
    rows = []
    for (side, what), (_, seconds) in cells.items():
        cuts = statistics.quantiles(seconds, n=100)
        rows.append({"side": side, "call": what, "calls": len(seconds), "min_us": 1e6 * min(seconds), "p50_us": 1e6 * cuts[49],
                     "p99_us": 1e6 * cuts[98]})
    return rows


def transfers(sides, largest):
    """Rows of each side's ways to move an array of each size, all ways of a size in turn."""
    rows = []
    for size in [size for size in SIZES if size <= largest]:
        data = random.Random(size).randbytes(min(size, 1 << 20)) * max(1, size >> 20)
        cells, held = {}, {}
        for side in sides:
            side.room = bytearray(size)  # where downloads go, except unary ones, whose message is the array
            held[side.name] = side.upload(data, side.ways[0])
            for way in side.ways:
                buffer = side.upload(data, way)
                assert side.download(buffer, way) == data, (side.name, way, size)  # also the warm-up
                side.destroy(buffer)
                for direction in ("upload", "download"):
                    cells[side.name, way, direction] = (side, [])
        for _ in range(ROUNDS):
            for (_, way, direction), (side, seconds) in cells.items():
                spent = 0
                while spent < ROUND_SECONDS / len(side.ways):
                    if direction == "upload":
                        one, buffer = timed(side.upload, data, way)
                        side.destroy(buffer)
                    else:
                        one, _ = timed(side.download, held[side.name], way)
                    seconds.append(one)
                    spent += one
        for side in sides:
            side.destroy(held[side.name])
        for (side, way, direction), (_, seconds) in cells.items():
            rows.append({"side": side, "way": way, "direction": direction, "bytes": size, "transfers": len(seconds),
                         "median_s": statistics.median(seconds), "min_s": min(seconds)})
    return rows


# --- Reporting ---------------------------------------------------------------------------------------------------------


def best_way(rows, side, direction, size, streams):
    """The row of the fastest of a side's ways: messages of the best size are what a tuned server would send."""
    found = [row for row in rows if (row["side"], row["direction"], row["bytes"]) == (side, direction, size)
             and row["way"].startswith("stream") == streams]
    return min(found, key=lambda row: row["median_s"])


def readable(size):
    return next(f"{size / unit:.0f} {name}" for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")) if size >= unit)


def report(result):
    print(f"{result['machine']['cpu']}, {result['machine']['processors']} processors, load {result['machine']['load']:.1f}; "
          f"{result['plugin']}; grpcio {result['grpcio']}, Python {result['python']}\n"
          "direct: 1 process. gRPC: 2 processes, one channel, one call at a time.\n")
    print(f"{'call (x + 1 on one f32)':24}{'side':14}{'p50 us':>10}{'p99 us':>10}{'min us':>10}{'calls':>8}")
    means = {"nothing": "answer at once", "execute": "execute, free a result", "call": "upload, execute, download"}
    for row in result["latency"]:
        print(f"{means[row['call']]:26}{row['side']:12}{row['p50_us']:10.1f}{row['p99_us']:10.1f}{row['min_us']:10.1f}{row['calls']:8}")
    sides = [side for side in dict.fromkeys(row["side"] for row in result["transfers"]) if side != "direct"]
    for direction in ("upload", "download"):
        print(f"\n{direction + ', GiB/s (median)':24}{'direct':>10}", *(f"{side + ' ' + kind:>20}" for side in sides for kind in ("unary", "stream")))
        for size in dict.fromkeys(row["bytes"] for row in result["transfers"]):
            rows = [best_way(result["transfers"], "direct", direction, size, False)]
            rows += [best_way(result["transfers"], side, direction, size, streams) for side in sides for streams in (False, True)]
            speeds = [size / (1 << 30) / row["median_s"] for row in rows]
            print(f"{readable(size):24}{speeds[0]:10.2f}", *(f"{speed:9.3f} ({speeds[0] / speed:6.1f}x)" + "  " for speed in speeds[1:]))


def machine():
    models = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "processors": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%d %H:%M")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--plugin", type=pathlib.Path, help="default: the build's CPU plugin")
    parser.add_argument("--json", type=pathlib.Path, help="where to write all figures")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="the largest transfer in bytes")
    parser.add_argument("--calls", type=int, default=5000, help="small calls of each kind")
    options = parser.parse_args()
    library = options.build / "libpjrt.so"
    plugin = options.plugin or options.build / "pjrt_plugin_cpu.so"
    with tempfile.TemporaryDirectory() as folder:
        about = machine()
        sides = [Direct(library, plugin)]
        try:
            sides.append(Remote("gRPC tcp", "127.0.0.1:0", library, plugin))
            sides.append(Remote("gRPC unix", f"unix:{folder}/socket", library, plugin))
            for side in sides:
                assert side.call() == TWO, side.name
            result = {"machine": about, "plugin": sides[0].device.version, "grpcio": grpc.__version__,
                      "python": platform.python_version(), "latency": latency(sides, options.calls),
                      "transfers": transfers(sides, options.largest)}
        finally:
            for side in sides:
                side.close()
    report(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
