"""A gRPC server that owns the device: what stands between a program and its accelerator where there is no plugin.

    python bench/rpc/server.py LIBPJRT PLUGIN ADDRESS

Requests and answers are bytes without a schema, so no time goes into protobuf: an array is its elements, a buffer is eight
bytes. Prints the port when it listens (0 for a Unix socket) and serves until standard input ends.
"""

import concurrent.futures
import ctypes
import sys

import grpc

import host
import wire


class Service:
    def __init__(self, device):
        self.device, self.buffers, self.next = device, {}, 1
        self.programs = {}

    def keep(self, buffer):
        handle, self.next = self.next, self.next + 1
        self.buffers[handle] = buffer
        return wire.HANDLE.pack(handle)

    def find(self, request):
        return self.buffers[wire.HANDLE.unpack(request)[0]]

    # --- The methods, each as the direct caller calls them -------------------------------------------------------------

    def nothing(self, request, context):
        return request

    def compile(self, request, context):
        self.program = self.device.compile(request.decode())
        return b""

    def call(self, request, context):
        """An array in the request, the program's result in the answer: the fewest messages that RPC can do with."""
        argument = self.device.upload(request, "f32", len(request) // 4)
        result = self.device.execute(self.program, argument)
        answer = self.device.download(result)
        self.device.destroy(argument)
        self.device.destroy(result)
        return answer

    def execute(self, request, context):
        """The array is on the device, and the result stays there. The same message frees the result before it."""
        done = wire.HANDLE.unpack(request[8:])[0]
        if done:
            self.device.destroy(self.buffers.pop(done))
        return self.keep(self.device.execute(self.program, self.find(request[:8])))

    def destroy(self, request, context):
        self.device.destroy(self.buffers.pop(wire.HANDLE.unpack(request)[0]))
        return b""

    def upload_f32(self, request, context):
        return self.keep(self.device.upload(request, "f32", len(request) // 4))

    def upload(self, request, context):
        return self.keep(self.device.upload(request, "ui8", len(request)))

    def download(self, request, context):
        return self.device.download(self.find(request))

    def upload_stream(self, requests, context):
        size = wire.HANDLE.unpack(next(requests))[0]
        data = bytearray(size)
        view, at = memoryview(data), 0
        for chunk in requests:
            view[at:at + len(chunk)] = chunk
            at += len(chunk)
        address = ctypes.addressof((ctypes.c_char * size).from_buffer(data))
        return self.keep(self.device.upload(address, "ui8", size))

    def download_stream(self, request, context):
        handle, chunk = wire.HANDLE.unpack(request[:8])[0], wire.HANDLE.unpack(request[8:])[0]
        data = memoryview(self.device.download(self.buffers[handle]))
        for at in range(0, len(data), chunk):
            yield bytes(data[at:at + chunk])


def main():
    library, plugin, address = sys.argv[1:]
    service = Service(host.Host(library, plugin))
    makers = {"upload_stream": grpc.stream_unary_rpc_method_handler, "download_stream": grpc.unary_stream_rpc_method_handler}
    handlers = {name: makers.get(name, grpc.unary_unary_rpc_method_handler)(getattr(service, name)) for name in wire.METHODS}
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2), options=wire.OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pjrt", handlers),))
    port = server.add_insecure_port(address)
    server.start()
    print(port if not address.startswith("unix:") else 0, flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
