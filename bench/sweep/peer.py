"""The peers' side of the sweep, in a Python that has torch and scipy-openblas32: reads lines `LIBRARY DTYPE M N K SECONDS` and
answers each with a JSON object: median_s, min_s and calls, or unsupported with the reason."""

import ctypes
import json
import statistics
import sys
import time

import scipy_openblas32
import torch

BLAS = ctypes.CDLL(f"{scipy_openblas32.get_lib_dir()}/lib{scipy_openblas32.get_library()}.so")
ROW_MAJOR, AS_IS = 101, 111
TORCH = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16, "i8": torch.int8}


def matrices(dtype, m, n, k):
    kind, wide = TORCH[dtype], torch.int32 if dtype == "i8" else TORCH[dtype]
    a, b = ((torch.randint(-128, 128, shape, dtype=kind) if dtype == "i8" else torch.randn(shape).to(kind)) for shape in ((m, k), (k, n)))
    return a, b, torch.empty((m, n), dtype=wide)


def of_torch(dtype, a, b, out):
    product = torch._int_mm if dtype == "i8" else torch.mm
    return lambda: product(a, b, out=out)


def of_openblas(dtype, a, b, out):
    """Products as a C program calls them; a matrix and a vector by gemv, as OpenBLAS wants it."""
    letter, real = {"f32": ("s", ctypes.c_float), "f64": ("d", ctypes.c_double)}[dtype]
    (m, k), n = a.shape, b.shape[1]
    a, b, c = (ctypes.c_void_p(x.data_ptr()) for x in (a, b, out))
    one, zero, i = real(1), real(0), ctypes.c_int
    if n == 1 or m == 1:
        gemv = getattr(BLAS, f"scipy_cblas_{letter}gemv")
        if n == 1:
            arguments = (i(ROW_MAJOR), i(AS_IS), i(m), i(k), one, a, i(k), b, i(1), zero, c, i(1))
        else:
            arguments = (i(ROW_MAJOR), i(112), i(k), i(n), one, b, i(n), a, i(1), zero, c, i(1))
        return lambda: gemv(*arguments)
    gemm = getattr(BLAS, f"scipy_cblas_{letter}gemm")
    arguments = (i(ROW_MAJOR), i(AS_IS), i(AS_IS), i(m), i(n), i(k), one, a, i(k), b, i(n), zero, c, i(n))
    return lambda: gemm(*arguments)


def measure(library, dtype, m, n, k, seconds):
    if library == "openblas" and dtype not in ("f32", "f64"):
        return {"unsupported": f"OpenBLAS has no product of {dtype}"}
    torch.manual_seed(0)
    a, b, out = matrices(dtype, m, n, k)
    call = {"torch": of_torch, "openblas": of_openblas}[library](dtype, a, b, out)
    try:
        call()
    except RuntimeError as error:
        return {"unsupported": str(error).splitlines()[0]}
    expected = a.double() @ b.double()
    if not torch.allclose(out.double(), expected, rtol=2e-2, atol=2e-2 * float(expected.abs().max()) + 1e-6):
        raise SystemExit(f"{library} {dtype} {m}x{n}x{k}: wrong product")
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 10_000):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return {"median_s": statistics.median(times), "min_s": min(times), "calls": len(times)}


for line in sys.stdin:
    library, dtype, m, n, k, seconds = line.split()
    print(json.dumps(measure(library, dtype, int(m), int(n), int(k), float(seconds))), flush=True)
