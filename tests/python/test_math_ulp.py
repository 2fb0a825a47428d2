"""Functions of kernel IR against mpmath: another origin of true values than the unit tests' long double.

The bounds are those of src/kernel/math.def. mpmath computes with 400 bits, so that also arguments next to poles and zeros,
and huge angles, have a true value.
"""

import math
import re
import subprocess

import mpmath
import pytest

from conftest import BUILD, ROOT

POINTS = 400


def bounds():
    rows = re.findall(r"^MATH\((\w+), +(\d), +([\d.]+), +([\d.]+)\)", (ROOT / "src/kernel/math.def").read_text(), re.M)
    return {name: (int(args), {"f32": float(f32), "f64": float(f64)}) for name, args, f32, f64 in rows}


def true_values():
    mp = mpmath.mp
    sign = lambda x: mp.mpf(math.copysign(1, x))
    one = {
        "exp": mp.exp,
        "exp2": lambda x: mp.power(2, x),
        "expm1": mp.expm1,
        "logistic": lambda x: 1 / (1 + mp.exp(-x)),
        "log": mp.log,
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log1p": mp.log1p,
        "sin": mp.sin,
        "cos": mp.cos,
        "tan": mp.tan,
        "tanh": mp.tanh,
        "asin": mp.asin,
        "acos": mp.acos,
        "atan": mp.atan,
        "sqrt": mp.sqrt,
        "rsqrt": lambda x: 1 / mp.sqrt(x),
        "cbrt": lambda x: sign(x) * mp.cbrt(abs(x)),
        "erf": mp.erf,
        "erfc": mp.erfc,
        "erf_inv": mp.erfinv,
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "asinh": mp.asinh,
        "acosh": mp.acosh,
        "atanh": mp.atanh,
        "lgamma": lambda x: mp.re(mp.loggamma(x)),
        "digamma": mp.digamma,
        "bessel_i1e": lambda x: mp.besseli(1, x) * mp.exp(-abs(x)),
    }
    two = {
        "atan2": mp.atan2,
        "pow": mp.power,
        "zeta": lambda s, q: mp.zeta(s, q),
        "polygamma": lambda n, x: mp.psi(int(n), x),
    }
    return one, two


# Where the true function is real and finite; special values are the unit tests'.
DOMAINS = {
    "log": lambda x: x > 0,
    "log2": lambda x: x > 0,
    "log1p": lambda x: x > -1,
    "asin": lambda x: abs(x) <= 1,
    "acos": lambda x: abs(x) <= 1,
    "sqrt": lambda x: x >= 0,
    "rsqrt": lambda x: x > 0,
    "erf_inv": lambda x: abs(x) < 1,
    "acosh": lambda x: x >= 1,
    "atanh": lambda x: abs(x) < 1,
    "lgamma": lambda x: x != math.floor(x) and abs(x) < 1e6 or x > 0,
    "digamma": lambda x: x != math.floor(x) and abs(x) < 1e6 or x > 0,
    "pow": lambda x, y: x > 0 or (x < 0 and y == math.floor(y)),
    "zeta": lambda s, q: 1.01 < s <= 60 and 0 < q < 1e6,
    "polygamma": lambda n, x: 1 <= n <= 20 and n == math.floor(n) and 1e-6 < x < 1e6,
}
# Exponents beyond what a float can show need no thousand digits.
LIMITS = {name: 800 for name in ("exp", "expm1", "logistic", "sinh", "cosh", "tanh")} | {
    "exp2": 1100,
    "erf": 30,
    "erfc": 30,
    "bessel_i1e": 3000,
}


def ulp(value, wide):
    exponent = mpmath.frexp(value)[1] - (53 if wide else 24)
    return mpmath.mpf(2) ** max(exponent, -1074 if wide else -149)


def listed(name):
    tool = BUILD / "pj-ulp"
    if not tool.exists():
        pytest.skip("pj-ulp is not built")
    text = subprocess.run([tool, "--list", str(POINTS), name], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        _, kind, *numbers = line.split()
        yield kind, *(float.fromhex(number) for number in numbers)


@pytest.mark.parametrize("name", [name for name in bounds() if name not in ("fmod", "next_after")])
def test_bound(name):
    args, bound = bounds()[name]
    one, two = true_values()
    function = one[name] if args == 1 else two[name]
    checked = 0
    with mpmath.workprec(400):
        for kind, x, y, got in listed(name):
            given = (x,) if args == 1 else (x, y)
            wide = kind == "f64"
            top = mpmath.mpf(2) ** (1024 if wide else 128)
            if not all(map(math.isfinite, given)) or not DOMAINS.get(name, lambda *_: True)(*given):
                continue
            if abs(x) > LIMITS.get(name, math.inf) or (name == "pow" and abs(y * math.log2(abs(x))) > 1100):
                continue
            if name == "atan2" and x * y == 0:  # mpmath has no -0
                continue
            want = function(*map(mpmath.mpf, given))
            if name == "polygamma" and abs(want) < 1e-280:
                continue
            scale = max(abs(want), 1) if name in ("lgamma", "digamma") else abs(want)
            result = mpmath.mpf(got) if math.isfinite(got) else math.copysign(1, got) * top
            want = mpmath.sign(want) * top if abs(want) > top else want
            error = abs(result - want) / ulp(min(scale, top / 2) or mpmath.mpf(0), wide)
            assert not math.isnan(got) and error <= bound[kind], (kind, x.hex(), y.hex(), got.hex(), mpmath.nstr(want, 20))
            checked += 1
    assert checked >= 20, f"only {checked} points"
