"""Bayesian inference: chains are whiles of trees of small operations. They are in f64 and short, so that both platforms walk the same path."""

from apps import program


@program("numpyro", x64=True)
def numpyro_eight_schools():
    """NUTS on the eight schools, not centred: 20 warm-up steps, 10 samples. Data that differ by 1e-15 make its states differ by 1e-6 then, and
    by 1e-3 after 70 steps, on either platform."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    y = jnp.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    sigma = jnp.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])

    def model():
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        tau = numpyro.sample("tau", dist.HalfCauchy(5))
        with numpyro.plate("schools", 8):
            theta = numpyro.sample("theta", dist.Normal(0, 1))
            numpyro.sample("obs", dist.Normal(mu + tau * theta, sigma), obs=y)

    mcmc = MCMC(NUTS(model), num_warmup=20, num_samples=10, progress_bar=False, jit_model_args=True)

    def call():
        mcmc.run(jax.random.key(0))
        return {name: value.mean(0) for name, value in mcmc.get_samples().items()}

    return call


@program("numpyro", x64=True)
def numpyro_logistic_regression():
    """NUTS on logistic regression, 500 rows, 4 chains by vmap: 60 warm-up steps, 40 samples."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    x = jax.random.normal(jax.random.key(1), (500, 5))
    y = dist.Bernoulli(logits=x @ jnp.linspace(-1, 1, 5)).sample(jax.random.key(2))

    def model(x, y):
        w = numpyro.sample("w", dist.Normal(jnp.zeros(5), 1).to_event(1))
        b = numpyro.sample("b", dist.Normal(0, 1))
        numpyro.sample("y", dist.Bernoulli(logits=x @ w + b), obs=y)

    mcmc = MCMC(NUTS(model), num_warmup=60, num_samples=40, num_chains=4, chain_method="vectorized", progress_bar=False)

    def call():
        mcmc.run(jax.random.key(0), x, y)
        return {name: value.mean(0) for name, value in mcmc.get_samples().items()}

    return call


@program("numpyro optax", tolerance=1e-3)
def numpyro_svi():
    """Variational inference with an automatic guide (full covariance): 200 steps of adam in a scan."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.infer.autoguide import AutoMultivariateNormal

    x = jax.random.normal(jax.random.key(1), (200, 8))
    y = x @ jnp.linspace(-1, 1, 8) + 0.1 * jax.random.normal(jax.random.key(2), (200,))

    def model(x, y):
        w = numpyro.sample("w", dist.Normal(jnp.zeros(8), 1).to_event(1))
        s = numpyro.sample("s", dist.HalfNormal(1))
        numpyro.sample("y", dist.Normal(x @ w, s), obs=y)

    svi = SVI(model, AutoMultivariateNormal(model), numpyro.optim.Adam(1e-2), Trace_ELBO())
    return lambda: svi.run(jax.random.key(0), 200, x, y, progress_bar=False).losses


@program("numpyro", x64=True)
def numpyro_hmm():
    """A hidden Markov model with its states summed out by scan; HMC, 20 samples."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from jax.scipy.special import logsumexp
    from numpyro.infer import HMC, MCMC

    data = jax.random.randint(jax.random.key(5), (100,), 0, 6)

    def model(data):
        transition = numpyro.sample("transition", dist.Dirichlet(jnp.ones((3, 3))).to_event(1))
        emission = numpyro.sample("emission", dist.Dirichlet(jnp.ones((3, 6))).to_event(1))
        log_t, log_e = jnp.log(transition), jnp.log(emission)
        step = lambda alpha, word: (logsumexp(alpha[:, None] + log_t, 0) + log_e[:, word], None)
        alpha, _ = jax.lax.scan(step, log_e[:, data[0]], data[1:])
        numpyro.factor("likelihood", logsumexp(alpha))

    mcmc = MCMC(HMC(model, step_size=0.05, num_steps=10, adapt_step_size=False), num_warmup=5, num_samples=20, progress_bar=False)

    def call():
        mcmc.run(jax.random.key(0), data)
        return mcmc.get_samples()

    return call


@program("blackjax", x64=True)
def blackjax_nuts():
    """blackjax's NUTS with window adaptation on a normal distribution of 10 dimensions."""
    import blackjax
    import jax
    import jax.numpy as jnp

    scale = jnp.linspace(0.5, 2, 10)

    def logdensity(x):
        return -0.5 * jnp.sum((x / scale) ** 2)

    @jax.jit
    def run(key):
        key1, key2 = jax.random.split(key)
        warmup = blackjax.window_adaptation(blackjax.nuts, logdensity)
        (state, parameters), _ = warmup.run(key1, jnp.ones(10), 60)
        kernel = blackjax.nuts(logdensity, **parameters).step
        _, states = jax.lax.scan(lambda s, k: (lambda t: (t[0], t[0].position))(kernel(k, s)), state, jax.random.split(key2, 60))
        return states.mean(0)

    return lambda: run(jax.random.key(0))


