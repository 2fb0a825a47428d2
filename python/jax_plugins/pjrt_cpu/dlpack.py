"""jax.dlpack.from_dlpack on the plugin.

Where from_dlpack must copy, jaxlib asks the client for a kind of transfer that its client of C API plugins refuses by itself, before any plugin
sees it. So copies are taken here of a view, which is possible for any memory. As with JAX's own CPU, copy=False is an error for memory that is
not aligned as arrays are, since handlers of foreign calls may count on that; without copy= it is read where it lies if it can be.
"""

import ctypes

_ALIGNMENT = 64
_POINTER, _BYTE_OFFSET = 0, 40  # in a DLTensor, which a capsule of this name begins with
_NAME = b"dltensor"

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype, _get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def _address(capsule) -> int:
    """Where the elements of a tensor begin."""
    tensor = _get_pointer(capsule, _NAME)
    pointer = ctypes.c_void_p.from_address(tensor + _POINTER).value or 0
    return pointer + ctypes.c_uint64.from_address(tensor + _BYTE_OFFSET).value


def register() -> None:
    """Puts it into JAX, once for the process. Releases of JAX without copy= in jaxlib copy by themselves and do not need it."""
    try:
        from jax._src.lib import _jax

        original = _jax.dlpack_managed_tensor_to_buffer
    except (ImportError, AttributeError):
        return
    if getattr(original, "__module__", None) == __name__:
        return

    def dlpack_managed_tensor_to_buffer(*args):
        # (capsule, device, stream, copy, ...) in the releases with copy=
        if len(args) < 4 or args[3] is None or "libpjrt" not in getattr(getattr(args[1], "client", None), "platform_version", ""):
            return original(*args)
        import jax

        if args[3]:
            view = original(*args[:3], None, *args[4:])
            # Whoever wants a copy changes the memory next.
            return jax.block_until_ready(jax.device_put(view, view.sharding, may_alias=False))
        if _address(args[0]) % _ALIGNMENT:
            raise jax.errors.JaxRuntimeError(f"INVALID_ARGUMENT: the memory is not aligned to {_ALIGNMENT} bytes.")
        return original(*args)

    _jax.dlpack_managed_tensor_to_buffer = dlpack_managed_tensor_to_buffer
