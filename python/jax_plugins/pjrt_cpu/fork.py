"""JAX in a child of fork().

A child has none of its parent's threads. The plugin makes its own anew when work comes, but jaxlib has threads too, which it would wait for
for ever: of its part of a client, which compiles and transfers, and of MLIR, which verifies. So a child begins with new ones: JAX forgets its
clients and what was compiled for them, and makes them again when they are needed. Arrays of the parent stay readable, since the plugin's memory
is whole, and JAX copies them to the new client.
"""

import ctypes
import os

_registered = False


def register() -> None:
    """Once for the process; the children of children have it as well."""
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_in_child)
        _registered = True


def _keep(thing) -> None:
    """For ever: the end of |thing| would wait for its threads to end."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _after_in_child() -> None:
    try:
        from jax._src import api, dispatch, xla_bridge
        from jax._src.interpreters import mlir

        pool = getattr(mlir, "global_thread_pool", None)
        if pool is not None:
            _keep(pool)
            mlir.global_thread_pool = type(pool)()
        if not xla_bridge.backends_are_initialized():
            return
        for client in list(xla_bridge._backends.values()):
            _keep(client)
        dispatch.runtime_tokens.clear()  # effects of the parent's programs, which it waits for itself
        api.clear_backends()
    except Exception:
        # Another release of JAX. Python would print this for each fork(), also of programs that use no JAX in the child.
        pass
