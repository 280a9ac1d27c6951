"""Checks that a state dict fits the optimiser that it is loaded into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
from tinytorch import Array

from .checks import plain

MEMBERS = ("params", "param_names")
"""What a group has beside its options."""


def require_keys(op: str, what: str, saved: Any, keys: Iterable[str]) -> None:
    """Refuse what is no mapping, or lacks keys.

    Raises
    ------
    TypeError
        If it is no mapping.
    ValueError
        If it lacks a key.
    """
    if not isinstance(saved, Mapping):
        raise TypeError(f"{op}: {what} should be a dict, but it is a {type(saved).__name__}")
    missing = [key for key in keys if key not in saved]
    if missing:
        raise ValueError(
            f"{op}: {what} should have {', '.join(map(repr, missing))}, but it has only "
            f"{', '.join(map(repr, saved)) or 'nothing'}; is it of another optimiser?"
        )


def loaded_groups(
    op: str, saved: Any, current: list[dict[str, Any]], defaults: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the groups with the options that were saved.

    Raises
    ------
    TypeError
        If a group is no mapping.
    ValueError
        If the groups do not fit, by their number, their parameters or the names of these.
    """
    sizes = [len(group["params"]) for group in current]
    for group in saved:
        require_keys(op, "a group of the state dict", group, ["params", *defaults])
    saved_sizes = [len(group["params"]) for group in saved]
    if saved_sizes != sizes:
        raise ValueError(
            f"{op}: the state dict has groups of {saved_sizes} parameters, but the optimiser has "
            f"groups of {sizes}"
        )
    groups = []
    for old, new in zip(current, saved, strict=True):
        own = {key: old[key] for key in MEMBERS if key in old}
        _require_names(op, own.get("param_names", []), new.get("param_names", []))
        options = {key: value for key, value in new.items() if key not in MEMBERS}
        groups.append(plain(options) | own)
    return groups


def _require_names(op: str, names: list[str], saved: list[str]) -> None:
    if not (names and saved):
        return
    for name, other in zip_longest(names, saved):
        if name != other:
            raise ValueError(
                f"{op}: the state dict has a parameter {other!r} where the optimiser has {name!r}; "
                "make the optimiser with the parameters in the same order"
            )


def require_array(op: str, what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Return what a state dict has as an array, which may be that of the state dict itself.

    Raises
    ------
    TypeError
        If it is no array of numbers.
    ValueError
        If it has another shape.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{op}: {what} should be an array of floats, but in the state dict it is a "
            f"{type(value).__name__} (dtype {array.dtype}, shape {array.shape})"
        )
    if array.shape != shape:
        raise ValueError(
            f"{op}: {what} should have shape {shape}, but in the state dict it has shape "
            f"{array.shape}"
        )
    return array
