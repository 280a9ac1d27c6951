"""Workers side by side: their results compared, then timed turn by turn."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from .libraries import LIBRARIES
from .workloads import MEMORY
from .workloads.workload import Workload

ROOT = Path(__file__).parents[1]
THREAD_SETTINGS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
PAUSE = 0.05
"""Between two turns, in seconds: the threads of the last one go on spinning for a while."""


class WorkerError(Exception):
    """A worker could not do what it was asked."""


class Worker:
    """A library in a process of its own."""

    def __init__(self, library: str) -> None:
        threads = str(LIBRARIES[library].threads)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | dict.fromkeys(THREAD_SETTINGS, threads),
        )

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have something done; what came of it."""
        try:
            self.process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"its process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.close()
        self.process.wait()


@dataclass
class Result:
    """What was measured of one workload: a figure a round for each library, or why there is none.

    Figures are seconds of a step, or bytes.
    """

    workload: Workload
    figures: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def median(self, library: str) -> float:
        return statistics.median(self.figures[library])

    def ratios(self, library: str, base: str = "by-hand") -> list[float]:
        """Multiples of the base, each of two figures of the same round."""
        pairs = zip(self.figures[library], self.figures[base], strict=True)
        return [figure / of_base for figure, of_base in pairs]

    def ratio(self, library: str, base: str = "by-hand") -> float | None:
        """The median of the ratios, if there are any."""
        both = library in self.figures and base in self.figures
        return statistics.median(self.ratios(library, base)) if both else None


def measure(workload: Workload, libraries: Iterable[str], rounds: int, seconds: float) -> Result:
    """Compare the results of all libraries, then time them, each anew in its turn of each round."""
    result = Result(workload, missing=dict(workload.missing))
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(name))
            for name in libraries
            if name not in workload.missing
        }
        ready = _ready(workload, workers, result)
        result.figures = {name: [] for name in ready}
        for number in range(rounds):
            for name in in_turn(ready, number):
                time.sleep(PAUSE)
                answer = workers[name].ask("turn", seconds=seconds)
                result.figures[name].append(answer["seconds"])
    return result


def measure_memory(libraries: Iterable[str], rounds: int) -> Result:
    """Compare the results of the memory workload, then take its peak, each in a new process."""
    result = measure(MEMORY, libraries, rounds=0, seconds=0)
    ready = list(result.figures)
    for number in range(rounds):
        for name in in_turn(ready, number):
            with Worker(name) as worker:
                result.figures[name].append(worker.ask("peak")["bytes"])
    return result


def in_turn(names: list[str], number: int) -> list[str]:
    """Return the names in the order of a round: each round begins with another one."""
    first = number % len(names)
    return names[first:] + names[:first]


def _ready(workload: Workload, workers: dict[str, Worker], result: Result) -> list[str]:
    """Have every worker take a first step; those that can, all with the same results."""
    ready = []
    with tempfile.TemporaryDirectory() as place:
        for name, worker in workers.items():
            path = Path(place, f"{name}.npz")
            try:
                worker.ask("prepare", workload=workload.name, results=str(path))
            except WorkerError as error:
                if name in ("by-hand", "tinytorch"):
                    raise
                result.missing[name] = str(error)
            else:
                dtypes = {"float32", "float64"} if name in workload.in_float64 else {"float32"}
                base = Path(place, "by-hand.npz")
                compare(base, path, dtypes, workload.tolerance, f"{workload.name}, {name}")
                ready.append(name)
    return ready


def compare(expected: Path, given: Path, dtypes: set[str], tolerance: float, where: str) -> None:
    """See that the output and all gradients in two files are equal, save for rounding."""
    with np.load(expected) as base, np.load(given) as other:
        if base.files != other.files:
            raise AssertionError(f"{where}: {len(other.files)} arrays, not {len(base.files)}")
        for position, name in enumerate(base.files):
            what = f"{where}: gradient {position}" if position else f"{where}: the output"
            a, b = base[name], other[name]
            if b.shape != a.shape or b.dtype.name not in dtypes:
                raise AssertionError(f"{what} is {b.dtype}{b.shape}, not {a.dtype}{a.shape}")
            difference = np.abs(a - b).max() / np.abs(a).max()
            if not difference <= tolerance:
                raise AssertionError(f"{what} differs by {difference:.1g} of its largest element")
