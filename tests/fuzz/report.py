"""Lines at the end of a session: how many programs ran, and what was compared."""

from __future__ import annotations

from collections import Counter

import pytest

from .comparing import Tally
from .drawing import OPERATIONS

KEY = "random programs"
WRITTEN = pytest.StashKey[bool]()
"""Set once the lines are there, which two folders of tests ask for."""


def record(record_property: pytest.RecordProperty, tally: Tally) -> None:
    """Hand on what a test has compared, from whichever process it ran in."""
    record_property(KEY, (dict(tally.counts), sorted(tally.operations)))


def write(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the sum of all that was handed on, if there was anything."""
    counts: Counter[str] = Counter()
    operations: set[str] = set()
    for report in terminalreporter.getreports("passed"):
        found = dict(report.user_properties) if report.when == "call" else {}
        if KEY in found:
            counts.update(found[KEY][0])
            operations.update(found[KEY][1])
    if counts and not terminalreporter.config.stash.get(WRITTEN, False):
        terminalreporter.config.stash[WRITTEN] = True
        terminalreporter.section(KEY)
        terminalreporter.write_line(f"{len(operations)} of {len(OPERATIONS)} operations")
        for what, count in counts.items():
            terminalreporter.write_line(f"{count} {what}")
