"""The process of one library: ``python -m benchmarks.worker LIBRARY``.

It reads requests from its input, one JSON object a line, and answers each with another.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any

import numpy as np

from .libraries import LIBRARIES, Step
from .memory import peak_of
from .profiling import by_function, by_line
from .workloads import ALL, MEMORY, MEMORY_WARM_UP
from .workloads.workload import Workload

SEED = 20
LONG = 1.0
"""A step that takes more seconds is not taken twice in a turn."""


class Worker:
    """Takes steps of one workload at a time."""

    def __init__(self, name: str) -> None:
        self.library = LIBRARIES[name]()
        self.step: Step = lambda: (None, ())

    def prepare(self, workload: str, results: str) -> dict[str, Any]:
        """Take a first step, and write its results into a file."""
        self.step = self.made(ALL[workload])
        output, gradients = self.step()
        arrays = [self.library.to_array(value) for value in (output, *gradients)]
        np.savez(results, *arrays)
        return {}

    def turn(self, seconds: float) -> dict[str, Any]:
        """Take steps for about so long; the time of one, after one that does not count."""
        step = self.step
        gc.collect()
        began = time.perf_counter()
        step()
        first = time.perf_counter() - began
        if first > LONG:
            return {"seconds": first}
        times = max(1, round(seconds / first))
        began = time.perf_counter()
        for _ in range(times):
            step()
        return {"seconds": (time.perf_counter() - began) / times}

    def peak(self) -> dict[str, Any]:
        """How far the memory of the process rises above what the parameters take."""
        self.made(MEMORY_WARM_UP)()
        return {"bytes": peak_of(self.made(MEMORY))}

    def profile(self, workload: str, seconds: float) -> dict[str, Any]:
        """Where the time of a workload goes, as text."""
        step = self.made(ALL[workload])
        step()
        return {"lines": by_line(step, seconds), "functions": by_function(step, seconds)}

    def made(self, workload: Workload) -> Step:
        workload.make(np.random.default_rng(SEED))
        return self.library.step(workload)


def main() -> None:
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("what"))(**request)
        except (Exception, MemoryError) as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
