"""What a step is made of: ``python -m benchmarks.breakdown``, for docs/performance.md.

Small operations by their parts, and what it is worth to keep the memory of large arrays.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import tinytorch
from tinytorch.core_ops.elementwise import ExpBackward, exp

from .libraries import LIBRARIES
from .workloads import ALL

KEPT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
ROUNDS, STEPS = 9, 100
LARGE = ["mlp-textbook", "gelu", "softmax"]


def interleaved(parts: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Microseconds of one call of each function, medians of rounds in which they take turns."""
    figures: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):
        for name, part in parts.items():
            began = time.perf_counter()
            for _ in range(times):
                part()
            figures[name].append((time.perf_counter() - began) / times * 1e6)
    return {name: statistics.median(values) for name, values in figures.items()}


def small_operations() -> dict[str, float]:
    """Microseconds: of an operation of a chain of 1,000, of a call, and of a backward."""
    hand, ours = (LIBRARIES[name]() for name in ("by-hand", "tinytorch"))
    steps = {}
    for name in ("chain-1", "forward-1"):
        ALL[name].make(np.random.default_rng(0))
        steps |= {f"{name}, by hand": hand.step(ALL[name]), f"{name}, ours": ours.step(ALL[name])}
    per_step = interleaved(steps, 20)
    x = tinytorch.Tensor(np.ones((4, 4), np.float32), requires_grad=True)
    node, total = object.__new__(ExpBackward), x.sum()
    seed = np.ones((), np.float32)
    calls = {
        "exp": lambda: exp(x),
        "exp, its forward alone": lambda: node.forward(x.data),
        "backward of one sum": lambda: total.backward(seed, retain_graph=True),
        "the rule of the sum": lambda: total.grad_fn.apply(seed),
    }
    return {k: v / 1000 for k, v in per_step.items()} | interleaved(calls, 2000)


def take_steps(name: str, library: str) -> None:
    """Print milliseconds and page faults of a step of a workload."""
    workload = ALL[name]
    workload.make(np.random.default_rng(0))
    step = LIBRARIES[library]().step(workload)
    for _ in range(5):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1e3)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    print(statistics.median(times), faults / STEPS)


def in_processes(name: str) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds and page faults of a step, in processes of their own, which take turns."""
    kinds: dict[str, tuple[str, dict[str, str]]] = {
        "by hand": ("by-hand", {}),
        "by hand, memory kept": ("by-hand", KEPT),
        "tinytorch": ("tinytorch", {}),
        "tinytorch, memory kept": ("tinytorch", KEPT),
    }
    figures: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, (library, settings) in kinds.items():
            command = [sys.executable, "-m", "benchmarks.breakdown", name, library]
            env = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"} | settings
            ran = subprocess.run(command, capture_output=True, check=True, text=True, env=env)
            milliseconds, faults = map(float, ran.stdout.split())
            figures[kind].append((milliseconds, faults))
    return figures


def main() -> None:
    for name, microseconds in small_operations().items():
        print(f"{name}: {microseconds:.2f} µs")
    for name in LARGE:
        for kind, figures in in_processes(name).items():
            times, faults = zip(*figures, strict=True)
            low, middle, high = statistics.quantiles(times)
            spread = f"{middle:.2f} ms ({low:.2f}-{high:.2f})"
            print(f"{name}, {kind}: {spread}, {statistics.median(faults):.0f} page faults")


if __name__ == "__main__":
    if sys.argv[1:]:
        take_steps(*sys.argv[1:])
    else:
        main()
