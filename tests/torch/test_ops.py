"""Lowerings where ATen's letter matters: rounding, division modes, NaN, ties, negative indices, nothing and 0 dimensions.

Each case is a function and its arguments, compiled (behind Dynamo, which only costs time here) and compared with eager."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch._functorch.aot_autograd import aot_function

from libpjrt.torch import backend, lowering

NAN, INF = math.nan, math.inf


@pytest.fixture
def same(monkeypatch):
    """same(function, *arguments): compiled whole, the results are eager's, NaN and types included."""
    eager = {}
    monkeypatch.setattr(lowering, "_tell", lambda nodes: eager.update({str(n.target): why for n, why in nodes.items() if why}))

    def check(function, *arguments, **tolerance):
        run = aot_function(function, fw_compiler=backend._compile_graph, bw_compiler=backend._compile_graph,
                           inference_compiler=backend._compile_graph, decompositions=backend.decompositions())
        got, want = run(*arguments), function(*arguments)
        assert not eager
        torch.testing.assert_close(got, want, equal_nan=True, **tolerance)
    return check


def t(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype)


FLOATS = t(-7.5, -2.0, -0.5, -0.0, 0.0, 0.5, 2.5, 3.5, INF, -INF, NAN)
DIVISORS = t(2.0, -3.0, 0.25, 1.0, -1.0, 0.0, 2.5, -2.0, 3.0, 2.0, 1.0)
INTS = t(-7, -6, -1, 0, 1, 6, 7, dtype=torch.int64)


@pytest.mark.parametrize("mode", [None, "trunc", "floor"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_division_of_floats(same, mode, dtype):
    same(lambda x, y: torch.div(x, y, rounding_mode=mode), FLOATS.to(dtype), DIVISORS.to(dtype))


@pytest.mark.parametrize("mode", [None, "trunc", "floor"])
@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64, torch.uint8])
@pytest.mark.parametrize("divisor", [2, -3])
def test_division_of_integers(same, mode, dtype, divisor):
    if dtype == torch.uint8:
        divisor = abs(divisor)
    same(lambda x: torch.div(x, divisor, rounding_mode=mode), INTS.to(dtype))


@pytest.mark.parametrize("function", [torch.remainder, torch.fmod])
def test_remainders(same, function):
    same(function, FLOATS, DIVISORS)
    for divisor in (4, -4):
        same(lambda x, d=divisor: function(x, d), INTS)


def test_floor_division_agrees_with_the_remainder(same):
    # 0.9999999 / 0.1 rounds to 10: the quotient of the remainder is 9.
    same(lambda x, y: (torch.floor_divide(x, y), torch.remainder(x, y)), t(1.0, 0.3, -1.0), t(0.1, 0.1, 0.1))


@pytest.mark.parametrize("function", [torch.round, torch.trunc, torch.floor, torch.ceil, torch.frac, torch.sign, torch.signbit])
def test_rounding(same, function):
    same(function, FLOATS)
    same(lambda x: function(x) if function not in (torch.frac,) else x, INTS)


@pytest.mark.parametrize("function", [torch.maximum, torch.minimum, torch.fmax, torch.fmin, torch.copysign, torch.hypot, torch.atan2])
def test_nan_in_pairs(same, function):
    same(function, FLOATS, FLOATS.flip(0))


def test_clamp_with_crossing_bounds(same):
    same(lambda x: torch.clamp(x, 2.0, -1.0), FLOATS)
    same(lambda x, lo: torch.clamp(x, lo, None), FLOATS, FLOATS.flip(0))


@pytest.mark.parametrize("dtypes", [(torch.int32, torch.float16), (torch.uint8, torch.int8), (torch.bool, torch.int64),
                                    (torch.float16, torch.bfloat16), (torch.int64, torch.float32), (torch.float32, torch.complex64)])
def test_promotion(same, dtypes):
    x, y = torch.ones(3).to(dtypes[0]), torch.full((3,), 2).to(dtypes[1])
    same(lambda x, y: (x + y, x * y, x == y), x, y)
    same(lambda x, y: (x + y[0], x[0] * y, x == y[0]), x, y)  # 0-dimensional: of the same category they do not count


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_numbers_are_not_rounded_to_16_bits(same, dtype):
    x = torch.linspace(-3, 3, 50).to(dtype)
    same(lambda x: (x * math.log(2), x / 3.14159), x, rtol=0, atol=0)
    same(lambda x, y: (x * y, x / y), x, torch.tensor(math.log(2)), rtol=0, atol=0)


