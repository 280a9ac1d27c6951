"""What core brings to pytest: checks of an installed distribution, and a table at the end.

``pytest --tinytorch-distribution NAME`` checks all operations of an installed op package, without
its sources. Wherever a test has a parameter that is a `Check`, its distribution gets a row in the
table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .check import Check

INSTALLED = Path(__file__).with_name("installed.py")
PROPERTY = "tinytorch_check"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the distributions to check."""
    parser.getgroup("tinytorch").addoption(
        "--tinytorch-distribution",
        action="append",
        default=[],
        metavar="NAME",
        help="check the operations of this installed distribution (may be given several times)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Run the checks in place of the tests of the directory, if a distribution is named."""
    if config.getoption("--tinytorch-distribution"):
        named = config.args_source == pytest.Config.ArgsSource.ARGS
        config.args[:] = [*(config.args if named else ()), str(INSTALLED)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note beside the outcome of a check whose it is, and how many cases it had."""
    report = yield
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    for check in parameters.values():
        if isinstance(check, Check) and report.when == "call":
            facts = (check.distribution, check.subject, check.cases, check.twice_differentiable)
            report.user_properties.append((PROPERTY, facts))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table: the checks of each distribution, and what became of them."""
    rows = _rows(terminalreporter)
    if rows:
        terminalreporter.section("checks of operations")
        for row in _aligned([HEADINGS, *rows]):
            terminalreporter.write_line(row)


HEADINGS = [
    "distribution",
    "operations",
    "differentiable twice",
    "checks",
    "passed",
    "failed as expected",
    "cases",
]


def _rows(terminalreporter: pytest.TerminalReporter) -> list[list[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    subjects: dict[str, dict[str, bool]] = defaultdict(dict)
    for outcome in ("passed", "failed", "xfailed", "xpassed"):
        for report in terminalreporter.getreports(outcome):
            for distribution, subject, cases, twice in _facts(report):
                counts[distribution].update({"checks": 1, outcome: 1, "cases": cases})
                if subject != distribution:
                    subjects[distribution][subject] = twice
    return [
        [
            distribution,
            str(len(subjects[distribution])),
            str(list(subjects[distribution].values()).count(True)),
            *(str(count[key]) for key in ("checks", "passed", "xfailed", "cases")),
        ]
        for distribution, count in sorted(counts.items())
    ]


def _facts(report: Any) -> list[Any]:
    return [facts for key, facts in getattr(report, "user_properties", ()) if key == PROPERTY]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
