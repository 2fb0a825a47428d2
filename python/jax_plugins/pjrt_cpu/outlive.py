"""What a program still holds when Python ends.

JAX destroys its clients in an exit handler; modules' global variables go later. jaxlib gives a NumPy array over device
memory back through its client's object, which is gone by then: it reads freed memory, and now and then crashes. So the
clients of this plugin stay until the process ends, threads and all.
"""

import atexit
import ctypes


def _is_ours(client) -> bool:
    return "libpjrt" in getattr(client, "platform_version", "")


def _keep_clients() -> None:
    from jax._src import xla_bridge

    for client in list(getattr(xla_bridge, "_backends", {}).values()):
        if _is_ours(client):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))


def register() -> None:
    """Exit handlers run last first, so this one comes before JAX's."""
    atexit.register(_keep_clients)
