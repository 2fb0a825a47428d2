"""Dense linear algebra on the LAPACK that the plugin has: factorisations into triangles and by reflections, and what follows
from them. A build without LAPACK runs these eagerly. Decompositions that are unique only up to signs (eigenvectors, singular
vectors) are left to PyTorch, whose signs programs may have come to rely on."""

import functools

from libpjrt.torch.builder import Builder
from libpjrt.torch.common import LoweringError, is_complex, real_type
from libpjrt.torch.ops.linear import solve_triangular_part, swapped
from libpjrt.torch.table import aten, lowers

_LETTERS = {"f32": "s", "f64": "d", "complex<f32>": "c", "complex<f64>": "z"}


@functools.cache
def _has_lapack():
    """Whether the plugin knows the calls: it refuses a program with one that it does not."""
    import torch
    from libpjrt import host
    b = Builder()
    x = b.parameter((2, 2), "f32")
    results = _emit(b, "lapack_sgetrf_ffi", [x], [((2, 2), "f32"), ((2,), "i32"), ((), "i32")])
    try:
        host.client(torch.get_num_threads()).compile(b.finish(results[:1]), [("f32", (2, 2))], [((2, 2), (2, 1))], torch.Tensor)
    except host.native().Error:
        return False
    return True


def _layout(shape):
    """Of a result of LAPACK's, minor to major: matrices column by column, whatever the batch."""
    return None if len(shape) < 2 else [len(shape) - 2, len(shape) - 1, *reversed(range(len(shape) - 2))]


def _layouts(shapes, matrices):
    texts = []
    for shape, matrix in zip(shapes, matrices):
        order = _layout(shape) if matrix else list(reversed(range(len(shape))))
        texts.append(f"dense<{order}> : tensor<{len(order)}xindex>" if order else "dense<> : tensor<0xindex>")
    return "[" + ", ".join(texts) + "]"


def _emit(b, target, operands, results):
    batch = len(operands[0].shape) - 2
    shapes = [[v.shape for v in operands], [s for s, _ in results]]
    inputs, outputs = (_layouts(s, [len(x) == batch + 2 for x in s]) for s in shapes)
    return b.custom_call(target, operands, results,
                         f"api_version = 4 : i32, backend_config = {{}}, operand_layouts = {inputs}, result_layouts = {outputs}")


def _lapack(b, name, operands, results):
    """A call of LAPACK's `name` on a batch of matrices. `results`: pairs (shape, dtype)."""
    if not _has_lapack():
        raise LoweringError("linear algebra in a build without LAPACK")
    letter = _LETTERS.get(operands[0].dtype)
    if letter is None:
        raise LoweringError(f"linear algebra of {operands[0].dtype}")
    return _emit(b, f"lapack_{letter}{name}_ffi", operands, results)


def _factors(b, x):
    """LU with pivots (counted from 1) and info, as getrf gives them."""
    *batch, m, n = x.shape
    k = min(m, n)
    if x.size == 0:
        return x, b.constant(0, "i32", (*batch, k)), b.constant(0, "i32", batch)
    return _lapack(b, "getrf", [x], [(x.shape, x.dtype), ((*batch, k), "i32"), (batch, "i32")])


def _permutation(b, pivots, m):
    """For each row of P^T A the row of A that it was, i64 (batch..., m): the exchanges of pivots, one after the other."""
    *batch, k = pivots.shape
    rank = len(batch)
    start = b.iota((*batch, m), rank, "i64")
    if k == 0 or start.size == 0:
        return start
    pivots = b.subtract(b.convert(pivots, "i64"), 1)
    row = b.iota(start.shape, rank, "i64")

    def at(b, values, hit):
        return b.reduce_sum(b.select(hit, values, 0), [rank])

    def step(b, i, order, pivots):
        here = b.compare(row, b.broadcast_to(i, row.shape), "EQ")
        mark = b.compare(b.iota(pivots.shape, rank, "i64"), b.broadcast_to(i, pivots.shape), "EQ")
        target = b.broadcast_in_dim(at(b, pivots, mark), row.shape, range(rank))
        there = b.compare(row, target, "EQ")
        first = b.broadcast_in_dim(at(b, order, here), row.shape, range(rank))
        second = b.broadcast_in_dim(at(b, order, there), row.shape, range(rank))
        return [b.add(i, 1), b.select(here, second, b.select(there, first, order)), pivots]
    zero = b.constant(0, "i64")
    return b.while_loop([zero, start, pivots], lambda b, i, order, pivots: b.compare(i, k, "LT"), step)[1]


