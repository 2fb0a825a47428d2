"""JAX programs as people write them, with the libraries that they use: what bench/jax_apps.py runs on both platforms.

A program is a function without arguments that makes its data and returns a function, itself without arguments: one call of it does a
piece of work (some steps of training, one solve, one chain) and returns a tree of arrays, which the platforms must agree on.
Each call does the same work, so later ones tell the time to run, and the first one that and the time to compile.
"""

import dataclasses
import importlib
from typing import Callable

MODULES = ["training", "optimizers", "solvers", "sampling", "physics", "numeric"]


@dataclasses.dataclass
class Program:
    name: str
    make: Callable
    packages: list
    x64: bool
    tolerance: float


PROGRAMS = {}


def program(packages="", x64=False, tolerance=1e-4):
    """Registers a program that needs these packages beside JAX (their names in imports); the tolerance is relative to the largest
    element of each array, and covers what the program's length makes of roundings in other orders."""

    def register(make):
        PROGRAMS[make.__name__] = Program(make.__name__, make, packages.split(), x64, tolerance)
        return make

    return register


def load():
    for module in MODULES:
        importlib.import_module(f"apps.{module}")
    return PROGRAMS
