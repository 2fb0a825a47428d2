"""Differential equations and linear solves."""

from apps import program


@program("diffrax", x64=True)
def diffrax_lorenz():
    """The Lorenz equations by Tsit5 with an adaptive step, 100 saved points."""
    import diffrax
    import jax
    import jax.numpy as jnp

    def field(t, y, args):
        a, b, c = y
        return jnp.stack([10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c])

    @jax.jit
    def solve(y):
        return diffrax.diffeqsolve(diffrax.ODETerm(field), diffrax.Tsit5(), 0.0, 5.0, 0.01, y,
                                   saveat=diffrax.SaveAt(ts=jnp.linspace(0, 5, 100)),
                                   stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8)).ys

    return lambda: solve(jnp.array([1.0, 1.0, 1.0]))


@program("diffrax", x64=True)
def diffrax_stiff():
    """Robertson's reaction by the implicit Kvaerno5 (Newton steps and LU inside the loop)."""
    import diffrax
    import jax
    import jax.numpy as jnp

    def field(t, y, args):
        a, b, c = y
        f0 = -0.04 * a + 1e4 * b * c
        f2 = 3e7 * b**2
        return jnp.stack([f0, -f0 - f2, f2])

    @jax.jit
    def solve(y):
        return diffrax.diffeqsolve(diffrax.ODETerm(field), diffrax.Kvaerno5(), 0.0, 100.0, 0.0002, y,
                                   saveat=diffrax.SaveAt(ts=jnp.array([1.0, 10.0, 100.0])),
                                   stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8)).ys

    return lambda: solve(jnp.array([1.0, 0.0, 0.0]))


@program("diffrax equinox optax", tolerance=1e-3)
def diffrax_neural_ode():
    """A neural ODE on 32 trajectories, gradients through the solver (checkpoints): 2 steps of adabelief."""
    import diffrax
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    times = jnp.linspace(0, 5, 20)
    start = jax.random.uniform(jax.random.key(0), (32, 2), minval=-0.6, maxval=1.0)
    target = jnp.stack([start[:, :1] * jnp.cos(times), start[:, 1:] * jnp.sin(times)], -1)
    model = eqx.nn.MLP(2, 2, 64, 2, activation=jax.nn.softplus, key=jax.random.key(1))
    optimizer = optax.adabelief(3e-3)

    @eqx.filter_jit
    def step(model, state):
        def loss(model):
            def trajectory(y):
                return diffrax.diffeqsolve(diffrax.ODETerm(lambda t, y, args: model(y)), diffrax.Tsit5(), times[0], times[-1],
                                           0.1, y, saveat=diffrax.SaveAt(ts=times),
                                           stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-6)).ys

            return jnp.mean((jax.vmap(trajectory)(start) - target) ** 2)

        value, gradients = eqx.filter_value_and_grad(loss)(model)
        updates, state = optimizer.update(gradients, state)
        return eqx.apply_updates(model, updates), state, value

    def call():
        m, state, losses = model, optimizer.init(eqx.filter(model, eqx.is_inexact_array)), []
        for _ in range(2):
            m, state, value = step(m, state)
            losses.append(value)
        return jnp.stack(losses)

    return call


@program("diffrax", tolerance=1e-3)
def diffrax_sde():
    """64 paths of a stochastic equation, Brownian motion from a virtual tree."""
    import diffrax
    import jax
    import jax.numpy as jnp

    @jax.jit
    def solve(keys):
        def path(key):
            motion = diffrax.VirtualBrownianTree(0.0, 1.0, 1e-3, (), key)
            terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, y, args: 0.5 - y),
                                      diffrax.ControlTerm(lambda t, y, args: 0.2 * jnp.sqrt(jnp.abs(y)), motion))
            return diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, 1.0, 0.01, 1.0, saveat=diffrax.SaveAt(ts=jnp.linspace(0, 1, 11))).ys

        return jax.vmap(path)(keys)

    keys = jax.random.split(jax.random.key(0), 64)
    return lambda: solve(keys)


