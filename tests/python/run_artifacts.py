"""Runs portable artifacts on JAX's current CPU client, on inputs made from their types, and saves the results.

usage: run_artifacts.py OUT.npz ARTIFACT...

Keys of OUT.npz: "FILE#i" for output i (floats narrower than 32 bits and 4-bit integers widened), or "FILE!" with the error's text.
Which client: the built-in one, or the plugin that PJRT_NAMES_AND_LIBRARY_PATHS=cpu:PATH puts in its place.
"""

import os
import sys

import jax
import jaxlib.lapack
import numpy as np
from jax._src.interpreters import mlir as jax_mlir
from jax._src.lib import xla_client
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

jax.config.update("jax_enable_x64", True)
jaxlib.lapack._lapack.initialize()  # jax does so when it lowers a decomposition, which is past here


def make_input(text, rng):
    """A numpy array for an MLIR type such as tensor<4x8xf32>; values within a few units, integers valid as indices."""
    body = text[len("tensor<"):-1]
    *dims, element = body.split("x") if not body.startswith("complex") and "xcomplex" not in body else (
        *body[: body.index("complex")].rstrip("x").split("x"), body[body.index("complex"):])
    shape = tuple(int(d) for d in dims if d)
    kinds = {
        "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
        "ui8": np.uint8, "ui16": np.uint16, "ui32": np.uint32, "ui64": np.uint64,
        "f16": np.float16, "f32": np.float32, "f64": np.float64, "bf16": jax.numpy.bfloat16,
        "complex<f32>": np.complex64, "complex<f64>": np.complex128,
    }
    dtype = np.dtype(kinds[element])
    if dtype.kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    if dtype.kind in "iub":
        return rng.integers(0, 2, size=shape).astype(dtype)
    values = rng.normal(size=shape)
    if len(shape) == 2 and shape[0] == shape[1]:  # well-conditioned and positive definite, for the decompositions
        values = values @ values.T + shape[0] * np.eye(shape[0])
    return values.astype(dtype)


def run(path):
    context = jax_mlir.make_ir_context()
    with open(path, "rb") as file:
        data = file.read()
    with context:
        module = stablehlo.deserialize_portable_artifact(context, data)
        entry = next(op for op in module.body.operations if str(op.attributes["sym_name"]) == '"main"')
        inputs = [str(t) for t in ir.FunctionType(entry.type).inputs]
    device = jax.devices()[0]
    options = xla_client.CompileOptions()
    devices = xla_client.DeviceList((device,))
    with context:
        executable = device.client.compile_and_load(module, devices, options)
    rng = np.random.default_rng(7)
    arguments = [jax.device_put(make_input(text, rng), device) for text in inputs]
    outputs = executable.execute_sharded(arguments).disassemble_into_single_device_arrays()
    results = []
    for (output,) in outputs:
        array = np.asarray(output)
        if array.dtype.kind == "V" or array.dtype.name.startswith(("bfloat", "float8", "float4", "float6")):
            array = array.astype(np.float32)
        elif array.dtype.name in ("int4", "uint4", "int2", "uint2"):
            array = array.astype(np.int32)
        results.append(array)
    return results


def main():
    saved = {}
    for path in sys.argv[2:]:
        name = os.path.basename(path)
        try:
            for i, array in enumerate(run(path)):
                saved[f"{name}#{i}"] = array
        except Exception as error:  # noqa: BLE001 - the text is the result
            saved[f"{name}!"] = np.array(f"{type(error).__name__}: {error}")
    np.savez(sys.argv[1], **saved)


main()
