"""What the peers torch and inductor run: PyTorch's way to write the programs of the same name, as its users would.

Arguments are the program's own, as tensors. Results are compared with XLA's, so their order and shapes are the program's.
"""

import math

import torch
import torch.nn.functional as F

PROGRAMS = {}
# Python loops that torch.compile would unroll for minutes.
EAGER_ONLY = set()


def known(*names, eager_only=False):
    def wrap(function):
        for name in names:
            assert name not in PROGRAMS, name
            PROGRAMS[name] = function
            if eager_only:
                EAGER_ONLY.add(name)
        return function
    return wrap


def gelu(x):
    return F.gelu(x, approximate="tanh")


def gradients(function, *wanted):
    """The gradients of a scalar function for the arguments numbered |wanted|."""
    def run(*arguments):
        with torch.enable_grad():
            arguments = [a.detach().requires_grad_(i in wanted) if a.is_floating_point() else a for i, a in enumerate(arguments)]
            result = torch.autograd.grad(function(*arguments), [arguments[i] for i in wanted])
        return result[0] if len(result) == 1 else result
    return run


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def oihw(w):
    return w.permute(3, 2, 0, 1)


# Calls.
known("x + 1, scalar", "x + 1, 1,024 elements")(lambda x: x + 1)
known("20 arguments of 8 floats, each + 1")(lambda *xs: [x + 1 for x in xs])
known("100 results of 8 floats")(lambda x: [x + i for i in range(100)])
known("small softmax, 8x16", "softmax, 2048x2048", "softmax of short rows, 65536x32", "softmax of long rows, 16x131072",
      "softmax, bf16, 2048x2048")(lambda x: torch.softmax(x, -1))

# Elementwise.
known("a + b, 4 Mi", "a + b, bf16, 4 Mi", "matrix + row, 2048x2048")(lambda a, b: a + b)
known("matrix + column, 2048x2048")(lambda x, b: x * 2 + b)
known("a b + c, f16, 4 Mi", "a b + c, f64, 1 Mi", "a b + c, i32, 4 Mi")(lambda a, b, c: a * b + c)


@known("4 gelu, 4 Mi")
def four_gelus(x):
    for _ in range(4):
        x = gelu(x) + 0.1 * x
    return x


known("exp sin log1p tanh erf, 4 Mi")(
    lambda x: torch.exp(-x * x) * torch.sin(x) + torch.log1p(torch.abs(x)) + torch.tanh(x) * torch.erf(x))
