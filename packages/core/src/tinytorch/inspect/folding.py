"""Finding what repeats itself in a graph: layers of one kind, steps in time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

WORTH = 10
"""How many entries have to disappear, so that a repetition is shown once."""
TRIED = 32
"""How many of the next entries of its kind are tried as the second beginning of a repetition."""


class Link(NamedTuple):
    """What is compared of an entry: what it is, and the places of its inputs in the list."""

    kind: Hashable
    inputs: tuple[int | None, ...] = ()


@dataclass(slots=True)
class Repetition:
    """A part of the list that comes several times, one after the other."""

    begin: int
    length: int
    times: int
    inner: list[Repetition] = field(default_factory=list)
    """The repetitions within the first of the times."""

    @property
    def end(self) -> int:
        """The place behind the last of the times."""
        return self.begin + self.length * self.times


def repetitions(links: Sequence[Link]) -> list[Repetition]:
    """Return the repetitions in a list of entries, the longest at each place, inner ones too.

    Two parts are the same if their entries are of the same kinds and if each input is as far back
    in the one as in the other, or the same in both.
    """
    following = _following(links)
    found = list(_scan(links, following, 0, len(links)))
    waiting = list(found)
    while waiting:
        outer = waiting.pop()
        outer.inner = list(_scan(links, following, outer.begin, outer.begin + outer.length))
        waiting += outer.inner
    return found


def _following(links: Sequence[Link]) -> list[int]:
    """Return for each place the next that has an entry of its kind, or the length of the list."""
    seen: dict[Hashable, int] = {}
    following = [len(links)] * len(links)
    for place in reversed(range(len(links))):
        following[place] = seen.get(links[place].kind, len(links))
        seen[links[place].kind] = place
    return following


def _scan(
    links: Sequence[Link], following: Sequence[int], begin: int, end: int
) -> Iterator[Repetition]:
    place = begin
    while place < end:
        found = _best_at(links, following, place, end)
        if found is None:
            place += 1
        else:
            yield found
            place = found.end


def _best_at(
    links: Sequence[Link], following: Sequence[int], begin: int, end: int
) -> Repetition | None:
    """Return the repetition from a place on by which most entries disappear, if it is worth it."""
    best: Repetition | None = None
    saved, second = WORTH - 1, following[begin]
    for _ in range(TRIED):
        length = second - begin
        if second + length > end:
            break
        if best is None or length % best.length:  # two of the same are nothing new
            times = 1 + _alike(links, begin, length, end) // length
            if (times - 1) * length > saved:
                saved, best = (times - 1) * length, Repetition(begin, length, times)
        second = following[second]
    return best


def _alike(links: Sequence[Link], begin: int, length: int, end: int) -> int:
    """Return how many entries from a place on are like those that come `length` after them."""
    place = begin
    while place + length < end and _is_alike(links[place], links[place + length], length):
        place += 1
    return place - begin


def _is_alike(one: Link, other: Link, apart: int) -> bool:
    if one.kind != other.kind or len(one.inputs) != len(other.inputs):
        return False
    return all(
        a == b or (a is not None and b is not None and b - a == apart)
        for a, b in zip(one.inputs, other.inputs, strict=True)
    )
