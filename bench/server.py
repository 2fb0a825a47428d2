"""The server of a side: forks a fresh child per measurement, told what to do by sides.py.

Lines on standard input: `fork PATH` makes a child that connects to the Unix socket PATH and obeys there, and is answered with the
child's process number; `wait PID` is answered with how it ended. On the socket a request is one line of JSON, [name of a method,
arguments], and an answer is one line of JSON, with "error" where an exception left the method.
"""

import gc
import json
import os
import socket
import sys


def serve(path, make_child):
    """A child: obeys until the socket closes. Standard error goes to a file beside the socket."""
    log = os.open(path + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    requests, answers = connection.makefile("r"), connection.makefile("w")
    child = make_child()
    for line in requests:
        method, *arguments = json.loads(line)
        try:
            answer = getattr(child, method)(*arguments)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:400]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main(make_child):
    """Serves until standard input ends. All that children share has been imported; no backend may have started a thread."""
    gc.freeze()
    reply = os.fdopen(os.dup(1), "w")
    print("ready", file=reply, flush=True)
    for line in sys.stdin:
        command, argument = line.split()
        if command == "fork":
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    serve(argument, make_child)
                    status = 0
                finally:
                    os._exit(status)
            print(pid, file=reply, flush=True)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(int(argument), 0)[1]), file=reply, flush=True)
    os._exit(0)