known("silu(x) y, bf16, 4 Mi")(lambda x, y: F.silu(x) * y)
known("exp log, f64, 1 Mi")(lambda x: torch.exp(-x) + torch.log(x))
known("sin cos, f64, 1 Mi")(lambda x: torch.sin(3 * x) * torch.cos(x))
known("div rem, i32, 1 Mi")(lambda a, b: a // b + a % b)
known("comparisons and or not, 4 Mi")(lambda a, b: (a < b) & ~(a > 0.5) | (b != b))
known("bias + relu, NHWC 8x56x56x64")(lambda x, b: F.relu(x + b))
known("outer sum, 2048 + 2048")(lambda a, b: a[:, None] + b[None])
known("where, clip, 4 Mi")(lambda x, y: torch.where(x > 0, torch.clip(y, -1, 1), 0.1 * x))
known("gelu (exact), 1 Mi")(F.gelu)
known("gelu, bf16, 4 Mi")(gelu)
known("sigmoid, 1 Mi")(torch.sigmoid)
known("softplus, log_sigmoid, 1 Mi")(lambda x: F.softplus(x) - F.logsigmoid(x))
known("tanh, 4 Mi")(torch.tanh)
known("sin, 4 Mi")(lambda x: torch.sin(10 * x))
known("power, 1 Mi")(torch.pow)
known("atan2 hypot, 1 Mi")(lambda y, x: (torch.atan2(y, x), torch.hypot(y, x)))
known("erf_inv, 1 Mi")(torch.erfinv)
known("lgamma digamma, 256 Ki")(lambda x: torch.lgamma(x) + torch.digamma(x))
known("complex multiply, abs, 1 Mi")(lambda a, b: torch.abs(a * b + torch.conj(a)))
known("complex exp, 1 Mi")(lambda x: torch.exp(1j * x))


@known("black-scholes, 1 Mi")
def black_scholes(price, strike, years):
    rate, vol = 0.02, 0.3
    root = vol * torch.sqrt(years)
    d1 = (torch.log(price / strike) + (rate + vol * vol / 2) * years) / root
    discounted = strike * torch.exp(-rate * years)
    call = price * torch.special.ndtr(d1) - discounted * torch.special.ndtr(d1 - root)
    return call, call - price + discounted


@known("adam update, 4 Mi")
def adam(parameter, gradient, first, second):
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * gradient * gradient
    return parameter - 1e-3 * first / (torch.sqrt(second) + 1e-8), first, second


@known("polynomial of degree 12, 4 Mi")
def horner(x):
    total = torch.full_like(x, 0.3)
    for i in range(12):
        total = total * x + (0.7 - 0.1 * i)
    return total


@known("40 ops, 1,024 elements", "40 ops, 4 Mi")
def chain(x):
    for i in range(10):
        x = torch.maximum(x * 1.01 + 0.1 * i, -x) - 0.05
    return x


known("f32 to bf16, 4 Mi")(lambda x: x.to(torch.bfloat16))
known("bf16 to f32 scaled, 4 Mi")(lambda x: x.float() * 0.5)
known("u8 to f32 normalised, 224x224x3x16")(lambda x: (x.float() / 255 - 0.45) / 0.22)
known("f32 to i32 round, 4 Mi")(lambda x: torch.round(x * 100).to(torch.int32))
known("dequantize i8, 4 Mi")(lambda x, s: (x.float() * s).to(torch.bfloat16))
known("rotary embedding, 2x512x12x64")(
    lambda x, c, s: torch.cat([x[..., :32] * c - x[..., 32:] * s, x[..., 32:] * c + x[..., :32] * s], -1))

# Reductions.
known("sum, 8 Mi", "sum, bf16, 4 Mi", "sum, f64, 4 Mi")(torch.sum)
known("sum, i32, 4 Mi")(lambda x: x.sum(dtype=torch.int32))
known("sum of rows, 2048x2048", "sum of the middle axis, 64x512x128", "sum of short rows, 262144x16", "sum of long rows, 8x1048576",
      "sum of rows, bf16, 2048x2048")(lambda x: x.sum(1))
known("sum of columns, 2048x2048", "sum of tall columns, 262144x16")(lambda x: x.sum(0))
known("sum of outer and inner, 64x512x128")(lambda x: x.sum((0, 2)))
known("argmax of rows, 2048x2048")(lambda x: torch.argmax(x, 1).to(torch.int32))
known("argmin of columns, 2048x2048")(lambda x: torch.argmin(x, 0).to(torch.int32))
known("argmax, 4 Mi")(lambda x: torch.argmax(x).to(torch.int32))
known("max, 8 Mi")(torch.max)
known("min and max, 4 Mi")(lambda x: tuple(torch.aminmax(x)))
known("mean and variance, 4 Mi")(lambda x: (x.mean(), x.var(correction=0)))
known("product of rows, 2048x512")(lambda x: x.prod(1))
known("any and all, 8 Mi")(lambda x: (x.any(), (~x).all(1).any()))
known("count above, 4 Mi")(lambda x: (x > 0.3).sum(dtype=torch.int32))
known("dot of vectors, 4 Mi")(torch.dot)
known("norm, 4 Mi")(torch.linalg.vector_norm)
known("mean squared error, 2048x2048")(F.mse_loss)
known("sum of exp, 4 Mi")(lambda x: torch.exp(x).sum())
known("logsumexp of rows, 1024x4096")(lambda x: torch.logsumexp(x, 1))
known("logsumexp of columns, 4096x1024")(lambda x: torch.logsumexp(x, 0))
known("pairwise distances, 512x512x64")(lambda a, b: torch.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)))

