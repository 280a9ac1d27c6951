"""Reverse mode: from one output back through the graph to the gradients of all leaves.

Nodes are processed newest first. A node is always newer than the nodes that made its inputs, so
when its turn comes, everything that its output went into has been processed, and the gradient that
has arrived is complete. Nothing here is recursive.
"""

from __future__ import annotations

from _thread import allocate_lock  # threading alone takes as long to import as ten of our files
from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from contextvars import copy_context
from heapq import heappop, heappush, heappushpop
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from .arrays import REAL
from .broadcasting import sum_to_shape
from .errors import GradientError
from .function import RELEASED, AccumulateGrad, Edge, Function, Variable
from .grad_mode import recording
from .ownership import is_unshared
from .saved_hooks import computed_again
from .sparse import SparseGradient

T = TypeVar("T")

_commit_lock = allocate_lock()

SMALL = 1024
"""Elements of a gradient below which adding up costs less by the list than one by one."""
MANY = 512
"""Gradients in such a list before it is added up."""


class Pass:
    """One backward pass, on arrays; nothing is recorded.

    `RecordedPass` makes the same pass on Tensors, so that the gradients have graphs themselves.

    Parameters
    ----------
    retain_graph : bool
        Whether the nodes keep what they saved.
    """

    recorded = False
    plain = True
    """Whether rules run on arrays, one gradient at a time: that is the way that is fast."""
    operand: type = ndarray
    """The type that gradients have, without a look at what a rule returned otherwise."""

    def __init__(self, retain_graph: bool) -> None:
        self.retain_graph = retain_graph
        self._sums: dict[Edge, Any] = {}
        """The gradients that have arrived along each edge so far, summed."""
        self._ours: set[Edge] = set()
        """Where the sum is a buffer that was made here, and that nobody else has seen."""
        self._small: dict[Edge, list[Any]] = {}
        """Small gradients of leaves, the sum so far first, that are yet to be added up."""
        self._waiting: list[tuple[int, Any]] = []
        """A heap of nodes that a gradient has arrived at, the newest first."""
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

    def _propagate_and_commit(self, roots: Sequence[tuple[Edge, Any]]) -> None:
        _commit(self._propagate(roots))

    def _propagate(self, roots: Sequence[tuple[Edge, Any]]) -> dict[AccumulateGrad, Any]:
        """Run the rules of all nodes behind the roots, and return the gradients of the leaves."""
        recording.set(self.recorded)
        computed_again.set({})
        sums, ours, captured, through = self._sums, self._ours, self._captured, self._through
        node = self._send([root for root, _ in roots], [seed for _, seed in roots])
        while node is not None:
            gradient = sums.pop(node)
            if ours:
                ours.discard(node)
            if captured or node._retained:
                self._keep(node, gradient)
            edges: Sequence[Edge | None] = node.next_functions
            if through is not None:
                edges = [edge if edge in through else None for edge in edges]
                if not any(edges):
                    node = self._send((), ())
                    continue
            node = self._send(edges, self._run_rule(node, gradient), node)
        return self._leaf_gradients()

    def _send(
        self, edges: Sequence[Edge | None], gradients: Sequence[Any], node: Function | None = None
    ) -> Function | None:
        """Add gradients to the sums of their edges, and return the node whose turn is next."""
        sums, small, waiting = self._sums, self._small, self._waiting
        operand: Any = self.operand
        newest: Any = None
        gradient: Any
        for edge, gradient in zip(edges, gradients, strict=True):
            if edge is None or gradient is None:
                continue
            if (
                type(gradient) is not operand
                or gradient.dtype is not edge._dtype
                or gradient.shape != edge._shape
            ):
                gradient = self._fit(gradient, edge, node, gradients)
            if edge in small:
                many = small[edge]
                many.append(gradient)
                if len(many) == MANY:
                    small[edge] = [_added_up(many)]
            elif edge in sums:
                self._add(edge, gradient)
            else:
                sums[edge] = gradient if type(gradient) is operand else self._first(edge, gradient)
                if type(edge) is AccumulateGrad:
                    continue
                if newest is None:
                    newest = edge
                elif edge._sequence < newest._sequence:
                    heappush(waiting, (-edge._sequence, edge))
                else:
                    heappush(waiting, (-newest._sequence, newest))
                    newest = edge
        following: Function | None = newest
        if waiting and newest is None:
            following = heappop(waiting)[1]
        elif waiting:
            following = heappushpop(waiting, (-newest._sequence, newest))[1]
        return following

    def _add(self, edge: Edge, gradient: Any) -> None:
        """Add a gradient to the sum of those that have arrived along an edge before."""
        held = self._sums[edge]
        if isinstance(gradient, SparseGradient):
            self._sums[edge] = self._own_sum(edge, gradient, held)
        elif edge in self._ours:
            np.add(held, gradient, out=held)
        elif self.recorded:
            self._sums[edge] = held + gradient
        elif type(edge) is AccumulateGrad and held.size < SMALL:
            self._small[edge] = [held, gradient]
        else:
            self._sums[edge] = _plus(held, gradient)
            self._ours.add(edge)

    def _first(self, edge: Edge, gradient: Any) -> Any:
        return self._own_sum(edge, gradient) if isinstance(gradient, SparseGradient) else gradient

    def _own_sum(self, edge: Edge, gradient: SparseGradient, held: Any = None) -> Any:
        """Return what a sparse gradient makes of a sum, in a buffer that nobody else has seen."""
        if edge not in self._ours:
            self._ours.add(edge)
            held = np.zeros(edge._shape, edge._dtype) if held is None else held.copy()
        gradient.add_into(held)
        return held

    def _keep(self, node: Function, gradient: Any) -> None:
        """Hand the gradient at a node to who asked for it."""
        if node in self._captured:
            self._captured[node] = self._copy(gradient)
        if self._through is None:
            for keeper in node._retained:
                kept = self._fit(gradient.reshape(keeper._shape), keeper, None, ())
                if keeper in self._sums:
                    self._add(keeper, kept)
                else:
                    self._sums[keeper] = kept

    def _leaf_gradients(self) -> dict[AccumulateGrad, Any]:
        """Return what has arrived at the leaves, in memory that is shared with nothing."""
        # Taken one by one, so that a gradient and its copy are both alive for one leaf at a time.
        leaves = [edge for edge in self._sums if isinstance(edge, AccumulateGrad)]
        return {leaf: self._take_unshared(leaf) for leaf in leaves}

    def _take_unshared(self, leaf: AccumulateGrad) -> Any:
        gradient = self._sums.pop(leaf)
        if leaf in self._small:
            return _added_up(self._small[leaf])
        return gradient if leaf in self._ours or is_unshared(gradient) else self._copy(gradient)

    def _run_rule(self, node: Function, gradient: Any) -> Sequence[Any]:
        """Run the rule of a node, and return the gradient of each input."""
        saved, packed = node.saved, node._packed
        if saved is RELEASED:
            raise GradientError(
                f"{type(node).__name__}: the arrays that its rule needs have been released by an "
                "earlier backward; pass retain_graph=True to that backward, or compute the result "
                "again"
            )
        try:
            if packed is None and self.plain:
                results = node.apply(gradient)
            else:
                ready = node if packed is None else packed.unpacked(node, self.recorded)
                results = self._apply(ready, gradient)
        except Exception as error:
            error.add_note(
                f"raised by the rule of {type(node).__name__}, "
                f"given a gradient of shape {gradient.shape} and dtype {gradient.dtype}"
            )
            raise
        if saved and not self.retain_graph:
            node._release()
        if type(results) is not tuple:
            results = tuple(results) if isinstance(results, tuple | list) else (results,)
        if len(results) != len(node.next_functions):
            raise GradientError(
                f"{type(node).__name__}: the rule should return a gradient for each of "
                f"{len(node.next_functions)} inputs (None for one without), but it returned "
                f"{len(results)}"
            )
        return results

    def _fit(self, given: Any, edge: Edge, node: Function | None, gradients: Sequence[Any]) -> Any:
        """Return a gradient in the shape and dtype that `edge` leads to, summed if it broadcast."""
        shape = edge._shape
        gradient = given
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
                    f"{_place(node, given, gradients, edge)} has shape {gradient.shape}, which "
                    f"cannot be summed to the shape {shape} of what it is for; a rule returns the "
                    "shape of its input, or one that this broadcasts to"
                ) from None
        if gradient.dtype != edge._dtype:
            if gradient.dtype.kind not in REAL:
                raise GradientError(
                    f"{_place(node, given, gradients, edge)} has dtype {gradient.dtype}; "
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


def _place(node: Function | None, gradient: Any, gradients: Sequence[Any], edge: Edge) -> str:
    """Say which gradient is meant, in an error message."""
    if node is None:
        return f"the gradient that backward starts from at the output of {edge}"
    position = next(i for i, other in enumerate(gradients) if other is gradient)
    return f"{node}: the gradient of input {position}"


def _added_up(gradients: list[Any]) -> Any:
    dense = [g.to_dense() if isinstance(g, SparseGradient) else g for g in gradients]
    return np.asarray(np.add.reduce(dense))


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
