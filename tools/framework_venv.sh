#!/bin/sh
# Makes the virtual environment in which a framework's tests run. Usage: tools/framework_venv.sh torchax|torch_xla
#
# It is $VENV-torchax or $VENV-torch-xla, made from tests/NAME/requirements.txt with $PYTHON, and holds this package, installed
# from its wheel, so that its entry points are found. What is there already is not fetched again.
set -eu
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
BUILD=${BUILD:-build}
PYTHON=${PYTHON:-python3}
name=${1:-}

case $name in
  torchax) folder=$VENV-torchax size="0.4 GB; keeps 1.4 GB" ;;
  torch_xla) folder=$VENV-torch-xla size="1.0 GB; keeps 2.2 GB" ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
list=tests/$name/requirements.txt
stamp=$folder/.requirements
# torch 2.13 is the CPU build, which is not on PyPI but on PyTorch's own index; torch 2.9 with torch_xla is PyPI's.
[ "$name" = torch_xla ] || export PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL:-https://download.pytorch.org/whl/cpu}"
say() { echo "$name: $*"; }
pip() { "$folder/bin/python" -m pip "$@" -q --no-compile --disable-pip-version-check; }

if ! cat "$list" "$0" | cmp -s - "$stamp"; then
  say "making $folder: downloads $size"
  [ -x "$folder/bin/python" ] || "$PYTHON" -m venv "$folder"
  if [ "$name" = torch_xla ]; then
    pip install --no-deps torch==2.9.0 torch_xla==2.9.0
    site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$folder/bin/python" tools/stub_cuda.py "$site/torch/lib" "$site/nvidia/cudnn/lib"
  fi
  # pip also names the CUDA libraries that torch 2.9.0 lists and that are left out on purpose.
  log=$(mktemp)
  pip install -r "$list" >"$log" 2>&1 || { cat "$log"; say "pip could not install $list (no network?)"; exit 1; }
  rm -f "$log"
  cat "$list" "$0" >"$stamp"
fi

# The entry points are in the installed package's metadata; the code and the plugin that tests run are the tree's own.
if ! cmp -s python/pyproject.toml "$folder/.pyproject"; then
  "$VENV/bin/python" tools/make_wheel.py --build "$BUILD" --out "$BUILD/wheel" >/dev/null
  pip install --no-deps --force-reinstall "$(ls -t "$BUILD"/wheel/libpjrt-*.whl | head -1)"
  cp python/pyproject.toml "$folder/.pyproject"
fi
