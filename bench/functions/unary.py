"""jax.numpy and jax.nn, number by number: functions of one and of two arrays, and their gradients."""

import jax
import jax.numpy as jnp

from . import add
from .inputs import A, COMPLEX, INDEX, OTHER_INDEX, POSITIVE, UNIT, X, Y

CONSTANT_GRADIENTS = set("sign floor ceil rint trunc signbit isnan isinf isfinite identity deg2rad".split())


def plain(function, by=0):
    """The gradient of the sum: for a function of each number, its derivative."""
    return lambda *arguments: jax.grad(lambda *a: function(*a).sum(), by)(*arguments)


def each(module, names, argument, prefix="", gradients=True):
    for name in names.split():
        function = getattr(module, name)
        add(prefix + name, function, argument)
        if gradients and name not in CONSTANT_GRADIENTS:
            add(f"grad {prefix}{name}", plain(function), argument)


each(jnp, "abs sin cos tan sinh cosh tanh exp exp2 expm1 square sign floor ceil rint trunc reciprocal sinc i0 deg2rad nan_to_num cbrt "
     "arcsinh arctan signbit isnan isinf isfinite", X)
each(jnp, "log log2 log10 log1p sqrt arccosh", POSITIVE + 1)
each(jnp, "arcsin arccos arctanh", UNIT)
each(jnp, "frexp modf", X, gradients=False)
each(jnp, "abs sin cos exp log sqrt square tan tanh sinh conj angle real isnan", COMPLEX, "c64 ", gradients=False)
each(jnp, "abs sign square bitwise_not bitwise_count", INDEX, "i32 ", gradients=False)
each(jax.nn, "relu relu6 sigmoid softplus sparse_plus soft_sign silu log_sigmoid leaky_relu hard_sigmoid hard_silu hard_tanh elu celu "
     "selu gelu mish squareplus standardize softmax log_softmax logsumexp glu identity", A, "nn ")
for dtype in (jnp.bfloat16, jnp.float16):
    each(jax.nn, "relu relu6 sigmoid softplus soft_sign silu log_sigmoid leaky_relu hard_sigmoid hard_silu elu selu gelu mish squareplus "
         "standardize softmax log_softmax logsumexp glu", A.astype(dtype), f"nn {jnp.dtype(dtype).name} ")

PERIODIC = ("fmod", "remainder", "floor_divide", "divmod")  # the second argument is to be no zero
for name in ("add subtract multiply divide maximum minimum power arctan2 hypot fmod remainder floor_divide copysign nextafter logaddexp "
             "logaddexp2 heaviside float_power divmod fmax fmin equal less").split():
    function = getattr(jnp, name)
    add(name, function, POSITIVE, Y + 2.5 if name in PERIODIC else Y)
    if name not in ("nextafter", "divmod", "equal", "less", "heaviside", "floor_divide"):
        add(f"grad {name}", plain(function, (0, 1)), POSITIVE, POSITIVE + 0.3)
    if name not in ("logaddexp", "logaddexp2", "nextafter", "copysign", "hypot", "arctan2", "heaviside", "float_power"):
        add(f"i32 {name}", function, INDEX, OTHER_INDEX % 5 if name == "power" else OTHER_INDEX % 7 + 1)
for name in "bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd lcm".split():
    add(f"i32 {name}", getattr(jnp, name), INDEX, OTHER_INDEX % 31)
