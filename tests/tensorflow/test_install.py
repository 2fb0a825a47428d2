"""How the library gets into TensorFlow; each case is a process of its own."""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from libpjrt.tensorflow import check, files

SHOW = """
import tensorflow as tf
devices = tf.config.list_physical_devices("PJRT")
print("devices", len(devices))
if devices:
    with tf.device("PJRT:0"):
        print(float(tf.reduce_sum(tf.ones([4]) * 3)))
"""


def run(program: str, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout.split(), done.stderr


def test_named_by_environment():
    code, out, _ = run(SHOW, TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(files.entry_path()))
    assert (code, out) == (0, ["devices", "1", "12.0"])


def test_two_devices_before_the_cpu():
    code, out, _ = run(SHOW + "print(tf.zeros([1]).device[-6:])", TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(files.entry_path()),
                       PJRT_CPU_DEVICES="2", PJRT_TENSORFLOW_DEFAULT="1")
    assert (code, out) == (0, ["devices", "2", "12.0", "PJRT:0"])


def test_without_an_adapter_tensorflow_still_imports(tmp_path):
    shutil.copy(files.entry_path(), tmp_path)
    code, out, errors = run(SHOW, TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(tmp_path))
    assert (code, out) == (0, ["devices", "0"])
    assert "libpjrt: no PJRT device in TensorFlow: tensorflow-" in errors


def test_without_the_plugin_tensorflow_still_imports(tmp_path):
    code, out, errors = run(SHOW, TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(files.entry_path()), PJRT_CPU_LIBRARY=str(tmp_path / "no.so"))
    assert (code, out) == (0, ["devices", "0"])
    assert "libpjrt: no PJRT device in TensorFlow:" in errors and "no.so" in errors


def test_a_copy_finds_its_origin(tmp_path):
    # As `install` leaves it in tensorflow-plugins/.
    copy = shutil.copy(files.entry_path(), tmp_path)
    (tmp_path / files.ENTRY).with_suffix(".path").write_text(str(files.entry_path().parent) + "\n")
    code, out, _ = run(SHOW, TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(copy))
    assert (code, out) == (0, ["devices", "1", "12.0"])


def test_a_second_copy_stands_back(tmp_path):
    for path in files.entry_path().parent.glob("*.so"):
        shutil.copy(path, tmp_path)
    program = f"""
from tensorflow.python.framework import load_library
import libpjrt.tensorflow
libpjrt.tensorflow.load()
libpjrt.tensorflow.load()
load_library.load_pluggable_device_library({str(tmp_path / files.ENTRY)!r})
"""
    code, out, errors = run(program + SHOW, PJRT_CPU_LIBRARY=str(ROOT / "build" / "pjrt_plugin_cpu.so"))
    assert (code, out) == (0, ["devices", "1", "12.0"])
    assert "loaded already" in errors


def test_too_late():
    program = "import tensorflow as tf\ntf.zeros([1])\nimport libpjrt.tensorflow\nlibpjrt.tensorflow.load()\n"
    code, _, errors = run(program)
    assert code == 1 and "must come before TensorFlow's first operation" in errors


def test_wrong_option_is_an_exception():
    code, _, errors = run(SHOW, TF_PLUGGABLE_DEVICE_LIBRARY_PATH=str(files.entry_path()), PJRT_THREADS="many")
    assert code == 1 and "PJRT_THREADS" in errors


def test_check():
    said = check.check()
    assert not [text for ok, text in said if ok is False]


@pytest.mark.parametrize("version,name", [("2.21.0", "tensorflow-2.21.so"), ("2.22.0rc1", "tensorflow-2.22.so")])
def test_adapter_name(version, name):
    assert files.adapter_name(version) == name
