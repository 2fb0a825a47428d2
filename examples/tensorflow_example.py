"""A network trained by TensorFlow on libpjrt: pip install 'libpjrt[tensorflow]'; python examples/tensorflow_example.py"""

import libpjrt.tensorflow

libpjrt.tensorflow.load()  # gives TensorFlow the device PJRT; not needed after `python -m libpjrt.tensorflow install`

import tensorflow as tf

with tf.device("PJRT"):
    x = tf.random.stateless_normal([512, 16], seed=[1, 2])
    y = tf.reduce_sum(x[:, :4], axis=1, keepdims=True)
    model = tf.keras.Sequential([tf.keras.layers.Dense(32, activation="relu"), tf.keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse", jit_compile=True)
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f} on {tf.config.list_physical_devices('PJRT')[0].name}")
