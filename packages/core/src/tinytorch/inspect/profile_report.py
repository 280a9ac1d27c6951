"""What a profile has measured: by event, by operation, by distribution; as text, CSV and trace."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from .table import aligned

Phase = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True)
class Event:
    """One call of an operation, or of its rule.

    Parameters
    ----------
    operation, distribution : str
        Its name, and who gave it.
    phase : str
        ``"forward"`` or ``"backward"``.
    begin, duration : int
        In nanoseconds, of a clock that begins anywhere.
    bytes : int
        Of the results, views of what was given left out.
    shapes : list of str
        Of the results.
    thread : int
        The number that Python gave it.
    """

    operation: str
    distribution: str
    phase: Phase
    begin: int
    duration: int
    bytes: int
    shapes: list[str]
    thread: int


@dataclass(frozen=True, slots=True)
class Row:
    """What all calls of an operation, or all operations of a distribution, took together.

    Parameters
    ----------
    operation : str
        Its name; that of a distribution's row is empty.
    distribution : str
        Who gave it.
    calls : int
        How often it was called, forward.
    forward, backward : float
        Seconds.
    forward_bytes, backward_bytes : int
        Of the results, views of what was given left out.
    """

    operation: str
    distribution: str
    calls: int
    forward: float
    backward: float
    forward_bytes: int
    backward_bytes: int

    @property
    def ratio(self) -> float:
        """The time of backward in that of forward; NaN where there was none."""
        return self.backward / self.forward if self.forward else float("nan")


class Report:
    """The events of a profile, and what is made of them.

    Attributes
    ----------
    events : list
        Each call, in the order in which they ended.
    seconds : float
        From the beginning of the block to its end.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.begin = 0
        self.seconds = 0.0

    @property
    def rows(self) -> list[Row]:
        """A row for each operation, the one that took longest first."""
        return _rows(self.events, lambda event: (event.operation, event.distribution))

    @property
    def by_distribution(self) -> list[Row]:
        """A row for each distribution, the one that took longest first."""
        return _rows(self.events, lambda event: ("", event.distribution))

    @property
    def total(self) -> Row:
        """All operations together."""
        return _row("total", "", self.events)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the measurement into a file, in the form that its name ends with.

        Parameters
        ----------
        path : str or path
            Ends with ``.csv`` for the rows, seconds and bytes; with ``.json`` for a trace of each
            call, which ``chrome://tracing`` and Perfetto show; or with ``.txt`` for the table.

        Raises
        ------
        ValueError
            If it ends otherwise.
        """
        file = Path(path)
        forms = {".csv": self._csv, ".json": self._trace, ".txt": self.__str__}
        if file.suffix not in forms:
            raise ValueError(
                f"save() tells the form from the end of the name, one of {', '.join(forms)}; "
                f"but the name is {file.name!r}"
            )
        file.write_text(forms[file.suffix](), "utf-8")

    def _csv(self) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [Row.__match_args__, *map(astuple, self.rows)]
        )
        return text.getvalue()

    def _trace(self) -> str:
        """Return the events in the Trace Event Format, times in microseconds."""
        events = [
            {
                "name": event.operation,
                "cat": f"{event.phase},{event.distribution}",
                "ph": "X",  # a complete event, with a beginning and a duration
                "ts": (event.begin - self.begin) / 1e3,
                "dur": event.duration / 1e3,
                "pid": os.getpid(),
                "tid": event.thread,
                "args": {"phase": event.phase, "bytes": event.bytes, "shapes": event.shapes},
            }
            for event in self.events
        ]
        return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})

    def __str__(self) -> str:
        heading = ("operation", "calls", "forward ms", "backward ms", "ratio", "forward bytes")
        rows = [*self.rows, *self.by_distribution, self.total]
        cells = [(*heading, "backward bytes", "distribution"), *map(_cells, rows)]
        lines = aligned(cells, numbers=range(1, 7))
        split = 1 + len(self.rows)
        rest = 1e3 * (self.seconds - self.total.forward - self.total.backward)
        last = f"outside of operations, in the engine and the program: {rest:.2f} ms"
        return "\n".join([*lines[:split], "", *lines[split:], last])

    __repr__ = __str__


def _rows(events: Sequence[Event], key: Callable[[Event], tuple[str, str]]) -> list[Row]:
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    rows = [_row(*names, group) for names, group in groups.items()]
    return sorted(rows, key=lambda row: row.forward + row.backward, reverse=True)


def _row(operation: str, distribution: str, events: Sequence[Event]) -> Row:
    forward = [event for event in events if event.phase == "forward"]
    backward = [event for event in events if event.phase == "backward"]
    return Row(
        operation,
        distribution,
        len(forward),
        sum(event.duration for event in forward) / 1e9,
        sum(event.duration for event in backward) / 1e9,
        sum(event.bytes for event in forward),
        sum(event.bytes for event in backward),
    )


def _cells(row: Row) -> tuple[str, ...]:
    ratio = f"{row.ratio:.1f}" if row.forward and row.backward else ""
    return (
        row.operation or "all of",
        f"{row.calls:,}",
        f"{1e3 * row.forward:.2f}",
        f"{1e3 * row.backward:.2f}",
        ratio,
        f"{row.forward_bytes:,}",
        f"{row.backward_bytes:,}",
        row.distribution,
    )
