"""Profiles of the plugin: JAX's own profiler sees the steps of a program and where they come from."""


def test_jax_trace(run_python, plugin):
    out = run_python("""
import glob, inspect, tempfile
import jax, jax.numpy as jnp, numpy as np

def loss(x, w):
    return jax.nn.softmax(jnp.tanh(x @ w), axis=-1).sum(0)

f = jax.jit(loss)
x = np.ones((128, 256), np.float32)
f(x, x.T).block_until_ready()
folder = tempfile.mkdtemp()
with jax.profiler.trace(folder):
    for _ in range(3):
        f(x, x.T).block_until_ready()
    jax.jit(lambda a: a + 1)(x).block_until_ready()
[path] = glob.glob(folder + "/**/*.xplane.pb", recursive=True)
data = jax.profiler.ProfileData.from_file(path)
[plane] = [p for p in data.planes if p.name == "/device:CUSTOM:pjrt_cpu"]
events = [e for line in plane.lines for e in line.events]
for e in events:
    print(e.name, e.duration_ns > 0)
raw = open(path, "rb").read()
print("names:", b"jit(loss)/tanh" in raw, b"<string>:6" in raw or b"string>:6:" in raw)
""", PJRT_CPU_LIBRARY=str(plugin), JAX_PLATFORMS="pjrt_cpu")
    lines = out.splitlines()
    assert lines.count("jit_loss True") == 3, out
    assert sum("tanh" in line for line in lines) == 3, out
    assert "compile True" in lines and "passes True" in lines and "schedule and code True" in lines
    assert "names: True True" in lines, out
