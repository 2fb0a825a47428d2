"""Windows of reductions: sums, products, least and largest, of every layout that pooling has, one axis and three."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add, gradient
from .inputs import A, X, uniform
from .layers import IMAGE, PLANES

KINDS = {"max": (lax.max, -np.inf), "sum": (lax.add, 0), "min": (lax.min, np.inf), "product": (lax.mul, 1)}
VOLUME = uniform(2, 16, 16, 16, 8)
for name, (operation, start) in KINDS.items():
    def window(x, dimensions, strides, padding, f=operation, start=start):
        return lax.reduce_window(x, np.array(start, x.dtype)[()], f, dimensions, strides, padding)

    FORMS = {
        "2 x 2": (lambda x, w=window: w(x, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), IMAGE),
        "3 x 3 same": (lambda x, w=window: w(x, (1, 3, 3, 1), (1, 1, 1, 1), "SAME"), IMAGE),
        "NCHW 3 x 3 stride 2": (lambda x, w=window: w(x, (1, 1, 3, 3), (1, 1, 2, 2), "SAME"), PLANES),
        "NCHW 2 x 2": (lambda x, w=window: w(x, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"), PLANES),
        "7 of one axis": (lambda x, w=window: w(x, (7,), (1,), "SAME"), X),
        "rows, 5": (lambda x, w=window: w(x, (1, 5), (1, 1), "SAME"), A),
        "columns, 5": (lambda x, w=window: w(x, (5, 1), (1, 1), "SAME"), A),
        "15 x 15": (lambda x, w=window: w(x, (15, 15), (1, 1), "VALID"), A),
        "3 axes": (lambda x, w=window: w(x, (1, 2, 2, 2, 1), (1, 2, 2, 2, 1), "VALID"), VOLUME),
    }
    for form, (function, argument) in FORMS.items():
        add(f"window {name} {form}", function, argument)
        if name in ("max", "sum") and form != "15 x 15":
            add(f"grad window {name} {form}", gradient(lambda x, f=function: f(x) ** 2), argument)
    for dtype in (jnp.bfloat16, jnp.float16):
        add(f"window {name} 3 x 3 same {jnp.dtype(dtype).name}", FORMS["3 x 3 same"][0], IMAGE.astype(dtype))
for dtype in (np.int8, np.uint8, np.int16, np.int32):
    for name, (operation, start) in {"max": (lax.max, None), "sum": (lax.add, 0), "min": (lax.min, None)}.items():
        least = {"max": np.iinfo(dtype).min, "min": np.iinfo(dtype).max}.get(name, 0)
        add(f"window {name} 3 x 3 same {np.dtype(dtype).name}",
            lambda x, f=operation, s=dtype(least): lax.reduce_window(x, s, f, (1, 3, 3, 1), (1, 1, 1, 1), "SAME"), (IMAGE * 50).astype(dtype))
