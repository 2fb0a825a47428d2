"""tf.function: compiled as a whole with jit_compile, operation by operation without."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from common import DEVICE, HOST, agree, normal

BOTH = pytest.mark.parametrize("jit", [True, False], ids=["jit", "graph"])


@BOTH
def test_function(jit):
    @tf.function(jit_compile=jit)
    def layer(x, w, b):
        return tf.nn.softmax(tf.nn.relu(x @ w + b))

    agree(layer, normal(8, 16), normal(16, 4, seed=1), normal(4, seed=2))


@BOTH
def test_while_and_cond(jit):
    @tf.function(jit_compile=jit)
    def collatz(n):
        steps = tf.constant(0)
        while n > 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    agree(collatz, np.int32(27))


@BOTH
def test_gradients(jit):
    @tf.function(jit_compile=jit)
    def gradient(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.reduce_mean(tf.tanh(x @ w) ** 2)
        return tape.gradient(y, [x, w])

    agree(gradient, normal(5, 7), normal(7, 3, seed=1))


def test_gradients_of_convolutions():
    @tf.function(jit_compile=True)
    def gradient(x, k):
        with tf.GradientTape() as tape:
            tape.watch([x, k])
            y = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, k, 1, "SAME")), 2, 2, "VALID")
            loss = tf.reduce_sum(y * y)
        return tape.gradient(loss, [x, k])

    agree(gradient, normal(2, 8, 8, 3), normal(3, 3, 3, 4, seed=1), relative=1e-4, absolute=1e-4)


@BOTH
def test_variables_are_updated_in_place(jit):
    with tf.device(DEVICE):
        count = tf.Variable(tf.zeros([4]))

        @tf.function(jit_compile=jit)
        def add(x):
            count.assign_add(x)
            return count * 2

        before = tf.identity(count)
        for i in range(5):
            result = add(tf.fill([4], float(i)))
    np.testing.assert_array_equal(before.numpy(), np.zeros(4))
    np.testing.assert_array_equal(count.numpy(), np.full(4, 10.0))
    np.testing.assert_array_equal(result.numpy(), np.full(4, 20.0))


def test_a_value_read_before_an_update_keeps():
    # The update may not take the memory of a value that the program still holds.
    with tf.device(DEVICE):
        variable = tf.Variable(tf.ones([1000]))

        @tf.function(jit_compile=True)
        def double():
            variable.assign(variable * 2)

        values = []
        for _ in range(4):
            values.append(variable.read_value())
            double()
    for i, value in enumerate(values):
        np.testing.assert_array_equal(value.numpy(), np.full(1000, 2.0 ** i))


def test_scan_and_map():
    @tf.function(jit_compile=True)
    def run(x):
        return tf.scan(lambda a, b: a * 0.5 + b, x), tf.map_fn(lambda row: tf.reduce_sum(row), x)

    agree(run, normal(6, 3))


def test_several_shapes():
    @tf.function(jit_compile=True)
    def total(x):
        return tf.reduce_sum(x * x, axis=-1)

    for size in (1, 3, 17, 3):
        agree(total, normal(size, 5))


SIZED_BY_VALUES = {
    "sum": lambda x: tf.reduce_sum(tf.boolean_mask(x, x > 0)), "mask": lambda x: tf.boolean_mask(x, x > 0),
    "rows": lambda x: tf.boolean_mask(x, x[:, 0] > 0), "where": lambda x: tf.where(x > 0),
    "unique": lambda x: tf.unique(tf.cast(tf.reshape(x, [-1]) * 2, tf.int32))[0],
    "size": lambda x: tf.size(tf.boolean_mask(x, x > 0)),
    "matmul": lambda x: tf.matmul(tf.boolean_mask(x, x[:, 0] > 0), tf.transpose(x)),
    "concat": lambda x: tf.concat([tf.boolean_mask(x, x > 0), tf.boolean_mask(x, x < 0)], 0),
    "cumsum": lambda x: tf.cumsum(tf.boolean_mask(x, x > 0)), "range": lambda x: tf.range(tf.size(tf.where(x > 0))),
    "gather": lambda x: tf.gather(tf.reshape(x, [-1]), tf.where(tf.reshape(x, [-1]) > 0)[:, 0]),
    # Mixed with arrays of the largest size, or of one number spread to it.
    "softmax": lambda x: tf.nn.softmax(tf.boolean_mask(x, x > 0)), "columns": lambda x: tf.nn.softmax(tf.boolean_mask(x, x[:, 0] > 0), axis=0),
    "deviation": lambda x: tf.math.reduce_std(tf.boolean_mask(x, x > 0)), "sort": lambda x: tf.sort(tf.boolean_mask(x, x > 0)),
    "argsort": lambda x: tf.argsort(tf.boolean_mask(x, x > 0)), "largest": lambda x: tf.math.top_k(tf.boolean_mask(x, x > 0), 2)[0],
    "clip": lambda x: tf.clip_by_value(tf.boolean_mask(x, x > 0), 0.2, 0.8), "row": lambda x: tf.boolean_mask(x, x[:, 0] > 0) + x[0],
    "gradient": lambda x: gradient_of(lambda x: tf.nn.softmax(tf.boolean_mask(x, x > 0)) ** 2, x),
    "gradient of rows": lambda x: gradient_of(lambda x: tf.nn.softmax(tf.boolean_mask(x, x[:, 0] > 0), axis=0)[1:] ** 2, x),
}


def gradient_of(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x))
    return tape.gradient(y, x)


@pytest.mark.parametrize("name", SIZED_BY_VALUES)
def test_sizes_that_follow_from_values(name):
    function, x = SIZED_BY_VALUES[name], normal(4, 6)
    with tf.device(HOST):  # Not compiled: XLA's own CPU gives an empty cumsum.
        expected = function(tf.constant(x)).numpy()
    with tf.device(DEVICE):
        got = tf.function(function, jit_compile=True)(tf.constant(x)).numpy()
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_threads():
    @tf.function(jit_compile=True)
    def work(x):
        return tf.reduce_sum(x @ x, axis=0)

    inputs = [normal(20 + i % 3, 20 + i % 3, seed=i) for i in range(24)]
    outputs, failures = [None] * len(inputs), []

    def run(first):
        try:
            for i in range(first, len(inputs), 4):
                with tf.device(DEVICE):
                    outputs[i] = work(tf.constant(inputs[i])).numpy()
        except Exception as error:  # noqa: BLE001 - shown below.
            failures.append(error)

    threads = [threading.Thread(target=run, args=[i]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for x, y in zip(inputs, outputs):
        np.testing.assert_allclose(y, (x.astype(np.float64) @ x).sum(0), rtol=1e-4, atol=1e-4)
