"""Training: the losses of TensorFlow's CPU."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from common import DEVICE, HOST, normal


def digits():
    data = load_digits()
    return (data.images / 16).astype(np.float32), data.target.astype(np.int32)


def loop(device: str, jit: bool):
    """A network of two layers with variables of our own, trained by gradient descent with momentum; its losses."""
    images, labels = digits()
    with tf.device(device):
        shapes = [(64, 32), (32,), (32, 10), (10,)]
        weights = [tf.Variable(normal(*shape, seed=i) * 0.1) for i, shape in enumerate(shapes)]
        speeds = [tf.Variable(tf.zeros(shape)) for shape in shapes]

        @tf.function(jit_compile=jit)
        def step(x, y):
            with tf.GradientTape() as tape:
                hidden = tf.nn.relu(x @ weights[0] + weights[1])
                logits = hidden @ weights[2] + weights[3]
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
            for weight, speed, gradient in zip(weights, speeds, tape.gradient(loss, weights)):
                speed.assign(0.9 * speed + gradient)
                weight.assign_sub(0.1 * speed)
            return loss

        losses = []
        for i in range(60):
            at = i % 14 * 128
            losses.append(float(step(tf.constant(images[at:at + 128].reshape(-1, 64)), tf.constant(labels[at:at + 128]))))
    return losses


@pytest.mark.parametrize("jit", [True, False], ids=["jit", "graph"])
def test_loop_with_variables(jit):
    ours, theirs = loop(DEVICE, jit), loop(HOST, jit)
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)
    assert ours[-1] < 0.5 < ours[0]


def fit(device: str, model: str, jit: bool, optimizer: str):
    images, labels = digits()
    layers = tf.keras.layers
    with tf.device(device):
        tf.keras.utils.set_random_seed(7)
        kernel = lambda seed: tf.keras.initializers.RandomNormal(stddev=0.1, seed=seed)  # noqa: E731
        if model == "mlp":
            net = tf.keras.Sequential([layers.Input([8, 8]), layers.Flatten(),
                                       layers.Dense(32, activation="relu", kernel_initializer=kernel(1)),
                                       layers.Dense(10, kernel_initializer=kernel(2))])
        else:
            net = tf.keras.Sequential([layers.Input([8, 8, 1]), layers.Conv2D(8, 3, activation="relu", kernel_initializer=kernel(1)),
                                       layers.MaxPooling2D(), layers.BatchNormalization(), layers.Flatten(),
                                       layers.Dense(10, kernel_initializer=kernel(2))])
        start = [normal(*weight.shape, seed=i) * 0.1 if weight.trainable else weight.numpy() for i, weight in enumerate(net.weights)]
        net.set_weights(start)
        net.compile(optimizer=optimizer, loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["accuracy"], jit_compile=jit)
        x = images if model == "mlp" else images[..., None]
        history = net.fit(x, labels, batch_size=128, epochs=3, shuffle=False, verbose=0, validation_split=0.1)
        predicted = net.predict(x[:100], verbose=0)
    return history.history, predicted


@pytest.mark.parametrize("model,jit,optimizer", [("mlp", True, "sgd"), ("mlp", True, "adam"), ("cnn", True, "adam"), ("mlp", False, "sgd")])
def test_keras_fit(model, jit, optimizer):
    ours, predicted = fit(DEVICE, model, jit, optimizer)
    theirs, expected = fit(HOST, model, False, optimizer)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-3)
    np.testing.assert_allclose(predicted, expected, rtol=2e-2, atol=2e-3)
