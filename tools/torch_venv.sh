#!/bin/sh
# A Python environment with PyTorch for `make check-torch` and `make bench-torch`. Usage: tools/torch_venv.sh [VENV [VERSION]]
#
# Says what it downloads before it does, and does nothing when VENV (.venv-torch) has VERSION (2.13.0) already. The CPU
# build is a quarter of the other; it is looked for at PIP_EXTRA_INDEX_URL, by default PyTorch's own index.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-torch}
version=${2:-2.13.0}
stamp="$venv/.torch-$version-opinfo"
[ ! -f "$stamp" ] || exit 0

echo "torch_venv: torch $version (CPU), NumPy, pytest and expecttest into $venv: about 200 MB to download, 900 MB on disk"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
export PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL:-https://download.pytorch.org/whl/cpu}"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"
# The local version label is how the CPU build is told from the CUDA build of the same version.
$pip "torch==$version+cpu" numpy pytest expecttest || {
  echo "torch_venv: no CPU build at $PIP_EXTRA_INDEX_URL; set PIP_EXTRA_INDEX_URL to an index that has it"
  exit 1
}
touch "$stamp"
