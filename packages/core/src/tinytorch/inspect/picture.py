"""What a picture of a graph shows, whoever draws it: boxes, arrows, and what is folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any

from ..function import AccumulateGrad, Function
from ..tensor import Tensor
from .details import Details, details_of
from .folding import Link, Repetition, repetitions
from .gradients import Norm, WatchedPass, norm_of, worst
from .graph import Entry, Kind, entries, is_released

MOST_BOXES = 3000
"""More are neither laid out in a minute nor to be taken in, and nothing is told of them."""


@dataclass(slots=True)
class Box:
    """One leaf or operation, or one of each repetition."""

    number: int
    """Its number in the list of all."""
    kind: Kind
    title: str
    shape: tuple[int, ...]
    dtype: str
    group: str
    """What it is coloured by: the distribution of an operation, or the kind of a leaf."""
    inputs: tuple[int | None, ...]
    """The numbers of the boxes of its inputs; None for one of which nothing is known."""
    name: str
    norm: Norm | None = None
    details: Details = field(default_factory=Details)
    is_end: bool = False
    """Whether no arrow leaves it."""

    @property
    def is_operation(self) -> bool:
        """Whether it is an operation, and not a leaf."""
        return self.kind == "operation"

    @property
    def size(self) -> str:
        """The shape, with the dtype of a leaf."""
        return str(self.shape) if self.is_operation else f"{self.shape} {self.dtype}"

    @property
    def captions(self) -> list[str]:
        """What stands below the title; the shape, unless the arrows to other boxes say it."""
        name = self.name if self.is_operation else ""
        size = self.size if self.is_end or not self.is_operation else ""
        gradient = "" if self.norm is None else f"grad {self.norm}"
        return [text for text in (name, size, gradient) if text]


@dataclass(slots=True)
class Block:
    """A part of the graph that is repeated, of which the first time is shown."""

    times: int
    is_chain: bool
    """Whether each time gets what the one before it made."""
    contents: list[Box | Block] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What is said of it."""
        return f"{self.times:,} times{', each fed by the one before' * self.is_chain}"


@dataclass(slots=True)
class Picture:
    """Boxes in the order in which they were recorded, those of repeated parts in blocks."""

    contents: list[Box | Block]
    note: str
    """What has to be said of the whole."""

    @property
    def boxes(self) -> list[Box]:
        """All boxes, in their order."""
        return [box for box, _ in walk(self.contents) if isinstance(box, Box)]

    @property
    def arrows(self) -> list[tuple[Box, Box]]:
        """The boxes that arrows lead from and to, one for each input of an operation."""
        at = {box.number: box for box in self.boxes}
        return [(at[n], box) for box in at.values() for n in box.inputs if n is not None]


def walk(contents: Sequence[Box | Block]) -> Iterator[tuple[Box | Block | None, int]]:
    """Yield all that is in a picture, each with its depth; None where a block ends."""
    waiting: list[tuple[Box | Block | None, int]] = [(item, 0) for item in reversed(contents)]
    while waiting:
        item, depth = waiting.pop()
        yield item, depth
        if isinstance(item, Block):
            waiting.append((None, depth))
            waiting += [(inner, depth + 1) for inner in reversed(item.contents)]


def picture_of(tensor: Tensor, gradient: Any, fold: bool) -> Picture:
    """Make the picture of the graph behind a tensor, as it is now."""
    listed = entries(tensor, "draw")
    found = repetitions([_link(entry) for entry in listed]) if fold else []
    shown = _shown_as(len(listed), found)
    at: dict[int, list[int]] = defaultdict(list)
    for place, stand_in in enumerate(shown):
        at[stand_in].append(place)
    boxes = {
        first: _box(first, [listed[place] for place in places], shown)
        for first, places in at.items()
    }
    used = {number for box in boxes.values() for number in box.inputs}
    for box in boxes.values():
        box.is_end = box.number not in used
    in_full = {*at} if len(at) <= MOST_BOXES else set()
    previews, norms, note = _gradients(tensor, gradient, listed, in_full)
    for first in in_full:
        boxes[first].details = details_of(listed[first])
    for first, places in at.items():
        if known := [norms[place] for place in places if place in norms]:
            boxes[first].norm = worst(known)
            boxes[first].details.add_gradient(previews.get(first), known)
    return Picture(_in_blocks(boxes, found, listed), note)


def _link(entry: Entry) -> Link:
    return Link((entry.kind, type(entry.source), entry.shape, entry.dtype), entry.inputs)


