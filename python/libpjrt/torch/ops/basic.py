"""The operations that nearly every graph has: arithmetic, products of matrices, views."""

from libpjrt.torch.builder import LoweringError, Value
from libpjrt.torch.table import aten, lowers


def promoted(b, x):
    """A tensor or Python number in the type of the result."""
    return b.convert(x, b.result.dtype) if isinstance(x, Value) else b.constant(x, b.result.dtype)


@lowers(aten.add.Tensor, aten.add.Scalar)
def add(b, x, y, alpha=1):
    x, y = promoted(b, x), promoted(b, y)
    if b.result.dtype == "i1":
        return b.or_(x, y)
    return b.add(x, b.multiply(y, alpha) if alpha != 1 else y)


@lowers(aten.sub.Tensor, aten.sub.Scalar)
def sub(b, x, y, alpha=1):
    x, y = promoted(b, x), promoted(b, y)
    return b.subtract(x, b.multiply(y, alpha) if alpha != 1 else y)


@lowers(aten.mul.Tensor, aten.mul.Scalar)
def mul(b, x, y):
    x, y = promoted(b, x), promoted(b, y)
    return b.and_(x, y) if b.result.dtype == "i1" else b.multiply(x, y)


@lowers(aten.relu.default)
def relu(b, x):
    return b.maximum(x, 0)


@lowers(aten.mm.default)
def mm(b, x, y):
    return b.dot_general(x, y, ([1], [0]))


@lowers(aten.bmm.default)
def bmm(b, x, y):
    return b.dot_general(x, y, ([2], [1]), ([0], [0]))


@lowers(aten.addmm.default)
def addmm(b, bias, x, y, *, beta=1, alpha=1):
    product = b.dot_general(x, y, ([1], [0]))
    if alpha != 1:
        product = b.multiply(product, alpha)
    if beta == 0:
        return product
    return b.add(product, b.multiply(bias, beta) if beta != 1 else bias)


@lowers(aten.t.default)
def t(b, x):
    return b.transpose(x, [1, 0]) if x.rank == 2 else x


@lowers(aten.permute.default)
def permute(b, x, dims):
    return b.transpose(x, dims)


@lowers(aten.view.default, aten._unsafe_view.default, aten.reshape.default)
def view(b, x, size):
    return b.reshape(x, b.result.shape)


@lowers(aten.expand.default)
def expand(b, x, size, *, implicit=False):
    return b.broadcast_to(x, b.result.shape)


@lowers(aten.detach.default, aten.alias.default, aten.lift_fresh_copy.default, aten.clone.default)
def same(b, x, *, memory_format=None):
    return x


@lowers(aten.sum.default, aten.sum.dim_IntList)
def sum_(b, x, dim=None, keepdim=False, *, dtype=None):
    total = b.reduce_sum(promoted(b, x), range(x.rank) if not dim else dim)
    return b.reshape(total, b.result.shape)


@lowers(aten._to_copy.default)
def to_copy(b, x, **kwargs):
    if x.dtype.startswith("complex") and not b.result.dtype.startswith("complex"):
        raise LoweringError("a complex number made real in silence")
    return b.convert(x, b.result.dtype)
