"""Runs the smoke test (tests/python/smoke.py) on releases of JAX, old and new, each in an environment of its own with the pip package.

    tools/check_jax_versions.py [--build BUILD] [--keep] [--markdown FILE] [VERSION...]

Without versions: the oldest that works, the newest of PyPI, and the last of each series between. Takes for each the oldest Python of this machine
that it supports (python3.9 ... on PATH or of pyenv). Each release is a download of about 150 MB and half a gigabyte in out/jax-versions/, which is
deleted when its turn is over, unless --keep. Per release: beside the built-in CPU, in its place, and a child of fork() that computes.
"""

import argparse
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
# The oldest that works is 0.4.36. jaxlib 0.4.35 cannot write programs for readers newer than itself, and before 0.4.31 it
# reads the function table by another layout. Behind each: the oldest and the newest minor version of Python 3 with wheels.
VERSIONS = {"0.4.36": (10, 13), "0.4.38": (10, 13), "0.5.3": (10, 13), "0.6.2": (10, 13), "0.7.2": (11, 14), "0.8.3": (11, 14),
            "0.9.2": (11, 14), "0.10.2": (11, 14), "0.11.2": (12, 14), "0.12.0.1": (12, 14)}

FORK = """
import os, warnings
warnings.simplefilter("ignore")
import jax, jax.numpy as jnp
step = jax.jit(lambda x: jnp.tanh(x @ x).sum())
x = jnp.ones((20, 20)) / 20
expected = float(step(x))
if os.fork() == 0:
    os._exit(0 if float(step(x)) == expected and float(jnp.sort(x[0])[0]) == float(x[0, 0]) else 1)
assert os.wait()[1] == 0
"""


def minor(python):
    """The minor version of a Python 3, None for what does not start."""
    result = subprocess.run([python, "-c", "import sys, venv, ensurepip; print(sys.version_info[1])"], capture_output=True, text=True)
    return int(result.stdout) if result.returncode == 0 else None


def pythons():
    """{minor version: path} of the Pythons here; the running one goes before others of its version."""
    found = {}
    places = [sys.executable, *(shutil.which(f"python3.{n}") for n in range(9, 16)),
              *sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python")))]
    for path in filter(None, places):
        found.setdefault(minor(path), path)
    found.pop(None, None)
    return found


def supported(version, found):
    """The Python for a release: of those here the oldest that has wheels of it."""
    low, high = VERSIONS.get(version, (9, 99))
    fitting = sorted(n for n in found if low <= n <= high)
    return found[fitting[0]] if fitting else None


def environment(folder, python, version, wheel):
    """Makes an environment with that release and the package; returns its Python."""
    subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
    inside = folder / "bin" / "python"
    command = [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"jax=={version}", f"jaxlib=={version}", wheel]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"pip: {result.stderr.strip().splitlines()[-1]}")
    return inside


def run(python, code, **variables):
    """None when Python ends well, else what went wrong in one line."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "PJRT_", "PYTHONPATH"))}
    try:
        result = subprocess.run([python, *code], env=env | variables, capture_output=True, text=True, timeout=300, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return "hangs"
    if result.returncode == 0:
        return None
    if result.returncode < 0:
        return f"killed by signal {-result.returncode}"
    errors = [line for line in result.stderr.splitlines() if "Error" in line]
    return errors[-1] if errors else f"exit status {result.returncode}"


def check(version, python, wheel, folder):
    """{what is tried: None or what went wrong} of one release."""
    inside = environment(folder, python, version, wheel)
    smoke = [ROOT / "tests/python/smoke.py"]
    return {"beside the built-in CPU": run(inside, smoke, JAX_PLATFORMS="pjrt_cpu"), "in its place": run(inside, smoke, PJRT_REPLACE_CPU="1"),
            "in a child of fork()": run(inside, ["-c", FORK], JAX_PLATFORMS="pjrt_cpu")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--keep", action="store_true", help="keep the environments")
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("versions", nargs="*", default=list(VERSIONS))
    args = parser.parse_args()
    found, failed, rows = pythons(), 0, []
    with tempfile.TemporaryDirectory() as temp:
        subprocess.run([sys.executable, ROOT / "tools/make_wheel.py", "--build", args.build, "--out", temp], check=True)
        (wheel,) = pathlib.Path(temp).glob("*.whl")
        for version in args.versions:
            python = supported(version, found)
            folder = ROOT / "out" / "jax-versions" / version
            shutil.rmtree(folder, ignore_errors=True)
            try:
                results = check(version, python, wheel, folder) if python else {"": "no Python here has wheels of it"}
            except (RuntimeError, subprocess.CalledProcessError) as error:
                results = {"": str(error)}
            if not args.keep:
                shutil.rmtree(folder, ignore_errors=True)
            problems = [f"{what}: {problem}".strip(": ") for what, problem in results.items() if problem]
            failed += bool(problems)
            name = f"3.{minor(python)}" if python else "-"
            print(f"jax {version} (Python {name}): {'; '.join(problems) or 'ok, ' + ', '.join(results)}", flush=True)
            rows.append(" | ".join([version, name] + ([problem or "ok" for problem in results.values()] if len(results) > 1 else problems)))
    if args.markdown:
        heads = "| JAX and jaxlib | Python | beside the built-in CPU | in its place | a child of `fork()` |\n|---|---|---|---|---|\n"
        args.markdown.write_text(heads + "".join(f"| {row} |\n" for row in rows))
    print(f"{len(args.versions) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
