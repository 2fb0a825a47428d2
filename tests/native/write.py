"""Makes the .bc files beside it, MLIR's own bytecode of the .mlir files, with jaxlib."""

import io
import pathlib

from jax._src.interpreters import mlir
from jax._src.lib.mlir import ir

HERE = pathlib.Path(__file__).resolve().parent

for path in sorted(HERE.glob("*.mlir")):
    with mlir.make_ir_context():
        module = ir.Module.parse(path.read_text())
        bytecode = io.BytesIO()
        module.operation.write_bytecode(bytecode)
        path.with_suffix(".bc").write_bytes(bytecode.getvalue())
