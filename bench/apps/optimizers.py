"""Loops of optimizers: whole runs as one program, and steps called from Python."""

from apps import program


def regression(rows=256, columns=16):
    import jax
    import jax.numpy as jnp

    x = jax.random.normal(jax.random.key(0), (rows, columns))
    w = jax.random.normal(jax.random.key(1), (columns,))
    return x, jnp.tanh(x @ w) + 0.1 * jax.random.normal(jax.random.key(2), (rows,))


def mlp(sizes=(16, 32, 32, 1)):
    import jax
    import jax.numpy as jnp

    keys = jax.random.split(jax.random.key(3), len(sizes) - 1)
    return [(jax.random.normal(k, (m, n)) / m**0.5, jnp.zeros(n)) for k, m, n in zip(keys, sizes, sizes[1:])]


def mlp_loss(params, x, y):
    import jax.numpy as jnp

    for w, b in params[:-1]:
        x = jnp.tanh(x @ w + b)
    w, b = params[-1]
    return jnp.mean((x @ w + b)[:, 0] * y * -2 + (x @ w + b)[:, 0] ** 2 + y**2)


def scanned(optimizer, steps):
    """That many steps of an optax optimizer on a small network, as one scan."""
    import jax
    import optax

    x, y = regression()
    params = mlp()

    @jax.jit
    def train(params):
        def step(carry, _):
            params, state = carry
            value, gradients = jax.value_and_grad(mlp_loss)(params, x, y)
            updates, state = optimizer.update(gradients, state, params)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (params, optimizer.init(params)), None, steps)[1]

    return lambda: train(params)


@program("optax", tolerance=1e-3)
def optax_adam_scan():
    """300 steps of adam on a small network in one scan."""
    import optax

    return scanned(optax.adam(1e-3), 300)


@program("optax", tolerance=1e-3)
def optax_adamw_schedule_scan():
    """300 steps of adamw with warm-up, cosine decay, clipping and an average of the parameters."""
    import optax

    schedule = optax.warmup_cosine_decay_schedule(0, 3e-3, 30, 300)
    return scanned(optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3), optax.ema(0.99)), 300)


@program("optax", tolerance=1e-3)
def optax_lion_accumulate():
    """Lion with gradients gathered over 4 steps (MultiSteps: a branch in each)."""
    import optax

    return scanned(optax.MultiSteps(optax.lion(1e-3), 4).gradient_transformation(), 200)


@program("optax", x64=True, tolerance=1e-5)
def optax_lbfgs():
    """L-BFGS with the zoom line search (nested whiles) on Rosenbrock's function of 20 variables."""
    import jax
    import jax.numpy as jnp
    import optax

    def f(x):
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    optimizer = optax.lbfgs()
    value_and_grad = optax.value_and_grad_from_state(f)

    @jax.jit
    def solve(x):
        def step(carry, _):
            x, state = carry
            value, gradient = value_and_grad(x, state=state)
            updates, state = optimizer.update(gradient, state, x, value=value, grad=gradient, value_fn=f)
            return (optax.apply_updates(x, updates), state), value

        (x, _), values = jax.lax.scan(step, (x, optimizer.init(x)), None, 30)
        return x, values

    return lambda: solve(jnp.linspace(-1, 1, 20))


@program("optax", tolerance=1e-3)
def optax_steps_from_python():
    """100 steps of a small network, each a call from Python: what a dispatch costs."""
    import jax
    import jax.numpy as jnp
    import optax

    x, y = regression()
    params = mlp()
    optimizer = optax.adam(1e-3)

    @jax.jit
    def step(params, state):
        value, gradients = jax.value_and_grad(mlp_loss)(params, x, y)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, value

    def call():
        p, state = params, optimizer.init(params)
        for _ in range(100):
            p, state, value = step(p, state)
        return value

    return call


