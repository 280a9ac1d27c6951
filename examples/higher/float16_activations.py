"""Activations kept for backward in half precision: half the memory, at a small price in accuracy.

The forward computes in float32 as ever. Only what an operation saves for its rule is packed, and
unpacked when backward comes to it. The weights stay as they are: they are in memory in any case.
"""

from __future__ import annotations

import numpy as np
from tinytorch import Tensor, saved_tensors_hooks

LAYERS, WIDTH, BATCH = 8, 64, 256


class InFloat16:
    """Hooks that keep float32 arrays as float16, but for the weights, and count the bytes."""

    def __init__(self, weights: list[Tensor]) -> None:
        self.weights = [weight.data for weight in weights]
        self.given = self.kept = 0

    def pack(self, array: np.ndarray) -> np.ndarray:
        if array.dtype != np.float32 or any(array is weight for weight in self.weights):
            return array
        packed = array.astype(np.float16)
        self.given += array.nbytes
        self.kept += packed.nbytes
        return packed

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed.astype(np.float32) if packed.dtype == np.float16 else packed


def network(x: Tensor, weights: list[Tensor]) -> Tensor:
    for weight in weights:
        x = np.tanh(x @ weight)
    return x


def gradients(loss: Tensor, weights: list[Tensor]) -> list[np.ndarray]:
    """The gradients that a backward leaves at the weights, taken away from there."""
    loss.backward()
    found = [weight.grad for weight in weights]
    for weight in weights:
        weight.zero_grad()
    return found


def main() -> None:
    generator = np.random.default_rng(0)
    weights = [
        Tensor(generator.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5, True, np.float32)
        for _ in range(LAYERS)
    ]
    x = Tensor(generator.normal(size=(BATCH, WIDTH)), dtype=np.float32)
    expected = gradients((network(x, weights) ** 2).mean(), weights)

    hooks = InFloat16(weights)
    with saved_tensors_hooks(hooks.pack, hooks.unpack):
        loss = (network(x, weights) ** 2).mean()
    found = gradients(loss, weights)

    errors = [
        np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, expected, strict=True)
    ]
    print(f"activations: {hooks.given:,} bytes, kept in {hooks.kept:,}")
    print(f"relative error of the gradients: at most {max(errors):.1e}")
    assert hooks.kept == hooks.given // 2 > 0
    assert 0 < max(errors) < 2e-3


if __name__ == "__main__":
    main()
