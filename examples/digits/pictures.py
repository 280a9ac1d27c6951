"""The picture of the loss while the demo learns."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

plt.switch_backend("Agg")  # pictures go to files: no screen is needed


def draw_losses(losses: dict[str, list[float]], path: Path) -> None:
    """Draw the loss over the epochs, a curve for each kind of images."""
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for name, values in losses.items():
        axes.plot(range(1, len(values) + 1), values, label=f"{name} images")
    axes.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Learning to read digits")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
