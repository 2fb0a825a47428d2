"""Runs HLO programs on XLA's CPU client, as a child that may die: XLA's importer aborts on some programs.

Reads lines "PROGRAM.hlo FOLDER SEED" and answers each with a line of JSON: {"inputs": [types], "outputs": [types]} after it has
written the inputs that it made (FOLDER/in0.npy ...) and XLA's outputs (FOLDER/want0.npy ...), or {"error": text}. Inputs are small
numbers without NaN: floats in [-2, 2), integers from 0 to 3.
"""
import json
import sys

import jax
import jaxlib._hlo as hlo
import jaxlib._jax as xla
import numpy
from jax._src.lib import xla_client

jax.config.update("jax_enable_x64", True)


def leaves(shape):
    return [leaf for part in shape.tuple_shapes() for leaf in leaves(part)] if shape.is_tuple() else [shape]


def make(shape, random):
    dtype, dims = numpy.dtype(shape.numpy_dtype()), shape.dimensions()
    if dtype == bool:
        return random.integers(0, 2, dims).astype(bool)
    if dtype.kind in "iu" or "int" in dtype.name:
        return random.integers(0, 2 if dtype.name in ("int2", "uint2") else 4, dims).astype(dtype)
    values = random.integers(-32, 32, dims) / 16
    return (values + 1j * random.integers(-32, 32, dims) / 16 if dtype.kind == "c" else values).astype(dtype)


def save(path, value):
    """As bytes where numpy has no such type."""
    numpy.save(path, value if value.dtype.isbuiltin == 1 else value.view(f"V{value.dtype.itemsize}"))


def run(path, folder, seed):
    code = open(path, "rb").read()
    shape = hlo.XlaComputation(code).program_shape()
    random = numpy.random.default_rng(int(seed))
    inputs = [make(leaf, random) for parameter in shape.parameter_shapes() for leaf in leaves(parameter)]
    devices = xla_client.DeviceList(tuple(jax.devices()[:1]))
    executable = jax.devices()[0].client.compile_and_load(xla.mlir.hlo_to_stablehlo(code), devices, xla_client.CompileOptions())
    results = executable.execute_sharded([jax.device_put(value) for value in inputs])
    outputs = [numpy.asarray(part[0]) for part in results.disassemble_into_single_device_arrays()]
    for name, arrays in ("in", inputs), ("want", outputs):
        for i, value in enumerate(arrays):
            save(f"{folder}/{name}{i}.npy", value)
    return {"inputs": [str(value.dtype) for value in inputs], "outputs": [str(value.dtype) for value in outputs]}


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            answer = run(*line.rsplit(maxsplit=2))
        except Exception as error:
            answer = {"error": str(error)[:400]}
        print(json.dumps(answer), flush=True)
