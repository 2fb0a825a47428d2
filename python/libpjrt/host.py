"""The host library: plugins from Python, through the extension _native.

    from libpjrt import host
    client = host.client()            # of the CPU plugin, one a process
    run = client.compile(text, inputs, outputs, from_dlpack)

`help(host.native().Client)` says more. What goes wrong in a plugin is raised as `host.native().Error`.
"""

import functools
import importlib.machinery
import importlib.util
import pathlib
import sys
import threading

import libpjrt

_NAME = "_native.abi3.so"
_lock = threading.RLock()
_client = None


def native():
    """The extension: from this package, else from the source tree's build/. ImportError says where it was looked for."""
    with _lock:
        return _load()


@functools.cache
def _load():
    here = pathlib.Path(__file__).resolve().parent
    places = [here / _NAME, libpjrt.plugin_path().parent / _NAME]
    for place in places:
        if place.is_file():
            name = "libpjrt._native"
            loader = importlib.machinery.ExtensionFileLoader(name, str(place))
            module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, place, loader=loader))
            loader.exec_module(module)
            sys.modules[name] = module
            return module
    raise ImportError("libpjrt: no Python extension at " + " or ".join(map(str, places)) +
                      " (the build makes it where Python's headers are: make setup)")


def client(threads=None):
    """The client of the CPU plugin that this process shares. The first call starts it, with `threads` threads
    ($PJRT_THREADS or all processors by default)."""
    global _client
    with _lock:
        if _client is None:
            # Runs are waited for anyway: on the thread that asks they cost no hand-over.
            options = {"asynchronous": False}
            if threads:
                options["threads"] = threads
            _client = native().Client(str(libpjrt.plugin_path()), options)
        return _client
