"""A network trained by TensorFlow on libpjrt: pip install 'libpjrt[tensorflow]'; python examples/tensorflow_example.py"""
import libpjrt.tensorflow
libpjrt.tensorflow.load()  # before TensorFlow's first operation
import tensorflow as tf

with tf.device("PJRT"):
    x = tf.random.normal([512, 16])
    model = tf.keras.Sequential([tf.keras.layers.Dense(32, "relu"), tf.keras.layers.Dense(1)])
    model.compile("adam", "mse", jit_compile=True)
    losses = model.fit(x, tf.reduce_sum(x, 1, keepdims=True), epochs=30, verbose=0).history["loss"]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
