"""Children of fork() that use JAX: what the parent made stays readable, and new work is done."""

import pytest

import conftest

pytestmark = pytest.mark.skipif(conftest.PLATFORM == "cpu", reason="the built-in CPU's children wait for ever")

WORK = """
import os, sys, warnings
warnings.simplefilter("ignore")  # JAX warns of every fork()
import jax, jax.numpy as jnp, numpy as np

def work(n):
    x = jnp.arange(float(n * n)).reshape(n, n) / n
    f = jax.jit(lambda x: jnp.sort(jnp.tanh(x @ x), axis=1).sum() + jnp.linalg.norm(jnp.fft.fft(x)))
    loop = jax.jit(lambda x: jax.lax.fori_loop(0, 100, lambda i, a: a * 0.5 + i, x).sum())
    return float(f(x)), float(loop(x)), np.linalg.norm(jnp.linalg.svd(x, compute_uv=False))

def child(body):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.fixture(params=[pytest.param({"JAX_PLATFORMS": "pjrt_cpu"}, id="alone"),
                        pytest.param({"JAX_PLATFORMS": "pjrt_cpu,cpu"}, id="beside the built-in CPU", marks=pytest.mark.slow),
                        pytest.param({"PJRT_REPLACE_CPU": "1"}, id="in its place", marks=pytest.mark.slow)])
def run_forking(request, run_python):
    return lambda code: run_python(WORK + code, **request.param)


def test_a_child_computes(run_forking):
    out = run_forking("""
old, step = jnp.arange(10.0) * 2, jax.jit(lambda x: jnp.tanh(x).sum())
before, kept = work(200), float(step(old))

def body():
    assert work(200) == before
    assert np.asarray(old).tolist() == [2.0 * i for i in range(10)]
    assert float(step(old)) == kept and float((old + 1)[3]) == 7
    child(lambda: print("grandchild", work(50) == work(50)))
    print("child")

child(body)
assert work(200) == before
print("parent")
""")
    assert out.split() == ["grandchild", "True", "child", "parent"]


def test_a_child_forked_while_programs_run(run_forking):
    out = run_forking("""
slow = jax.jit(lambda x: jax.lax.fori_loop(0, 100, lambda i, a: jnp.tanh(a @ a), x))
x = jnp.ones((300, 300)) / 300
running = [slow(x) for _ in range(3)]
child(lambda: print(work(100) == work(100)))
print([float(r[0, 0]) == float(slow(x)[0, 0]) for r in running])
""")
    assert out.split("\n")[:2] == ["True", "[True, True, True]"]


def test_a_child_that_ends_as_programs_do(run_forking):
    """Not by os._exit: Python and JAX clean up first."""
    out = run_forking("""
work(20)
if os.fork() == 0:
    print(work(20) == work(20))
    sys.exit(0)
print(os.wait()[1])
""")
    assert out.split() == ["True", "0"]


def test_a_pool_of_children(run_forking):
    out = run_forking("""
import multiprocessing

def total(i):
    return float((jnp.ones(100000) * i).sum()) + work(50)[0]

expected = [total(i) for i in range(6)]
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map_async(total, range(6)).get(timeout=100) == expected)
""")
    assert out.split() == ["True"]


def test_a_child_without_jax_is_left_alone(run_forking):
    out = run_forking("""
child(lambda: print("before any client"))
jax.devices()
child(lambda: print("with one"))
""")
    assert out.splitlines() == ["before any client", "with one"]
