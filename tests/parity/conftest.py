"""A line at the end: how much was compared."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    compared = [
        dict(report.user_properties)
        for report in terminalreporter.getreports("passed")
        if report.when == "call" and "comparisons" in dict(report.user_properties)
    ]
    if compared:
        operations = {str(properties["operation"]) for properties in compared}
        comparisons = sum(int(str(properties["comparisons"])) for properties in compared)
        terminalreporter.section("parity")
        terminalreporter.write_line(
            f"{len(operations)} operations, {len(compared)} samples: "
            f"{comparisons} comparisons of value and gradient agree with PyTorch"
        )
