"""TensorFlow's tests run in a virtual environment of their own: make check-tensorflow."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(ROOT / "python"))

import libpjrt.tensorflow  # noqa: E402

libpjrt.tensorflow.load()