# Normalisations.
known("softmax of columns, 2048x1024")(lambda x: torch.softmax(x, 0))
known("causal softmax, 24x512x512")(
    lambda x: torch.softmax(torch.where(torch.ones(512, 512, dtype=torch.bool).tril(), x, torch.tensor(-1e30)), -1))
known("log_softmax, 512x10000")(lambda x: torch.log_softmax(x, -1))
known("cross entropy, 512x10000")(lambda x, labels: F.cross_entropy(x, labels.long()))
known("gradient of cross entropy, 512x10000")(gradients(lambda x, labels: F.cross_entropy(x, labels.long()), 0))
known("layer norm, 4096x768")(lambda x: F.layer_norm(x, x.shape[-1:], eps=1e-5))
known("add and layer norm, 4096x768")(lambda x, y: F.layer_norm(x + y, x.shape[-1:], eps=1e-5))
known("layer norm with scale, 4096x768")(lambda x, s, b: F.layer_norm(x, x.shape[-1:], s, b, 1e-5))
known("gradient of layer norm, 2048x768")(
    gradients(lambda x, s, b: (F.layer_norm(x, x.shape[-1:], s, b, 1e-5) ** 2).sum(), 0, 1, 2))
known("rms norm, bf16, 4096x1024")(lambda x, s: F.rms_norm(x, x.shape[-1:], s, 1e-6))


@known("batch norm, NHWC 32x28x28x128")
def batch_norm(x, scale, shift):
    y = F.batch_norm(nchw(x), None, None, scale, shift, training=True, eps=1e-5)
    return nhwc(y), x.mean((0, 1, 2)), x.var((0, 1, 2), correction=0)


known("group norm, 8x32x32x64")(lambda x: nhwc(F.group_norm(nchw(x), 8, eps=1e-5)))
known("unit rows, 65536x64")(lambda x: x / torch.linalg.vector_norm(x, dim=1, keepdim=True))

# Movement.
known("transpose, 2048x2048", "transpose, bf16, 2048x2048", "transpose, u8, 2048x2048")(lambda x: x.T.contiguous())
known("transpose NHWC to NCHW, 8x56x56x64")(lambda x: nchw(x).contiguous())
known("transpose heads, 8x512x12x64")(lambda x: x.transpose(1, 2).contiguous())
known("transpose and add, 2048x2048")(lambda x: x + x.T)
known("gather of 8,192 rows of 256", "embedding, bf16, 4096 of 50257x384", "gather of elements, 1 Mi")(lambda x, i: x[i])
known("take_along_axis, 1024x1024")(lambda x, i: torch.gather(x, 1, i.long()))
known("lookup in a table of 256, 4 Mi u8")(lambda t, x: t[x.int()])
known("concatenate of 4, rows")(lambda *xs: torch.cat(xs))
known("concatenate of 4, columns")(lambda *xs: torch.cat(xs, 1))
known("stack of 8 vectors, 256 Ki")(lambda *xs: torch.stack(xs, 1))
known("split and swap, 2048x2048")(lambda x: torch.cat(torch.split(x, 1024, 1)[::-1], 1))
known("pad, 8x56x56x64")(lambda x: F.pad(x, (0, 0, 1, 1, 1, 1)))
known("slice, 2048x2048")(lambda x: x[3:2000, 5:2005].contiguous())
known("strided slice, 2048x2048")(lambda x: x[::2, ::3].contiguous())
known("reverse rows, 2048x2048")(lambda x: torch.flip(x, (1,)))
known("reverse both, 2048x2048")(lambda x: torch.flip(x, (0, 1)) * 2)
known("roll, 2048x2048")(lambda x: torch.roll(x, (5, 7), (0, 1)))


@known("sum of 4 rolls, 2048x2048")
def rolls(x):
    return torch.roll(x, 1, 0) + torch.roll(x, -1, 0) + torch.roll(x, 1, 1) + torch.roll(x, -1, 1) - 4 * x


