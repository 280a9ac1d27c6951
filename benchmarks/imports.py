"""How much longer importing a library takes than importing NumPy, which all of them do."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterable

from .rounds import in_turn

GOAL = 3e-3
PROGRAM = """
import time
began = time.perf_counter()
import numpy
between = time.perf_counter()
import {module}
print(between - began, time.perf_counter() - between)
"""
MODULES = {
    "tinytorch": "tinytorch",
    "torch-2": "torch",
    "autograd": "autograd",
    "mygrad": "mygrad",
}


def measure_imports(libraries: Iterable[str], rounds: int) -> dict[str, list[float]]:
    """Import each library in a new process each round; seconds, NumPy's own under "by-hand"."""
    names = [name for name in libraries if name in MODULES]
    for name in names:
        _seconds(name)  # compiles what is not compiled yet
    figures: dict[str, list[float]] = {"by-hand": []} | {name: [] for name in names}
    for number in range(rounds):
        of_numpy = []
        for name in in_turn(names, number):
            numpy, library = _seconds(name)
            of_numpy.append(numpy)
            figures[name].append(library)
        figures["by-hand"].append(statistics.median(of_numpy))
    return figures


def _seconds(name: str) -> tuple[float, float]:
    program = PROGRAM.format(module=MODULES[name])
    # With bytecode, as in a program that is started a second time.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=env
    )
    numpy, library = map(float, ran.stdout.split())
    return numpy, library
