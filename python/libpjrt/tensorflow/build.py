"""Builds the library that TensorFlow loads, and the adapter for the TensorFlow that is installed.

Needs a C and a C++ compiler (CC, CXX; cc and c++ by default) and TensorFlow's own wheel, whose headers and libraries it
uses. About half a minute of one processor.
"""

import os
import pathlib
import shlex
import subprocess
import sys

from libpjrt.tensorflow import files

# Headers of these projects stand below external/ in TensorFlow's wheel, but are included by their own names.
_EXTERNAL = ("highwayhash", "farmhash_archive/src")


def _run(command: list) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(shlex.join(map(str, command)) + "\n" + done.stderr[-4000:])


def _is_newer(target: pathlib.Path, sources: list) -> bool:
    return target.is_file() and all(target.stat().st_mtime >= source.stat().st_mtime for source in sources)


def build(out: pathlib.Path, tensorflow: files.TensorFlow) -> list:
    """Builds into |out| what is older than its sources; returns the paths of entry and adapter.

    Raises RuntimeError with the command and the compiler's words on failure.
    """
    source = files.source_folder()
    # The table of functions: beside the sources in the package, in include/ in the tree.
    include = next(place for place in (source, source.parents[1] / "include") if (place / "pjrt/pjrt_c_api.h").is_file())
    out.mkdir(parents=True, exist_ok=True)
    common = ["-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-I", source, f"-Wl,--version-script={source / 'plugin.map'}"]
    headers = [source / "entry.h", source / "plugin.map"]

    entry = out / files.ENTRY
    if not _is_newer(entry, [source / "entry.c", *headers]):
        print(f"{entry} ...", file=sys.stderr)
        _run([*shlex.split(os.environ.get("CC", "cc")), "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", *common, "-I", include,
              source / "entry.c", "-o", entry, "-ldl"])

    adapter = out / files.adapter_name(tensorflow.version)
    if not _is_newer(adapter, [source / "adapter.cc", *headers]):
        print(f"{adapter} ...", file=sys.stderr)
        system = [tensorflow.include, *(tensorflow.include / "external" / name for name in _EXTERNAL)]
        minor = ".".join(tensorflow.version.split(".")[:2])
        _run([*shlex.split(os.environ.get("CXX", "c++")), "-std=c++17", "-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64",
              f'-DPJ_TF_BUILT_FOR="{minor}"', "-Wall", *common, *(part for folder in system for part in ("-isystem", folder)),
              source / "adapter.cc", "-o", adapter, "-L", tensorflow.folder,
              "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"])
    return [entry, adapter]
