"""Builds the pip package: python/ with the plugin inside. Usage: make_wheel.py --build BUILD --out DIR

Needs setuptools in the running Python and no network. Works on a copy, so that the tree stays clean.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def add_tensorflow(build: pathlib.Path, package: pathlib.Path) -> None:
    """The sources of TensorFlow's adapter, for versions that none is built for, and those that are (make tensorflow-adapter)."""
    source = package / "source"
    shutil.copytree(ROOT / "adapters" / "tensorflow", source)
    (source / "pjrt").mkdir()
    shutil.copy(ROOT / "include" / "pjrt" / "pjrt_c_api.h", source / "pjrt")
    for library in (build / "tensorflow").glob("*.so"):
        target = package / library.name
        if not shutil.which("strip") or subprocess.run(["strip", "-g", library, "-o", target]).returncode:
            shutil.copy(library, target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist")
    args = parser.parse_args()
    plugin = args.build / "pjrt_plugin_cpu.so"
    if not plugin.is_file():
        print(f"make_wheel: no {plugin}; run make first", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as temp:
        stage = pathlib.Path(temp) / "python"
        shutil.copytree(ROOT / "python", stage, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
        shutil.copy(ROOT / "LICENSE", stage / "libpjrt")
        # Debug information is most of the file, and of no use where the sources are not.
        target = stage / "libpjrt" / plugin.name
        if not shutil.which("strip") or subprocess.run(["strip", "-g", plugin, "-o", target]).returncode:
            shutil.copy(plugin, target)
        native = args.build / "_native.abi3.so"  # not there where Python's headers were not
        if native.is_file():
            shutil.copy(native, stage / "libpjrt")
        add_tensorflow(args.build, stage / "libpjrt" / "tensorflow")
        args.out.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index",
                   "--disable-pip-version-check", "-w", args.out.resolve(), stage]
        if subprocess.run(command).returncode:
            return 1
    wheels = sorted(args.out.glob("libpjrt-*.whl"), key=lambda path: path.stat().st_mtime)
    print(f"{wheels[-1]}: {wheels[-1].stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
