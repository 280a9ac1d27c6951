"""Activations kept for backward in files: the depth of a network is bounded by the disk.

What an operation saves for its rule is written when it is saved, and read when backward comes to
it. The weights stay in memory. The gradients are the same to the last bit.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
from tinytorch import Tensor, saved_tensors_hooks

LAYERS, WIDTH, BATCH = 30, 32, 1024


class OnDisk:
    """Hooks that keep arrays in a folder, but for the weights."""

    def __init__(self, folder: Path, weights: list[Tensor]) -> None:
        self.folder = folder
        self.weights = [weight.data for weight in weights]
        self.written = 0

    def pack(self, array: np.ndarray) -> np.ndarray | Path:
        if any(array is weight for weight in self.weights):
            return array
        self.written += 1
        path = self.folder / f"{self.written}.npy"
        np.save(path, array)
        return path

    def unpack(self, packed: np.ndarray | Path) -> np.ndarray:
        return np.load(packed) if isinstance(packed, Path) else packed


def network(x: Tensor, weights: list[Tensor]) -> Tensor:
    for weight in weights:
        x = np.tanh(x @ weight)
    return x


def learn(x: Tensor, weights: list[Tensor]) -> tuple[list[np.ndarray], int]:
    """The gradients of the weights, and the bytes that were in use at most for them."""
    tracemalloc.start()
    network(x, weights).sum().backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = [weight.grad for weight in weights]
    for weight in weights:
        weight.zero_grad()
    return found, peak


def main() -> None:
    generator = np.random.default_rng(0)
    weights = [
        Tensor(generator.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5, requires_grad=True)
        for _ in range(LAYERS)
    ]
    x = Tensor(generator.normal(size=(BATCH, WIDTH)))
    expected, in_memory = learn(x, weights)

    with tempfile.TemporaryDirectory() as folder:
        hooks = OnDisk(Path(folder), weights)
        with saved_tensors_hooks(hooks.pack, hooks.unpack):
            found, on_disk = learn(x, weights)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())

    print(f"{hooks.written} files of {size:,} bytes in all")
    print(f"most memory in use: {in_memory:,} bytes, with activations on disk {on_disk:,}")
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))
    assert on_disk < in_memory / 3


if __name__ == "__main__":
    main()
