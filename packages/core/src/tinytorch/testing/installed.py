"""The checks of an installed distribution, as tests; the option of the pytest plugin leads here."""

from __future__ import annotations

import pytest

from .check import Check
from .parametrizing import parametrize_op_checks

pytestmark = pytest.mark.filterwarnings("error")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each check of the distributions that the option names."""
    names = metafunc.config.getoption("--tinytorch-distribution")
    metafunc.parametrize(*parametrize_op_checks(*names).args)


def test_installed(check: Check) -> None:
    """What the check says holds."""
    check.run()
