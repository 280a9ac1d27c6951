"""Checks of options and of what a state dict holds, and the plain form of both."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isinf
from typing import Any

import numpy as np


def number(
    op: str,
    name: str,
    value: Any,
    *,
    at_least: float = -inf,
    above: float = -inf,
    at_most: float = inf,
    below: float = inf,
) -> float:
    """Return an option as a Python number, which leaves the dtype to the arrays.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is out of its bounds, or NaN.
    """
    given = value.item() if isinstance(value, np.generic | np.ndarray) and not value.ndim else value
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(
            f"{op}: {name} should be a number, but it is {value!r} of type {type(value).__name__}"
        )
    inside = at_least <= given <= at_most
    if not (inside and (given > above or isinf(above)) and (given < below or isinf(below))):
        bounds = {"at least": at_least, "above": above, "at most": at_most, "below": below}
        stated = [f"{word} {bound:g}" for word, bound in bounds.items() if not isinf(bound)]
        wanted = " ".join(["a number", " and ".join(stated)]).strip()
        raise ValueError(f"{op}: {name} should be {wanted}, but it is {given!r}")
    return float(given)


def whole(op: str, name: str, value: Any, *, at_least: int) -> int:
    """Return a count as an int; a whole number of any other type will do.

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is not whole, or too small.
    """
    given = number(op, name, value, at_least=at_least)
    if not given.is_integer():
        raise ValueError(f"{op}: {name} should be a whole number, but it is {given!r}")
    return int(given)


def plain(value: Any) -> Any:
    """Return a copy of a value in plain dicts, lists, Python numbers, strings and arrays."""
    match value:
        case np.generic():
            return value.item()
        case np.ndarray():
            return np.array(value)
        case Mapping():
            return {key: plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
    return value
