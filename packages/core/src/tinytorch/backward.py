"""Reverse mode: from one output back through the graph to the gradients of all leaves.

Nodes are processed newest first. A node is always newer than the nodes that made its inputs, so
when its turn comes, everything that its output went into has been processed, and the gradient that
has arrived is complete. Nothing here is recursive.
"""

from __future__ import annotations

from _thread import RLock  # threading alone takes as long to import as ten of our files
from collections.abc import Callable, Container, Iterable, Sequence
from contextvars import copy_context
from heapq import heappop, heappush, heappushpop
from itertools import chain, repeat
from operator import attrgetter, is_, itemgetter, not_
from typing import Any, TypeVar
from weakref import ref

import numpy as np
from numpy import ndarray

from .arrays import REAL
from .broadcasting import sum_to_shape
from .errors import GradientError
from .function import RELEASED, AccumulateGrad, Edge, Function, Variable
from .modes import set_recording
from .ownership import is_unshared
from .saved_hooks import computed_again
from .sparse import SparseGradient

T = TypeVar("T")

_commit_lock = RLock()

_grad_of = attrgetter("grad")
_hooks_of = attrgetter("_hooks")
_post_accumulate_hooks_of = attrgetter("_post_accumulate_hooks")

leaves_to_tell: set[ref[AccumulateGrad]] = set()
"""Those with ready hooks. Without any, backward need not know when a gradient is complete."""

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
        """The gradient that has arrived at each node so far, summed."""
        self._at_leaves: dict[AccumulateGrad, list[Any]] = {}
        """What has arrived at each leaf: the sum so far first, then what is yet to be added."""
        self._ours: set[Edge] = set()
        """Where the sum is a buffer that was made here, and that nobody else has seen."""
        self._waiting: list[tuple[int, Any]] = []
        """A heap of nodes that a gradient has arrived at, the newest first."""
        self._captured: dict[Edge, Any] = {}
        self._through: Container[Edge] | None = None
        self._unready: list[tuple[int, AccumulateGrad]] = []
        """Leaves with such hooks, by the oldest node that leads to each; the next one last."""

    def to_leaves(self, root: Edge, seed: Any) -> None:
        """Add to every leaf behind `root` the gradient that `seed` at `root` sends there.

        All gradients are computed before the first `.grad` changes, so that where a rule raises,
        none has.
        """
        if leaves_to_tell:
            self._unready = _by_last_use(root)
        _in_a_context_of_its_own(self._propagate_and_commit, [(root, seed)])

    def towards(
        self, targets: Sequence[Edge | None], roots: Sequence[tuple[Edge, Any]]
    ) -> list[Any]:
        """Return the gradients that the seeds at the roots send to the targets, and keep none.

        None stands for the gradient of a target that the roots do not depend on.
        """
        wanted = [edge for edge in targets if edge is not None]
        self._captured = dict.fromkeys(wanted)
        self._through = through = _leading_to(wanted, [root for root, _ in roots])
        roots = [(root, seed) for root, seed in roots if root in through]
        leaves = _in_a_context_of_its_own(self._propagate, roots)
        gradients = self._captured | leaves
        return [None if edge is None else gradients[edge] for edge in targets]

    def _propagate_and_commit(self, roots: Sequence[tuple[Edge, Any]]) -> None:
        gradients = self._propagate(roots)
        _commit(gradients)
        to_call = [*filter(None, map(_post_accumulate_hooks_of, gradients))]
        del gradients  # a hook that has used a `grad` may set it to None, and so free it
        set_recording(self.recorded)
        for hooks in to_call:
            hooks.call()

    def _propagate(self, roots: Sequence[tuple[Edge, Any]]) -> dict[AccumulateGrad, Any]:
        """Return the gradients of the leaves, each in memory that is shared with nothing."""
        self._run_rules(roots)
        self._tell_ready(-1)
        for leaf in [*filter(_hooks_of, self._at_leaves)]:
            self._run_hooks_of(leaf)
        # Taken one by one, so that a gradient and its copy are both alive for one leaf at a time.
        return {leaf: self._take_unshared(leaf) for leaf in [*self._at_leaves]}

    def _run_rules(self, roots: Sequence[tuple[Edge, Any]]) -> None:
        """Run the rules of all nodes behind the roots, newest first."""
        set_recording(self.recorded)
        computed_again.set({})
        sums, at_leaves, ours, waiting = self._sums, self._at_leaves, self._ours, self._waiting
        operand: Any = self.operand
        usual = self.plain and self._through is None and not self._unready
        retain_graph = self.retain_graph
        small = 0 if self.recorded else SMALL  # Tensors record their sum, one by one
        node: Any = None
        edges: Sequence[Edge | None] = [root for root, _ in roots]
        gradients: Sequence[Any] = [seed for _, seed in roots]
        while True:
            # Written out, for this loop is what backward costs: calls would take as long again.
            following: Any = None
            arriving: Any = None
            for edge, gradient in zip(edges, gradients, strict=False):
                if edge is None or gradient is None:
                    continue
                if (
                    type(gradient) is not operand
                    or gradient.dtype is not edge._dtype
                    or gradient.shape != edge._shape
                ):
                    gradient = self._fit(gradient, edge, node, gradients)
                    if isinstance(gradient, SparseGradient):
                        gradient = self._dense(edge, gradient, edge is following)
                        if gradient is None:
                            continue
                if type(edge) is AccumulateGrad:
                    arrived = at_leaves.get(edge)
                    if arrived is None:
                        at_leaves[edge] = [gradient]
                    elif gradient.size < small:
                        arrived.append(gradient)
                        if len(arrived) == MANY:
                            arrived[:] = [_added_up(arrived)]
                    else:
                        arrived[0] = self._plus(edge, arrived[0], gradient)
                elif edge is following:
                    arriving = self._plus(edge, arriving, gradient)
                elif waiting and edge in sums:
                    sums[edge] = self._plus(edge, sums[edge], gradient)
                elif following is None:
                    following, arriving = edge, gradient
                else:
                    sums[edge] = gradient
                    heappush(waiting, (-edge._sequence, edge))
            if waiting:
                following, arriving = self._newest(following, arriving)
            if following is None:
                return
            node, gradient = following, arriving
            if ours:
                ours.discard(node)
            saved = node.saved
            try:
                if node._unusual or not usual or saved is RELEASED:
                    edges, gradients = self._run_unusual(node, gradient)
                else:
                    edges, gradients = node.next_functions, node.apply(gradient)
                    if saved and not retain_graph:
                        node.saved = RELEASED
            except Exception as error:
                error.add_note(
                    f"raised at {type(node).__name__} in backward, where the gradient "
                    f"has shape {gradient.shape} and dtype {gradient.dtype}"
                )
                if node._anomaly is not None:
                    error.add_note(str(node._anomaly))
                raise
            if type(gradients) is not tuple:
                gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
            if len(gradients) != len(edges):
                raise _not_one_for_each(edges, gradients, node)

    def _newest(self, node: Any, gradient: Any) -> tuple[Any, Any]:
        """Return the newest of a node and those that wait, with its gradient; the others wait."""
        if node is None:
            newest = heappop(self._waiting)[1]
        else:
            self._sums[node] = gradient
            newest = heappushpop(self._waiting, (-node._sequence, node))[1]
        return newest, self._sums.pop(newest)

    def _run_unusual(self, node: Function, gradient: Any) -> tuple[Sequence[Edge | None], Any]:
        """Run a rule where its gradient is kept, its arrays are packed, or few edges are wanted."""
        if self._unready:
            self._tell_ready(node._sequence)
        if node._hooks:
            gradient = self._hooked(node, gradient)
        if self._captured or node._retained:
            self._keep(node, gradient)
        edges: Sequence[Edge | None] = node.next_functions
        if self._through is not None:
            edges = [edge if edge in self._through else None for edge in edges]
            if not any(edges):
                return (), ()
        if node.saved is RELEASED:
            raise _already_released(node)
        packed = node._packed
        ready = node if packed is None else packed.unpacked(node, self.recorded)
        gradients = self._apply(ready, gradient)
        if node._anomaly is not None:
            node._anomaly.check_gradients(gradient, gradients)
            node._anomaly.unlock(self.retain_graph)
        if node.saved and not self.retain_graph:
            node._release()
        return edges, gradients

    def _plus(self, edge: Edge, held: Any, gradient: Any) -> Any:
        """Return the sum of what has arrived along an edge before, and what arrives now."""
        if edge in self._ours:
            return np.add(held, gradient, out=held)
        if not self.recorded:
            self._ours.add(edge)
        return _plus(held, gradient)

    def _dense(self, edge: Edge, gradient: SparseGradient, is_in_hand: bool) -> Any:
        """Add a sparse gradient to the sum of its edge; if there is none yet, return it dense."""
        place, key = self._place_of_sum(edge)
        if place is None:
            buffer = np.zeros(edge._shape, edge._dtype)
            gradient.add_into(buffer)
            if not is_in_hand:
                self._ours.add(edge)
            return buffer
        if edge not in self._ours:
            self._ours.add(edge)
            place[key] = place[key].copy()
        gradient.add_into(place[key])
        return None

    def _place_of_sum(self, edge: Edge) -> tuple[Any, Any]:
        """Return the container and the key under which the sum of an edge is held, or None."""
        if edge in self._at_leaves:
            return self._at_leaves[edge], 0
        return (self._sums, edge) if edge in self._sums else (None, None)

    def _keep(self, node: Function, gradient: Any) -> None:
        """Hand the gradient at a node to who asked for it."""
        if node in self._captured:
            self._captured[node] = self._copy(gradient)
        if self._through is None:
            for keeper in node._retained:
                kept = self._fit(gradient.reshape(keeper._shape), keeper, None, ())
                arrived = self._at_leaves.setdefault(keeper, [])
                arrived[:] = [self._plus(keeper, arrived[0], kept) if arrived else kept]

    def _take_unshared(self, leaf: AccumulateGrad) -> Any:
        """Return what has arrived at a leaf, in memory that is shared with nothing."""
        arrived = self._at_leaves.pop(leaf)
        if len(arrived) > 1:
            return _added_up(arrived)
        gradient = arrived.pop()
        return gradient if leaf in self._ours or is_unshared(gradient) else self._copy(gradient)

    def _run_hooks_of(self, leaf: AccumulateGrad) -> None:
        self._at_leaves[leaf][:] = [self._hooked(leaf, self._total(leaf))]

    def _tell_ready(self, sequence: int) -> None:
        """Call the ready hooks of leaves to which no node leads that is as old, or older."""
        while self._unready and self._unready[-1][0] > sequence:
            leaf = self._unready.pop()[1]
            hooks = leaf._ready_hooks
            if hooks and leaf in self._at_leaves:  # what leads to it may have had no gradient
                hooks.call(self._total(leaf))

    def _total(self, leaf: AccumulateGrad) -> Any:
        """Return the sum of what has arrived at a leaf, for its hooks."""
        arrived = self._at_leaves[leaf]
        if len(arrived) > 1:
            arrived[:] = [_added_up(arrived)]
        self._ours.discard(leaf)  # a hook may keep it
        return arrived[0]

    def _fit(self, given: Any, edge: Edge, node: Function | None, gradients: Sequence[Any]) -> Any:
        """Return a gradient in the shape and dtype that `edge` leads to, summed if it broadcast."""
        shape = edge._shape
        gradient = given
        if isinstance(gradient, SparseGradient):
            if gradient.shape == shape and not self.recorded:
                return gradient
            gradient = self._to_dense(gradient)
        if type(gradient) is not self.operand:
            gradient = self._operand(gradient)
        if gradient.shape != shape:
            try:
                gradient = self._reduced(gradient, shape)
            except (TypeError, ValueError):
                raise _unfit(gradient, _place(node, given, gradients, edge), shape) from None
        if gradient.dtype != edge._dtype:
            if gradient.dtype.kind not in REAL:
                raise _unfit(gradient, _place(node, given, gradients, edge), shape)
            gradient = gradient.astype(edge._dtype)
        return gradient

    # What is different where the pass is recorded, or takes a batch of gradients.

    def _hooked(self, edge: Edge, gradient: Any) -> Any:
        """Return a gradient as the hooks at its edge leave it."""
        hooks = edge._hooks
        return gradient if hooks is None else hooks.replace(gradient, self._operand)

    def _apply(self, node: Function, gradient: Any) -> Any:
        return node.apply(gradient)

    def _operand(self, gradient: Any) -> Any:
        """Return as an array what a rule returned that is none."""
        return gradient._data if isinstance(gradient, Variable) else np.asarray(gradient)

    def _reduced(self, gradient: Any, shape: tuple[int, ...]) -> Any:
        return sum_to_shape(gradient, shape)

    def _to_dense(self, gradient: SparseGradient) -> Any:
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