known("dynamic update of a copy, 4096x512")(lambda x, u, i: torch.slice_scatter(x, u, 0, 777, 777 + 64))
known("tile, 256x256 by 8x8")(lambda x: x.repeat(8, 8))
known("repeat each 4 times, 1 Mi")(lambda x: torch.repeat_interleave(x, 4))
known("one-hot, 8192 of 1000")(lambda i: F.one_hot(i.long(), 1000).float())
known("iota causal mask, 24x512x512")(torch.tril)
known("triangle, 2048x2048")(lambda x: torch.tril(x) + torch.triu(x, 1).T)
known("space to depth, 8x112x112x16")(
    lambda x: x.reshape(8, 56, 2, 56, 2, 16).permute(0, 1, 3, 2, 4, 5).reshape(8, 56, 56, 64))
known("patches 3x3 by slices, 8x56x56x16")(lambda x: torch.cat([x[:, i:54 + i, j:54 + j] for i in range(3) for j in range(3)], -1))
known("upsample nearest x2, 8x56x56x32")(lambda x: x.repeat_interleave(2, 1).repeat_interleave(2, 2))

# Loops.


@known("heat stencil 512x512, 100 steps", eager_only=True)
def heat(x):
    for _ in range(100):
        x = x + 0.1 * rolls(x)
    return x


@known("game of life 512x512, 50 steps", eager_only=True)
def life(x):
    for _ in range(50):
        n = sum(torch.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
        x = ((n == 3) | ((x == 1) & (n == 2))).int()
    return x


@known("n-body 64, 100 steps", eager_only=True)
def n_body(p, v, m):
    for _ in range(100):
        d = p[None] - p[:, None]
        r2 = (d * d).sum(-1) + 0.1
        v = v + 1e-3 * (d * (m * torch.rsqrt(r2) / r2)[..., None]).sum(1)
        p = p + 1e-3 * v
    return p, v


@known("mandelbrot 512x512, 50 steps", eager_only=True)
def mandelbrot(c):
    z, n = torch.zeros_like(c), torch.zeros(c.shape, dtype=torch.int32)
    for _ in range(50):
        inside = torch.abs(z) < 2
        z, n = torch.where(inside, z * z + c, z), n + inside
    return n


@known("RNN 32x128, 100 steps", "RNN 1x32, 1,000 steps", eager_only=True)
def rnn(w, u, state, xs):
    states = []
    for x in xs:
        state = torch.tanh(state @ w + x @ u)
        states.append(state)
    return state, torch.stack(states)


@known("LSTM 8x64, 100 steps", eager_only=True)
def lstm(w, u, h, xs):
    c, states = h, []
    for x in xs:
        i, f, g, o = torch.split(h @ w + x @ u, 64, -1)
        c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return h, c, torch.stack(states)


@known("bisection of 16 Ki, 40 steps", eager_only=True)
def bisection(target):
    low, high = torch.zeros_like(target), torch.full_like(target, 3.0)
    for _ in range(40):
        middle = (low + high) / 2
        below = middle * torch.exp(middle) < target
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return low


# Contractions.
known("matmul 1024x1024x1024", "matmul 1024x1024x1024, bf16", "matmul 512x512x512, f64", "matmul 512x512x512, f16",
      "matmul 256x256x256, complex", "matmul of 256 batches of 64x64x64", "matmul of 10,000 batches of 4x4x4",
      "matrix-vector 4096x4096", "vector-matrix 4096x4096", "skinny matmul 8x4096x4096", "matmul 16x16x16", "matmul 128x128x128",
      "matmul 100x300x77")(torch.matmul)
known("A^T B, 1024x512x512")(lambda a, b: a.T @ b)
known("A B^T, 512x1024x512")(lambda a, b: a @ b.T)
known("gelu(x w + b), 512x768x3072")(lambda x, w, b: gelu(torch.addmm(b, x, w)))
known("outer product, 2048x2048")(torch.outer)
known("einsum bij,bkj->bik, 64x128x64")(lambda a, b: torch.einsum("bij,bkj->bik", a, b))


def attention(q, k, v):
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)


