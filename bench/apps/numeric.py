"""Plain JAX: algorithms people write with jax.numpy and jax.lax alone."""

from apps import program


@program("", x64=True)
def gaussian_process_fit():
    """JAX's example gaussian_process_regression.py: 50 momentum steps on the marginal likelihood (Cholesky, solves, gradients)."""
    import jax
    import jax.numpy as jnp
    from jax import random
    from jax.scipy.linalg import solve_triangular

    x = random.uniform(random.key(0), (60, 1)) * 4 - 2
    y = jnp.sin(3 * x[:, 0]) + 0.1 * random.normal(random.key(1), (60,))

    def likelihood(p):
        noise, amplitude, length = (jax.nn.softplus(v) for v in p)
        z = x / length
        k = amplitude * jnp.exp(-jnp.sum((z[:, None] - z[None]) ** 2, -1)) + jnp.eye(60) * (noise + 1e-6)
        chol = jnp.linalg.cholesky(k)
        kinvy = solve_triangular(chol.T, solve_triangular(chol, y, lower=True), lower=False)
        return 0.5 * y @ kinvy + jnp.sum(jnp.log(jnp.diag(chol)))

    @jax.jit
    def step(p, m, s):
        g = jax.grad(likelihood)(p)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
        s = [0.9 * a + 0.1 * b**2 for a, b in zip(s, g)]
        return [q - 0.01 * a / jnp.sqrt(b + 1e-5) for q, a, b in zip(p, m, s)], m, s

    def call():
        p, m, s = [0.0, 0.0, 0.0], [0.0] * 3, [1.0] * 3
        p, m, s = (list(map(jnp.float64, v)) for v in (p, m, s))
        for _ in range(50):
            p, m, s = step(p, m, s)
        return p

    return call


@program("", x64=True)
def kalman_filter_and_smoother():
    """A filter and smoother of 6 states over 200 observations: small solves in two scans, and the gradient through them."""
    import jax
    import jax.numpy as jnp

    n, m = 6, 2
    a = jnp.eye(n) + 0.1 * jnp.eye(n, k=1)
    h = jax.random.normal(jax.random.key(0), (m, n))
    data = jax.random.normal(jax.random.key(1), (200, m))

    @jax.jit
    def run(log_q):
        def likelihood(log_q):
            q = jnp.exp(log_q) * jnp.eye(n)

            def step(carry, z):
                x, p = carry
                x, p = a @ x, a @ p @ a.T + q
                s = h @ p @ h.T + jnp.eye(m)
                gain = jnp.linalg.solve(s, h @ p).T
                r = z - h @ x
                value = -0.5 * (r @ jnp.linalg.solve(s, r) + jnp.linalg.slogdet(s)[1])
                x1, p1 = x + gain @ r, p - gain @ h @ p
                return (x1, p1), (value, x1, p1, x, p)

            _, (values, xs, ps, x_, p_) = jax.lax.scan(step, (jnp.zeros(n), jnp.eye(n)), data)

            def back(carry, t):
                x, p = carry
                xf, pf, xp, pp = t
                g = jnp.linalg.solve(pp, a @ pf).T
                return (xf + g @ (x - xp), pf + g @ (p - pp) @ g.T), x

            _, smooth = jax.lax.scan(back, (xs[-1], ps[-1]), (xs[:-1], ps[:-1], x_[1:], p_[1:]), reverse=True)
            return values.sum(), smooth

        (value, smooth), gradient = jax.value_and_grad(likelihood, has_aux=True)(log_q)
        return value, gradient, smooth

    return lambda: run(-2.0)


