#!/bin/sh
# Makes $VENV-tensorflow (.venv-tensorflow) with TensorFlow for the CPU and what its tests need, and builds the library that
# TensorFlow loads into $BUILD/tensorflow. Cheap when both are there. PYTHON, TENSORFLOW (2.21.0) choose others.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}-tensorflow
version=${TENSORFLOW:-2.21.0}
wanted="tensorflow-cpu==$version pytest scikit-learn"

if [ "$(cat "$venv/.done" 2>/dev/null)" != "$wanted" ]; then
  echo "tensorflow: $wanted into $venv: downloads 400 MB, keeps 1.8 GB"
  [ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
  # shellcheck disable=SC2086
  "$venv/bin/python" -m pip install -q --disable-pip-version-check $wanted
  echo "$wanted" >"$venv/.done"
fi
PYTHONPATH=python "$venv/bin/python" -m libpjrt.tensorflow build --out "${BUILD:-build}/tensorflow" >/dev/null
