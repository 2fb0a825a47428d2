"""Products of matrices, and the linear algebra that StableHLO has."""

from libpjrt.torch.common import LoweringError, cast, is_complex, opmath
from libpjrt.torch.table import aten, lowers, overloads


def product(b, x, y, contracting, batching=((), ())):
    """dot_general as ATen computes it: 16-bit floats are summed in f32 and rounded once; of bool it is whether any is."""
    dtype = x.dtype
    if dtype == "i1":
        return b.compare(product(b, b.convert(x, "i32"), b.convert(y, "i32"), contracting, batching), 0, "NE")
    if opmath(dtype) != dtype:
        return b.convert(b.dot_general(x, y, contracting, batching, dtype="f32"), dtype)
    return b.dot_general(x, y, contracting, batching)


def scaled_sum(b, bias, total, beta, alpha):
    """beta * bias + alpha * total, where a bias of weight 0 does not count at all, whatever it holds."""
    dtype = b.result.dtype
    if dtype == "i1":
        raise LoweringError("a product of booleans, added to")
    total = cast(b, total, opmath(dtype))
    if alpha != 1:
        total = b.multiply(total, alpha)
    if beta != 0:
        bias = cast(b, bias, opmath(dtype))
        total = b.add(total, bias if beta == 1 else b.multiply(bias, beta))
    return b.broadcast_to(cast(b, total, dtype), b.result.shape)


def _matmul(b, x, y, contracting, batching=((), ())):
    """A product that is added to: of 16-bit floats it stays f32."""
    if opmath(x.dtype) != x.dtype:
        return b.dot_general(x, y, contracting, batching, dtype="f32")
    return b.dot_general(x, y, contracting, batching)


@lowers(aten.mm.default)
def mm(b, x, y):
    return product(b, x, y, ([1], [0]))


@lowers(aten.bmm.default)
def bmm(b, x, y):
    return product(b, x, y, ([2], [1]), ([0], [0]))


@lowers(aten.mv.default)
def mv(b, x, y):
    return product(b, x, y, ([1], [0]))


@lowers(aten.dot.default)
def dot(b, x, y):
    return product(b, x, y, ([0], [0]))


@lowers(aten.vdot.default)
def vdot(b, x, y):
    return product(b, b.conj(x) if is_complex(x.dtype) else x, y, ([0], [0]))


@lowers(aten.addmm.default)
def addmm(b, bias, x, y, *, beta=1, alpha=1):
    return scaled_sum(b, bias, _matmul(b, x, y, ([1], [0])), beta, alpha)


@lowers(aten.baddbmm.default)
def baddbmm(b, bias, x, y, *, beta=1, alpha=1):
    return scaled_sum(b, bias, _matmul(b, x, y, ([2], [1]), ([0], [0])), beta, alpha)


@lowers(aten.addbmm.default)
def addbmm(b, bias, x, y, *, beta=1, alpha=1):
    return scaled_sum(b, bias, _matmul(b, x, y, ([0, 2], [0, 1])), beta, alpha)


@lowers(aten.addmv.default)
def addmv(b, bias, x, y, *, beta=1, alpha=1):
    return scaled_sum(b, bias, _matmul(b, x, y, ([1], [0])), beta, alpha)


@lowers(aten.addr.default)
def addr(b, bias, x, y, *, beta=1, alpha=1):
    dtype = b.result.dtype
    if dtype == "i1":
        both = b.and_(b.unsqueeze(x, 1), b.unsqueeze(y, 0))
        both = both if alpha else b.full_like(both, False)
        return b.broadcast_to(b.or_(both, bias) if beta else both, b.result.shape)
    x, y = cast(b, x, opmath(dtype)), cast(b, y, opmath(dtype))
    return scaled_sum(b, bias, b.multiply(b.unsqueeze(x, 1), b.unsqueeze(y, 0)), beta, alpha)


@lowers(aten.linear.default)
def linear(b, x, weight, bias=None):
    total = _matmul(b, x, weight, ([x.rank - 1], [1]))
    if bias is not None:
        total = b.add(total, cast(b, bias, total.dtype))
    return cast(b, total, b.result.dtype)


@lowers(*overloads(aten._int_mm, "default"))
def int_mm(b, x, y):
    return b.dot_general(b.convert(x, "i32"), b.convert(y, "i32"), ([1], [0]))


@lowers(aten._addmm_activation.default)
def addmm_activation(b, bias, x, y, *, beta=1, alpha=1, use_gelu=False):
    from libpjrt.torch.ops.pointwise import gelu, relu
    total = addmm(b, bias, x, y, beta=beta, alpha=alpha)
    return gelu(b, total, approximate="tanh") if use_gelu else relu(b, total)


# --- Triangular systems ------------------------------------------------------------------------------------------------