@program("")
def k_means():
    """Lloyd's algorithm by segment sums in a while, 5,000 points, 20 centres."""
    import jax
    import jax.numpy as jnp

    points = jax.random.normal(jax.random.key(0), (5000, 8)) + 4 * jax.random.randint(jax.random.key(1), (5000, 1), 0, 4)

    @jax.jit
    def run(centres):
        def step(carry):
            i, centres, _ = carry
            distance = jnp.sum((points[:, None] - centres) ** 2, -1)
            owner = jnp.argmin(distance, 1)
            sums = jax.ops.segment_sum(points, owner, 20)
            counts = jnp.maximum(jnp.bincount(owner, length=20), 1)
            new = sums / counts[:, None]
            return i + 1, new, jnp.max(jnp.abs(new - centres))

        return jax.lax.while_loop(lambda c: (c[2] > 1e-3) & (c[0] < 20), step, (0, centres, jnp.inf))[1]

    return lambda: run(points[:20])


@program("")
def sinkhorn():
    """Entropic transport between two sets of 500 points, 100 iterations of logsumexp."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import logsumexp

    x = jax.random.normal(jax.random.key(0), (500, 3))
    y = jax.random.normal(jax.random.key(1), (500, 3)) + 1

    @jax.jit
    def run(x, y):
        cost = jnp.sum((x[:, None] - y[None]) ** 2, -1)
        f, g = jnp.zeros(500), jnp.zeros(500)

        def step(carry, _):
            f, g = carry
            f = -0.5 * (logsumexp((g[None] - cost) / 0.5, 1) - jnp.log(500.0))
            g = -0.5 * (logsumexp((f[:, None] - cost) / 0.5, 0) - jnp.log(500.0))
            return (f, g), None

        (f, g), _ = jax.lax.scan(step, (f, g), None, 100)
        return jnp.mean(f) + jnp.mean(g), f

    return lambda: run(x, y)


@program("")
def beam_search():
    """Beam search of width 8 over a small recurrent model with a vocabulary of 1,000: top_k and gathers in a while."""
    import jax
    import jax.numpy as jnp

    vocabulary, width, beams, length = 1000, 64, 8, 30
    embed = jax.random.normal(jax.random.key(0), (vocabulary, width))
    w = jax.random.normal(jax.random.key(1), (2 * width, width)) / 10
    head = jax.random.normal(jax.random.key(2), (width, vocabulary)) / 4

    @jax.jit
    def run(state):
        def step(carry):
            i, text, scores, state = carry
            state = jnp.tanh(jnp.concatenate([state, embed[text[:, i]]], 1) @ w)
            logp = jax.nn.log_softmax(state @ head) + scores[:, None]
            scores, flat = jax.lax.top_k(logp.reshape(-1), beams)
            parent, token = flat // vocabulary, flat % vocabulary
            return i + 1, text[parent].at[:, i + 1].set(token), scores, state[parent]

        text = jnp.zeros((beams, length + 1), jnp.int32)
        scores = jnp.where(jnp.arange(beams) == 0, 0.0, -jnp.inf)
        _, text, scores, _ = jax.lax.while_loop(lambda c: c[0] < length, step, (0, text, scores, state))
        return text, scores

    return lambda: run(jnp.zeros((beams, width)))


@program("", x64=True)
def eigen_and_svd():
    """Principal components and a low rank approximation: eigh and svd of batches, QR iterations."""
    import jax
    import jax.numpy as jnp

    x = jax.random.normal(jax.random.key(0), (8, 60, 40))

    @jax.jit
    def run(x):
        values, _ = jnp.linalg.eigh(jnp.swapaxes(x, 1, 2) @ x)
        singular = jnp.linalg.svd(x, compute_uv=False)
        q = jax.lax.fori_loop(0, 10, lambda i, q: jnp.linalg.qr(jnp.swapaxes(x, 1, 2) @ (x @ q))[0], x[:, :40, :5])
        return values, singular, jnp.abs(jnp.einsum("bij,bij->b", q, x[:, :40, :5])), jnp.linalg.pinv(x[0])

    return lambda: run(x)


@program("")
def game_of_life_and_sandpile():
    """Cellular automata with rolls and a while until nothing falls."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def run(board):
        def live(board, _):
            near = sum(jnp.roll(board, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))
            return ((near == 3) | ((board == 1) & (near == 2))).astype(board.dtype), None

        def topple(pile):
            fall = (pile >= 4).astype(pile.dtype)
            spread = jnp.pad(fall, 1)
            return pile - 4 * fall + spread[2:, 1:-1] + spread[:-2, 1:-1] + spread[1:-1, 2:] + spread[1:-1, :-2]

        board, _ = jax.lax.scan(live, board, None, 100)
        pile = jax.lax.while_loop(lambda p: jnp.any(p >= 4), topple, jnp.zeros((40, 40), jnp.int32).at[20, 20].set(600))
        return board, pile

    start = jax.random.bernoulli(jax.random.key(0), 0.3, (128, 128)).astype(jnp.int32)
    return lambda: run(start)


