"""Reverse mode: from one output back through the graph to the gradients of all leaves.

Nodes are processed newest first. A node is always newer than the nodes that made its inputs, so
when its turn comes, everything that its output went into has been processed, and the gradient that
has arrived is complete. Nothing here is recursive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from .arrays import REAL, Array
from .broadcasting import sum_to_shape
from .errors import GradientError
from .function import RELEASED, AccumulateGrad, Edge, Function, Variable
from .grad_mode import recording
from .sparse import SparseGradient

_commit_lock = Lock()


def backward(root: Edge, seed: Array, retain_graph: bool) -> None:
    """Add to every leaf that `root` depends on the gradient that `seed` at `root` sends there.

    All gradients are computed before the first `.grad` changes, so that where a rule raises, none
    has. The computation runs in a context of its own: whatever interrupts it, the grad mode of the
    caller is as it was.
    """
    gradients = copy_context().run(_propagate, root, seed, retain_graph)
    _commit(gradients)


class _Gradients:
    """The gradients that have arrived so far, summed, by the edge that they arrived along."""

    def __init__(self) -> None:
        self.sums: dict[Edge, Array] = {}
        self.ours: set[Edge] = set()
        """Where the sum is a buffer that was made here and that nobody else has seen."""

    def add(self, edge: Edge, gradient: Array | SparseGradient) -> None:
        held = self.sums.get(edge)
        if isinstance(gradient, SparseGradient):
            if edge not in self.ours:
                self.sums[edge] = (
                    np.zeros(edge._shape, edge._dtype) if held is None else held.copy()
                )
                self.ours.add(edge)
            gradient.add_into(self.sums[edge])
        elif held is None:
            self.sums[edge] = gradient
        elif edge in self.ours:
            np.add(held, gradient, out=held)
        else:
            self.sums[edge] = np.asarray(held + gradient)
            self.ours.add(edge)

    def take(self, edge: Edge) -> Array:
        self.ours.discard(edge)
        return self.sums.pop(edge)

    def take_unshared(self, edge: Edge) -> Array:
        """Take a sum that shares its memory with nothing."""
        ours = edge in self.ours
        gradient = self.take(edge)
        return gradient if ours else gradient.copy()


def _propagate(root: Edge, seed: Array, retain_graph: bool) -> dict[AccumulateGrad, Array]:
    """Run the rules of all nodes behind `root`, and return the gradients of the leaves."""
    recording.set(False)
    arrived = _Gradients()
    nodes: dict[int, Function] = {}
    newest: list[int] = []
    leaves: dict[AccumulateGrad, None] = {}

    def send(edge: Edge, gradient: Array | SparseGradient) -> None:
        if edge not in arrived.sums:
            if isinstance(edge, AccumulateGrad):
                leaves[edge] = None
            else:
                nodes[edge._sequence] = edge
                heappush(newest, -edge._sequence)
        arrived.add(edge, gradient)

    send(root, _fit(seed, root))
    while newest:
        node = nodes.pop(-heappop(newest))
        gradient = arrived.take(node)
        for keeper in node._retained:
            send(keeper, gradient.reshape(keeper._shape))
        for edge, result in _run_rule(node, gradient):
            send(edge, result)
        if node.saved and not retain_graph:
            node._release()
    return {leaf: arrived.take_unshared(leaf) for leaf in leaves}


def _run_rule(node: Function, gradient: Array) -> Iterable[tuple[Edge, Array | SparseGradient]]:
    """Run the rule of `node`, and pair each gradient with the edge that it goes along."""
    if node.saved is RELEASED:
        raise GradientError(
            f"{type(node).__name__}: the arrays that its rule needs have been released by an "
            "earlier backward; pass retain_graph=True to that backward, or compute the result again"
        )
    try:
        results = node.apply(gradient)
    except Exception as error:
        error.add_note(
            f"raised by the rule of {type(node).__name__}, "
            f"given a gradient of shape {gradient.shape} and dtype {gradient.dtype}"
        )
        raise
    edges = node.next_functions
    if type(results) is not tuple:
        results = tuple(results) if isinstance(results, list) else (results,)
    if len(results) != len(edges):
        raise GradientError(
            f"{type(node).__name__}: the rule should return a gradient for each of "
            f"{len(edges)} inputs (None for one without), but it returned {len(results)}"
        )
    return [
        (edge, _fit(result, edge, node, position))
        for position, (edge, result) in enumerate(zip(edges, results, strict=True))
        if edge is not None and result is not None
    ]


def _fit(
    gradient: Any, edge: Edge, node: Function | None = None, position: int = 0
) -> Array | SparseGradient:
    """Return a gradient in the shape and dtype that `edge` leads to, summed where it broadcast."""
    shape = edge._shape
    if isinstance(gradient, SparseGradient):
        if gradient.shape == shape:
            return gradient
        gradient = gradient.to_dense()
    if type(gradient) is not ndarray:
        gradient = _as_gradient(gradient, node, position)
    if gradient.shape != shape:
        try:
            gradient = sum_to_shape(gradient, shape)
        except ValueError:
            raise GradientError(
                f"{type(node).__name__}: the gradient of input {position} has shape "
                f"{gradient.shape}, but the input has shape {shape}; "
                "a rule returns the input's shape, or one that it broadcasts to"
            ) from None
    if gradient.dtype != edge._dtype:
        gradient = gradient.astype(edge._dtype)
    return gradient  # type: ignore[no-any-return]  # an ndarray by now, which Any hides


def _as_gradient(gradient: Any, node: Function | None, position: int) -> Array:
    array = gradient._data if isinstance(gradient, Variable) else np.asarray(gradient)
    if array.dtype.kind not in REAL:
        raise GradientError(
            f"{type(node).__name__}: the gradient of input {position} is a "
            f"{type(gradient).__name__}; a rule returns arrays of real numbers, or None"
        )
    return array


def _commit(gradients: dict[AccumulateGrad, Array]) -> None:
    """Add the gradients to the leaves: to all of them, or to none."""
    with _commit_lock:
        totals = [
            gradient if leaf.grad is None else np.asarray(leaf.grad + gradient)
            for leaf, gradient in gradients.items()
        ]
        # One call into C: neither an interrupt nor another thread comes between two leaves.
        deque(map(setattr, gradients, repeat("grad"), totals), maxlen=0)
