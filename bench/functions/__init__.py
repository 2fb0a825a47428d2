"""Functions of JAX, one `Function` each: what bench/wide.py runs. Where bench/programs/ are programs that people write, chosen one by
one, these are whole families, made from lists of names, types, axes and shapes: they find what nobody thought of.

Inputs are NumPy arrays from fixed seeds. A name is made of the function's name in JAX and of what is special; it begins with "grad",
"jvp" or "vmap" where a transformation of the function runs. To add some, add names to a list, or one call of `add`.
"""

import dataclasses
import importlib
from typing import Any, Callable

MODULES = ("unary", "types", "arrays", "gradients", "reductions", "special", "matrices", "random", "indexing", "layers", "control", "loops",
           "simulations", "windows", "images", "shapes", "transforms", "convolutions",
           "losses", "optimisers", "transformers", "convnets", "graphs", "decoding", "fields", "methods", "samples", "pictures", "signals")


@dataclasses.dataclass(frozen=True)
class Function:
    """`function` of JAX arrays, `arguments` (NumPy arrays), the file of the table that it is from, and whether it needs 64-bit types."""

    name: str
    family: str
    function: Callable[..., Any]
    arguments: tuple
    x64: bool = False


FUNCTIONS: dict[str, Function] = {}


def add(name, function, *arguments, x64=False):
    assert name not in FUNCTIONS and "|" not in name, name
    FUNCTIONS[name] = Function(name, function_family(), function, arguments, x64)


def function_family():
    """The module that load() imports at present."""
    return _importing[-1] if _importing else ""


_importing: list[str] = []


def load():
    """Fills FUNCTIONS; a function, because the files import JAX."""
    for module in MODULES:
        _importing.append(module)
        importlib.import_module("functions." + module)
    return FUNCTIONS


def total(tree):
    """One real number that depends on every element of |tree|: what gradients are taken of."""
    import jax
    import jax.numpy as jnp

    return sum(jnp.abs(leaf).sum() for leaf in jax.tree.leaves(tree))


def gradient(function, by=0):
    """The function that gives the gradient of total(function(...))."""
    import jax

    return lambda *arguments: jax.grad(lambda *a: total(function(*a)), by, allow_int=True)(*arguments)
