"""Runs the smoke test on several releases of JAX, each in an environment of its own in out/jax-versions/.

    tools/check_jax_versions.py [--build BUILD] [VERSION...]

Without versions: the oldest that works, the newest that this Python gets, and some between. Downloads them; takes minutes.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[1]
# The oldest that works is 0.4.36. jaxlib 0.4.35 cannot write programs for readers newer than itself, and before 0.4.31 it
# reads the function table by another layout.
VERSIONS = ["0.4.36", "0.4.38", "0.5.3", "0.6.2", "0.7.2", "0.8.3", "0.9.2", "0.10.2"]
if sys.version_info >= (3, 12):
    VERSIONS += ["0.11.2", "0.12.0.1"]


def environment(version):
    """The Python of an environment with that release; made when it is not there yet."""
    folder = ROOT / "out" / "jax-versions" / f"{version}-py{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    done = folder / ".done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        packages = [f"jax=={version}", f"jaxlib=={version}"]
        if tuple(int(part) for part in version.split(".")[:3]) < (0, 4, 31):
            packages += ["numpy<2", "scipy<1.13"]  # released later, and not excluded by these old packages
        command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"pip: {result.stderr.strip().splitlines()[-1]}")
        done.touch()
    return python


def check(version, build, replace):
    env = dict(os.environ, PYTHONPATH=str(ROOT / "python"), PJRT_CPU_LIBRARY=str(build / "pjrt_plugin_cpu.so"))
    env.pop("JAX_PLATFORMS", None)
    env["PJRT_REPLACE_CPU" if replace else "JAX_PLATFORMS"] = "1" if replace else "pjrt_cpu"
    result = subprocess.run([environment(version), ROOT / "tests/python/smoke.py"], env=env, capture_output=True, text=True,
                            timeout=300)
    if result.returncode == 0:
        return None
    if result.returncode < 0:
        return f"killed by signal {-result.returncode}"
    errors = [line for line in result.stderr.splitlines() if "Error: " in line]
    return errors[-1] if errors else f"exit status {result.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    args = parser.parse_args()
    failed = 0
    for version in args.versions:
        try:
            problems = [check(version, args.build.resolve(), replace) for replace in (False, True)]
        except Exception as error:
            problems = [str(error)]
        problem = next(filter(None, problems), None)
        failed += problem is not None
        print(f"jax {version}: {'ok, beside the built-in CPU and in its place' if problem is None else problem}", flush=True)
    print(f"{len(args.versions) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