known("causal attention, 2x512x12x64", "causal attention, 1x2048x16x64", "causal attention, bf16, 2x512x12x64")(attention)
known("attention of one query, 4x2048x12x64")(
    lambda q, k, v: F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v))).transpose(1, 2))
known("gradient of attention, 1x256x12x64", "gradient of attention, 2x512x12x64")(gradients(lambda q, k, v: (attention(q, k, v) ** 2).sum(), 0, 1, 2))

# Convolutions: channels_last is torch's name for NHWC in memory, which a permuted view has.


def convolve(x, w, padding=1, **options):
    return nhwc(F.conv2d(nchw(x), oihw(w), padding=padding, **options))


known("conv 3x3, NHWC 8x56x56x64")(convolve)
known("conv 3x3, NCHW 8x64x56x56")(lambda x, w: F.conv2d(x, w, padding=1))
known("conv 3x3 depthwise, NHWC 8x56x56x128")(lambda x, w: convolve(x, w, groups=128))
known("conv 3x3 of 8 groups, NHWC 2x28x28x128")(lambda x, w: convolve(x, w, groups=8))
known("conv 3x3 stride 2, NHWC 8x56x56x64")(lambda x, w: nhwc(F.conv2d(F.pad(nchw(x), (0, 1, 0, 1)), oihw(w), stride=2)))
known("conv 1x1, NHWC 8x28x28x256")(lambda x, w: convolve(x, w, 0))
known("conv 7x7 stride 2, NHWC 1x224x224x3")(lambda x, w: nhwc(F.conv2d(F.pad(nchw(x), (2, 3, 2, 3)), oihw(w), stride=2)))
known("conv 3x3 dilated by 2, NHWC 2x56x56x64")(lambda x, w: convolve(x, w, 2, dilation=2))
known("conv 4x4 transposed, NHWC 1x28x28x64")(
    lambda x, w: nhwc(F.conv_transpose2d(nchw(x), torch.flip(w, (0, 1)).permute(2, 3, 0, 1), stride=2, padding=1)))
known("conv 1-D of 9, 8x4096x32")(lambda x, w: F.conv1d(x.transpose(1, 2), w.permute(2, 1, 0), padding=4).transpose(1, 2))
known("conv 3x3x3, NDHWC 1x16x28x28x16")(
    lambda x, w: F.conv3d(x.permute(0, 4, 1, 2, 3), w.permute(4, 3, 0, 1, 2), padding=1).permute(0, 2, 3, 4, 1))
known("gradients of conv 3x3, NHWC 4x28x28x64")(gradients(lambda x, w: (convolve(x, w) ** 2).sum(), 0, 1))
known("gradients of depthwise, NHWC 2x28x28x64")(gradients(lambda x, w: (convolve(x, w, groups=64) ** 2).sum(), 0, 1))
known("conv 3x3 + bias + relu, NHWC 8x28x28x64")(lambda x, w, b: F.relu(nhwc(F.conv2d(nchw(x), oihw(w), b, padding=1))))


def pool(x):
    return nhwc(F.max_pool2d(F.pad(nchw(x), (0, 1, 0, 1), value=-math.inf), 3, 2))


known("max pool 3x3, NHWC 8x56x56x64")(pool)
known("max pool 3x3, NCHW 8x64x56x56")(lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-math.inf), 3, 2))
known("average pool 2x2, NHWC 8x56x56x64")(lambda x: nhwc(F.avg_pool2d(nchw(x), 2)))
known("gradient of max pool, NHWC 2x56x56x64")(gradients(lambda x: (pool(x) ** 2).sum(), 0))

# Sort, scan, scatter, transforms, random numbers, linear algebra.
known("sort, 1 Mi", "sort, i32, 1 Mi")(lambda x: torch.sort(x).values)
known("sort of rows, 1024x1024", "sort of 1,000 rows of 8", "sort of 10,000 rows of 16")(lambda x: torch.sort(x, 1).values)
known("argsort of rows, 1024x1024")(lambda x: torch.argsort(x, 1, stable=True).to(torch.int32))
known("argsort, 256 Ki")(lambda x: torch.argsort(x, stable=True).to(torch.int32))