def _unfit(gradient: Any, place: str, shape: tuple[int, ...]) -> GradientError:
    if gradient.dtype.kind not in REAL:
        return GradientError(
            f"{place} has dtype {gradient.dtype}; a rule returns arrays of real numbers, or None"
        )
    return GradientError(
        f"{place} has shape {gradient.shape}, which cannot be summed to the shape {shape} of what "
        "it is for; a rule returns the shape of its input, or one that this broadcasts to"
    )


def _already_released(node: Function) -> GradientError:
    return GradientError(
        f"{type(node).__name__}: the arrays that its rule needs have been released by an "
        "earlier backward; pass retain_graph=True to that backward, or compute the result again"
    )


def _not_one_for_each(
    edges: Sequence[Any], gradients: Sequence[Any], node: Function
) -> GradientError:
    return GradientError(
        f"{type(node).__name__}: the rule should return a gradient for each of {len(edges)} "
        f"inputs (None for one without), but it returned {len(gradients)}"
    )


def _added_up(gradients: list[Any]) -> Any:
    return np.asarray(np.add.reduce(gradients))


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


def _by_last_use(root: Edge) -> list[tuple[int, AccumulateGrad]]:
    """Return the leaves that have ready hooks, each with the oldest node that leads to it.

    Nodes are processed newest first, so that its gradient is complete after that one.
    """
    oldest: dict[AccumulateGrad, int] = {}
    reached: set[Edge] = set()
    waiting: list[tuple[int, Edge]] = [(0, root)]
    while waiting:
        sequence, edge = waiting.pop()
        if type(edge) is AccumulateGrad:
            oldest[edge] = min(sequence, oldest.get(edge, sequence))
        elif edge not in reached:
            reached.add(edge)
            waiting.extend((edge._sequence, e) for e in edge.next_functions if e is not None)
    told = [(sequence, leaf) for leaf, sequence in oldest.items() if leaf._ready_hooks]
    return sorted(told, key=itemgetter(0))


def _commit(gradients: dict[AccumulateGrad, Any]) -> None:
    """Add the gradients to the leaves: to all of them, or to none."""
    set_recording(True)  # where one of two gradients has a graph, their sum has
    committed = False
    while not committed:  # until no other thread, or signal handler, has changed one meanwhile
        held = [*map(_grad_of, gradients)]
        totals = [
            gradient if old is None else _plus(old, gradient)
            for old, gradient in zip(held, gradients.values(), strict=True)
        ]
        are_as_before = map(is_, map(_grad_of, gradients), held)
        replaced = map(not_, map(setattr, gradients, repeat("grad"), totals))
        # One call into C, in which nothing is freed, as `held` has the old gradients: neither an
        # interrupt nor, with the GIL, another thread comes in between.
        with _commit_lock:
            committed = all(chain(are_as_before, replaced))
