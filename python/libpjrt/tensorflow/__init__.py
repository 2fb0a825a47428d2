"""TensorFlow on libpjrt: a device named PJRT, with TensorFlow unchanged.

    import libpjrt.tensorflow
    libpjrt.tensorflow.load()

    import tensorflow as tf
    with tf.device("PJRT"):
        ...

`python -m libpjrt.tensorflow install` puts the library where TensorFlow itself looks for devices; then programs need no
load() either. doc/tensorflow.md says more.
"""

from libpjrt.tensorflow.files import entry_path

__all__ = ["entry_path", "load"]


def _is_loaded() -> bool:
    # By file: TensorFlow names only devices, and a device type may be there without any.
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return any("/libpjrt_tensorflow.so" in line for line in maps)


def load() -> None:
    """Registers the device PJRT with TensorFlow; does nothing when it is there, however it came.

    Raises ImportError without TensorFlow, FileNotFoundError without the library, and RuntimeError when TensorFlow has
    made its devices already, as it does with its first operation, or when there is no adapter for its version.
    """
    from tensorflow.python.eager import context
    from tensorflow.python.framework import load_library

    if _is_loaded():
        return
    path = entry_path()
    if context.context()._initialized:  # TensorFlow has no public way to ask.
        raise RuntimeError("libpjrt.tensorflow.load() must come before TensorFlow's first operation")
    load_library.load_pluggable_device_library(str(path))
    if not context.context().list_physical_devices("PJRT"):
        raise RuntimeError("TensorFlow got no device PJRT; the line above on stderr, and python -m libpjrt.tensorflow check, say why")
