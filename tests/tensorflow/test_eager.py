"""Operations one at a time: each is compiled when it first runs."""

import numpy as np
import pytest
import tensorflow as tf

from common import DEVICE, HOST, agree, normal

X, Y = normal(4, 6, seed=1), normal(4, 6, seed=2)
POSITIVE = np.abs(X) + 0.1

UNARY = {
    "abs": tf.abs, "exp": tf.exp, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "relu": tf.nn.relu, "gelu": tf.nn.gelu,
    "softmax": tf.nn.softmax, "log_softmax": tf.nn.log_softmax, "erf": tf.math.erf, "sin": tf.sin, "round": tf.round,
    "reduce_sum": lambda x: tf.reduce_sum(x, axis=1), "reduce_mean": tf.reduce_mean, "reduce_max": lambda x: tf.reduce_max(x, 0),
    "argmax": lambda x: tf.argmax(x, axis=1), "cumsum": lambda x: tf.cumsum(x, axis=1), "sort": tf.sort,
    "transpose": tf.transpose, "reshape": lambda x: tf.reshape(x, [3, 8]), "slice": lambda x: x[1:3, ::2],
    "reverse": lambda x: tf.reverse(x, [1]), "pad": lambda x: tf.pad(x, [[1, 0], [2, 1]]), "tile": lambda x: tf.tile(x, [2, 3]),
    "gather": lambda x: tf.gather(x, [2, 0, 3]), "one_hot": lambda x: tf.one_hot(tf.cast(tf.abs(x), tf.int32), 5),
    "top_k": lambda x: tf.nn.top_k(x, 3), "cast_i32": lambda x: tf.cast(x * 10, tf.int32), "cast_bf16": lambda x: tf.cast(tf.cast(x, tf.bfloat16), tf.float32),
    "where": lambda x: tf.where(x > 0, x, tf.zeros_like(x)), "clip": lambda x: tf.clip_by_value(x, -0.5, 0.5),
    "l2": tf.nn.l2_loss, "split": lambda x: tf.split(x, 3, axis=1), "fill": lambda x: tf.fill([2, 3], x[0, 0]),
    "range": lambda x: tf.range(10), "norm": tf.norm, "is_finite": tf.math.is_finite,
}
BINARY = {
    "add": tf.add, "sub": tf.subtract, "mul": tf.multiply, "div": tf.divide, "max": tf.maximum, "pow": lambda x, y: tf.pow(tf.abs(x), y),
    "less": tf.less, "matmul": lambda x, y: tf.matmul(x, y, transpose_b=True), "concat": lambda x, y: tf.concat([x, y], 1),
    "stack": lambda x, y: tf.stack([x, y]), "squared_difference": tf.math.squared_difference, "floormod": tf.math.floormod,
    "einsum": lambda x, y: tf.einsum("ij,kj->ik", x, y), "atan2": tf.atan2, "tensordot": lambda x, y: tf.tensordot(x, y, [[0], [0]]),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    agree(UNARY[name], X)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    agree(BINARY[name], X, Y)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                                   "complex64", "complex128"])
def test_element_types(dtype):
    values = (np.arange(12) % 5 + 1).reshape(3, 4).astype(dtype)
    agree(lambda x: x + x * x, values)


def test_logic():
    agree(lambda x: (tf.logical_and(x, tf.reverse(x, [0])), tf.reduce_any(x), tf.reduce_all(x, 0)), X > 0)


@pytest.mark.parametrize("name", ["cholesky", "qr", "eigh", "svd", "solve", "inverse", "triangular"])
def test_linear_algebra(name):
    matrix = normal(5, 5, seed=3, dtype=np.float64)
    symmetric = matrix @ matrix.T + 5 * np.eye(5)
    programs = {
        "cholesky": tf.linalg.cholesky, "qr": lambda a: [tf.abs(part) for part in tf.linalg.qr(a)],
        "eigh": lambda a: tf.linalg.eigh(a)[0], "svd": lambda a: tf.linalg.svd(a, compute_uv=False),
        "solve": lambda a: tf.linalg.solve(a, a[:, :2]), "inverse": tf.linalg.inv,
        "triangular": lambda a: tf.linalg.triangular_solve(a, a[:, :2]),
    }
    agree(programs[name], symmetric, relative=1e-9, absolute=1e-9)


def test_fft():
    agree(lambda x: (tf.signal.rfft(x), tf.signal.fft(tf.cast(x, tf.complex64))), normal(3, 16), absolute=1e-5)


def test_convolution_and_pooling():
    image, kernel = normal(2, 8, 8, 3), normal(3, 3, 3, 4)
    agree(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"), image, kernel, absolute=1e-5)
    agree(lambda x, k: tf.nn.conv2d(x, k, 2, "VALID"), image, kernel, absolute=1e-5)
    agree(lambda x: (tf.nn.max_pool2d(x, 2, 2, "VALID"), tf.nn.avg_pool2d(x, 3, 2, "SAME")), image)


def test_scalars_and_empty_arrays():
    agree(lambda x: x * 2, np.float32(3))
    agree(lambda x: x + 1, np.zeros([0, 3], np.float32))
    agree(lambda x: tf.reduce_sum(x, 0), np.zeros([0, 3], np.float32))


def test_stateless_random_numbers_are_those_of_compiled_functions():
    # On the CPU, functions that XLA compiles draw other numbers than kernels do; we draw the former.
    draw = tf.function(lambda: tf.random.stateless_uniform([64], [1, 2]), jit_compile=True)
    with tf.device(HOST):
        expected = draw().numpy()
    with tf.device(DEVICE):
        np.testing.assert_array_equal(tf.random.stateless_uniform([64], [1, 2]).numpy(), expected)
        np.testing.assert_array_equal(draw().numpy(), expected)


def test_random_numbers():
    with tf.device(DEVICE):
        sample = tf.random.normal([10000]).numpy()
        other = tf.random.normal([10000]).numpy()
    assert abs(sample.mean()) < 0.05 and abs(sample.std() - 1) < 0.05
    assert (sample != other).any()


def test_results_are_on_the_device_and_move():
    with tf.device(DEVICE):
        x = tf.constant(X)
        y = x + x
    assert "PJRT:0" in y.device
    with tf.device("CPU:0"):
        z = tf.identity(y)
    assert "CPU:0" in z.device
    np.testing.assert_array_equal(z.numpy(), X + X)
    with tf.device(DEVICE):
        again = tf.identity(z)
        copy = tf.identity(again)
    np.testing.assert_array_equal(again.numpy(), z.numpy())
    np.testing.assert_array_equal(copy.numpy(), z.numpy())


def test_strings_stay_on_the_cpu():
    with tf.device(DEVICE):
        joined = tf.strings.join(["a", "b"])
    assert joined.numpy() == b"ab"
