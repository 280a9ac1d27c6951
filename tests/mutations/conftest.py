"""A list at the end: the faults that were planted, and which check caught each."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found: dict[str, list[Any]] = {"caught": [], "harmless": []}
    for report in terminalreporter.getreports("passed"):
        for key, facts in report.user_properties:
            if key in found and report.when == "call":
                found[key].append(facts)
    if not found["caught"]:
        return
    terminalreporter.section("faults planted")
    by_operation: dict[tuple[str, str], list[str]] = defaultdict(list)
    for distribution, operation, fault, check in found["caught"]:
        by_operation[distribution, operation].append(f"{fault} [{check}]")
    for (distribution, operation), faults in sorted(by_operation.items()):
        terminalreporter.write_line(f"{distribution} {operation}: {', '.join(faults)}")
    for distribution, operation, fault, reason in sorted(found["harmless"]):
        terminalreporter.write_line(f"harmless: {distribution} {operation}, {fault}: {reason}")
    caught, harmless = len(found["caught"]), len(found["harmless"])
    escaped = len(terminalreporter.getreports("failed"))
    terminalreporter.write_line(
        f"{caught} faults caught, {harmless} harmless, {escaped} not caught"
    )
