"""Reverse mode: from one output back through the graph to the gradients of all leaves.

Nodes are processed newest first. A node is always newer than the nodes that made its inputs, so
when its turn comes, everything that its output went into has been processed, and the gradient that
has arrived is complete. Nothing here is recursive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import repeat
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from .arrays import REAL
from .broadcasting import sum_to_shape
from .errors import GradientError
from .function import RELEASED, AccumulateGrad, Edge, Function, Variable
from .grad_mode import recording
from .saved_hooks import computed_again
from .sparse import SparseGradient

T = TypeVar("T")

_commit_lock = Lock()


class Pass:
    """One backward pass, on arrays; nothing is recorded.

    `RecordedPass` makes the same pass on Tensors, so that the gradients have graphs themselves.

    Parameters
    ----------
    retain_graph : bool
        Whether the nodes keep what they saved.
    """

    recorded = False
    operand: type = ndarray
    """The type that gradients have, without a look at what a rule returned otherwise."""

    def __init__(self, retain_graph: bool) -> None:
        self.retain_graph = retain_graph
        self._sums: dict[Edge, Any] = {}
        """The gradients that have arrived along each edge so far, summed."""
        self._ours: set[Edge] = set()
        """Where the sum is a buffer that was made here, and that nobody else has seen."""
        self._nodes: dict[int, Function] = {}
        self._newest: list[int] = []
        self._captured: dict[Edge, Any] = {}
        self._through: Container[Edge] | None = None

    def to_leaves(self, root: Edge, seed: Any) -> None:
        """Add to every leaf behind `root` the gradient that `seed` at `root` sends there.

        All gradients are computed before the first `.grad` changes, so that where a rule raises,
        none has.
        """
        _in_a_context_of_its_own(self._propagate_and_commit, [(root, seed)])

    def towards(
        self, targets: Sequence[Edge | None], roots: Sequence[tuple[Edge, Any]]
    ) -> list[Any]:
        """Return the gradients that the seeds at the roots send to the targets, and keep none.

        None stands for the gradient of a target that the roots do not depend on.
        """
        wanted = [edge for edge in targets if edge is not None]
        self._captured = dict.fromkeys(wanted)
        self._through = _leading_to(wanted, [root for root, _ in roots])
        leaves = _in_a_context_of_its_own(self._propagate, roots)
        gradients = self._captured | leaves
        return [None if edge is None else gradients[edge] for edge in targets]

    def _propagate_and_commit(self, roots: Iterable[tuple[Edge, Any]]) -> None:
        _commit(self._propagate(roots))

    def _propagate(self, roots: Iterable[tuple[Edge, Any]]) -> dict[AccumulateGrad, Any]:
        """Run the rules of all nodes behind the roots, and return the gradients of the leaves."""
        recording.set(self.recorded)
        computed_again.set({})
        for root, seed in roots:
            self._send(root, self._fit(seed, root))
        while self._newest:
            node = self._nodes.pop(-heappop(self._newest))
            if node in self._captured:
                self._captured[node] = self._copy(self._sums[node])
            gradient = self._take(node)
            if self._through is None:
                for keeper in node._retained:
                    self._send(keeper, self._fit(gradient.reshape(keeper._shape), keeper))
            for edge, result in self._run_rule(node, gradient):
                self._send(edge, result)
        return self._leaf_gradients()

    def _send(self, edge: Edge, gradient: Any) -> None:
        """Add a gradient to the sum of those that have arrived along an edge."""
        held = self._sums.get(edge)
        if held is None and isinstance(edge, Function):
            self._nodes[edge._sequence] = edge
            heappush(self._newest, -edge._sequence)
        if isinstance(gradient, SparseGradient):
            if edge not in self._ours:
                self._sums[edge] = (
                    np.zeros(edge._shape, edge._dtype) if held is None else held.copy()
                )
                self._ours.add(edge)
            gradient.add_into(self._sums[edge])
        elif held is None:
            self._sums[edge] = gradient
        elif edge in self._ours:
            np.add(held, gradient, out=held)
        else:
            self._sums[edge] = _plus(held, gradient)
            if not self.recorded:
                self._ours.add(edge)

    def _take(self, edge: Edge) -> Any:
        self._ours.discard(edge)
        return self._sums.pop(edge)

    def _leaf_gradients(self) -> dict[AccumulateGrad, Any]:
        """Return what has arrived at the leaves, in memory that is shared with nothing."""
        # Taken one by one, so that a gradient and its copy are both alive for one leaf at a time.
        leaves = [edge for edge in self._sums if isinstance(edge, AccumulateGrad)]
        return {leaf: self._take_unshared(leaf) for leaf in leaves}

    def _take_unshared(self, edge: Edge) -> Any:
        ours = edge in self._ours
        gradient = self._take(edge)
        return gradient if ours else self._copy(gradient)

    def _run_rule(self, node: Function, gradient: Any) -> Iterable[tuple[Edge, Any]]:
        """Run the rule of `node`, and pair each gradient with the edge that it goes along."""
        edges = node.next_functions
        if self._through is not None:
            edges = tuple(edge if edge in self._through else None for edge in edges)
            if not any(edges):
                return []
        if node.saved is RELEASED:
            raise GradientError(
                f"{type(node).__name__}: the arrays that its rule needs have been released by an "
                "earlier backward; pass retain_graph=True to that backward, or compute the result "
                "again"
            )
        try:
            packed = node._packed
            ready = node if packed is None else packed.unpacked(node, with_inputs=self.recorded)
            results = self._apply(ready, gradient)
        except Exception as error:
            error.add_note(
                f"raised by the rule of {type(node).__name__}, "
                f"given a gradient of shape {gradient.shape} and dtype {gradient.dtype}"
            )
            raise
        if node.saved and not self.retain_graph:
            node._release()
        if not isinstance(results, tuple | list):
            results = (results,)
        if len(results) != len(edges):
            raise GradientError(
                f"{type(node).__name__}: the rule should return a gradient for each of "
                f"{len(edges)} inputs (None for one without), but it returned {len(results)}"
            )
        return [
            (edge, self._fit(result, edge, node, position))
            for position, (edge, result) in enumerate(zip(edges, results, strict=True))
            if edge is not None and result is not None
        ]

    def _fit(
        self, gradient: Any, edge: Edge, node: Function | None = None, position: int = 0
    ) -> Any:
        """Return a gradient in the shape and dtype that `edge` leads to, summed if it broadcast."""
        shape = edge._shape
        if isinstance(gradient, SparseGradient):
            if gradient.shape == shape and not self.recorded:
                return gradient
            gradient = self._dense(gradient)
        if type(gradient) is not self.operand:
            gradient = self._operand(gradient)
        if gradient.shape != shape:
            try:
                gradient = self._reduced(gradient, shape)
            except ValueError:
                raise GradientError(
                    f"{_place(node, position, edge)} has shape {gradient.shape}, which cannot be "
                    f"summed to the shape {shape} of what it is for; a rule returns the shape of "
                    "its input, or one that this broadcasts to"
                ) from None
        if gradient.dtype != edge._dtype:
            if gradient.dtype.kind not in REAL:
                raise GradientError(
                    f"{_place(node, position, edge)} has dtype {gradient.dtype}; "
                    "a rule returns arrays of real numbers, or None"
                )
            gradient = gradient.astype(edge._dtype)
        return gradient

    # What is different where the pass is recorded, or takes a batch of gradients.

    def _apply(self, node: Function, gradient: Any) -> Any:
        return node.apply(gradient)

    def _operand(self, gradient: Any) -> Any:
        """Return as an array what a rule returned that is none."""
        return gradient._data if isinstance(gradient, Variable) else np.asarray(gradient)

    def _reduced(self, gradient: Any, shape: tuple[int, ...]) -> Any:
        return sum_to_shape(gradient, shape)

    def _dense(self, gradient: SparseGradient) -> Any:
        return gradient.to_dense()

    def _copy(self, gradient: Any) -> Any:
        return gradient.copy()


def _in_a_context_of_its_own(function: Callable[[Any], T], argument: Any) -> T:
    """Call a function so that the grad mode of the caller stays as it is, whatever happens."""
    return copy_context().run(function, argument)


def _place(node: Function | None, position: int, edge: Edge) -> str:
    """Say which gradient is meant, in an error message."""
    if node is None:
        return f"the gradient that backward starts from at the output of {edge}"
    return f"{node}: the gradient of input {position}"


def _plus(a: Any, b: Any) -> Any:
    total = a + b
    return np.asarray(total) if isinstance(total, np.generic) else total


def _leading_to(targets: Iterable[Edge], roots: Iterable[Edge]) -> set[Edge]:
    """Return the edges on the paths from the roots to the targets, the targets among them."""
    reached: set[Edge] = set()
    waiting = list(roots)
    while waiting:
        edge = waiting.pop()
        if edge not in reached:
            reached.add(edge)
            waiting.extend(e for e in edge.next_functions if e is not None)
    leading = set(targets)
    for edge in sorted(reached, key=lambda edge: edge._sequence):  # oldest first
        if not leading.isdisjoint(edge.next_functions):
            leading.add(edge)
    return leading


def _commit(gradients: dict[AccumulateGrad, Any]) -> None:
    """Add the gradients to the leaves: to all of them, or to none."""
    recording.set(True)  # where one of two gradients has a graph, their sum has
    with _commit_lock:
        totals = [
            gradient if leaf.grad is None else _plus(leaf.grad, gradient)
            for leaf, gradient in gradients.items()
        ]
        # One call into C: neither an interrupt nor another thread comes between two leaves.
        deque(map(setattr, gradients, repeat("grad"), totals), maxlen=0)
