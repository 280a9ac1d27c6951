"""The peak memory of a step, as the operating system sees it: it counts what any library takes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def peak_of(step: Callable[[], Any]) -> int:
    """Return how many bytes more than before the process has in memory at the peak of a step."""
    if not CLEAR.exists():
        raise NotImplementedError("the peak memory of a step can be read on Linux only")
    gc.collect()
    CLEAR.write_text("5")  # the peak so far is forgotten
    before = _status("VmRSS")
    step()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
