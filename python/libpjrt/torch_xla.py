"""The CPU plugin as a device of torch_xla: PJRT_DEVICE=LIBPJRT. torch_xla finds it by the entry point of that name.

torch_xla takes the part of PJRT_DEVICE before an underscore as the name of the plugin, so the name has none.
"""

import os

from torch_xla.experimental import plugins

import libpjrt


class CpuPlugin(plugins.DevicePlugin):
    """One process, one device, or $CPU_NUM_DEVICES of them, as torch_xla's own CPU client has."""

    def library_path(self) -> str:
        return str(libpjrt.plugin_path())

    def physical_chip_count(self) -> int:
        return 1  # Of processes: the devices of one process are threads in it.

    def configure_single_process(self) -> None:
        os.environ["CPU_NUM_DEVICES"] = "1"

    def client_create_options(self) -> dict:
        count = os.environ.get("CPU_NUM_DEVICES")
        return {"cpu_device_count": int(count)} if count else {}
