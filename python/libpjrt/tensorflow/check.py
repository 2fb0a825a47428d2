"""What `python -m libpjrt doctor` says about TensorFlow. Imports no TensorFlow."""

import pathlib

import libpjrt
from libpjrt.tensorflow import files


def installed_in(tensorflow: files.TensorFlow) -> bool:
    return (tensorflow.plugins / files.ENTRY).is_file()


def check() -> list:
    """Findings, each (ok, text): ok is True, False for what needs mending, None for what is only said.

    The text says what to do where something is to be done. Never raises for what may be missing on a machine.
    """
    tensorflow = files.find_tensorflow()
    if tensorflow is None:
        return [(None, "TensorFlow is not installed: pip install tensorflow-cpu")]
    said = [(True, f"TensorFlow {tensorflow.version} in {tensorflow.folder}")]
    try:
        said.append((True, f"library {files.entry_path()}"))
    except FileNotFoundError as error:
        said.append((False, str(error)))
    there = files.adapters()
    minor = ".".join(tensorflow.version.split(".")[:2])
    if minor in there:
        said.append((True, f"adapter for TensorFlow {minor}: {there[minor]}"))
    else:
        have = ", ".join(sorted(there)) or "none"
        said.append((False, f"no adapter for TensorFlow {minor} (there are: {have}); "
                            "`python -m libpjrt.tensorflow build` makes it where there is a C++ compiler"))
    try:
        libpjrt.plugin_path()
    except FileNotFoundError as error:
        said.append((False, str(error)))
    if installed_in(tensorflow):
        installed = tensorflow.plugins / files.ENTRY
        same = _same(installed)
        said.append((same, f"installed: {installed}, TensorFlow has the device PJRT in every program" if same else
                     f"{installed} is of another libpjrt: `python -m libpjrt.tensorflow install` renews it"))
    else:
        said.append((None, "not installed in TensorFlow: programs call libpjrt.tensorflow.load(), or run "
                           "`python -m libpjrt.tensorflow install` once"))
    return said


def _same(installed: pathlib.Path) -> bool:
    try:
        return installed.read_bytes() == files.entry_path().read_bytes()
    except FileNotFoundError:
        return False
