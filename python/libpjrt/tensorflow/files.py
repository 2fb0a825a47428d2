"""Where things are: our libraries, and TensorFlow, found without importing it (that takes seconds)."""

import dataclasses
import importlib.metadata
import importlib.util
import os
import pathlib

ENTRY = "libpjrt_tensorflow.so"
_DISTRIBUTIONS = ("tensorflow-cpu", "tensorflow", "tensorflow-rocm", "tf-nightly-cpu", "tf-nightly")
_HERE = pathlib.Path(__file__).resolve().parent
# In the source tree the libraries lie in build/tensorflow, in the package beside this file.
_TREE = _HERE.parents[2]


def library_folders() -> list:
    """Folders that may hold our libraries, best first: $PJRT_TENSORFLOW_LIBRARY's, the package, the tree's build/."""
    named = os.environ.get("PJRT_TENSORFLOW_LIBRARY")
    return [pathlib.Path(named).parent] if named else [_HERE, _TREE / "build" / "tensorflow"]


def entry_path() -> pathlib.Path:
    """The library that TensorFlow loads: $PJRT_TENSORFLOW_LIBRARY, else in the package or the tree's build/.

    Raises FileNotFoundError, naming the places, when it is in none of them.
    """
    named = os.environ.get("PJRT_TENSORFLOW_LIBRARY")
    places = [pathlib.Path(named)] if named else [folder / ENTRY for folder in library_folders()]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise FileNotFoundError("libpjrt: no TensorFlow library at " + " or ".join(map(str, places)) +
                            "; `python -m libpjrt.tensorflow build` makes it")


def adapter_name(version: str) -> str:
    """The file name of the adapter for a version of TensorFlow: tensorflow-2.21.so for 2.21.0."""
    return "tensorflow-" + ".".join(version.split(".")[:2]) + ".so"


def adapters() -> dict:
    """The adapters that are there: minor version ("2.21") to path."""
    found = {}
    for folder in reversed(library_folders()):
        for path in folder.glob("tensorflow-*.so"):
            found[path.name[len("tensorflow-"):-len(".so")]] = path
    return found


def source_folder() -> pathlib.Path:
    """The adapter's C and C++ files: in the package, or adapters/tensorflow in the tree."""
    for place in (_HERE / "source", _TREE / "adapters" / "tensorflow"):
        if (place / "adapter.cc").is_file():
            return place
    raise FileNotFoundError("libpjrt: the adapter's sources are not installed")


@dataclasses.dataclass(frozen=True)
class TensorFlow:
    """An installed TensorFlow: version ("2.21.0"), its package's folder, and where it looks for plugins."""

    version: str
    folder: pathlib.Path

    @property
    def plugins(self) -> pathlib.Path:
        return self.folder.parent / "tensorflow-plugins"

    @property
    def include(self) -> pathlib.Path:
        return self.folder / "include"


def find_tensorflow():
    """The TensorFlow that this Python would import, or None."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.origin:
        return None
    folder = pathlib.Path(spec.origin).resolve().parent
    for name in _DISTRIBUTIONS:
        try:
            return TensorFlow(importlib.metadata.version(name), folder)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None