def test_numbers_do_not_widen(same):
    x = torch.ones(3, dtype=torch.float16)
    same(lambda x: (x + 1e-3, x * 3, x > 0.9999), x)
    same(lambda x: (x + 2.5, x * True, x // 2), torch.arange(3, dtype=torch.uint8))


@pytest.mark.parametrize("source", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("target", [torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool, torch.float16, torch.complex64])
def test_conversions(same, source, target):
    same(lambda x: x.to(target), t(-3.9, -0.5, 0.0, 0.5, 3.9, 250.7, -200.2).to(source))


def test_integer_powers(same):
    same(lambda x: (x ** 2, x ** 3, x ** 0), INTS)
    same(lambda x, y: x ** y, t(2, -1, 1, 3, -2, dtype=torch.int64), t(-1, -3, -2, 2, 3, dtype=torch.int64))


def test_shifts_past_the_width(same):
    x = t(-5, 5, 127, -128, dtype=torch.int8)
    for by in (0, 1, 7, 9):
        same(lambda x, by=by: (x << by, x >> by), x)


@pytest.mark.parametrize("dim", [0, 1, -1, None])
def test_reductions_of_nan_and_ties(same, dim):
    x = torch.tensor([[1.0, NAN, 3.0, 3.0], [5.0, 5.0, -INF, 2.0], [-0.0, 0.0, NAN, NAN]])
    if dim is None:
        same(lambda x: (x.argmax(), x.argmin(), x.amax(), x.max(), x.nansum()), x)
    else:
        same(lambda x: (*x.max(dim), *x.min(dim), x.argmax(dim, keepdim=True), x.amin(dim)), x)
        same(lambda x: (*torch.cummax(x, dim), *torch.cummin(x, dim), x.cumsum(dim), x.cumprod(dim)), x)


def test_sort_puts_nan_last_and_is_stable(same):
    x = torch.tensor([[NAN, 1.0, -0.0, 0.0, -INF, 1.0, -NAN, INF]])
    for descending in (False, True):
        same(lambda x, d=descending: torch.sort(x, dim=1, descending=d, stable=True), x)
    same(lambda x: x.topk(3), t(3, 1, 2, 5, 4))
    same(lambda x: torch.median(x, 0), torch.tensor([[4.0, NAN], [1.0, 2.0], [3.0, 0.0], [2.0, 1.0]]))
    same(lambda x: torch.nanmedian(x, 0), torch.tensor([[4.0, NAN], [1.0, 2.0], [3.0, 0.0], [2.0, 1.0]]))


def test_zero_dimensions(same):
    x = torch.tensor(2.5)
    same(lambda x: (x.sum(0), x.mean(), x.softmax(0), x.cumsum(0), x.flip(0), x.unsqueeze(0), x.squeeze(0), x.expand(2, 3)), x)
    same(lambda x, i: (*x.sort(), *x.max(0), x.gather(0, i), x.index_select(0, i.reshape(1))), x, torch.tensor(0))


def test_nothing(same):
    x = torch.zeros(0, 3)
    same(lambda x: (x.sum(), x.sum(0), x.prod(1), x.mean(0), x.cumsum(0), x @ x.T, x.T @ x, x.flip(0), x[:, 1], torch.cat([x, x])), x)
    same(lambda x: (x.var(0), x.any(), x.all(0), x.softmax(0), x.sort(0)[1]), x)
    same(lambda x: F.layer_norm(x, (3,)), x)


def test_indices_from_the_end(same):
    x = torch.arange(24.0).reshape(4, 6)
    i, j = torch.tensor([[-1, 0], [2, -4]]), torch.tensor([-1, 3])
    same(lambda x, i, j: (x[i], x[:, j], x[i, j], x[..., None, j], x.index_select(-1, j % 6)), x, i, j)
    same(lambda x, i, j: (x.index_put((i, j), x[3, 3]), x.index_put((i,), x[0], accumulate=True)), x, i, j)
    y = torch.arange(120.0).reshape(2, 3, 4, 5)
    i, j = torch.tensor([1, 0]), torch.tensor([2, -1])
    same(lambda y, i, j: (y[i, :, j], y[:, i, j]), y, i, j)


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(same, reduce, include_self):
    x = torch.arange(1.0, 13.0).reshape(3, 4)
    index, source = torch.tensor([[0, 1, 1], [3, 3, 3]]), torch.tensor([[5.0, -6.0, 7.0], [1.0, 2.0, 3.0]])
    for v in (torch.float32, torch.int64):
        same(lambda x, i, s: x.scatter_reduce(1, i, s, reduce=reduce, include_self=include_self), x.to(v), index, source.to(v))


def test_views_of_memory(same):
    x = torch.arange(24.0).reshape(4, 6)
    same(lambda x: (x.as_strided((3, 3), (6, 1), 2), x.as_strided((2, 2), (1, 2))), x)
    same(lambda x: x.as_strided((3, 3), (6, 1)), x.t())  # the places are those of the memory, not of the rows of x.t()
    same(lambda x: torch.as_strided_scatter(x, torch.ones(2, 2), (2, 2), (6, 2), 1), x)


@pytest.mark.parametrize("arguments", [dict(kernel_size=3, stride=2, padding=1), dict(kernel_size=2, ceil_mode=True),
                                       dict(kernel_size=3, stride=1, dilation=2, padding=1), dict(kernel_size=9, stride=3, padding=4)])
def test_max_pool(same, arguments):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 11, 13).round()  # with many ties
    x[0, 0, 3, 4] = NAN
    x[1, 2] = -INF
    same(lambda x: F.max_pool2d(x, return_indices=True, **arguments), x)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolution_and_its_gradients(same, groups, transposed):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 9, 8, requires_grad=True)
    w = torch.randn(4, 6 // groups if transposed else 4 // groups, 3, 2, requires_grad=True)
    bias = torch.randn(w.shape[1] * groups if transposed else 4, requires_grad=True)

    def function(x, w, bias):
        how = dict(stride=(2, 3), padding=(1, 2), dilation=(2, 1), groups=groups)
        y = F.conv_transpose2d(x, w, bias, output_padding=(1, 0), **how) if transposed else F.conv2d(x, w, bias, **how)
        return (y, *torch.autograd.grad((y * y).sum(), (x, w, bias)))
    run = aot_function(lambda x, w, b: F.conv_transpose2d(x, w, b, stride=(2, 3), padding=(1, 2), dilation=(2, 1), groups=groups,
                                                          output_padding=(1, 0)) if transposed else
                       F.conv2d(x, w, b, stride=(2, 3), padding=(1, 2), dilation=(2, 1), groups=groups),
                       fw_compiler=backend._compile_graph, bw_compiler=backend._compile_graph, decompositions=backend.decompositions())
    y = run(x, w, bias)
    got = (y, *torch.autograd.grad((y * y).sum(), (x, w, bias)))
    torch.testing.assert_close(got, function(x, w, bias), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(7, 5), (3, 20)])
def test_upsampling(same, mode, size):
    torch.manual_seed(0)
    x = torch.randn(1, 2, 6, 9)
    same(lambda x: F.interpolate(x, size=size, mode=mode), x, rtol=1e-5, atol=1e-5)
    if mode in ("bilinear", "bicubic"):
        same(lambda x: F.interpolate(x, size=size, mode=mode, align_corners=True), x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mask", [None, "bool", "float", "causal"])
def test_attention(same, mask):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 5, 8) for _ in range(3))
    given = {"bool": torch.rand(5, 5) > 0.3, "float": torch.randn(2, 1, 5, 5)}.get(mask)
    more = [] if given is None else [given]
    same(lambda q, k, v, *m: F.scaled_dot_product_attention(q, k, v, *m, is_causal=mask == "causal"), q, k, v, *more, rtol=1e-5, atol=1e-5)


