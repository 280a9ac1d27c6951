"""The tables, in Markdown."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .imports import GOAL as IMPORT_GOAL
from .libraries import LIBRARIES
from .rounds import Result

OF_PYTORCH = 0.5
GEOMETRIC_MEAN = 1.0
FLAT = 1.5
"""The cost of an operation in the dearest graph, as a multiple of that in the cheapest."""
BYTES_PER_MIB = 2**20


def machine(libraries: Iterable[str], command: str) -> str:
    """What was measured, with what, and on what."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    distributions = {LIBRARIES[name].distribution: LIBRARIES[name] for name in libraries}
    versions = [f"{name} {library.version()}" for name, library in distributions.items()]
    return "\n".join(
        [
            f"- {models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
            f"{platform.system()}; products of matrices on 2 threads save where it says 1",
            f"- Python {platform.python_version()}; {', '.join(versions)}; "
            f"NumPy with {blas['name']} {blas['version']}",
            f"- `{command}`",
        ]
    )


def comparison(results: list[Result], libraries: list[str]) -> str:
    """Return the first table: the time by hand, and multiples of it, with their quartiles."""
    others = [name for name in libraries if name != "by-hand"]
    header = ["workload", "by hand", "goal", *(LIBRARIES[name].title for name in others)]
    rows = [
        [
            result.workload.title,
            _amount(result),
            _verdict(result.ratio("tinytorch"), result.workload.goal),
            *(_spread(result, name) for name in others),
        ]
        for result in results
    ]
    timed = [result for result in results if result.workload.name != "memory"]
    if len(timed) > 1:
        means = [geometric_mean(timed, name) for name in others]
        cells = ["-" if mean is None else f"**{mean:.2f}**" for mean in means]
        goal = _verdict(geometric_mean(timed, "tinytorch"), GEOMETRIC_MEAN)
        rows.append(["**geometric mean of the times**", "", goal, *cells])
    return _table(header, rows)


def geometric_mean(results: list[Result], library: str, base: str = "by-hand") -> float | None:
    """Of the ratios of all workloads that both have."""
    ratios = [result.ratio(library, base) for result in results]
    known = [ratio for ratio in ratios if ratio is not None]
    return statistics.geometric_mean(known) if known else None


def against_pytorch(results: list[Result]) -> str:
    """Return a line about the time of tinytorch as a part of PyTorch's, over all workloads."""
    timed = [result for result in results if result.workload.name != "memory"]
    mean = geometric_mean(timed, "tinytorch", "torch-2")
    if mean is None:
        return "PyTorch with 2 threads was not measured."
    return (
        f"tinytorch's time as a multiple of PyTorch's with 2 threads, geometric mean: {mean:.2f} "
        f"({_verdict(mean, OF_PYTORCH)})."
    )


def growth(results: dict[int, Result], libraries: list[str]) -> str:
    """Return the second table: microseconds an operation, by the number of operations."""
    costs = {
        name: {
            n: result.median(name) / n * 1e6
            for n, result in results.items()
            if name in result.figures
        }
        for name in libraries
    }
    header = ["operations in the graph", *(LIBRARIES[name].title for name in libraries)]
    rows = [
        [f"{n:,}", *(f"{costs[name][n]:.2f}" if n in costs[name] else "-" for name in libraries)]
        for n in results
    ]
    # In the smallest graphs the fixed cost of a backward shows; that is not growth.
    large = {
        name: [cost for n, cost in of_library.items() if n >= 1000]
        for name, of_library in costs.items()
    }
    steepness = [max(large[name]) / min(large[name]) if large[name] else math.nan for name in large]
    rows.append(["dearest ÷ cheapest, from 1,000 on", *(f"**{value:.2f}**" for value in steepness)])
    ours = steepness[libraries.index("tinytorch")]
    return f"{_table(header, rows)}\n\nGoal for tinytorch: {_verdict(ours, FLAT)}."


def imports(figures: dict[str, list[float]]) -> str:
    """Return the third table: milliseconds of an import."""
    names = [name for name in figures if name != "by-hand"]
    rows = [["NumPy itself", _milliseconds(figures["by-hand"]), ""]]
    for name in names:
        median = statistics.median(figures[name])
        verdict = ""
        if name == "tinytorch":
            verdict = (
                f"≤ {IMPORT_GOAL * 1e3:g} ms: {'met' if median <= IMPORT_GOAL else '**missed**'}"
            )
        title = LIBRARIES[name].title.partition(",")[0]
        rows.append([f"{title}, after NumPy", _milliseconds(figures[name]), verdict])
    return _table(["import", "ms", "goal"], rows)


def missing(results: Iterable[Result]) -> str:
    """List which library could not do what, and why."""
    cannot = [
        f"- {LIBRARIES[name].title}, {result.workload.title}: {reason}"
        for result in results
        for name, reason in result.missing.items()
    ]
    return "\n".join(cannot or ["Every library could do every workload."])


def _amount(result: Result) -> str:
    median = result.median("by-hand")
    if result.workload.name == "memory":
        return f"{median / BYTES_PER_MIB:.0f} MiB"
    return f"{median * 1e3:.2f} ms"


def _spread(result: Result, name: str) -> str:
    if name not in result.figures:
        return "-"
    ratios = result.ratios(name)
    return f"{statistics.median(ratios):.2f}{_quartiles(ratios)}"


def _milliseconds(seconds: list[float]) -> str:
    figures = [second * 1e3 for second in seconds]
    return f"{statistics.median(figures):.1f}{_quartiles(figures, '.1f')}"


def _quartiles(figures: list[float], form: str = ".2f") -> str:
    if len(figures) < 2:
        return ""
    low, _, high = statistics.quantiles(figures, n=4, method="inclusive")
    return f" ({low:{form}}-{high:{form}})"


def _verdict(figure: float | None, goal: float | None) -> str:
    if figure is None or goal is None:
        return ""
    return f"≤ {goal:g}: {'met' if figure <= goal else '**missed**'}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
