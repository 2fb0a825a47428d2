"""libpjrt: the CPU plugin's shared object, for JAX and for anything else that loads PJRT plugins.

JAX finds the plugin by itself (module jax_plugins.pjrt_cpu); importing this package does nothing.
"""

import os
import pathlib

__version__ = "0.1.0"

_NAME = "pjrt_plugin_cpu.so"


def plugin_path() -> pathlib.Path:
    """Path of pjrt_plugin_cpu.so: $PJRT_CPU_LIBRARY, else in this package, else in the source tree's build/.

    Raises FileNotFoundError, naming the places, when it is in none of them.
    """
    named = os.environ.get("PJRT_CPU_LIBRARY")
    here = pathlib.Path(__file__).resolve().parent
    places = [pathlib.Path(named)] if named else [here / _NAME, here.parents[1] / "build" / _NAME]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise FileNotFoundError("libpjrt: no plugin at " + " or ".join(map(str, places)))
