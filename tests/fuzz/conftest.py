"""Lines at the end: what the random programs have shown."""

from __future__ import annotations

import pytest

from . import report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report.write(terminalreporter)
