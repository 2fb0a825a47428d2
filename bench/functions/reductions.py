"""Reductions and running ones: along all axes, each of two, and the middle one of three; their gradients."""

import jax.numpy as jnp
from jax import lax

from . import add, gradient
from .inputs import A, CUBE

WITHOUT_GRADIENT = ("any", "all", "argmax", "argmin", "nanargmax", "count_nonzero")
for name in ("sum prod max min mean var std any all argmax argmin nansum nanmax nanmean nanvar nanargmax ptp median "
             "count_nonzero").split():
    function = getattr(jnp, name)
    for axis in (None, 0, 1):
        add(f"{name}, axis {axis}", lambda a, f=function, axis=axis: f(a, axis=axis), A)
        if name not in WITHOUT_GRADIENT and axis is not None:
            add(f"grad {name}, axis {axis}", gradient(lambda a, f=function, axis=axis: f(a, axis=axis)), A)
    add(f"{name}, middle axis", lambda a, f=function: f(a, axis=1), CUBE)
    if "arg" not in name:
        add(f"{name}, outer axes", lambda a, f=function: f(a, axis=(0, 2)), CUBE)
for name in "cumsum cumprod nancumsum".split():
    function = getattr(jnp, name)
    for axis in (None, 0, 1):
        add(f"{name}, axis {axis}", lambda a, f=function, axis=axis: f(a, axis=axis), A)
    add(f"{name}, middle axis", lambda a, f=function: f(a, axis=1), CUBE)
    add(f"grad {name}", gradient(lambda a, f=function: f(a, axis=1)), A)
    add(f"grad {name} of columns", gradient(lambda a, f=function: f(a, axis=0)), A)
for name in "cummax cummin cumlogsumexp".split():
    function = getattr(lax, name)
    add(f"{name} of rows", lambda a, f=function: f(a, axis=1), A)
    add(f"{name} of columns, reversed", lambda a, f=function: f(a, axis=0, reverse=True), A)
    add(f"grad {name} of rows", gradient(lambda a, f=function: f(a, axis=1)), A)
