"""What goes wrong is an exception in Python, and the process goes on."""

import numpy as np
import pytest
import tensorflow as tf

from common import DEVICE


def still_works():
    with tf.device(DEVICE):
        assert float(tf.reduce_sum(tf.ones([3]) * 2)) == 6


def test_wrong_shapes():
    with tf.device(DEVICE), pytest.raises(tf.errors.InvalidArgumentError):
        tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
    still_works()


def test_wrong_shapes_when_compiled():
    @tf.function(jit_compile=True)
    def product(x, y):
        return x @ y

    with tf.device(DEVICE), pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        product(tf.ones([2, 3]), tf.ones([2, 3]))
    still_works()


def test_operation_without_kernel():
    @tf.function(jit_compile=True)
    def text(x):
        return tf.strings.as_string(x)

    with tf.device(DEVICE), pytest.raises(tf.errors.OpError):
        text(tf.ones([2]))
    still_works()


def test_too_large():
    # 64 TiB. The call may return before the memory is asked for; what is computed from it fails then.
    with tf.device(DEVICE), pytest.raises(tf.errors.OpError):
        float(tf.reduce_sum(tf.ones([1 << 22, 1 << 22])))
    still_works()


def test_host_callback():
    @tf.function(jit_compile=True)
    def call(x):
        return tf.numpy_function(np.sin, [x], tf.float32)

    with tf.device(DEVICE), pytest.raises(tf.errors.OpError):
        call(tf.ones([2]))
    still_works()