def _matrix_of(b, order, dtype):
    """P of A = P L U from _permutation: row order[i] of P has its one in column i."""
    *batch, m = order.shape
    shape = (*batch, m, m)
    rank = len(batch)
    column = b.broadcast_in_dim(order, shape, [*range(rank), rank + 1])
    return b.convert(b.compare(b.iota(shape, rank, "i64"), column, "EQ"), dtype)


def _product(b, x, y):
    batch = list(range(x.rank - 2))
    return b.dot_general(x, y, ([x.rank - 1], [y.rank - 2]), (batch, batch))


def _triangle(b, x, lower, unit=False):
    rows, columns = b.iota(x.shape, -2, "i64"), b.iota(x.shape, -1, "i64")
    part = b.select(b.compare(columns, rows, "LE" if lower else "GE"), x, b.full_like(x, 0))
    return b.select(b.compare(columns, rows, "EQ"), b.full_like(x, 1), part) if unit else part


def _unpacked(b, lu):
    m, n = lu.shape[-2:]
    k = min(m, n)
    lower = _triangle(b, b.slice_dim(lu, -1, 0, k), True, unit=True)
    return lower, _triangle(b, b.slice_dim(lu, -2, 0, k), False)


@lowers(aten.linalg_lu_factor_ex.default)
def lu_factor_ex(b, x, *, pivot=True, check_errors=False):
    if not pivot or check_errors:
        raise LoweringError("LU without pivots, or with an error that depends on values")
    return _factors(b, x)


@lowers(aten.lu_unpack.default)
def lu_unpack(b, lu, pivots, unpack_data=True, unpack_pivots=True):
    lower, upper = _unpacked(b, lu) if unpack_data else (None, None)
    matrix = _matrix_of(b, _permutation(b, pivots, lu.shape[-2]), lu.dtype) if unpack_pivots else None
    return [b.constant(0, want.dtype, want.shape) if v is None else v for v, want in zip((matrix, lower, upper), b.results)]


@lowers(aten.linalg_lu.default)
def linalg_lu(b, x, *, pivot=True):
    if not pivot:
        raise LoweringError("LU without pivots")
    lu, pivots, _ = _factors(b, x)
    return [_matrix_of(b, _permutation(b, pivots, x.shape[-2]), x.dtype), *_unpacked(b, lu)]


def _solved(b, lu, pivots, y, left, adjoint):
    """x of A x = y (or x A = y) with A = P L U, or its conjugate transpose."""
    if not left:  # x A = y is A^H x^H = y^H
        def turned(v):
            return swapped(b, b.conj(v) if is_complex(v.dtype) else v)
        return turned(_solved(b, lu, pivots, turned(y), True, not adjoint))
    from libpjrt.torch.builder import broadcast_shapes
    batch = broadcast_shapes(lu.shape[:-2], y.shape[:-2])
    lu = b.broadcast_to(lu, batch + lu.shape[-2:])
    pivots = b.broadcast_to(pivots, batch + pivots.shape[-1:])
    y = b.broadcast_to(y, batch + y.shape[-2:])
    if y.size == 0:
        return y
    matrix = _matrix_of(b, _permutation(b, pivots, lu.shape[-1]), y.dtype)
    how = "ADJOINT" if is_complex(lu.dtype) else "TRANSPOSE"
    if adjoint:
        y = solve_triangular_part(b, lu, y, upper=True, left=True, unitriangular=False, transpose_a=how)
        y = solve_triangular_part(b, lu, y, upper=False, left=True, unitriangular=True, transpose_a=how)
        return _product(b, matrix, y)
    y = _product(b, swapped(b, matrix), y)
    y = solve_triangular_part(b, lu, y, upper=False, left=True, unitriangular=True)
    return solve_triangular_part(b, lu, y, upper=True, left=True, unitriangular=False)


@lowers(aten.linalg_lu_solve.default)
def lu_solve(b, lu, pivots, y, *, left=True, adjoint=False):
    return _solved(b, lu, pivots, y, left, adjoint)


def _factors_as_kept(b, x):
    """LU and pivots as determinants keep them for their gradients: of the transpose where the matrix is contiguous and real."""
    turned = not is_complex(x.dtype) and b.first is not None and b.first.is_contiguous()
    return _factors(b, swapped(b, x) if turned else x)[:2]


