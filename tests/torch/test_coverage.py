"""doc/torch-ops.md is what the table says, and the table covers the core of ATen."""

import pytest
import torch

from libpjrt.torch import coverage


def test_core_operators_are_covered():
    how = {str(op): coverage.coverage(op)[0] for op in coverage.core_operators()}
    missing = [name for name, h in how.items() if h == "no"]
    assert len(missing) <= 0.05 * len(how), missing


@pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the file says what torch 2.13 has")
def test_document_is_current():
    assert coverage.DOCUMENT.read_text() == coverage.document()
