"""The processes that bench.py compares: one server per side, which forks a child per measurement (worker.py)."""

import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


class Failure(Exception):
    """What one side could not do: its error, how its process ended, or that it took too long."""


class Side:
    """A backend: `name` for people, a server process, and what its children's environment adds."""

    def __init__(self, name, python, script, environment):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pjrt-bench-"))
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PJRT_NAMES", "PJRT_REPLACE", "JAX_COMPILATION_CACHE"))}
        self.server = subprocess.Popen([python, HERE / script], env=keep | environment, text=True, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.count = 0

    def ready(self):
        line = self.server.stdout.readline()
        if line != "ready\n":
            raise Failure(f"{self.name}: the server did not start")

    def command(self, text):
        self.server.stdin.write(text + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def child(self, environment=None):
        self.count += 1
        return Child(self, str(self.folder / f"{self.count}"), environment or {})

    def close(self):
        self.server.stdin.close()
        self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Child:
    """A fresh process of a side. Use as a context; the end of the context ends the process."""

    def __init__(self, side, path, environment):
        self.side, self.path = side, path
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(60)
        self.pid = side.command(f"fork {path}")
        self.connection, _ = listener.accept()
        listener.close()
        self.pending = b""
        self.send("start", environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)

    def end(self, with_signal=None):
        if self.pid is None:
            return None
        if with_signal:
            try:
                os.kill(self.pid, with_signal)
            except ProcessLookupError:
                pass
        status = self.side.command(f"wait {self.pid}")
        self.pid = None
        self.connection.close()
        pathlib.Path(self.path).unlink(missing_ok=True)
        return status

    def log(self):
        path = pathlib.Path(self.path + ".log")
        return path.read_text(errors="replace") if path.exists() else ""

    def send(self, method, *arguments):
        try:
            self.connection.sendall(json.dumps([method, *arguments]).encode() + b"\n")
        except OSError:
            pass  # receive() says how the process ended.

    def receive(self, patience=60.0):
        """The answer to the oldest request that has none yet."""
        end = time.monotonic() + patience
        while b"\n" not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.connection], [], [], left)[0]:
                self.end(signal.SIGKILL)
                raise Failure(f"{self.side.name}: no answer in {patience:.0f} s")
            try:
                data = self.connection.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                status = self.end()
                words = [line for line in self.log().splitlines() if line.strip()]
                how = f"ended by {signal.Signals(-status).name}" if status and status < 0 else f"ended with status {status}"
                raise Failure(f"{self.side.name}: {how}" + (f" ({words[-1][:200]})" if words else ""))
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{self.side.name}: {answer['error']}")
        return answer

    def ask(self, method, *arguments, patience=60.0):
        self.send(method, *arguments)
        return self.receive(patience)


def together(children, method, *arguments, patience=60.0):
    """The same request to several children at the same time."""
    for child in children:
        child.send(method, *arguments)
    return [child.receive(patience) for child in children]
