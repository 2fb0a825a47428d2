"""libpjrt for Python by ctypes: just what the comparison needs, the same for the caller itself and for the server."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p

# CPython's own way to a bytes object that is still to be filled, which saves a copy of a downloaded array.
_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.restype, _new_bytes.argtypes = ctypes.py_object, (c_char_p, ctypes.c_ssize_t)
_bytes_data = ctypes.pythonapi.PyBytes_AsString
_bytes_data.restype, _bytes_data.argtypes = c_void_p, (ctypes.py_object,)


class Host:
    """A client of the plugin on its first device. Buffers and executables are handles, to be destroyed by the caller."""

    def __init__(self, library, plugin):
        self.lib = lib = ctypes.CDLL(str(library))
        for name, result, arguments in [
            ("pjh_error_message", c_char_p, (c_void_p,)), ("pjh_error_free", None, (c_void_p,)),
            ("pjh_plugin_load", c_void_p, (c_char_p, POINTER(c_void_p))),
            ("pjh_client_create", c_void_p, (c_void_p, c_void_p, c_size_t, POINTER(c_void_p))),
            ("pjh_client_platform_version", c_char_p, (c_void_p,)),
            ("pjh_compile", c_void_p, (c_void_p, c_char_p, c_size_t, c_void_p, POINTER(c_void_p))),
            ("pjh_execute", c_void_p, (c_void_p, POINTER(c_void_p), c_size_t, POINTER(c_void_p), c_size_t)),
            ("pjh_type_from_name", c_int, (c_char_p, c_size_t)),
            ("pjh_buffer_from_host", c_void_p,
             (c_void_p, c_size_t, c_void_p, c_int, POINTER(c_int64), c_size_t, c_void_p, POINTER(c_void_p))),
            ("pjh_buffer_host_size", c_size_t, (c_void_p,)), ("pjh_buffer_destroy", None, (c_void_p,)),
            ("pjh_buffer_to_host", c_void_p, (c_void_p, c_void_p, c_size_t)),
        ]:
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
        self.plugin, self.client = c_void_p(), c_void_p()
        self.check(lib.pjh_plugin_load(str(plugin).encode(), byref(self.plugin)))
        self.check(lib.pjh_client_create(self.plugin, None, 0, byref(self.client)))
        self.version = lib.pjh_client_platform_version(self.client).decode()
        self.types = {name: lib.pjh_type_from_name(name.encode(), len(name)) for name in ("f32", "ui8")}

    def check(self, error):
        if error:
            message = self.lib.pjh_error_message(error).decode()
            self.lib.pjh_error_free(error)
            raise RuntimeError(message)

    def compile(self, text):
        executable = c_void_p()
        self.check(self.lib.pjh_compile(self.client, text.encode(), len(text), None, byref(executable)))
        return executable

    def execute(self, executable, argument):
        """Runs a program of one array that gives one array, and waits for it."""
        result = c_void_p()
        self.check(self.lib.pjh_execute(executable, byref(argument), 1, byref(result), 1))
        return result

    def upload(self, data, kind, count):
        """|count| elements at |data| (bytes, or an address) as an array on the device; the data is free afterwards."""
        buffer, address = c_void_p(), _bytes_data(data) if isinstance(data, bytes) else data
        self.check(self.lib.pjh_buffer_from_host(self.client, 0, address, self.types[kind], byref(c_int64(count)), 1, None,
                                                 byref(buffer)))
        return buffer

    def download(self, buffer):
        size = self.lib.pjh_buffer_host_size(buffer)
        data = _new_bytes(None, size)
        self.check(self.lib.pjh_buffer_to_host(buffer, _bytes_data(data), size))
        return data

    def download_into(self, buffer, room):
        """The array into |room|, a bytearray of its size."""
        address = (ctypes.c_char * len(room)).from_buffer(room)
        self.check(self.lib.pjh_buffer_to_host(buffer, ctypes.addressof(address), len(room)))
        return room

    def destroy(self, buffer):
        self.lib.pjh_buffer_destroy(buffer)
