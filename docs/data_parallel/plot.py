"""Draws step.svg of measured.json; needs matplotlib. ``python docs/data_parallel/plot.py``."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

FOLDER = Path(__file__).parent
CORES = 2
COLOURS = {2: "#1f77b4", 4: "#d62728"}


def numbers(found: dict[str, float]) -> np.ndarray:
    """The sizes, and the times in milliseconds, as two rows."""
    return np.array([[float(size), 1e3 * time] for size, time in found.items()]).T


def fitted(found: dict[str, float]) -> tuple[float, float]:
    """Latency and milliseconds per byte: a line through the times, by relative error."""
    sizes, times = numbers(found)
    terms = np.stack([np.ones_like(sizes), sizes]) / times
    return tuple(np.linalg.lstsq(terms.T, np.ones_like(times))[0])


def gradient_bytes(width: np.ndarray) -> np.ndarray:
    return 4 * (2 * width * (width + 1) + 10 * (width + 1))


def main() -> None:
    measured = json.loads((FOLDER / "measured.json").read_text("utf-8"))
    mpl.rcParams["svg.hashsalt"] = "step"  # the same file of the same numbers
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    widths, alone = numbers(measured["1"]["apart"])
    averaging = numbers(measured["1"]["together"])[1] - alone  # hooks, and copies into buckets
    nbytes = gradient_bytes(widths)
    right.plot(widths, alone, "o", color="#555555", label="1 rank, by itself")
    for ranks, colour in COLOURS.items():
        found = measured[str(ranks)]
        sizes, times = numbers(found["all_reduce"])
        latency, per_byte = fitted(found["all_reduce"])
        label = f"{ranks} ranks: {1e3 * latency:.0f} µs, {1e-6 / per_byte:.1f} GB/s"
        left.plot(sizes, times, "o", color=colour, label=label)
        left.plot(sizes, latency + per_byte * sizes, color=colour)
        right.plot(*numbers(found["together"]), "o", color=colour, label=f"{ranks} ranks")
        sent = 1 + np.ceil(nbytes / 2**20)  # what the ranks compare, and the buckets
        computing = numbers(found["apart"])[1] + averaging * max(1, ranks / CORES)
        right.plot(widths, computing + sent * latency + per_byte * nbytes, color=colour)
    left.set(title="all-reduce", xlabel="bytes", ylabel="ms", xscale="log", yscale="log")
    right.set(title="training step, batch of 256", xlabel="width", xscale="log", yscale="log")
    for axes in (left, right):
        axes.legend()
    figure.savefig(FOLDER / "step.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