def swapped(b, x):
    """x with its last two dimensions exchanged."""
    return b.transpose(x, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


def _lower_part(b, x):
    rows, columns = b.iota(x.shape, -2, "i64"), b.iota(x.shape, -1, "i64")
    return b.select(b.compare(columns, rows, "LE"), x, b.full_like(x, 0))


@lowers(aten.cholesky.default)
def cholesky(b, x, upper=False):
    """Without the error for a matrix that is not positive definite: such a factor is NaN."""
    raise LoweringError("cholesky raises an error that depends on its operand's values")


@lowers(aten.linalg_cholesky_ex.default)
def cholesky_ex(b, x, *, upper=False, check_errors=False):
    """`info` is 0 where the factor is one; elsewhere the order of the first minor that is not positive, as LAPACK counts,
    which the NaN of its row shows."""
    if x.size == 0:
        return [x, b.constant(0, "i32", x.shape[:-2])]
    if check_errors:
        raise LoweringError("cholesky with an error that depends on its operand's values")
    source = x
    if upper:
        source = swapped(b, b.conj(x) if is_complex(x.dtype) else x)
    factor = _lower_part(b, b.cholesky(source, lower=True))
    n = x.shape[-1]
    bad = b.is_nan(factor)
    order = b.select(bad, b.add(b.iota(factor.shape, -2, "i32"), 1), n + 1)
    first = b.reduce_min(order, [-2, -1])
    info = b.select(b.compare(first, n + 1, "EQ"), 0, first)
    if upper:
        factor = swapped(b, b.conj(factor) if is_complex(x.dtype) else factor)
    return [factor, info]


def solve_triangular_part(b, a, y, *, upper, left, unitriangular, transpose_a="NO_TRANSPOSE"):
    """x of a @ x = y (or x @ a = y) with a triangular; batch dimensions broadcast."""
    from libpjrt.torch.builder import broadcast_shapes
    batch = broadcast_shapes(a.shape[:-2], y.shape[:-2])
    a, y = b.broadcast_to(a, batch + a.shape[-2:]), b.broadcast_to(y, batch + y.shape[-2:])
    if y.size == 0 or a.size == 0:
        return b.full_like(y, 0)
    return b.triangular_solve(a, y, left_side=left, lower=not upper, unit_diagonal=unitriangular, transpose_a=transpose_a)


@lowers(aten.linalg_solve_triangular.default)
def linalg_solve_triangular(b, a, y, *, upper, left=True, unitriangular=False):
    return solve_triangular_part(b, a, y, upper=upper, left=left, unitriangular=unitriangular)


@lowers(aten.triangular_solve.default)
def triangular_solve(b, y, a, upper=True, transpose=False, unitriangular=False):
    kind = "TRANSPOSE" if transpose else "NO_TRANSPOSE"
    solution = solve_triangular_part(b, a, y, upper=upper, left=True, unitriangular=unitriangular, transpose_a=kind)
    return [solution, b.broadcast_to(a, b.results[1].shape)]


@lowers(aten.cholesky_solve.default, aten._cholesky_solve_helper.default)
def cholesky_solve(b, y, factor, upper=False):
    adjoint = "ADJOINT" if is_complex(factor.dtype) else "TRANSPOSE"
    first, second = (adjoint, "NO_TRANSPOSE") if upper else ("NO_TRANSPOSE", adjoint)
    half = solve_triangular_part(b, factor, y, upper=upper, left=True, unitriangular=False, transpose_a=first)
    return solve_triangular_part(b, factor, half, upper=upper, left=True, unitriangular=False, transpose_a=second)


@lowers(aten.cholesky_inverse.default)
def cholesky_inverse(b, factor, upper=False):
    rows, columns = b.iota(factor.shape, -2, "i64"), b.iota(factor.shape, -1, "i64")
    return cholesky_solve(b, b.convert(b.compare(rows, columns, "EQ"), factor.dtype), factor, upper)


# --- Distances ---------------------------------------------------------------------------------------------------------


def _norm_over_last(b, difference, p):
    size = b.abs(difference)
    last = [difference.rank - 1]
    if p == float("inf"):
        return b.reduce_max(size, last) if difference.shape[-1] else b.reduce_sum(size, last)
    if p == 0:
        return b.reduce_sum(b.convert(b.compare(size, 0, "NE"), size.dtype), last)
    if p == 1:
        return b.reduce_sum(size, last)
    if p == 2:
        return b.sqrt(b.reduce_sum(b.multiply(size, size), last))
    return b.power(b.reduce_sum(b.power(size, float(p)), last), 1.0 / p)


@lowers(aten._cdist_forward.default)
def cdist(b, x, y, p, compute_mode):
    difference = b.subtract(b.unsqueeze(x, x.rank - 1), b.unsqueeze(y, y.rank - 2))
    return b.broadcast_to(_norm_over_last(b, difference, p), b.result.shape)


@lowers(aten._pdist_forward.default)
def pdist(b, x, p=2):
    n = x.shape[0]
    rows = [(b.slice_dim(x, 0, i, i + 1), b.slice_dim(x, 0, i + 1, n)) for i in range(n - 1)]
    if not rows:
        return b.constant(0, b.result.dtype, b.result.shape)
    return b.concatenate([_norm_over_last(b, b.subtract(one, rest), p) for one, rest in rows], 0)