@known("top 50 of 50,257, 64 rows")
def top(x):
    values, places = torch.topk(x, 50)
    return values, places.to(torch.int32)


known("searchsorted, 64 Ki in 64 Ki")(lambda s, x: torch.searchsorted(s, x, out_int32=True))
known("cumsum, 1 Mi")(lambda x: torch.cumsum(x, 0))
known("cumsum, i32, 1 Mi")(lambda x: torch.cumsum(x, 0, dtype=torch.int32))
known("cumsum of rows, 1024x1024")(lambda x: torch.cumsum(x, 1))
known("cumsum of columns, 1024x1024")(lambda x: torch.cumsum(x, 0))
known("cumprod, 256 Ki")(lambda x: torch.cumprod(x, 0))
known("cummax, 1 Mi")(lambda x: torch.cummax(x, 0).values)
known("cumlogsumexp, 64 Ki")(lambda x: torch.logcumsumexp(x, 0))
known("scatter-add of 100,000 rows of 64")(lambda x, i, u: x.index_add(0, i, u))
known("scatter-set of 8,192 rows of 64")(lambda x, i, u: x.index_copy(0, i.long(), u))
known("scatter-add of elements, 1 Mi into 1 Mi")(lambda x, i, u: x.scatter_add(0, i.long(), u))
known("scatter-max of elements, 256 Ki")(lambda x, i, u: x.scatter_reduce(0, i.long(), u, "amax"))
known("histogram, 1 Mi into 256")(lambda x: torch.bincount(x, minlength=256).to(torch.int32))
known("segment_sum, 1 Mi into 1,000")(lambda x, s: torch.zeros(1000).index_add(0, s, x))
known("segment_sum of sorted rows, 65536x32")(lambda x, s: torch.zeros(1000, 32).index_add(0, s, x))
known("embedding gradient, 4096 into 50257x128")(lambda table, ids, g: torch.zeros_like(table).index_add(0, ids, g))
known("fft, 1 Mi complex", "fft of 1,024 rows of 1,024", "fft of 256 rows of 1,000", "fft of a prime, 10,007")(torch.fft.fft)
known("rfft2, 1024x1024")(torch.fft.rfft2)
known("irfft of 256 rows of 4,096")(torch.fft.irfft)
known("convolution by fft, 256 Ki")(lambda a, b: torch.fft.irfft(torch.fft.rfft(a) * torch.fft.rfft(b)))
known("cholesky 512", "cholesky of 1,000 of 8x8", "cholesky of 64 of 128x128")(torch.linalg.cholesky)
known("solve 256", "solve of 10,000 of 3x3")(torch.linalg.solve)
known("inverse of 1,000 of 4x4", "inverse 512")(torch.linalg.inv)
known("determinant of 10,000 of 3x3")(torch.linalg.det)
known("triangular solve 512x64", "triangular solve 512x512")(lambda a, b: torch.linalg.solve_triangular(a.tril(), b, upper=False))
known("R of qr 256")(lambda a: torch.abs(torch.linalg.qr(a, "r").R))
known("singular values 128")(torch.linalg.svdvals)
known("eigenvalues of symmetric 128")(torch.linalg.eigvalsh)

# Random numbers of torch's own generators: their speed is compared, their values cannot be.
RANDOM = {
    "random.normal, 4 Mi": lambda k: torch.randn(4 << 20),
    "random.uniform, 4 Mi": lambda k: torch.rand(4 << 20),
    "random.randint, 1 Mi": lambda k: torch.randint(0, 1000, (1 << 20,), dtype=torch.int32),
    "dropout, 4 Mi": lambda k, x: F.dropout(x, 0.1),
    "permutation of 64 Ki": lambda k: torch.randperm(64 << 10, dtype=torch.int32),
}
for name, draw in RANDOM.items():
    known(name)(draw)

# Models.


def mlp(params, x):
    for w, b in params[:-1]:
        x = F.relu(torch.addmm(b, x, w))
    w, b = params[-1]
    return torch.addmm(b, x, w)


