"""Repeated parts of a graph are found, whatever is around them."""

from __future__ import annotations

import pytest
from tinytorch.inspect.folding import Link, Repetition, repetitions


def chain(kinds: str) -> list[Link]:
    """Return entries of which each has the one before it as its input."""
    return [Link(kind, (place - 1,) if place else ()) for place, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("x" + "ab" * 20, [Repetition(1, 2, 20)]),
        ("xyz" + "abcde" * 3 + "uv", [Repetition(3, 5, 3)]),
        ("abab", []),
        ("a" * 3 + "b" + "c" * 40, [Repetition(4, 1, 40)]),
    ],
)
def test_one_after_the_other(kinds: str, expected: list[Repetition]) -> None:
    """A part that comes again and again is found, if at least ten entries disappear by that."""
    assert repetitions(chain(kinds)) == expected


def test_repetitions_within_repetitions() -> None:
    """Steps of layers are found as steps, and the layers within the first of them."""
    (steps,) = repetitions(chain("x" + ("s" + "ab" * 12) * 5))
    assert (steps.begin, steps.length, steps.times) == (1, 25, 5)
    assert [(r.begin, r.length, r.times) for r in steps.inner] == [(2, 2, 12)]


def test_what_is_used_by_all() -> None:
    """An entry that all parts have as their input, such as shared weights, changes nothing."""
    links = [Link("weight"), Link("x"), *(Link("step", (place, 0)) for place in range(1, 21))]
    assert repetitions(links) == [Repetition(2, 1, 20)]


def test_other_inputs() -> None:
    """Parts of the same kinds are not the same if an input comes from somewhere else."""
    links = chain("x" + "ab" * 20)
    links[20] = Link("b", (3,))
    assert [(r.begin, r.end) for r in repetitions(links)] == [(1, 19), (21, 41)]


def test_many_entries() -> None:
    """Time is linear in the length of what is repeated: anything else would not end."""
    assert repetitions(chain("x" + "ab" * 100_000)) == [Repetition(1, 2, 100_000)]
