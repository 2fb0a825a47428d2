"""The programs that the bench times, one `Program` each, in files by kind.

A program is one call of a compiled function with its inputs on the device. Its tag says what it is mostly made of, and means are
taken by tag. Inputs come from fixed seeds, so that every side and every run sees the same numbers.
"""

import dataclasses
import importlib
from typing import Any, Callable

TAGS = ("elementwise", "reduction", "normalisation", "movement", "loop", "contraction", "conv", "sort", "scan", "scatter", "fft",
        "rng", "linalg", "model", "call", "compile")


@dataclasses.dataclass(frozen=True)
class Program:
    """`function` of JAX arrays and `make`, which makes its arguments (pytrees of NumPy arrays).

    carry: the first so many arguments are donated, and the results of the same number take their place in the next call.
    tolerance: the largest error against XLA's answer; None takes the one of the result's type. The error is measured in units of
    each number's size plus the root mean square of its array. overall: the error is taken over whole arrays, not number by number,
    because the program magnifies the last bit.
    patience: seconds that one side may take for one step, None for the bench's own. quick: part of `--quick`; xla_quick: there XLA
    is waited for too. x64: traced with 64-bit types.
    """

    name: str
    tag: str
    function: Callable[..., Any]
    make: Callable[[], list]
    carry: int = 0
    tolerance: float | None = None
    overall: bool = False
    patience: float | None = None
    quick: bool = False
    xla_quick: bool = True
    x64: bool = False


PROGRAMS: dict[str, Program] = {}


def add(tag, name, function, make, **options):
    assert tag in TAGS and name not in PROGRAMS, name
    PROGRAMS[name] = Program(name, tag, function, make, **options)


def load():
    """Fills PROGRAMS; a function, because the files import JAX."""
    for module in ("elementwise", "reductions", "movement", "loops", "contractions", "kernels", "models", "compiles"):
        importlib.import_module("programs." + module)
    return PROGRAMS
