"""jax.scipy.special and jax.scipy.stats."""

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import jax.scipy.stats as stats

from . import add, gradient
from .inputs import A, INDEX, POSITIVE, SHARE, X, uniform
from .unary import plain

for name in "digamma gammaln erf erfc expit entr exp1 i0 i0e i1 i1e ndtr log_ndtr gamma expi spence".split():
    add(f"special.{name}", getattr(special, name), POSITIVE)
    add(f"grad special.{name}", plain(getattr(special, name)), POSITIVE)
for name in "erfinv ndtri logit".split():
    add(f"special.{name}", getattr(special, name), SHARE)
    add(f"grad special.{name}", plain(getattr(special, name)), SHARE)
for name in "xlogy xlog1py rel_entr kl_div betaln".split():
    add(f"special.{name}", getattr(special, name), POSITIVE, POSITIVE)
add("special.zeta", special.zeta, POSITIVE + 1, POSITIVE + 0.5)
add("special.polygamma", lambda x: special.polygamma(1, x), POSITIVE)
add("special.betainc", special.betainc, POSITIVE[:20000], POSITIVE[:20000] + 0.5, SHARE[:20000])
add("special.gammainc", special.gammainc, POSITIVE[:50000], POSITIVE[:50000] + 0.5)
add("special.gammaincc", special.gammaincc, POSITIVE[:50000], POSITIVE[:50000] + 0.5)
add("special.logsumexp", lambda a: special.logsumexp(a, axis=1), A)
add("grad special.logsumexp", gradient(lambda a: special.logsumexp(a, axis=1)), A)
add("grad softmax squared", gradient(lambda a: jax.nn.softmax(a) ** 2), A)

for name in "norm cauchy laplace logistic".split():
    add(f"stats.{name}.logpdf", getattr(stats, name).logpdf, X)
    add(f"grad stats.{name}.logpdf", plain(getattr(stats, name).logpdf), X)
add("stats.expon.logpdf", stats.expon.logpdf, SHARE)
add("stats.gamma.logpdf", lambda x: stats.gamma.logpdf(x, 2.1), SHARE)
add("stats.beta.logpdf", lambda x: stats.beta.logpdf(x, 2.1, 1.3), SHARE)
add("stats.t.logpdf", lambda x: stats.t.logpdf(x, 4.5), X)
add("stats.norm.cdf", stats.norm.cdf, X)
add("stats.norm.ppf", stats.norm.ppf, SHARE)
add("stats.poisson.logpmf", lambda k: stats.poisson.logpmf(k, 3.3), INDEX % 20)
add("stats.multivariate_normal.logpdf", lambda x: stats.multivariate_normal.logpdf(x, jnp.zeros(8), jnp.eye(8)), uniform(20000, 8))
add("stats.rankdata", stats.rankdata, X[:20000])
add("stats.mode", lambda x: stats.mode(x).mode, INDEX[:4096])
add("stats.gaussian_kde", lambda x, q: stats.gaussian_kde(x).evaluate(q), X[:1000], X[:1000])
