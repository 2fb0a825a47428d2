"""Neural networks trained with the libraries that people write them in."""

import functools

from apps import program


def tokens(batch, length, vocabulary):
    """A text that can be learned: each token follows from the two before it, nearly always."""
    import numpy as np

    rng = np.random.default_rng(0)
    text = rng.integers(0, vocabulary, (batch, length + 1))
    for i in range(2, length + 1):
        text[:, i] = np.where(rng.random(batch) < 0.9, (3 * text[:, i - 1] + text[:, i - 2]) % vocabulary, text[:, i])
    return text.astype(np.int32)


def training(step, steps, *start):
    """A call that trains from the same start each time: step(*state) returns the next state and, last, the loss."""
    import jax.numpy as jnp

    def call():
        state, values = start, []
        for _ in range(steps):
            *state, value = step(*state)
            values.append(value)
        return jnp.stack(values)

    return call


@program("flax optax")
def flax_linen_transformer():
    """A small language model of two blocks, adamw with warm-up and cosine decay, clipped gradients: 5 steps, one call each."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax

    class Block(nn.Module):
        width: int

        @nn.compact
        def __call__(self, x, mask):
            y = nn.LayerNorm()(x)
            x = x + nn.MultiHeadDotProductAttention(num_heads=4)(y, y, mask=mask)
            y = nn.LayerNorm()(x)
            return x + nn.Dense(self.width)(nn.gelu(nn.Dense(4 * self.width)(y)))

    class Model(nn.Module):
        vocabulary: int = 64
        width: int = 64

        @nn.compact
        def __call__(self, text):
            x = nn.Embed(self.vocabulary, self.width)(text)
            x = x + self.param("position", nn.initializers.normal(0.02), (text.shape[1], self.width))
            mask = nn.make_causal_mask(text)
            for _ in range(2):
                x = Block(self.width)(x, mask)
            return nn.Dense(self.vocabulary)(nn.LayerNorm()(x))

    text = jnp.asarray(tokens(8, 64, 64))
    model = Model()
    params = model.init(jax.random.key(0), text[:, :-1])
    schedule = optax.warmup_cosine_decay_schedule(0, 3e-3, 5, 100)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))

    @jax.jit
    def step(params, state):
        def loss(params):
            logits = model.apply(params, text[:, :-1])
            return optax.softmax_cross_entropy_with_integer_labels(logits, text[:, 1:]).mean()

        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, value

    return training(step, 5, params, optimizer.init(params))


@program("flax optax")
def flax_nnx_cnn():
    """The MNIST example of the NNX documentation: convolutions, pooling, batch norm, dropout; 5 steps under nnx.jit."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    class CNN(nnx.Module):
        def __init__(self, rngs):
            self.conv1 = nnx.Conv(1, 16, kernel_size=(3, 3), rngs=rngs)
            self.norm1 = nnx.BatchNorm(16, rngs=rngs)
            self.conv2 = nnx.Conv(16, 32, kernel_size=(3, 3), rngs=rngs)
            self.dropout = nnx.Dropout(0.1, rngs=rngs)
            self.linear1 = nnx.Linear(7 * 7 * 32, 64, rngs=rngs)
            self.linear2 = nnx.Linear(64, 10, rngs=rngs)

        def __call__(self, x):
            x = nnx.avg_pool(nnx.relu(self.norm1(self.conv1(x))), window_shape=(2, 2), strides=(2, 2))
            x = nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
            x = self.dropout(x.reshape(x.shape[0], -1))
            return self.linear2(nnx.relu(self.linear1(x)))

    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.normal(size=(32, 28, 28, 1)).astype(np.float32))
    labels = jnp.asarray(rng.integers(0, 10, 32))

    @nnx.jit
    def step(model, optimizer):
        def loss(model):
            return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

        value, gradients = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradients)
        return value

    def call():
        model = CNN(nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
        return jnp.stack([step(model, optimizer) for _ in range(5)])

    return call


@program("equinox optax")
def equinox_transformer():
    """Equinox modules under vmap and filter_jit, layers by scan: 5 steps of adam."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    width, vocabulary, length = 64, 64, 64

    class Block(eqx.Module):
        norm1: eqx.nn.LayerNorm
        norm2: eqx.nn.LayerNorm
        attention: eqx.nn.MultiheadAttention
        mlp: eqx.nn.MLP

        def __init__(self, key):
            key1, key2 = jax.random.split(key)
            self.norm1, self.norm2 = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
            self.attention = eqx.nn.MultiheadAttention(4, width, key=key1)
            self.mlp = eqx.nn.MLP(width, width, 4 * width, 1, activation=jax.nn.gelu, key=key2)

        def __call__(self, x):
            y = jax.vmap(self.norm1)(x)
            x = x + self.attention(y, y, y, mask=jnp.tril(jnp.ones((x.shape[0], x.shape[0]), bool)))
            return x + jax.vmap(self.mlp)(jax.vmap(self.norm2)(x))

    class Model(eqx.Module):
        embed: eqx.nn.Embedding
        blocks: Block
        head: eqx.nn.Linear

        def __init__(self, key):
            key1, key2, key3 = jax.random.split(key, 3)
            self.embed = eqx.nn.Embedding(vocabulary, width, key=key1)
            self.blocks = eqx.filter_vmap(Block)(jax.random.split(key2, 3))
            self.head = eqx.nn.Linear(width, vocabulary, key=key3)

        def __call__(self, text):
            dynamic, static = eqx.partition(self.blocks, eqx.is_array)
            x, _ = jax.lax.scan(lambda x, block: (eqx.combine(block, static)(x), None), jax.vmap(self.embed)(text), dynamic)
            return jax.vmap(self.head)(x)

    text = jnp.asarray(tokens(8, length, vocabulary))
    model = Model(jax.random.key(0))
    optimizer = optax.adam(1e-3)

    @eqx.filter_jit
    def step(model, state):
        def loss(model):
            logits = jax.vmap(model)(text[:, :-1])
            return optax.softmax_cross_entropy_with_integer_labels(logits, text[:, 1:]).mean()

        value, gradients = eqx.filter_value_and_grad(loss)(model)
        updates, state = optimizer.update(gradients, state, model)
        return eqx.apply_updates(model, updates), state, value

    return training(step, 5, model, optimizer.init(eqx.filter(model, eqx.is_array)))


@program("haiku optax")
def haiku_lstm():
    """A character model with an LSTM over 64 steps (haiku's dynamic_unroll), as in haiku's examples."""
    import haiku as hk
    import jax
    import jax.numpy as jnp
    import optax

    text = jnp.asarray(tokens(16, 64, 32))

    @hk.without_apply_rng
    @hk.transform
    def loss(text):
        core = hk.DeepRNN([hk.LSTM(64), jax.nn.relu, hk.LSTM(64), hk.Linear(32)])
        logits, _ = hk.dynamic_unroll(core, jax.nn.one_hot(text[:, :-1].T, 32), core.initial_state(text.shape[0]))
        return optax.softmax_cross_entropy_with_integer_labels(logits, text[:, 1:].T).mean()

    params = loss.init(jax.random.key(0), text)
    optimizer = optax.adam(3e-3)

    @jax.jit
    def step(params, state):
        value, gradients = jax.value_and_grad(loss.apply)(params, text)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    return training(step, 5, params, optimizer.init(params))


@program("haiku optax")
def haiku_resnet18():
    """ResNet-18 on 8 images of 32 by 32, momentum: 2 steps."""
    import haiku as hk
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.normal(size=(8, 32, 32, 3)).astype(np.float32))
    labels = jnp.asarray(rng.integers(0, 10, 8))

    @hk.without_apply_rng
    @hk.transform_with_state
    def forward(images):
        return hk.nets.ResNet18(10)(images, is_training=True)

    params, state = forward.init(jax.random.key(0), images)
    optimizer = optax.sgd(0.05, momentum=0.9)

    @jax.jit
    def step(params, state, opt):
        def loss(params):
            logits, new = forward.apply(params, state, images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), new

        (value, new), gradients = jax.value_and_grad(loss, has_aux=True)(params)
        updates, opt = optimizer.update(gradients, opt)
        return optax.apply_updates(params, updates), new, opt, value

    return training(step, 2, params, state, optimizer.init(params))


@program("jraph optax")
def jraph_graph_network():
    """Messages between 2,000 nodes over 8,000 edges (gathers and segment sums), trained: 5 steps."""
    import jax
    import jax.numpy as jnp
    import jraph
    import numpy as np
    import optax

    rng = np.random.default_rng(0)
    nodes, edges, width = 2000, 8000, 32
    graph = jraph.GraphsTuple(
        nodes=jnp.asarray(rng.normal(size=(nodes, width)).astype(np.float32)), edges=None, globals=None,
        senders=jnp.asarray(rng.integers(0, nodes, edges)), receivers=jnp.asarray(rng.integers(0, nodes, edges)),
        n_node=jnp.array([nodes]), n_edge=jnp.array([edges]))
    labels = jnp.asarray(rng.integers(0, 7, nodes))
    keys = jax.random.split(jax.random.key(0), 3)
    params = [jax.random.normal(key, (width, size)) / width**0.5 for key, size in zip(keys, (width, width, 7))]
    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params, state):
        def loss(params):
            out = graph
            for i, w in enumerate(params):
                layer = jraph.GraphConvolution(update_node_fn=lambda n, w=w: n @ w, add_self_edges=True)
                out = layer(out)
                if i < 2:
                    out = out._replace(nodes=jax.nn.relu(out.nodes))
            return optax.softmax_cross_entropy_with_integer_labels(out.nodes, labels).mean()

        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    return training(step, 5, params, optimizer.init(params))


@program("jraph optax")
def jraph_attention_network():
    """A graph attention layer: segment softmax over the edges of each node."""
    import jax
    import jax.numpy as jnp
    import jraph
    import numpy as np

    rng = np.random.default_rng(1)
    nodes, edges, width = 1000, 5000, 32
    graph = jraph.GraphsTuple(
        nodes=jnp.asarray(rng.normal(size=(nodes, width)).astype(np.float32)), edges=None, globals=None,
        senders=jnp.asarray(rng.integers(0, nodes, edges)), receivers=jnp.asarray(rng.integers(0, nodes, edges)),
        n_node=jnp.array([nodes]), n_edge=jnp.array([edges]))
    w = jax.random.normal(jax.random.key(0), (width, width)) / width**0.5
    a = jax.random.normal(jax.random.key(1), (2 * width,)) / width**0.5

    @jax.jit
    def gradient(w, a):
        def loss(w, a):
            layer = jraph.GAT(
                attention_query_fn=lambda n: n @ w,
                attention_logit_fn=lambda s, r, e: jax.nn.leaky_relu(jnp.concatenate([s, r], 1) @ a)[:, None],
                node_update_fn=jnp.tanh)
            return jnp.sum(layer(graph).nodes ** 2)

        return jax.value_and_grad(loss, argnums=(0, 1))(w, a)

    return lambda: gradient(w, a)


@program("optax")
def vae():
    """The variational autoencoder of JAX's examples (mnist_vae.py), an epoch of 10 batches by fori_loop."""
    import jax
    import jax.numpy as jnp
    import optax
    from jax import lax, random

    images = random.bernoulli(random.key(9), 0.3, (10 * 32, 28 * 28)).astype(jnp.float32)
    shapes = dict(e1=(784, 256), mu=(256, 10), sigma=(256, 10), d1=(10, 256), d2=(256, 784))
    params = {n: random.normal(k, s) / s[0] ** 0.5 for (n, s), k in zip(shapes.items(), random.split(random.key(0), 5))}
    optimizer = optax.sgd(1e-3, momentum=0.9)

    def elbo(key, p, x):
        h = jax.nn.relu(x @ p["e1"])
        mu, sigmasq = h @ p["mu"], jax.nn.softplus(h @ p["sigma"])
        z = mu + jnp.sqrt(sigmasq) * random.normal(key, mu.shape)
        logits = jax.nn.relu(z @ p["d1"]) @ p["d2"]
        kl = -0.5 * jnp.sum(1 + jnp.log(sigmasq) - mu**2 - sigmasq)
        return (jnp.sum(-jnp.logaddexp(0, jnp.where(x, -1, 1) * logits)) - kl) / x.shape[0]

    @jax.jit
    def epoch(key, params, state, images):
        def body(i, carry):
            params, state = carry
            batch_key, key_i = random.split(random.fold_in(key, i))
            batch = random.bernoulli(batch_key, lax.dynamic_slice_in_dim(images, i * 32, 32)).astype(jnp.float32)
            gradients = jax.grad(lambda p: -elbo(key_i, p, batch))(params)
            updates, state = optimizer.update(gradients, state)
            return optax.apply_updates(params, updates), state

        params, state = lax.fori_loop(0, 10, body, (params, state))
        return elbo(key, params, images), params["mu"]

    return lambda: epoch(random.key(3), params, optimizer.init(params), images)


@program("optax")
def private_sgd():
    """JAX's example of differentially private training: a gradient per example by vmap, clipped one by one, with noise."""
    import jax
    import jax.numpy as jnp
    from jax import random

    x = random.normal(random.key(1), (64, 28, 28, 1))
    labels = random.randint(random.key(2), (64,), 0, 10)
    params = [random.normal(random.key(3), (8, 8, 1, 16)) / 8, random.normal(random.key(4), (4, 4, 16, 32)) / 16,
              random.normal(random.key(5), (32, 32)) / 6, random.normal(random.key(6), (32, 10)) / 6]

    def loss(params, image, label):
        w1, w2, w3, w4 = params
        layout = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(image[None], w1, (2, 2), "SAME", dimension_numbers=layout)
        y = jax.lax.reduce_window(jax.nn.relu(y), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID")
        y = jax.lax.conv_general_dilated(y, w2, (2, 2), "VALID", dimension_numbers=layout)
        y = jax.lax.reduce_window(jax.nn.relu(y), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 4, 4, 1), "VALID")
        y = jax.nn.relu(y.reshape(1, -1)[:, :32] @ w3) @ w4
        return -jax.nn.log_softmax(y)[0, label]

    @jax.jit
    def step(params, key):
        gradients = jax.vmap(jax.grad(loss), in_axes=(None, 0, 0))(params, x, labels)
        norms = jnp.sqrt(sum(jnp.sum(g.reshape(64, -1) ** 2, 1) for g in gradients))
        scale = 1 / jnp.maximum(norms / 1.5, 1)
        keys = random.split(key, len(params))
        sums = [jnp.tensordot(scale, g, 1) + 0.3 * random.normal(k, p.shape) for g, k, p in zip(gradients, keys, params)]
        return [p - 0.1 * s / 64 for p, s in zip(params, sums)]

    def call():
        p = params
        for i in range(2):
            p = step(p, random.key(i))
        return p

    return call


@program("flax optax distrax", tolerance=1e-3)
def ppo_cartpole():
    """PPO written as one program (environment, advantages, minibatches in nested scans), as in PureJaxRL: 2 updates of 16 envs."""
    import distrax
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax

    envs, steps = 16, 64

    class ActorCritic(nn.Module):
        @nn.compact
        def __call__(self, x):
            actor = nn.tanh(nn.Dense(64)(nn.tanh(nn.Dense(64)(x))))
            critic = nn.tanh(nn.Dense(64)(nn.tanh(nn.Dense(64)(x))))
            return distrax.Categorical(logits=nn.Dense(2)(actor)), nn.Dense(1)(critic)[..., 0]

    def reset(key):
        return jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05)

    def env_step(key, state, action):
        x, v, theta, omega = state
        force = jnp.where(action == 1, 10.0, -10.0)
        sin, cos = jnp.sin(theta), jnp.cos(theta)
        temp = (force + 0.05 * omega**2 * sin) / 1.1
        alpha = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        acceleration = temp - 0.05 * alpha * cos / 1.1
        new = jnp.stack([x + 0.02 * v, v + 0.02 * acceleration, theta + 0.02 * omega, omega + 0.02 * alpha])
        done = (jnp.abs(new[0]) > 2.4) | (jnp.abs(new[2]) > 0.2095)
        return jnp.where(done, reset(key), new), 1.0, done

    network = ActorCritic()
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(2.5e-4, eps=1e-5))
    params = network.init(jax.random.key(0), jnp.zeros(4))

    @jax.jit
    def train(params, key):
        key, sub = jax.random.split(key)
        state = jax.vmap(reset)(jax.random.split(sub, envs))

        def update(carry, _):
            params, opt, state, key = carry

            def env(carry, _):
                state, key = carry
                key, key1, key2 = jax.random.split(key, 3)
                policy, value = network.apply(params, state)
                action = policy.sample(seed=key1)
                new, reward, done = jax.vmap(env_step)(jax.random.split(key2, envs), state, action)
                return (new, key), (state, action, reward, done, policy.log_prob(action), value)

            (state, key), (obs, action, reward, done, logp, value) = jax.lax.scan(env, (state, key), None, steps)
            _, last = network.apply(params, state)

            def backwards(carry, x):
                advantage, following = carry
                reward, done, value = x
                delta = reward + 0.99 * following * (1 - done) - value
                advantage = delta + 0.99 * 0.95 * (1 - done) * advantage
                return (advantage, value), advantage

            _, advantages = jax.lax.scan(backwards, (jnp.zeros_like(last), last), (reward, done, value), reverse=True, unroll=4)
            data = jax.tree.map(lambda x: x.reshape((envs * steps,) + x.shape[2:]),
                                (obs, action, logp, advantages, advantages + value))

            def epoch(carry, _):
                params, opt, key = carry
                key, sub = jax.random.split(key)
                order = jax.random.permutation(sub, envs * steps)
                batches = jax.tree.map(lambda x: x[order].reshape((4, -1) + x.shape[1:]), data)

                def minibatch(carry, batch):
                    params, opt = carry
                    obs, action, logp, advantage, target = batch

                    def loss(params):
                        policy, value = network.apply(params, obs)
                        ratio = jnp.exp(policy.log_prob(action) - logp)
                        a = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                        actor = -jnp.minimum(ratio * a, jnp.clip(ratio, 0.8, 1.2) * a).mean()
                        return actor + 0.5 * jnp.square(value - target).mean() - 0.01 * policy.entropy().mean()

                    value, gradients = jax.value_and_grad(loss)(params)
                    updates, opt = optimizer.update(gradients, opt)
                    return (optax.apply_updates(params, updates), opt), value

                (params, opt), losses = jax.lax.scan(minibatch, (params, opt), batches)
                return (params, opt, key), losses

            (params, opt, key), losses = jax.lax.scan(epoch, (params, opt, key), None, 4)
            return (params, opt, state, key), losses

        (params, *_), losses = jax.lax.scan(update, (params, optimizer.init(params), state, key), None, 2)
        return losses

    return functools.partial(train, params, jax.random.key(1))


@program("flax orbax.checkpoint optax")
def orbax_checkpoint():
    """A training state written and read again by Orbax; the arrays that come back are trained on."""
    import tempfile

    import jax
    import jax.numpy as jnp
    import optax
    import orbax.checkpoint as ocp

    params = {"w": jax.random.normal(jax.random.key(0), (256, 256)), "b": jnp.zeros(256), "step": jnp.int32(3)}
    optimizer = optax.adam(1e-3)
    state = optimizer.init(params["w"])

    @jax.jit
    def step(w, state):
        updates, state = optimizer.update(jax.grad(lambda w: jnp.sum(jnp.tanh(w @ w)))(w), state)
        return optax.apply_updates(w, updates), state

    def call():
        with tempfile.TemporaryDirectory() as folder:
            with ocp.StandardCheckpointer() as checkpointer:
                checkpointer.save(f"{folder}/state", {"params": params, "state": state})
                checkpointer.wait_until_finished()
                back = checkpointer.restore(f"{folder}/state", {"params": params, "state": state})
        w, _ = step(back["params"]["w"], back["state"])
        return {"w": w, "rest": back["params"]}

    return call
