"""Registers libpjrt's CPU plugin with JAX, which calls initialize() once when its backends are first needed.

The plugin gets the name pjrt_cpu, or cpu with PJRT_REPLACE_CPU=1. Either way it reports the platform "cpu", so that
JAX lowers programs with its CPU rules. As pjrt_cpu it stands below the built-in CPU, whose priority is 0: it becomes
the default only where JAX_PLATFORMS names it first.
"""

import os
import re

import libpjrt

_PRIORITY = -100


def _replaces_cpu() -> bool:
    return os.environ.get("PJRT_REPLACE_CPU", "") not in ("", "0")


def _cpu_client_options() -> dict:
    """Create options that say what the user asked of JAX's own CPU client."""
    import jax

    count = getattr(jax.config, "jax_num_cpu_devices", None)
    if not count or count < 1:
        flag = re.findall(r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", ""))
        count = int(flag[-1]) if flag else None
    return {"cpu_device_count": count} if count else {}


def initialize() -> None:
    from jax._src import xla_bridge

    # jaxlib before 0.4.36 or so takes only a plugin of its very own version unless this says otherwise.
    os.environ.setdefault("ENABLE_PJRT_COMPATIBILITY", "1")
    from . import dlpack, fork, outlive

    dlpack.register()
    fork.register()
    outlive.register()
    path = str(libpjrt.plugin_path())
    name = "cpu" if _replaces_cpu() else "pjrt_cpu"
    # JAX warns that every platform it does not know is experimental; it knows its own plugins by this set.
    known = getattr(xla_bridge, "_nonexperimental_plugins", None)
    if isinstance(known, set):
        known.add(name)
    # JAX calls this when backends are first needed, so its configuration is settled by now.
    options = _cpu_client_options() if _replaces_cpu() else None
    priority = 0 if _replaces_cpu() else _PRIORITY
    xla_bridge.register_plugin(name, priority=priority, library_path=path, options=options)
