"""The recorded graph as a list, oldest first, in which each entry names its inputs by number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy import ndarray

from ..errors import GradientError
from ..function import RELEASED, AccumulateGrad, Edge, Function
from ..operation import Operation, registry
from ..tensor import Tensor
from .names import Names

Kind = Literal["parameter", "data", "operation"]
Source = Function | AccumulateGrad | ndarray[Any, Any]
SHARED_BY = 3
"""Operations by which a leaf is used, from which on it is no part of one place in the graph."""


@dataclass(slots=True)
class Entry:
    """A leaf, an array without a gradient that a rule has saved, or an operation."""

    kind: Kind
    source: Any
    label: str
    shape: tuple[int, ...]
    dtype: Any
    inputs: tuple[int | None, ...] = ()
    """The places of the inputs in the list; None for one of which nothing was saved."""
    distribution: str = ""
    name: str = ""
    """What `name` called the tensor; of an operation, its result."""

    @property
    def known_inputs(self) -> list[int]:
        """The places of those inputs that are in the list."""
        return [place for place in self.inputs if place is not None]


def entries(tensor: Tensor, what: str) -> list[Entry]:
    """Return what is behind a tensor, each entry after its inputs; `what` asks, in an error."""
    edge = edge_of(tensor, what)
    nodes = [node for node in reached_from([edge]) if isinstance(node, Function)]
    nodes.sort(key=lambda node: node._sequence)
    return _Listing(edge, nodes).entries


def edge_of(tensor: Tensor, what: str) -> Edge:
    """Return where the graph of a tensor begins, or raise an error if it has none."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what}() is for a Tensor, but it was given a {type(tensor).__name__}")
    if tensor._edge is None:
        raise GradientError(
            f"{what}() is for a tensor that requires gradients; this one has no graph, for it was "
            "not computed from one with requires_grad=True, or it was computed under no_grad()"
        )
    return tensor._edge


def reached_from(edges: Iterable[Edge]) -> dict[Edge, None]:
    """Return all nodes and leaves behind some edges, these among them."""
    reached: dict[Edge, None] = {}
    waiting = list(edges)
    while waiting:
        edge = waiting.pop()
        if edge not in reached:
            reached[edge] = None
            waiting.extend(e for e in edge.next_functions if e is not None)
    return reached


def is_released(node: Function) -> bool:
    """Whether an earlier backward has let go of what a node saved."""
    return node.saved is RELEASED


def role_of(node: Function, array: Any) -> str:
    """Say what an array that a node keeps is to its operation."""
    place = node._tie_of(array)
    if place is None:
        return "its own"
    return "output" if place < 0 else f"input {place}"


class _Listing:
    """The entries, while they are being made."""

    def __init__(self, root: Edge, nodes: list[Function]) -> None:
        self.entries: list[Entry] = []
        self._places: dict[Any, int] = {}
        self._names = Names.now()
        self._labels = Labels()
        data = [_data_of(node) for node in nodes]
        for edge in _shared_leaves(nodes):
            self._leaf(edge)
        if isinstance(root, AccumulateGrad):
            self._leaf(root)
        for node, arrays in zip(nodes, data, strict=True):
            self._operation(node, arrays)

    def _operation(self, node: Function, arrays: Mapping[int, Any]) -> None:
        inputs = tuple(
            self._datum(node, place, arrays[place])
            if place in arrays
            else self._leaf(edge)
            if isinstance(edge, AccumulateGrad)
            else self._places.get(edge)
            for place, edge in enumerate(node.next_functions)
        )
        label, distribution = self._labels[type(node)]
        name = self._names.of_edges.get(node, "")
        shape = () if node._shape is None else node._shape
        self._add(
            node,
            Entry("operation", node, label, shape, node._dtype, inputs, distribution, name),
        )

    def _leaf(self, edge: AccumulateGrad) -> int:
        if edge not in self._places:
            name = self._names.of_edges.get(edge, "")
            entry = Entry("parameter", edge, name, edge._shape, edge._dtype, name=name)
            self._add(edge, entry)
        return self._places[edge]

    def _datum(self, node: Function, place: int, array: Any) -> int:
        """Enter an array without a gradient; a single number once for each of its uses."""
        key = (node, place) if array.size == 1 else id(array)
        if key not in self._places:
            name = self._names.of_arrays.get(id(array), "")
            label = name or (f"{array.item():.6g}" if array.size == 1 else "")
            entry = Entry("data", array, label, array.shape, array.dtype, name=name)
            self._add(key, entry)
        return self._places[key]

    def _add(self, key: Any, entry: Entry) -> None:
        self._places[key] = len(self.entries)
        self.entries.append(entry)


def _shared_leaves(nodes: Sequence[Function]) -> list[AccumulateGrad]:
    """Return the leaves that nodes in different places use, as those of a recurrent network do.

    They come first, so that they stand before each of the places alike.
    """
    users: dict[AccumulateGrad, list[int]] = {}
    for place, node in enumerate(nodes):
        for edge in node.next_functions:
            if isinstance(edge, AccumulateGrad):
                users.setdefault(edge, []).append(place)
    return [
        leaf
        for leaf, places in users.items()
        if len(places) >= SHARED_BY
        and any(later - earlier > 1 for earlier, later in pairwise(places))
    ]


def _data_of(node: Function) -> dict[int, Any]:
    """Return the saved arrays that are inputs to which no gradient goes, by their position."""
    if is_released(node) or node._packed is not None:
        return {}
    tied = [(node._tie_of(x), x) for x in node.saved if isinstance(x, ndarray | np.generic)]
    return {
        place: np.asarray(array)
        for place, array in tied
        if place is not None and place >= 0 and node.next_functions[place] is None
    }


class Labels(dict[type[Function], tuple[str, str]]):
    """What operations are called by their rules, and which distribution each rule comes from."""

    def __init__(self) -> None:
        super().__init__()
        self._distributions = {_package(op.function): giver for op, giver in _registered()}

    def __missing__(self, rule: type[Function]) -> tuple[str, str]:
        operation, package = operation_of(rule), _package(rule)
        name = _own_name(rule) if operation is None else operation.name
        self[rule] = found = (name, self._distributions.get(package) or _installed(package))
        return found


def operation_of(rule: type[Function]) -> Operation | None:
    """Return the operation that a rule belongs to, the one of its name if there are several."""
    found = {operation for operation, _ in _registered() if operation.backward is rule}
    if len(found) > 1:
        found = {operation for operation in found if operation.name == _own_name(rule)}
    return next(iter(found), None)


def _registered() -> Iterator[tuple[Operation, str]]:
    for name, operation in registry.operations.items():
        yield operation, registry.owners[name].distribution


def _own_name(rule: type[Function]) -> str:
    """Return MaxPoolBackward as max_pool."""
    words = rule.__name__.removesuffix("Backward")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()


def _package(of: Any) -> str:
    return str(of.__module__).partition(".")[0]


@cache
def _installed(package: str) -> str:
    """Return the distribution that a top-level package is of, or the package if it is of none."""
    return packages_distributions().get(package, [package])[0]
