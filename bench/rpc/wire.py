"""What both ends of the comparison's gRPC channel agree on."""

import struct

HANDLE = struct.Struct("<Q")
METHODS = ["nothing", "compile", "call", "execute", "destroy", "upload_f32", "upload", "download", "upload_stream", "download_stream"]

# Messages of any size. Frame size, window, write buffer and optimization_target were tried one by one and together with
# transfers of 64 MiB and small calls: none changed more than the figures vary from run to run, so they stay at gRPC's own.
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
