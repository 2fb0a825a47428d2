"""The builder: every method's text is read and means what its description says, against PyTorch."""

import math

import pytest
import torch

from libpjrt import host
from libpjrt.torch import builder as text
from libpjrt.torch.builder import Builder, LoweringError
from libpjrt.torch.dtypes import TO_STABLEHLO
from libpjrt.torch.lowering import dense_strides


def run(build, *tensors):
    """The results of the program that build(b, *parameters) writes."""
    b = Builder()
    results = build(b, *[b.parameter(t.shape, TO_STABLEHLO[t.dtype]) for t in tensors])
    results = [results] if isinstance(results, text.Value) else list(results)
    executable = host.client().compile(b.finish(results), [(TO_STABLEHLO[t.dtype], tuple(t.shape)) for t in tensors],
                                       [(r.shape, dense_strides(r.shape)) for r in results], torch.Tensor)
    got = executable([t.contiguous() for t in tensors])
    return got[0] if len(got) == 1 else got


X = torch.arange(32.0).reshape(4, 8).sub(11).div(3)
I = torch.tensor([2, 0, 3, 3, 1, 2])
IMAGE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))

CASES = {
    "numbers": (lambda b, x: b.add(b.multiply(x, 2), 1.5), lambda x: x * 2 + 1.5, [X]),
    "broadcast": (lambda b, x: b.subtract(x, b.unsqueeze(b.reduce_sum(x, [-1]), 1)), lambda x: x - x.sum(1, keepdim=True), [X]),
    "clamp": (lambda b, x: b.clamp(-1, x, 2.5), lambda x: x.clamp(-1, 2.5), [X]),
    "select": (lambda b, x: b.select(b.compare(x, 0, "GT"), x, 1e-5), lambda x: torch.where(x > 0, x, 1e-5), [X]),
    "to bool": (lambda b, x: b.convert(x, "i1"), lambda x: x.bool(), [torch.tensor([0.0, 2.0, math.nan])]),
    "to int": (lambda b, x: b.convert(x, "i32"), lambda x: x.to(torch.int32), [X]),
    "infinite": (lambda b, x: b.is_infinite(x), torch.isinf, [torch.tensor([1.0, math.inf, -math.inf, math.nan])]),
    "erf": (lambda b, x: b.erf(x), torch.erf, [X]),
    "complex": (lambda b, x: b.abs(b.complex(x, b.negate(x))), lambda x: torch.complex(x, -x).abs(), [X]),
    "reshape": (lambda b, x: b.reshape(x, (2, -1)), lambda x: x.reshape(2, -1), [X]),
    "transpose": (lambda b, x: b.transpose(x, [-1, 0]), lambda x: x.t(), [X]),
    "concatenate": (lambda b, x: b.concatenate([x, x], -1), lambda x: torch.cat([x, x], -1), [X]),
    "slice": (lambda b, x: b.slice_dim(x, -1, 1, 8, 3), lambda x: x[:, 1:8:3], [X]),
    "pad": (lambda b, x: b.pad(x, 7, [0, 1], [1, -1]), lambda x: torch.nn.functional.pad(x, (1, -1, 0, 1), value=7), [X]),
    "reverse": (lambda b, x: b.reverse(x, [-1]), lambda x: x.flip(-1), [X]),
    "dynamic slice": (lambda b, x, i: b.dynamic_slice(x, [b.reshape(b.slice(i, [0], [1]), ()), b.constant(3, "i64")], (2, 4)),
                      lambda x, i: x[2:4, 3:7], [X, I]),
    "gather": (lambda b, x, i: b.gather(x, b.unsqueeze(i, 1), offset_dims=[1], collapsed_slice_dims=[0], start_index_map=[0],
                                        index_vector_dim=1, slice_sizes=[1, 8]), lambda x, i: x[i], [X, I]),
    "scatter": (lambda b, x, i: b.scatter(x, b.unsqueeze(i, 1), b.constant(1, "f32", (6, 8)), lambda b, old, new: b.add(old, new),
                                          update_window_dims=[1], inserted_window_dims=[0], scatter_dims_to_operand_dims=[0],
                                          index_vector_dim=1),
                lambda x, i: x.index_add(0, i, torch.ones(6, 8)), [X, I]),
    "reduce max": (lambda b, x: b.reduce_max(x, [0]), lambda x: x.amax(0), [X]),
    "reduce": (lambda b, x: b.reduce([x], [1.0], [1], lambda b, a, c: b.add(a, b.multiply(c, c)))[0], lambda x: x.square().sum(1) + 1, [X]),
    "reduce and": (lambda b, x: b.reduce_and(b.compare(x, 0, "LT"), [1]), lambda x: (x < 0).all(1), [X]),
    "window": (lambda b, x: b.reduce_window([x], [-math.inf], lambda b, a, c: b.maximum(a, c), window=[1, 1, 3, 3], strides=[1, 1, 2, 2],
                                            padding=[(0, 0), (0, 0), (1, 1), (1, 1)])[0],
               lambda x: torch.nn.functional.max_pool2d(x, 3, 2, 1), [IMAGE]),
    "sort": (lambda b, x: b.sort([b.negate(x), b.iota(x.shape, 1, "i64")], 1, lambda b, x0, x1, i0, i1: b.compare(x0, x1, "LT")),
             lambda x: (-x).sort(1), [X]),
    "dot": (lambda b, x: b.dot_general(x, x, ([1], [1])), lambda x: x @ x.t(), [X]),
    "batched dot": (lambda b, x: b.dot_general(x, x, ([-2], [-2]), ([0, 1], [0, 1])), lambda x: x.transpose(2, 3) @ x, [IMAGE]),
    "convolution": (lambda b, x: b.convolution(x, b.slice(x, [0, 0, 0, 0], [2, 3, 3, 3]), strides=[2, 1], padding=[(1, 1), (0, 0)]),
                    lambda x: torch.conv2d(x, x[:, :, :3, :3], stride=(2, 1), padding=(1, 0)), [IMAGE]),
    "layouts": (lambda b, x: b.convolution(b.transpose(x, [2, 3, 0, 1]), b.transpose(b.slice(x, [0, 0, 0, 0], [2, 3, 3, 3]), [1, 2, 3, 0]),
                                           strides=[1, 1], padding=[(0, 0), (0, 0)], x_dims=(2, 3, 0, 1), w_dims=(3, 0, 1, 2), out_dims=(0, 3, 1, 2)),
                lambda x: torch.conv2d(x, x[:, :, :3, :3]).permute(0, 2, 3, 1), [IMAGE]),
    "solve": (lambda b, x: b.triangular_solve(b.cholesky(x), x), lambda x: torch.linalg.solve_triangular(torch.linalg.cholesky(x), x, upper=False),
              [torch.eye(3) * 4 + 1]),
    "fft": (lambda b, x: b.abs(b.fft(x, "RFFT", [8])), lambda x: torch.fft.rfft(x).abs(), [X]),
    "while": (lambda b, x: b.while_loop([b.constant(0, "i32"), x], lambda b, i, v: b.compare(i, 3, "LT"),
                                        lambda b, i, v: (b.add(i, 1), b.tanh(v)))[1], lambda x: x.tanh().tanh().tanh(), [X]),
    "if": (lambda b, x: b.if_else(b.reshape(b.slice(b.compare(x, 0, "LT"), [0, 0], [1, 1]), ()), lambda b: b.negate(x), lambda b: x)[0],
           lambda x: -x, [X]),
    "bits": (lambda b, x: b.bitcast_convert(x, "i32"), lambda x: x.view(torch.int32), [X]),
}


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    build, expected, tensors = CASES[name]
    got, want = run(build, *tensors), expected(*tensors)
    for g, w in zip(got if isinstance(got, list) else [got], want if isinstance(want, tuple) else [want]):
        torch.testing.assert_close(g, w.contiguous(), equal_nan=True)


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_float_literals(dtype):
    numbers = [0.1, -0.0, 1e-30, 1.5e300, -math.inf, math.nan, 3e38, 65520.0, 1e22]
    got = run(lambda b: [b.constant_list(numbers, dtype)])
    want = torch.tensor(numbers, dtype=torch.float64).to({v: k for k, v in TO_STABLEHLO.items()}[dtype])
    torch.testing.assert_close(got, want, rtol=0, atol=0, equal_nan=True)


def test_integers_wrap():
    assert run(lambda b: [b.constant_list([-1, 128, 256, -129], "i8")]).tolist() == [-1, -128, 0, 127]
    assert run(lambda b: [b.constant_list([-1, 256, 300], "ui8")]).tolist() == [255, 0, 44]


def test_constants_are_written_once():
    b = Builder()
    x = b.parameter((3,), "f32")
    b.finish([b.add(b.add(x, 2), 2)])
    assert sum("constant" in line for line in b._lines) == 1


def test_what_does_not_fit_is_refused():
    b = Builder()
    x, i = b.parameter((3,), "f32"), b.parameter((3,), "i32")
    for wrong in (lambda: b.add(x, i), lambda: b.add(x, b.parameter((2,), "f32")), lambda: b.reshape(x, (4,)), lambda: b.add(1, 2),
                  lambda: b.broadcast_to(x, (2,)), lambda: b.dot_general(x, i, ([0], [0])), lambda: b.random_bits((2,))):
        with pytest.raises(LoweringError):
            wrong()