@program("")
def viterbi_and_dynamic_programming():
    """Viterbi over 500 steps of 32 states, edit distances of 64 pairs, CTC-like forward sums."""
    import jax
    import jax.numpy as jnp

    transition = jax.nn.log_softmax(jax.random.normal(jax.random.key(0), (32, 32)))
    emission = jax.nn.log_softmax(jax.random.normal(jax.random.key(1), (500, 32)))
    a = jax.random.randint(jax.random.key(2), (64, 40), 0, 4)
    b = jax.random.randint(jax.random.key(3), (64, 40), 0, 4)

    @jax.jit
    def run(transition, emission, a, b):
        def forward(alpha, e):
            scores = alpha[:, None] + transition
            return scores.max(0) + e, scores.argmax(0)

        last, back = jax.lax.scan(forward, emission[0], emission[1:])
        _, path = jax.lax.scan(lambda s, b: (b[s], s), last.argmax(), back, reverse=True)

        def distance(a, b):
            def row(previous, x):
                def cell(left, t):
                    up, diagonal, y = t
                    value = jnp.minimum(jnp.minimum(left, up) + 1, diagonal + (x != y))
                    return value, value

                _, rest = jax.lax.scan(cell, previous[0] + 1, (previous[1:], previous[:-1], b))
                return jnp.concatenate([previous[:1] + 1, rest]), None

            return jax.lax.scan(row, jnp.arange(41), a)[0][-1]

        return last, path, jax.vmap(distance)(a, b)

    return lambda: run(transition, emission, a, b)


@program("")
def blockwise_attention():
    """Attention in blocks with a running softmax (two nested scans) and its gradient, as flash attention is written in JAX."""
    import jax
    import jax.numpy as jnp

    q, k, v = jax.random.normal(jax.random.key(0), (3, 4, 512, 32))

    @jax.jit
    def gradient(q, k, v):
        def attention(q, k, v):
            kb, vb = k.reshape(8, 64, 32), v.reshape(8, 64, 32)

            def query(_, qb):
                def key(carry, kv):
                    m, total, out = carry
                    s = qb @ kv[0].T / 32**0.5
                    new = jnp.maximum(m, s.max(1))
                    p = jnp.exp(s - new[:, None])
                    scale = jnp.exp(m - new)
                    return (new, total * scale + p.sum(1), out * scale[:, None] + p @ kv[1]), None

                start = (jnp.full(64, -jnp.inf), jnp.zeros(64), jnp.zeros((64, 32)))
                (_, total, out), _ = jax.lax.scan(key, start, (kb, vb))
                return None, out / total[:, None]

            return jax.lax.scan(query, None, q.reshape(8, 64, 32))[1].reshape(512, 32)

        return jax.grad(lambda q, k, v: jnp.sum(jax.vmap(attention)(q, k, v) ** 2), argnums=(0, 1, 2))(q, k, v)

    return lambda: gradient(q, k, v)


