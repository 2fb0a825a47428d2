"""What is no longer used is freed."""

import gc
import resource

import tensorflow as tf

from common import DEVICE


def resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2 ** 20


def test_arrays_are_freed():
    @tf.function(jit_compile=True)
    def step(x):
        return x * 1.0001 + 1

    with tf.device(DEVICE):
        x = tf.zeros([1 << 20])  # 4 MiB
        for _ in range(20):
            x = step(x)
        gc.collect()
        before = resident_mb()
        for _ in range(200):
            x = step(x)
        x.numpy()
        gc.collect()
    assert resident_mb() - before < 100  # 800 MiB if nothing was.


def test_transfers_are_freed():
    with tf.device(DEVICE):
        for _ in range(5):
            tf.zeros([1 << 20]).numpy()
        gc.collect()
        before = resident_mb()
        for i in range(100):
            (tf.fill([1 << 20], float(i % 2)) + 1).numpy()
        gc.collect()
    assert resident_mb() - before < 100