@program("blackjax")
def blackjax_smc():
    """Tempered sequential Monte Carlo: 200 particles, resampling, HMC moves, a while until the temperature is 1."""
    import blackjax
    import blackjax.smc.resampling as resampling
    import jax
    import jax.numpy as jnp

    smc = blackjax.adaptive_tempered_smc(
        lambda x: -0.5 * jnp.sum(x**2) / 25, lambda x: jnp.logaddexp(-5 * jnp.sum((x - 2) ** 2), -5 * jnp.sum((x + 2) ** 2)),
        blackjax.hmc.build_kernel(), blackjax.hmc.init,
        dict(step_size=jnp.full(1, 0.1), inverse_mass_matrix=jnp.eye(2)[None], num_integration_steps=jnp.full(1, 5)),
        resampling.systematic, 0.5, num_mcmc_steps=2)
    particles = 5 * jax.random.normal(jax.random.key(1), (200, 2))

    @jax.jit
    def run(key):
        def body(carry):
            i, state, key = carry
            key, sub = jax.random.split(key)
            state, _ = smc.step(sub, state)
            return i + 1, state, key

        n, state, _ = jax.lax.while_loop(lambda c: (c[1].tempering_param < 1) & (c[0] < 30), body, (0, smc.init(particles), key))
        return n > 2, jnp.all(jnp.isfinite(state.particles)), jnp.sum(state.weights)

    return lambda: run(jax.random.key(0))


@program("tensorflow_probability distrax optax", tolerance=1e-3)
def distrax_flow():
    """A flow of four affine couplings (distrax), fitted to a ring: 20 steps by scan."""
    import distrax
    import jax
    import jax.numpy as jnp
    import optax

    key = jax.random.key(0)
    angle = jax.random.uniform(key, (256,)) * 6.2832
    data = jnp.stack([jnp.cos(angle), jnp.sin(angle)], 1) * (2 + 0.1 * jax.random.normal(key, (256, 1)))
    params = [(jax.random.normal(k, (2, 32)) * 0.5, jax.random.normal(k, (32, 4)) * 0.1) for k in jax.random.split(key, 4)]
    optimizer = optax.adam(1e-2)

    def flow(params):
        layers = []
        for i, (w1, w2) in enumerate(params):
            def conditioner(x, w1=w1, w2=w2):
                return jnp.tanh(x @ w1) @ w2

            def bijector(p):
                return distrax.ScalarAffine(shift=p[..., :2], log_scale=jnp.tanh(p[..., 2:]))

            layers.append(distrax.MaskedCoupling(mask=jnp.arange(2) % 2 == i % 2, bijector=bijector, conditioner=conditioner))
        base = distrax.MultivariateNormalDiag(jnp.zeros(2), jnp.ones(2))
        return distrax.Transformed(base, distrax.Inverse(distrax.Chain(layers)))

    @jax.jit
    def train(params):
        def step(carry, _):
            params, state = carry
            value, gradients = jax.value_and_grad(lambda p: -flow(p).log_prob(data).mean())(params)
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (params, optimizer.init(params)), None, 20)[1]

    return lambda: train(params)


@program("tensorflow_probability", x64=True)
def tfp_hmc_gaussian_process():
    """TensorFlow Probability on JAX: HMC over the scales of a Gaussian process of 40 points (Cholesky in the loop)."""
    import jax
    import jax.numpy as jnp
    from tensorflow_probability.substrates import jax as tfp

    tfd, tfk = tfp.distributions, tfp.math.psd_kernels
    x = jnp.linspace(-1, 1, 40)[:, None]
    y = jnp.sin(3 * x[:, 0]) + 0.1 * jax.random.normal(jax.random.key(0), (40,))

    def logp(log_scale, log_length):
        kernel = tfk.ExponentiatedQuadratic(jnp.exp(log_scale), jnp.exp(log_length))
        process = tfd.GaussianProcess(kernel, x, observation_noise_variance=0.01)
        return process.log_prob(y) - 0.5 * (log_scale**2 + log_length**2)

    hmc = tfp.mcmc.HamiltonianMonteCarlo(logp, step_size=0.05, num_leapfrog_steps=5)

    @jax.jit
    def run(key):
        return tfp.mcmc.sample_chain(20, [jnp.zeros(()), jnp.zeros(())], kernel=hmc, num_burnin_steps=5, trace_fn=None, seed=key)

    return lambda: run(jax.random.key(3))
