"""python -m libpjrt.tensorflow install | uninstall | build | check"""

import argparse
import pathlib
import shutil
import sys

from libpjrt.tensorflow import build, check, files


def _install(tensorflow: files.TensorFlow) -> None:
    """Copies the entry (a link would break `import tensorflow` once libpjrt is gone) and leaves a note of its origin."""
    entry = files.entry_path()
    if files.adapter_name(tensorflow.version)[len("tensorflow-"):-len(".so")] not in files.adapters():
        build.build(entry.parent, tensorflow)
    tensorflow.plugins.mkdir(exist_ok=True)
    target = tensorflow.plugins / files.ENTRY
    shutil.copyfile(entry, target)
    target.with_suffix(".path").write_text(str(entry.parent) + "\n", encoding="utf-8")
    print(f"{target}: TensorFlow {tensorflow.version} has the device PJRT now")


def _uninstall(tensorflow: files.TensorFlow) -> None:
    target = tensorflow.plugins / files.ENTRY
    for path in (target, target.with_suffix(".path")):
        path.unlink(missing_ok=True)
    if tensorflow.plugins.is_dir() and not any(tensorflow.plugins.iterdir()):
        tensorflow.plugins.rmdir()
    print(f"{target}: gone")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m libpjrt.tensorflow", description="TensorFlow on libpjrt.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="give every program of this TensorFlow the device PJRT")
    commands.add_parser("uninstall", help="take it away again")
    make = commands.add_parser("build", help="compile entry and adapter for the TensorFlow that is installed (C++ compiler)")
    make.add_argument("--out", type=pathlib.Path, help="folder; the one of the libraries that are there by default")
    commands.add_parser("check", help="say what is there and what is missing")
    args = parser.parse_args()
    if args.command == "check":
        said = check.check()
        for ok, text in said:
            print({True: "ok     ", False: "mend   ", None: "       "}[ok] + text)
        return 1 if any(ok is False for ok, _ in said) else 0
    tensorflow = files.find_tensorflow()
    if tensorflow is None:
        print("TensorFlow is not installed: pip install tensorflow-cpu", file=sys.stderr)
        return 1
    try:
        if args.command == "install":
            _install(tensorflow)
        elif args.command == "uninstall":
            _uninstall(tensorflow)
        else:
            for path in build.build(args.out or files.library_folders()[0], tensorflow):
                print(path)
    except (OSError, RuntimeError) as error:
        print(f"libpjrt.tensorflow: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
