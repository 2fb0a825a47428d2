"""Simulations: particles, rigid bodies, fields."""

from apps import program


@program("jax_md", tolerance=1e-3)
def jax_md_lennard_jones():
    """512 particles in a box with a neighbour list, 50 steps at constant energy."""
    import jax
    import jax.numpy as jnp
    from jax_md import energy, partition, simulate, space

    side = 512 ** (1 / 3) * 1.2
    displacement, shift = space.periodic(side)
    grid = jnp.stack(jnp.meshgrid(*[jnp.arange(8)] * 3), -1).reshape(-1, 3) * (side / 8)
    start = grid + 0.05 * jax.random.normal(jax.random.key(0), grid.shape)
    neighbours, potential = energy.lennard_jones_neighbor_list(displacement, side, r_cutoff=2.5, dr_threshold=0.5,
                                                               format=partition.NeighborListFormat.Dense)
    init, apply = simulate.nve(potential, shift, 5e-3)
    listed = neighbours.allocate(start)
    state = init(jax.random.key(1), start, kT=0.3, neighbor=listed)

    @jax.jit
    def run(state, listed):
        def step(i, carry):
            state, listed = carry
            listed = listed.update(state.position)
            return apply(state, neighbor=listed), listed

        state, listed = jax.lax.fori_loop(0, 50, step, (state, listed))
        return state.position, potential(state.position, neighbor=listed)

    return lambda: run(state, listed)


@program("jax_md", tolerance=1e-3)
def jax_md_soft_spheres_fire():
    """Soft spheres brought to rest by FIRE descent, all pairs: 128 particles, 100 steps."""
    import jax
    from jax_md import energy, minimize, space

    displacement, shift = space.periodic(9.0)
    potential = energy.soft_sphere_pair(displacement)
    start = jax.random.uniform(jax.random.key(0), (128, 2)) * 9
    init, apply = minimize.fire_descent(potential, shift)

    @jax.jit
    def run(position):
        state = jax.lax.fori_loop(0, 100, lambda i, s: apply(s), init(position))
        return potential(state.position)

    return lambda: run(start)


def brax_run(name, backend, batch, steps):
    import jax
    import jax.numpy as jnp
    from brax import envs

    env = envs.get_environment(name, backend=backend)
    keys = jax.random.split(jax.random.key(0), batch)
    state = jax.jit(jax.vmap(env.reset))(keys)
    actions = jax.random.uniform(jax.random.key(1), (steps, batch, env.action_size), minval=-1, maxval=1)

    @jax.jit
    def run(state, actions):
        def step(state, action):
            state = jax.vmap(env.step)(state, action)
            return state, state.reward

        return jax.lax.scan(step, state, actions)[1]

    return lambda: jnp.asarray(run(state, actions))


@program("brax", tolerance=1e-2)
def brax_ant_positional():
    """Brax's ant, positional dynamics: 8 of them, 5 steps."""
    return brax_run("ant", "positional", 8, 5)


@program("brax", tolerance=1e-2)
def brax_ant_spring():
    """Brax's ant on springs: 8 of them, 5 steps."""
    return brax_run("ant", "spring", 8, 5)


@program("brax", tolerance=1e-2)
def brax_inverted_pendulum_generalized():
    """Brax's pendulum in generalized coordinates: 16 of them, 10 steps."""
    return brax_run("inverted_pendulum", "generalized", 16, 10)


