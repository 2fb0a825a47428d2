"""Hands custom calls that are registered with JAX (jax.ffi.register_ffi_target) to the plugin too.

jaxlib keeps one handler per platform, the first one that comes; "cpu" is taken by its own CPU client when that starts.
The handler here is earlier, gives each target to the plugin through its FFI extension, and to jaxlib as before.

The structs are those of include/pjrt/pjrt_c_api.h and include/pjrt/ext/ffi.h, spelled for ctypes.
"""

import ctypes

_FFI_EXTENSION = 5


class _Extension(ctypes.Structure):
    pass


_Extension._fields_ = [
    ("struct_size", ctypes.c_size_t),
    ("type", ctypes.c_int),
    ("next", ctypes.POINTER(_Extension)),
]


class _Api(ctypes.Structure):  # the head of PJRT_Api
    _fields_ = [("struct_size", ctypes.c_size_t), ("extension_start", ctypes.POINTER(_Extension))]


class _RegisterHandlerArgs(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("target_name", ctypes.c_char_p),
        ("target_name_size", ctypes.c_size_t),
        ("handler", ctypes.c_void_p),
        ("platform_name", ctypes.c_char_p),
        ("platform_name_size", ctypes.c_size_t),
        ("traits", ctypes.c_int),
    ]


class _FfiExtension(ctypes.Structure):
    _fields_ = [
        ("base", _Extension),
        ("type_register", ctypes.c_void_p),
        ("user_data_add", ctypes.c_void_p),
        ("register_handler", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_RegisterHandlerArgs))),
    ]


def _find_extension(path: str):
    """The plugin's FFI extension, or None. The library is open already; this only looks at it."""
    get_api = ctypes.CDLL(path).GetPjrtApi
    get_api.restype = ctypes.POINTER(_Api)
    node = get_api().contents.extension_start
    while node:
        if node.contents.type == _FFI_EXTENSION:
            return ctypes.cast(node, ctypes.POINTER(_FfiExtension)).contents
        node = node.contents.next
    return None


def _address(capsule) -> int:
    """The pointer inside a PyCapsule of any name."""
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))


def forward_custom_calls(path: str) -> None:
    from jaxlib import xla_client

    extension = _find_extension(path)
    if extension is None:
        return
    to_jaxlib = xla_client._xla.register_custom_call_target

    def handler(name, fn, platform, api_version=0, traits=0, *more):
        to_jaxlib(name, fn, platform, api_version, traits, *more)
        if api_version != 1:
            return  # the untyped interface, which the plugin has not
        stages = fn if isinstance(fn, dict) else {"execute": fn}
        # A target with further stages keeps state that only the registration of all stages would set up.
        if set(k for k, v in stages.items() if v is not None) != {"execute"}:
            return
        target = name if isinstance(name, bytes) else name.encode()
        args = _RegisterHandlerArgs(target_name=target, target_name_size=len(target), platform_name=b"cpu",
                                    platform_name_size=3, handler=_address(stages["execute"]))
        args.struct_size = ctypes.sizeof(_RegisterHandlerArgs) - 4  # no padding behind the last field
        if extension.register_handler(ctypes.byref(args)):
            raise RuntimeError(f"libpjrt: the plugin refuses the custom call {target.decode()!r}")

    xla_client.register_custom_call_handler("cpu", handler)