known("MLP forward, 1 row")(mlp)


@known("MLP 784-512-512-10, training step")
def mlp_step(params, x, labels):
    with torch.enable_grad():
        params = [(w.detach().requires_grad_(), b.detach().requires_grad_()) for w, b in params]
        loss = F.cross_entropy(mlp(params, x), labels.long())
        flat = [p for pair in params for p in pair]
        grads = torch.autograd.grad(loss, flat)
    return [p - 0.1 * g for p, g in zip(flat, grads)], loss


def gpt(p, tokens, heads=6):
    x = p["tokens"][tokens] + p["positions"][:tokens.shape[1]]
    norm = lambda q, x: F.layer_norm(x, x.shape[-1:], q["scale"], q["shift"], 1e-5)
    for layer in p["layers"]:
        q, k, v = (y.reshape(*y.shape[:2], heads, -1) for y in (norm(layer["norm1"], x) @ layer["qkv"]).chunk(3, -1))
        x = x + attention(q, k, v).reshape(x.shape) @ layer["out"]
        x = x + gelu(norm(layer["norm2"], x) @ layer["up"] + layer["up_bias"]) @ layer["down"] + layer["down_bias"]
    return norm(p["norm"], x) @ p["tokens"].T


known("GPT 6x384, 2x128 tokens, forward")(gpt)


@known("GPT 6x384, 2x128 tokens, training step", eager_only=True)
def gpt_step(state, tokens):
    import torch.utils._pytree as pytree

    p, m, v, t = state
    flat, spec = pytree.tree_flatten(p)
    with torch.enable_grad():
        flat = [x.detach().requires_grad_() for x in flat]
        logits = gpt(pytree.tree_unflatten(flat, spec), tokens[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens[:, 1:].reshape(-1).long())
        grads = torch.autograd.grad(loss, flat)
    t = t + 1
    a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.99**t)
    m = [0.9 * m + 0.1 * g for m, g in zip(pytree.tree_leaves(m), grads)]
    v = [0.99 * v + 0.01 * g * g for v, g in zip(pytree.tree_leaves(v), grads)]
    new = [p - 1e-4 * (m * a) / (torch.sqrt(v * b) + 1e-6) for p, m, v in zip(flat, m, v)]
    return [pytree.tree_unflatten(x, spec) for x in (new, m, v)] + [t], loss


def batch_normed(q, x, stride=1, groups=1):
    """A convolution with SAME padding, as XLA places it, and what is normalised by statistics that are known."""
    size = q["w"].shape[0]
    total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
    if total % 2:
        x = F.pad(x, (total // 2, total - total // 2) * 2)
        total = 0
    x = F.conv2d(x, oihw(q["w"]), stride=stride, padding=total // 2, groups=groups)
    return F.batch_norm(x, q["mean"], q["var"], q["scale"], q["shift"], eps=1e-5)


@known("ResNet-50, 224x224, forward")
def resnet(p, x):
    unit = batch_normed
    x = F.relu(unit(p["stem"], nchw(x), 2))
    x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-math.inf), 3, 2)
    for stage, blocks in enumerate(p["stages"]):
        for i, block in enumerate(blocks):
            stride = 2 if stage > 0 and i == 0 else 1
            y = F.relu(unit(block["reduce"], x))
            y = F.relu(unit(block["middle"], y, stride))
            y = unit(block["expand"], y)
            x = F.relu(y + (unit(block["project"], x, stride) if "project" in block else x))
    return x.mean((2, 3)) @ p["head"]


def mobilenet(p, x):
    x = F.relu6(batch_normed(p[0], nchw(x), 2))
    for (deep, point), stride in zip(p[1:], (1, 2, 1, 2, 1, 2, 1)):
        x = F.relu6(batch_normed(deep, x, stride, x.shape[1]))
        x = F.relu6(batch_normed(point, x))
    return x.mean((2, 3))


known("MobileNet's first layers, 224x224")(mobilenet)
known("MobileNet's first layers, 8 of 224x224")(mobilenet)
