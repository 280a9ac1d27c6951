"""Lines at the end: how much was compared, and where PyTorch is not followed."""

from __future__ import annotations

from collections import Counter

import pytest

from ..fuzz import report as random_programs


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    random_programs.write(terminalreporter)
    passed = [
        dict(report.user_properties)
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
    ]
    compared = [properties for properties in passed if "comparisons" in properties]
    if compared:
        operations = {str(properties["operation"]) for properties in compared}
        comparisons = sum(int(str(properties["comparisons"])) for properties in compared)
        terminalreporter.section("parity")
        terminalreporter.write_line(
            f"{len(operations)} operations, {len(compared)} samples: "
            f"{comparisons} comparisons of value and gradient agree with PyTorch"
        )
    higher = [properties for properties in passed if "higher" in properties]
    if higher:
        different = Counter(str(p["different"]) for p in higher if "different" in p)
        terminalreporter.section("derivatives of second and third order")
        terminalreporter.write_line(
            f"{len({str(properties['higher']) for properties in higher})} operations: "
            f"{len(higher) - different.total()} samples agree with PyTorch"
        )
        for reason, count in different.items():
            terminalreporter.write_line(f"{count} differ, as {reason}")
