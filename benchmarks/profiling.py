"""Where the time of a step goes."""

from __future__ import annotations

import cProfile
import io
import linecache
import pstats
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import numpy as np

from .libraries import Step

INTERVAL = 5e-4
NUMPY = str(Path(np.__file__).parent)
ROWS = 25


def by_function(step: Step, seconds: float) -> str:
    """Which functions take how long, by Python's own profiler.

    It makes calls of Python's dearer than they are, and shows no operators: their time is that of
    the function they stand in.
    """
    profiler = cProfile.Profile()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        profiler.runcall(step)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(ROWS)
    return text.getvalue().strip()


def by_line(step: Step, seconds: float) -> str:
    """In which lines a second thread finds the program, when it looks again and again.

    It is exact where NumPy works on large arrays, as other threads run meanwhile. On small ones
    the program is found where Python lets another thread run, shortly after what took the time.
    """
    main = threading.get_ident()
    stop = threading.Event()
    seen: Counter[tuple[str, int, str]] = Counter()

    def watch() -> None:
        while not stop.wait(INTERVAL):
            frame: FrameType | None = sys._current_frames()[main]
            while frame and frame.f_code.co_filename.startswith(NUMPY):
                frame = frame.f_back
            if frame:
                seen[frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name] += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(INTERVAL / 5)
    watcher = threading.Thread(target=watch)
    watcher.start()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        step()
    stop.set()
    watcher.join()
    sys.setswitchinterval(interval)
    return "\n".join(
        f"{count / seen.total():6.1%}  {Path(file).name}:{line} {function}: "
        f"{linecache.getline(file, line).strip()}"
        for (file, line, function), count in seen.most_common(ROWS)
    )
