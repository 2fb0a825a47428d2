"""Tables of programs, name: (function, arguments ...), and the families that are made of one."""

import jax.numpy as jnp
import numpy as np

from . import add, gradient


def gradients(function):
    """By the first three arrays of floats."""
    return lambda *arguments: gradient(function, tuple(
        i for i, a in enumerate(arguments) if jnp.issubdtype(a.dtype, jnp.floating) and a.ndim)[:3])(*arguments)


def as_type(a, dtype):
    """Arrays of f32 as |dtype|; for f64 complex ones grow, too."""
    if a.dtype == np.float32:
        return a.astype(dtype)
    return a.astype(np.complex128) if a.dtype == np.complex64 and dtype == jnp.float64 else a


def add_all(title, table, names=None, of=None, dtype=None):
    """Adds "TITLE: NAME" for |names| of the table, or all: the function, or what |of| makes of it, on its arguments, or those as |dtype|."""
    for name in names or table:
        function, *arguments = table[name]
        if dtype is not None:
            arguments = [as_type(a, dtype) for a in arguments]
            name = f"{name}, {jnp.dtype(dtype).name}"
        wide = any(getattr(a, "dtype", None) in (np.float64, np.complex128, np.int64) for a in arguments)
        add(f"{title}: {name}", of(function) if of else function, *arguments, x64=wide)
