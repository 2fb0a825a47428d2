"""README.md's example."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import example_runs  # noqa: E402


def test_example(tmp_path):
    # The entry point, as an installed package has it.
    info = tmp_path / "libpjrt-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: libpjrt\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[torch_dynamo_backends]\nlibpjrt = libpjrt.torch.backend:backend\n")
    example_runs.check("torch_compile.py", PYTHONPATH=str(tmp_path))
