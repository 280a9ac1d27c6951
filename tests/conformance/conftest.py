"""A table at the end: the operations of each distribution, and how many checks were run on them."""

from __future__ import annotations

from collections import defaultdict

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    operations: dict[str, set[str]] = defaultdict(set)
    cases: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    once: dict[str, set[str]] = defaultdict(set)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            properties = dict(getattr(report, "user_properties", ()))
            if "operation" in properties and report.when == "call":
                distribution = str(properties["distribution"])
                operations[distribution].add(str(properties["operation"]))
                cases[distribution] += int(properties.get("cases", 0))
                failed[distribution] += outcome == "failed"
                if not properties["second"]:
                    once[distribution].add(str(properties["operation"]))
    if operations:
        terminalreporter.section("conformance")
    for distribution in sorted(operations):
        without = ", ".join(sorted(once[distribution]))
        terminalreporter.write_line(
            f"{distribution}: {len(operations[distribution])} operations, "
            f"{cases[distribution]} cases, {failed[distribution]} checks failed; "
            f"second derivatives of all{f' but {without}' if without else ''}"
        )