def _shown_as(length: int, found: list[Repetition]) -> list[int]:
    """Return for each entry the one that is shown in its place, itself or that of a first time."""
    shown = list(range(length))
    waiting = list(found)
    outward: list[Repetition] = []
    while waiting:
        outward.append(waiting.pop())
        waiting += outward[-1].inner
    for repetition in reversed(outward):  # inner ones first
        begin, period = repetition.begin, repetition.length
        shown[begin : repetition.end] = shown[begin : begin + period] * repetition.times
    return shown


def _box(place: int, same: list[Entry], shown: list[int]) -> Box:
    entry = same[0]
    names = [e.name for e in same if e.name]
    name = names[0] if len({*names}) == 1 else _from_to(names[0], names[-1]) if names else ""
    return Box(
        number=place + 1,
        kind=entry.kind,
        title=entry.label if entry.kind == "operation" else name or entry.label,
        shape=entry.shape,
        dtype=str(entry.dtype),
        group=entry.distribution or entry.kind,
        inputs=tuple(None if i is None else shown[i] + 1 for i in entry.inputs),
        name=name,
    )


def _from_to(first: str, last: str) -> str:
    """Return two names as one, what they begin and end with once: ``blocks.0…11.weight``."""
    begin = len(commonprefix([first, last]))  # noqa: RUF071 - of letters, not of paths
    end = len(commonprefix([first[begin:][::-1], last[begin:][::-1]]))  # noqa: RUF071 - likewise
    if not begin + end:
        return f"{first} … {last}"
    return f"{first[: len(first) - end]}…{last[begin:]}"


def _in_blocks(
    boxes: dict[int, Box], found: list[Repetition], listed: list[Entry]
) -> list[Box | Block]:
    """Put the boxes in order, those of a repetition into a block."""
    contents: list[Box | Block] = []
    waiting = [(contents, 0, len(listed), found)]
    while waiting:
        target, place, end, inside = waiting.pop()
        starts = {repetition.begin: repetition for repetition in inside}
        while place < end:
            repetition = starts.get(place)
            if repetition is None:
                target.append(boxes[place])
                place += 1
            else:
                block = Block(repetition.times, _is_chain(repetition, listed))
                target.append(block)
                first_end = place + repetition.length
                waiting.append((block.contents, place, first_end, repetition.inner))
                place = repetition.end
    return contents


def _is_chain(repetition: Repetition, listed: list[Entry]) -> bool:
    first = range(repetition.begin, repetition.begin + repetition.length)
    second = range(first.stop, first.stop + repetition.length)
    return any(place in first for consumer in second for place in listed[consumer].known_inputs)


def _gradients(
    tensor: Tensor, gradient: Any, listed: list[Entry], in_full: set[int]
) -> tuple[dict[int, Any], dict[int, float], str]:
    """Return gradients by place: those that are shown in full, the norms of all, and a remark."""
    place_of = {entry.source: place for place, entry in enumerate(listed) if entry.kind != "data"}
    leaves = [edge for edge in place_of if isinstance(edge, AccumulateGrad)]
    if gradient is None and all(leaf.grad is None for leaf in leaves):
        return {}, {}, ""
    previews: dict[int, Any] = {}
    norms: dict[int, float] = {}

    def note_down(edge: Function | AccumulateGrad, value: Any) -> None:
        place = place_of[edge]
        norms[place] = norm_of(value)
        if place in in_full:
            previews[place] = value

    arrived: dict[AccumulateGrad, Any] = {}
    nodes = [edge for edge in place_of if isinstance(edge, Function)]
    note = _why_not_all(tensor, gradient, nodes)
    if nodes and not note:
        watched = WatchedPass(lambda node, incoming, _: note_down(node, incoming))
        arrived = watched.run(nodes[-1], tensor._seed(gradient))
    for leaf in leaves:
        held = arrived.get(leaf) if leaf.grad is None or gradient is not None else leaf.grad
        if held is not None:
            note_down(leaf, held)
    return previews, norms, note


def _why_not_all(tensor: Tensor, gradient: Any, nodes: list[Function]) -> str:
    """Say why a pass of our own cannot be made, if so."""
    if any(is_released(node) for node in nodes):
        return "gradients of leaves alone: backward(retain_graph=True) leaves the others to be seen"
    if gradient is None and tensor.size != 1:
        return "gradients of leaves alone: for the others pass draw() what backward() was given"
    return ""
