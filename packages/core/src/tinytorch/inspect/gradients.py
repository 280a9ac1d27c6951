"""A backward pass of our own, which is watched: every `grad` stays, and so does what is saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backward import Pass, _in_a_context_of_its_own
from ..function import AccumulateGrad, Edge, Function
from ..sparse import SparseGradient

VANISHED = float(np.finfo(np.float32).eps)
"""Below this norm a step along the gradient changes no float32 weight of about 1."""
EXPLODED = 1e3
"""Above this norm it is hundreds of times what gradients are commonly clipped to."""


class WatchedPass(Pass):
    """A backward pass that shows each node, the gradient that came in, and what went out."""

    plain = False  # so that every node is met, also those that need no more than their rule

    def __init__(self, at_node: Callable[[Function, Any, Sequence[Any]], None]) -> None:
        super().__init__(retain_graph=True)
        self._at_node = at_node

    def run(self, root: Edge, seed: Any) -> dict[AccumulateGrad, Any]:
        """Return the gradients of the leaves."""
        return _in_a_context_of_its_own(self._propagate, [(root, seed)])

    def _run_unusual(self, node: Function, gradient: Any) -> tuple[Sequence[Edge | None], Any]:
        edges, results = super()._run_unusual(node, gradient)
        gradients = results if isinstance(results, tuple | list) else (results,)
        self._at_node(node, gradient, gradients)
        return edges, gradients


class Norm(NamedTuple):
    """The Euclidean lengths of the gradients at one place of each repetition."""

    least: float
    most: float

    @property
    def mark(self) -> str:
        """What is wrong with the worst of them, or nothing."""
        if self.most != self.most:
            return "✖ NaN"
        if self.most == np.inf:
            return "▲ infinite"
        if self.most > EXPLODED:
            return "▲ exploded"
        return "▼ vanished" if self.least < VANISHED else ""

    def __str__(self) -> str:
        one = self.least == self.most or self.most != self.most
        length = f"{self.most:.3g}" if one else f"{self.least:.3g} to {self.most:.3g}"
        return f"{length} {self.mark}".rstrip()


def norm_of(gradient: Any) -> float:
    """Return the Euclidean length of a gradient; it is NaN if one of its elements is."""
    array = gradient._data if hasattr(gradient, "_data") else np.asarray(dense(gradient))
    lengths = np.abs(array, dtype=np.float64)
    longest = float(lengths.max(initial=0.0))
    if longest in (0.0, np.inf) or longest != longest:
        return longest
    lengths /= longest  # their squares neither overflow nor vanish
    return longest * float(np.sqrt(np.square(lengths).sum()))


def worst(norms: Sequence[float]) -> Norm:
    """Return the range of some norms; NaN if one of them is."""
    return Norm(float(np.min(norms)), float(np.max(norms)))


def dense(gradient: Any) -> Any:
    """Return a gradient as an array."""
    return gradient.to_dense() if isinstance(gradient, SparseGradient) else gradient