@program("jaxopt", x64=True)
def jaxopt_lbfgs():
    """jaxopt's L-BFGS on logistic regression."""
    import jax
    import jax.numpy as jnp
    import jaxopt

    x = jax.random.normal(jax.random.key(0), (500, 20))
    y = (x @ jnp.linspace(-1, 1, 20) + jax.random.logistic(jax.random.key(1), (500,)) > 0).astype(float)

    def loss(w):
        logits = x @ w
        return jnp.mean(jnp.logaddexp(0, logits) - y * logits) + 1e-3 * jnp.sum(w**2)

    solver = jaxopt.LBFGS(loss, maxiter=50, tol=1e-6)
    run = jax.jit(lambda w: solver.run(w).params)
    return lambda: run(jnp.zeros(20))


@program("jaxopt", x64=True)
def jaxopt_osqp():
    """A quadratic program with bounds by OSQP, and its derivative by the implicit function theorem."""
    import jax
    import jax.numpy as jnp
    import jaxopt

    a = jax.random.normal(jax.random.key(0), (15, 10))
    q = a.T @ a + jnp.eye(10)
    solver = jaxopt.OSQP(tol=1e-6)

    @jax.jit
    def solve(c):
        def objective(c):
            solution = solver.run(params_obj=(q, c), params_ineq=(a, jnp.ones(15))).params
            return jnp.sum(solution.primal ** 2)

        return jax.value_and_grad(objective)(c)

    return lambda: solve(jnp.linspace(-3, 3, 10))


@program("jaxopt", tolerance=1e-3)
def jaxopt_proximal_gradient():
    """The lasso by accelerated proximal gradients, over 10 penalties by vmap."""
    import jax
    import jax.numpy as jnp
    import jaxopt

    x = jax.random.normal(jax.random.key(0), (100, 50))
    y = x @ jnp.where(jnp.arange(50) < 5, 1.0, 0.0) + 0.1 * jax.random.normal(jax.random.key(1), (100,))
    solver = jaxopt.ProximalGradient(fun=lambda w, data: jnp.mean((data[0] @ w - data[1]) ** 2), prox=jaxopt.prox.prox_lasso,
                                     maxiter=100, tol=1e-3)
    run = jax.jit(jax.vmap(lambda penalty: solver.run(jnp.zeros(50), hyperparams_prox=penalty, data=(x, y)).params))
    return lambda: run(jnp.linspace(0.01, 0.5, 10))


@program("optimistix", x64=True)
def optimistix_levenberg_marquardt():
    """A curve fitted by Levenberg-Marquardt (QR inside a while), 8 starts by vmap."""
    import jax
    import jax.numpy as jnp
    import optimistix as optx

    t = jnp.linspace(0, 3, 50)
    data = 2.5 * jnp.exp(-1.3 * t) + 0.5 + 0.01 * jax.random.normal(jax.random.key(0), (50,))

    def residual(p, _):
        return p[0] * jnp.exp(-p[1] * t) + p[2] - data

    solver = optx.LevenbergMarquardt(rtol=1e-6, atol=1e-6)
    solve = jax.jit(jax.vmap(lambda p: optx.least_squares(residual, solver, p, max_steps=100).value))
    starts = jnp.stack([jnp.linspace(1, 3, 8), jnp.linspace(0.8, 2, 8), jnp.linspace(0, 1, 8)], 1)
    return lambda: solve(starts)


@program("optimistix", x64=True)
def optimistix_root_and_bfgs():
    """Newton's method on a system of 10 equations, BFGS on Rosenbrock's function, with derivatives through the solution."""
    import jax
    import jax.numpy as jnp
    import optimistix as optx

    def system(y, a):
        return jnp.tanh(y) + 0.1 * jnp.roll(y, 1) ** 2 - a * jnp.linspace(0.1, 0.5, 10)

    def rosenbrock(y, _):
        return jnp.sum(100 * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2)

    @jax.jit
    def solve(a):
        def value(a):
            return jnp.sum(optx.root_find(system, optx.Newton(1e-8, 1e-8), jnp.zeros(10), a).value ** 2)

        minimum = optx.minimise(rosenbrock, optx.BFGS(1e-8, 1e-8), jnp.zeros(6), max_steps=500).value
        return jax.value_and_grad(value)(a), minimum

    return lambda: solve(1.0)
