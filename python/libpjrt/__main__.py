"""python -m libpjrt doctor [ROAD...] [--json] | path"""

import sys

import libpjrt
from libpjrt import doctor


def main() -> int:
    command, *rest = sys.argv[1:] or [""]
    if command == "doctor":
        return doctor.main(rest)
    if command == "path" and not rest:
        print(libpjrt.plugin_path())
        return 0
    print(f"usage: {__doc__}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
