"""PyTorch's element types and StableHLO's spelling of them."""

import torch

from libpjrt.torch.builder import LoweringError

TO_STABLEHLO = {
    torch.float32: "f32", torch.float64: "f64", torch.float16: "f16", torch.bfloat16: "bf16", torch.bool: "i1",
    torch.int8: "i8", torch.int16: "i16", torch.int32: "i32", torch.int64: "i64", torch.uint8: "ui8",
    torch.uint16: "ui16", torch.uint32: "ui32", torch.uint64: "ui64",
    torch.complex64: "complex<f32>", torch.complex128: "complex<f64>",
}  # no float8 types: DLPack has none for PyTorch
TO_TORCH = {text: dtype for dtype, text in TO_STABLEHLO.items()}


def stablehlo_type(dtype):
    """"f32" for torch.float32. LoweringError for a type that StableHLO does not have, such as torch.quint8."""
    text = TO_STABLEHLO.get(dtype)
    if text is None:
        raise LoweringError(f"{dtype} is no element type of StableHLO's")
    return text