@program("", x64=True)
def odeint_gradient():
    """jax.experimental.ode: a pendulum with friction, derivatives by the adjoint equation."""
    import jax
    import jax.numpy as jnp
    from jax.experimental.ode import odeint

    times = jnp.linspace(0, 10, 50)

    @jax.jit
    def gradient(m, g):
        def last(m, g):
            path = odeint(lambda y, t: jnp.stack([y[1], -m * y[1] - g * jnp.sin(y[0])]), jnp.array([jnp.pi - 0.1, 0.0]), times)
            return jnp.sum(path[-1] ** 2)

        return jax.value_and_grad(last, argnums=(0, 1))(m, g)

    return lambda: gradient(0.25, 9.8)


@program("lineax", x64=True)
def lineax_solves():
    """Linear solves by several methods: LU, QR, Cholesky, CG, GMRES."""
    import jax
    import jax.numpy as jnp
    import lineax as lx

    a = jax.random.normal(jax.random.key(0), (60, 60)) + 10 * jnp.eye(60)
    b = jax.random.normal(jax.random.key(1), (60,))
    positive = a @ a.T + jnp.eye(60)

    @jax.jit
    def solve(a, positive, b):
        out = [lx.linear_solve(lx.MatrixLinearOperator(a), b, solver).value for solver in (lx.LU(), lx.QR())]
        spd = lx.MatrixLinearOperator(positive, lx.positive_semidefinite_tag)
        out += [lx.linear_solve(spd, b, solver).value for solver in (lx.Cholesky(), lx.CG(1e-8, 1e-8))]
        return out + [lx.linear_solve(lx.MatrixLinearOperator(a), b, lx.GMRES(1e-8, 1e-8)).value]

    return lambda: solve(a, positive, b)


@program("")
def navier_stokes_spectral():
    """Vorticity in two dimensions by FFT, 50 steps of Runge-Kutta on 128 by 128."""
    import jax
    import jax.numpy as jnp

    n = 128
    k = jnp.fft.fftfreq(n) * n
    kx, ky = jnp.meshgrid(k, k[: n // 2 + 1], indexing="ij")
    k2 = kx**2 + ky**2
    inverse = jnp.where(k2 == 0, 0, -1 / jnp.where(k2 == 0, 1, k2))
    keep = (jnp.abs(kx) < n / 3) & (jnp.abs(ky) < n / 3)
    start = jnp.fft.rfft2(jax.random.normal(jax.random.key(0), (n, n))) * jnp.exp(-k2 / 50)

    def rate(w):
        stream = inverse * w
        u, v = jnp.fft.irfft2(-1j * ky * stream), jnp.fft.irfft2(1j * kx * stream)
        return keep * (-jnp.fft.rfft2(u * jnp.fft.irfft2(1j * kx * w) + v * jnp.fft.irfft2(1j * ky * w)) - 1e-3 * k2 * w)

    @jax.jit
    def run(w):
        def step(w, _):
            a = rate(w)
            b = rate(w + 5e-3 * a)
            return w + 1e-2 * b, None

        return jnp.fft.irfft2(jax.lax.scan(step, w, None, 50)[0])

    return lambda: run(start)


@program("", x64=True)
def sparse_conjugate_gradients():
    """Poisson's equation on 64 by 64 with a BCOO matrix and jax.scipy's conjugate gradients."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental import sparse

    n = 64
    index = np.arange(n * n).reshape(n, n)
    rows, columns, values = [index.ravel()], [index.ravel()], [np.full(n * n, 4.0)]
    for a, b in ((index[1:], index[:-1]), (index[:-1], index[1:]), (index[:, 1:], index[:, :-1]), (index[:, :-1], index[:, 1:])):
        rows.append(a.ravel()), columns.append(b.ravel()), values.append(np.full(a.size, -1.0))
    indices = jnp.asarray(np.stack([np.concatenate(rows), np.concatenate(columns)], 1))
    matrix = sparse.BCOO((jnp.asarray(np.concatenate(values)), indices), shape=(n * n, n * n))
    b = jax.random.normal(jax.random.key(0), (n * n,))
    solve = jax.jit(lambda m, b: jax.scipy.sparse.linalg.cg(lambda x: m @ x, b, tol=1e-8, maxiter=300)[0])
    return lambda: solve(matrix, b)
