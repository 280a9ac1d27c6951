"""How much is done, by TINYTORCH_STRESS=10 ten times as much, and on what kind of Python."""

from __future__ import annotations

import os
import sys

import pytest
from tinytorch.interpreter import HAS_GIL


def pytest_report_header() -> str:
    return f"Python {sys.version.split()[0]}, {'with' if HAS_GIL else 'without'} the GIL"


@pytest.fixture
def times() -> int:
    """How often the counts of a test are to be multiplied."""
    return int(os.environ.get("TINYTORCH_STRESS", "1"))