@program("")
def evolution_strategy():
    """A controller of 500 weights evolved on a pendulum: vmap over 128 members, scan over 100 steps, argsort of the scores."""
    import jax
    import jax.numpy as jnp

    def score(weights):
        w1, w2 = weights[:96].reshape(3, 32), weights[96:128]

        def step(state, _):
            angle, speed = state
            force = 2 * jnp.tanh(jnp.tanh(jnp.stack([jnp.cos(angle), jnp.sin(angle), speed]) @ w1) @ w2)
            cost = angle**2 + 0.1 * speed**2 + 0.001 * force**2
            speed = jnp.clip(speed + (15 * jnp.sin(angle) + 3 * force) * 0.05, -8, 8)
            return ((angle + speed * 0.05 + jnp.pi) % (2 * jnp.pi) - jnp.pi, speed), cost

        return -jax.lax.scan(step, (jnp.float32(3.0), jnp.float32(0.0)), None, 100)[1].sum()

    @jax.jit
    def run(key):
        def generation(carry, key):
            mean, sigma = carry
            population = mean + sigma * jax.random.normal(key, (128, 128))
            scores = jax.vmap(score)(population)
            best = population[jnp.argsort(-scores)[:32]]
            return (best.mean(0), best.std(0) + 1e-3), jnp.isfinite(scores.max())

        return jax.lax.scan(generation, (jnp.zeros(128), jnp.ones(128)), jax.random.split(key, 10))[1]

    return lambda: run(jax.random.key(0))


@program("")
def image_pipeline():
    """Augmentation under vmap: rotate by map_coordinates, resize, blur, histogram equalisation, random crops."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.ndimage import map_coordinates

    images = jax.random.uniform(jax.random.key(0), (16, 64, 64, 3))

    def augment(key, image):
        k1, k2 = jax.random.split(key)
        angle = jax.random.uniform(k1, minval=-0.5, maxval=0.5)
        y, x = jnp.meshgrid(jnp.arange(64.0) - 31.5, jnp.arange(64.0) - 31.5, indexing="ij")
        where = [jnp.cos(angle) * y - jnp.sin(angle) * x + 31.5, jnp.sin(angle) * y + jnp.cos(angle) * x + 31.5]
        image = jax.vmap(lambda c: map_coordinates(c, where, order=1), in_axes=2, out_axes=2)(image)
        corner = jax.random.randint(k2, (2,), 0, 16)
        image = jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), (48, 48, 3))
        image = jax.image.resize(image, (32, 32, 3), "bicubic")
        grey = jnp.clip(image.mean(-1), 0, 0.999)
        levels = jnp.cumsum(jnp.zeros(64).at[(grey * 64).astype(int)].add(1)) / grey.size
        return image * levels[(grey * 64).astype(int)][..., None]

    run = jax.jit(jax.vmap(augment))
    keys = jax.random.split(jax.random.key(1), 16)
    return lambda: run(keys, images)


@program("")
def decision_forest_and_top_k():
    """Boosted stumps: sorts, cumulative sums and gathers, 10 rounds; then top_k and unique values."""
    import jax
    import jax.numpy as jnp

    x = jax.random.normal(jax.random.key(0), (2000, 16))
    y = jnp.sign(x[:, 0] * x[:, 1] + x[:, 2])

    @jax.jit
    def run(x, y):
        order = jnp.argsort(x, axis=0)

        def round_(prediction, _):
            residual = y - prediction
            sums = jnp.cumsum(residual[order], 0)
            n = jnp.arange(1, 2001)[:, None]
            gain = sums**2 / n + (sums[-1] - sums) ** 2 / jnp.maximum(2000 - n, 1)
            best = jnp.argmax(gain)
            row, column = best // 16, best % 16
            cut = x[order[row, column], column]
            left = sums[row, column] / (row + 1)
            right = (sums[-1, column] - sums[row, column]) / jnp.maximum(1999 - row, 1)
            return prediction + 0.3 * jnp.where(x[:, column] <= cut, left, right), gain.max()

        prediction, gains = jax.lax.scan(round_, jnp.zeros(2000), None, 10)
        return gains, jax.lax.top_k(jnp.abs(prediction), 10)[0], jnp.unique(jnp.round(prediction, 2), size=64, fill_value=0)

    return lambda: run(x, y)
