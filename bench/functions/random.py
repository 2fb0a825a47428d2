"""jax.random: every distribution from one key."""

import jax
import jax.numpy as jnp
import numpy as np

from . import add
from .inputs import A, N

KEY = np.array([0, 42], np.uint32)
for name in "normal uniform bits exponential gumbel laplace cauchy logistic rademacher maxwell".split():
    add(f"random.{name}", lambda key, f=getattr(jax.random, name): f(key, (N,)), KEY)
FUNCTIONS = {
    "normal, bf16": lambda key: jax.random.normal(key, (N,), jnp.bfloat16),
    "randint": lambda key: jax.random.randint(key, (N,), 0, 100),
    "bernoulli": lambda key: jax.random.bernoulli(key, 0.3, (N,)),
    "truncated_normal": lambda key: jax.random.truncated_normal(key, -1.0, 1.0, (N,)),
    "weibull_min": lambda key: jax.random.weibull_min(key, 1.0, 2.0, (N,)),
    "geometric": lambda key: jax.random.geometric(key, 0.3, (N,)),
    "gamma": lambda key: jax.random.gamma(key, 2.3, (5000,)),
    "beta": lambda key: jax.random.beta(key, 2.3, 1.1, (5000,)),
    "poisson": lambda key: jax.random.poisson(key, 4.2, (20000,)),
    "binomial": lambda key: jax.random.binomial(key, 30.0, 0.3, (5000,)),
    "t": lambda key: jax.random.t(key, 4.0, (5000,)),
    "dirichlet": lambda key: jax.random.dirichlet(key, jnp.ones(8), (500,)),
    "multivariate_normal": lambda key: jax.random.multivariate_normal(key, jnp.zeros(8), jnp.eye(8), (5000,)),
    "categorical of rows": lambda key: jax.random.categorical(key, A),
    "categorical, 1000 of one": lambda key: jax.random.categorical(key, A[0], shape=(1000,)),
    "choice": lambda key: jax.random.choice(key, 10000, (1000,)),
    "choice without replacement": lambda key: jax.random.choice(key, 10000, (1000,), replace=False),
    "permutation": lambda key: jax.random.permutation(key, 20000),
    "orthogonal": lambda key: jax.random.orthogonal(key, 64),
    "ball": lambda key: jax.random.ball(key, 3, shape=(2000,)),
    "split": lambda key: jax.random.split(key, 1000),
    "fold_in": lambda key: jax.random.fold_in(key, 7),
}
for name, function in FUNCTIONS.items():
    add(f"random.{name}", function, KEY)