@lowers(aten._linalg_solve_ex.default)
def solve_ex(b, x, y, *, left=True, check_errors=False):
    if check_errors:
        raise LoweringError("a solution with an error that depends on values")
    lu, pivots, info = _factors(b, x)
    vector = y.rank == 1 or y.rank == x.rank - 1 and y.shape == x.shape[:-1]
    right = b.unsqueeze(y, y.rank) if vector else y
    solution = _solved(b, lu, pivots, right, left, False)
    return [b.reshape(solution, b.results[0].shape), lu, pivots, info]


def _sign_and_diagonal(b, lu, pivots):
    """The sign of the permutation, real, and the diagonal of U."""
    *batch, n, _ = lu.shape
    rank = len(batch)
    kind = real_type(lu.dtype)
    moved = b.compare(pivots, b.add(b.iota(pivots.shape, rank, "i32"), 1), "NE")
    odd = b.remainder(b.reduce_sum(b.convert(moved, "i32"), [rank]), 2)
    sign = b.subtract(1, b.multiply(b.convert(odd, kind), 2))
    on = b.compare(b.iota(lu.shape, rank, "i64"), b.iota(lu.shape, rank + 1, "i64"), "EQ")
    return sign, b.reduce_sum(b.select(on, lu, b.full_like(lu, 0)), [rank])


def _times_sign(b, x, sign):
    return b.multiply(x, b.complex(sign, b.full_like(sign, 0)) if is_complex(x.dtype) else sign)


@lowers(aten._linalg_det.default)
def det(b, x):
    lu, pivots = _factors_as_kept(b, x)
    sign, diagonal = _sign_and_diagonal(b, lu, pivots)
    return [_times_sign(b, b.reduce_product(diagonal, [diagonal.rank - 1]), sign), lu, pivots]


@lowers(aten._linalg_slogdet.default)
def slogdet(b, x):
    lu, pivots = _factors_as_kept(b, x)
    sign, diagonal = _sign_and_diagonal(b, lu, pivots)
    size = b.abs(diagonal)
    last = [diagonal.rank - 1]
    if is_complex(x.dtype):
        unit = b.select(b.compare(size, 0, "EQ"), b.full_like(diagonal, 0), b.divide(diagonal, b.complex(size, b.full_like(size, 0))))
    else:
        unit = b.sign(diagonal)
    return [_times_sign(b, b.reduce_product(unit, last), sign), b.reduce_sum(b.log(size), last), lu, pivots]


@lowers(aten.linalg_inv_ex.default)
def inv_ex(b, x, *, check_errors=False):
    if check_errors:
        raise LoweringError("an inverse with an error that depends on values")
    lu, pivots, info = _factors(b, x)
    rank = x.rank
    one = b.convert(b.compare(b.iota(x.shape, rank - 2, "i64"), b.iota(x.shape, rank - 1, "i64"), "EQ"), x.dtype)
    return [_solved(b, lu, pivots, one, True, False), info]


# --- Reflections -------------------------------------------------------------------------------------------------------


def _reflections(b, x):
    *batch, m, n = x.shape
    k = min(m, n)
    if x.size == 0:
        return x, b.constant(0, x.dtype, (*batch, k))
    return _lapack(b, "geqrf", [x], [(x.shape, x.dtype), ((*batch, k), x.dtype)])


def _orthogonal(b, x, tau):
    """The first columns of the product of reflections, as many as x has."""
    return _lapack(b, "ungqr" if is_complex(x.dtype) else "orgqr", [x, tau], [(x.shape, x.dtype)])[0]


@lowers(aten.geqrf.default)
def geqrf(b, x):
    return _reflections(b, x)


@lowers(aten.linalg_householder_product.default)
def householder_product(b, x, tau):
    return _orthogonal(b, x, tau) if x.size and tau.size else _eye_like(b, x)


def _eye_like(b, x):
    rank = x.rank
    return b.convert(b.compare(b.iota(x.shape, rank - 2, "i64"), b.iota(x.shape, rank - 1, "i64"), "EQ"), x.dtype)


@lowers(aten.linalg_qr.default)
def qr(b, x, mode="reduced"):
    m, n = x.shape[-2:]
    k = min(m, n)
    if x.size == 0:
        raise LoweringError("QR of nothing")
    packed, tau = _reflections(b, x)
    rows = m if mode == "complete" else k
    upper = _triangle(b, b.slice_dim(packed, -2, 0, rows), False)
    if mode == "r":
        return [b.constant(0, x.dtype, b.results[0].shape), upper]
    low = b.slice_dim(packed, -1, 0, k)
    if rows > k:
        low = b.pad(low, 0, [0] * x.rank, [0] * (x.rank - 1) + [rows - k])
    return [_orthogonal(b, low, tau), upper]