PENDULUM = """
<mujoco>
  <option timestep="0.005" iterations="4" ls_iterations="6"/>
  <worldbody>
    <geom type="plane" size="5 5 0.1"/>
    <body pos="0 0 1"><freejoint/><geom type="sphere" size="0.15"/>
      <body pos="0.3 0 0"><joint type="hinge" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.05"/>
        <body pos="0.4 0 0"><joint type="hinge" axis="0 0 1"/><geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.05"/></body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


@program("mujoco", tolerance=1e-2)
def mjx_walker():
    """MuJoCo XLA: a body with two joints and contacts, 4 worlds, 20 steps."""
    import jax
    import jax.numpy as jnp
    import mujoco
    from mujoco import mjx

    model = mjx.put_model(mujoco.MjModel.from_xml_string(PENDULUM))
    data = mjx.make_data(model)
    start = jax.random.normal(jax.random.key(0), (4, model.nv)) * 0.1

    @jax.jit
    def run(velocity):
        def world(v):
            d = data.replace(qvel=v)
            return jax.lax.fori_loop(0, 20, lambda i, d: mjx.step(model, d), d).qpos

        return jax.vmap(world)(velocity)

    return lambda: jnp.asarray(run(start))


@program("")
def particle_in_cell():
    """Material points (MPM): 2,000 particles scattered to a 64 by 64 grid and gathered again, 20 steps."""
    import jax
    import jax.numpy as jnp

    n, dt = 64, 1e-4
    x0 = jax.random.uniform(jax.random.key(0), (2000, 2)) * 0.4 + 0.3

    def step(carry, _):
        x, v, c, j = carry
        base = (x * n - 0.5).astype(int)
        fx = x * n - base
        w = jnp.stack([0.5 * (1.5 - fx) ** 2, 0.75 - (fx - 1) ** 2, 0.5 * (fx - 0.5) ** 2])
        offsets = jnp.stack(jnp.meshgrid(jnp.arange(3), jnp.arange(3), indexing="ij"), -1).reshape(9, 2)
        weight = w[offsets[:, 0], :, 0] * w[offsets[:, 1], :, 1]
        dpos = (offsets[:, None] - fx) / n
        stress = -4e-2 * n * n * dt * (j - 1)
        affine = stress[:, None, None] * jnp.eye(2) + c
        momentum = weight[..., None] * (v + jnp.einsum("pij,kpj->kpi", affine, dpos))
        index = base + offsets[:, None]
        grid_v = jnp.zeros((n, n, 2)).at[index[..., 0], index[..., 1]].add(momentum)
        grid_m = jnp.zeros((n, n)).at[index[..., 0], index[..., 1]].add(weight)
        grid_v = jnp.where(grid_m[..., None] > 0, grid_v / jnp.maximum(grid_m, 1e-10)[..., None], 0)
        grid_v = grid_v.at[..., 1].add(-dt * 9.8 * 100)
        grid_v = grid_v.at[:3].min(0).at[-3:].min(0).at[:, :3].max(0).at[:, -3:].min(0)
        g = grid_v[index[..., 0], index[..., 1]]
        v = (weight[..., None] * g).sum(0)
        c = 4 * n * n * jnp.einsum("kp,kpi,kpj->pij", weight, g, dpos)
        return (x + dt * v, v, c, j * (1 + dt * jnp.trace(c, axis1=1, axis2=2))), None

    @jax.jit
    def run(x):
        start = (x, jnp.zeros((2000, 2)), jnp.zeros((2000, 2, 2)), jnp.ones(2000))
        return jax.lax.scan(step, start, None, 20)[0][0]

    return lambda: run(x0)


@program("", tolerance=1e-3)
def n_body_leapfrog():
    """256 bodies, all pairs, 100 leapfrog steps, and the gradient of the energy through the last ten."""
    import jax
    import jax.numpy as jnp

    x0 = jax.random.normal(jax.random.key(0), (256, 3))

    def force(x):
        d = x[None] - x[:, None]
        return jnp.sum(d / (jnp.sum(d**2, -1, keepdims=True) + 0.05) ** 1.5, 1) / 256

    def leap(carry, _):
        x, v = carry
        v = v + 0.005 * force(x)
        x = x + 0.01 * v
        return (x, v + 0.005 * force(x)), None

    @jax.jit
    def run(x):
        carry, _ = jax.lax.scan(leap, (x, jnp.zeros_like(x)), None, 100)
        energy = lambda x: jnp.sum(jax.lax.scan(leap, (x, jnp.zeros_like(x)), None, 10)[0][1] ** 2)
        return carry[0], jax.grad(energy)(x)

    return lambda: run(x0)


@program("")
def lattice_boltzmann():
    """Flow around a cylinder, 9 velocities on 200 by 80, rolls and pads: 50 steps."""
    import jax
    import jax.numpy as jnp

    velocities = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
    weights = jnp.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)
    opposite = jnp.array([0, 3, 4, 1, 2, 7, 8, 5, 6])
    c = jnp.array(velocities, jnp.float32)
    xs, ys = jnp.meshgrid(jnp.arange(200), jnp.arange(80), indexing="ij")
    solid = (xs - 40) ** 2 + (ys - 40) ** 2 < 81

    def equilibrium(rho, u):
        cu = jnp.einsum("qd,xyd->xyq", c, u)
        return rho[..., None] * weights * (1 + 3 * cu + 4.5 * cu**2 - 1.5 * jnp.sum(u**2, -1, keepdims=True))

    def step(f, _):
        f = f.at[-1, :, jnp.array([3, 6, 7])].set(f[-2, :, jnp.array([3, 6, 7])])
        rho = f.sum(-1)
        u = jnp.einsum("xyq,qd->xyd", f, c) / rho[..., None]
        u = u.at[0, :, 0].set(0.04).at[0, :, 1].set(0)
        f = f.at[0].set(equilibrium(rho, u)[0])
        out = f - 1.7 * (f - equilibrium(rho, u))
        out = jnp.where(solid[..., None], f[..., opposite], out)
        return jnp.stack([jnp.roll(out[..., q], v, (0, 1)) for q, v in enumerate(velocities)], -1), None

    start = equilibrium(jnp.ones((200, 80)), jnp.zeros((200, 80, 2)).at[..., 0].set(0.04))
    run = jax.jit(lambda f: jax.lax.scan(step, f, None, 50)[0])
    return lambda: run(start)


@program("")
def ray_marcher():
    """A signed distance field marched for 64 by 64 rays, normals by gradients, as in Eric Jang's JAX ray tracer."""
    import jax
    import jax.numpy as jnp

    def length(v):  # with a derivative at 0, where rays end that reach the box's surface to the last bit
        return jnp.sqrt(jnp.sum(v * v) + 1e-12)

    def scene(p):
        ball = length(p - jnp.array([0.0, 0.5, 0.0])) - 0.5
        q = jnp.abs(p - jnp.array([1.0, 0.4, 0.5])) - 0.35
        box = length(jnp.maximum(q, 0)) + jnp.minimum(jnp.max(q), 0)
        return jnp.min(jnp.stack([ball, box, p[1]]))

    def march(origin, direction):
        return jax.lax.fori_loop(0, 40, lambda i, t: t + scene(origin + t * direction), 0.0)

    def shade(direction):
        origin = jnp.array([0.0, 1.0, -3.0])
        p = origin + march(origin, direction) * direction
        normal = jax.grad(scene)(p)
        light = jnp.array([0.577, 0.577, -0.577])
        shadow = jax.lax.fori_loop(0, 20, lambda i, c: (c[0] + scene(p + c[0] * light), jnp.minimum(c[1], 8 * scene(p + c[0] * light) / c[0])),
                                   (0.05, 1.0))[1]
        return jnp.clip(normal @ light, 0, 1) * jnp.clip(shadow, 0, 1)

    xs = jnp.linspace(-1, 1, 64)
    rays = jnp.stack(jnp.meshgrid(xs, xs) + [jnp.ones((64, 64)) * 1.5], -1).reshape(-1, 3)
    rays = rays / jnp.linalg.norm(rays, axis=1, keepdims=True)
    run = jax.jit(jax.vmap(shade))
    return lambda: run(rays)
