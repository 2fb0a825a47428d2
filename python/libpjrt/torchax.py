"""torchax with PyTorch releases that it does not know yet: `import libpjrt.torchax` before `import torchax`.

torchax 0.0.13 names overloads of operators for named dimensions in its tables. PyTorch 2.13 has none of them any more,
so that `import torchax` ends in an AttributeError. Importing this module declares those that are missing, without an
implementation; nothing can call them, for there are no named dimensions. With an older PyTorch it declares nothing.
"""

import torch

# operator.overload, as torchax/ops/jaten.py and torchax/decompositions.py write them.
_NAMED = """
    all.dimname all.dimname_out index_add.dimname index_copy.dimname index_copy_.dimname index_fill.Dimname_Scalar
    index_fill.Dimname_Tensor index_fill_.Dimname_Scalar index_fill_.Dimname_Tensor norm.names_ScalarOpt_dim
    norm.names_ScalarOpt_dim_dtype norm.names_dtype_out norm.names_out prod.dim_Dimname std.names_dim std.names_out
    std.correction_names std.correction_names_out std_mean.names_dim std_mean.correction_names unbind.Dimname
""".split()


for _name in _NAMED:
    _operator, _overload = _name.split(".")
    if _overload not in getattr(torch.ops.aten, _operator).overloads():
        torch.library.define(f"aten::{_name}", "(Tensor self) -> Tensor")  # For as long as the process lives.
