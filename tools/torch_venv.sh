#!/bin/sh
# A Python environment with PyTorch for `make check-torch` and `make bench-torch`. Usage: tools/torch_venv.sh [VENV [VERSION]]
#
# Says what it downloads before it does, and does nothing when VENV (.venv-torch) has VERSION (2.13.0) already. The CPU
# build is a quarter of the other; it is looked for where pip looks, then at TORCH_INDEX_URL, by default PyTorch's own index.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-torch}
version=${2:-2.13.0}
stamp="$venv/.torch-$version-opinfo"
[ ! -f "$stamp" ] || exit 0

echo "torch_venv: torch $version (CPU), NumPy, pytest and expecttest into $venv: about 200 MB to download, 900 MB on disk"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"
index=${TORCH_INDEX_URL:-https://download.pytorch.org/whl/cpu}
# The local version label is how the CPU build is told from the CUDA build of the same version. Where pip's own sources have
# it, the index is not asked: behind a proxy that does not know it, pip would try for minutes.
$pip numpy pytest expecttest
$pip "torch==$version+cpu" 2>/dev/null || $pip --extra-index-url "$index" "torch==$version+cpu" || {
  echo "torch_venv: no CPU build of torch $version at $index; set TORCH_INDEX_URL to an index that has it"
  exit 1
}
touch "$stamp"