def test_top_k(same):
    x = torch.tensor([[1.0, NAN, 3.0, -5.0, INF, 0.5, -INF], [4.0, 3.0, 9.0, 1.0, 2.0, 8.0, 7.0]])
    for largest in (True, False):
        same(lambda x, g=largest: x.topk(4, 1, largest=g), x)
        same(lambda x, g=largest: x.topk(1, 0, largest=g)[0], x)
        same(lambda x, g=largest: x.topk(3, 0, largest=g), t(-128, 127, 3, -7, dtype=torch.int8))


def test_grids_of_indices(same):
    x = torch.arange(60.0).reshape(3, 4, 5)
    same(lambda x, i, j: (x[:, i[:, None], j], x[i[:, None], j % 4], x[i[:, None, None], j[:, None] % 4, i]), x,
         torch.tensor([2, -1, 0]), torch.tensor([4, 0, -2, 1]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("transposed", [False, True])
def test_linear_algebra(same, dtype, transposed):
    torch.manual_seed(0)
    a, y = torch.randn(2, 4, 4, dtype=dtype), torch.randn(2, 4, 3, dtype=dtype)
    a = a.mT if transposed else a
    same(lambda a, y: (*torch.linalg.solve_ex(a, y), *torch.linalg.inv_ex(a), torch.linalg.det(a), *torch.linalg.slogdet(a)), a, y)
    same(lambda a: (*torch.linalg.lu(a), *torch.linalg.qr(a[..., :3]), *torch.linalg.qr(a[..., :3], mode="complete")), a)
    same(lambda a, y: torch.linalg.lu_solve(*torch.linalg.lu_factor_ex(a)[:2], y.mT, left=False, adjoint=True), a, y)


def test_zeta_at_its_edges(same):
    same(torch.special.zeta, t(2.0, 2.0, 3.0, 1.0, 0.5, 2.5), t(0.0, -1.0, -2.0, 2.0, 2.0, 1.5))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("padding", [None, 2])
def test_bags(same, mode, last, padding):
    weight = torch.randn(6, 4, generator=torch.Generator().manual_seed(3))
    indices, offsets = t(0, 2, 5, 2, 1, 1, 3, dtype=torch.int64), t(0, 3, 3, 5, *([7] if last else []), dtype=torch.int64)

    def bag(w, indices, offsets):
        return F.embedding_bag(indices, w, offsets, mode=mode, include_last_offset=last, padding_idx=padding)

    same(bag, weight, indices, offsets)
    compiled = aot_function(bag, fw_compiler=backend._compile_graph, bw_compiler=backend._compile_graph, decompositions=backend.decompositions())
    grads = []
    for function in (compiled, bag):
        w = weight.clone().requires_grad_()
        (function(w, indices, offsets) * torch.arange(16.0).reshape(4, 4)).sum().backward()
        grads.append(w.grad)
    torch.testing.assert_close(*grads)


def test_bags_with_weights(same):
    def bag(w, s, indices, offsets):
        return F.embedding_bag(indices, w, offsets, mode="sum", per_sample_weights=s)

    arguments = t(0, 2, 5, 2, 1, dtype=torch.int64), t(0, 3, dtype=torch.int64)
    w, s = torch.randn(6, 4), torch.randn(5)
    same(bag, w, s, *arguments)
    compiled = aot_function(bag, fw_compiler=backend._compile_graph, bw_compiler=backend._compile_graph, decompositions=backend.decompositions())
    grads = []
    for function in (compiled, bag):
        a, b = w.clone().requires_grad_(), s.clone().requires_grad_()
        function(a, b, *arguments).square().sum().backward()
        grads.append((a.grad, b.grad))
    torch.testing.assert_close(*grads)
    same(lambda w, i, o: F.embedding_bag(i, w, o, mode="max"), w, arguments[0][:0], arguments[1][:1])


def test_scatter_along(same):
    x, source = torch.randn(4, 3, 5), torch.randn(4, 3, 5)
    for dim in range(3):
        index = torch.randint(0, x.shape[dim], (4, 3, 5))
        same(lambda x, i, s, d=dim: (x.scatter_add(d, i, s), x.scatter(d, i[:2, :, :3], 7.0), x.scatter_reduce(d, i, s, "amax")), x, index, source)


def test_scatter_drops_what_is_out_of_range(same):
    """Also where an index has the low bits of one that is inside."""
    run = aot_function(lambda x, i, s: x.scatter_add(1, i, s), fw_compiler=backend._compile_graph, inference_compiler=backend._compile_graph,
                       decompositions=backend.decompositions())
    index = torch.tensor([[0, 3, (1 << 32) + 1], [-(1 << 32), 2, -9]])
    got = run(torch.zeros(2, 4), index, torch.ones(2, 3))
    assert got.tolist() == [[1, 0, 0, 1], [0, 0, 1, 0]]
