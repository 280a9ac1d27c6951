"""What kind of Python runs the engine."""

from __future__ import annotations

import itertools
import sys
from _thread import RLock
from collections.abc import Callable

HAS_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether one thread runs at a time. Where it is off, counts of references say little."""


def counter(has_gil: bool = HAS_GIL) -> Callable[[], int]:
    """Return what counts from 1, and gives no two threads the same number."""
    count = itertools.count(1).__next__
    if has_gil:
        return count
    lock = RLock()  # for the count of free-threaded Python 3.13 gives some numbers twice

    def locked_count() -> int:
        with lock:
            return count()

    return locked_count
