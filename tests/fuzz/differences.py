"""Derivatives of a program by central differences, and where these mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tinytorch import Tensor

from .libraries import PLAIN
from .programs import Program, run

STEP = 1e-5


class Differences:
    """The derivatives of what the backward passes of a program start from.

    What is cut off from the graph stays as it is when a leaf moves.
    """

    def __init__(
        self, program: Program, values: Sequence[Tensor], rtol: float, atol: float
    ) -> None:
        self.program = program
        self.values = [value.detach() for value in values]
        self.parts = self._weighted(self.values)
        self.rtol = rtol
        largest = max((float(abs(part).max()) for part in self.parts if part.size), default=0.0)
        self.atol = atol * max(1.0, largest)

    def allowed(self, slope: float) -> float:
        """How far one slope may be from another."""
        return self.atol + self.rtol * abs(slope)

    def at(self, leaf: int, index: tuple[int, ...]) -> float | None:
        """The derivative by one element; None where two step sizes disagree, as near a kink.

        By how much the slope to the right is steeper than that to the left goes with the step
        where the function is smooth, and is the same for all steps at a kink.
        """
        slope, bend = self._slope_and_bend(leaf, index, STEP)
        other_slope, other_bend = self._slope_and_bend(leaf, index, 4 * STEP)
        allowed = self.allowed(slope)
        agree = abs(slope - other_slope) <= allowed and abs(bend - other_bend / 4) <= allowed
        return slope if agree else None

    def _slope_and_bend(
        self, leaf: int, index: tuple[int, ...], step: float
    ) -> tuple[float, float]:
        right = left = 0.0
        moved = self._moved(leaf, index, step), self._moved(leaf, index, -step)
        for here, up, down in zip(self.parts, *moved, strict=True):
            right += float(np.sum(up - here)) / step
            left += float(np.sum(here - down)) / step
        return (right + left) / 2, right - left

    def _moved(self, leaf: int, index: tuple[int, ...], step: float) -> list[Any]:
        leaves = list(self.program.leaves)
        array = leaves[leaf].array.copy()
        array[index] += step
        leaves[leaf] = replace(leaves[leaf], array=array)
        return self._weighted(run(replace(self.program, leaves=tuple(leaves)), PLAIN, self.values))

    def _weighted(self, values: Sequence[Tensor]) -> list[Any]:
        return [one.seed * values[one.output.number].data for one in self.program.passes]
