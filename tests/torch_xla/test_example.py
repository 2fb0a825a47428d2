"""README.md's example."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import example_runs  # noqa: E402


def test_example():
    example_runs.check("train_torch_xla.py", PJRT_DEVICE="LIBPJRT")
