"""Nested dicts, lists and tuples of tensors, taken apart and put together again.

optree does more and faster, but it is compiled; core has to run wherever NumPy does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return what is in the containers, from left to right, and in dicts by insertion.

    Examples
    --------
    >>> leaves({"w": [1, 2], "b": (3,)})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for child in tree.values() for leaf in leaves(child)]
    if isinstance(tree, list | tuple):
        return [leaf for child in tree for leaf in leaves(child)]
    return [] if tree is None else [tree]


def leaves_like(template: Any, tree: Any, what: str) -> list[Any]:
    """Return the leaves of `tree` in the order of those of `template`, which it has to match.

    Raises
    ------
    ValueError
        If the containers differ; `what` says which they are.

    Examples
    --------
    >>> leaves_like({"w": 0, "b": 0}, {"b": 1, "w": 2}, "the tangents")
    [2, 1]
    """
    if isinstance(template, dict):
        if not isinstance(tree, dict) or tree.keys() != template.keys():
            raise ValueError(f"{what} should be a dict of {list(template)}, but they are {tree!r}")
        pairs = [(template[key], tree[key]) for key in template]
    elif isinstance(template, list | tuple):
        if not isinstance(tree, list | tuple) or len(tree) != len(template):
            raise ValueError(f"{what} should be {len(template)} in sequence, but they are {tree!r}")
        pairs = list(zip(template, tree, strict=True))
    elif isinstance(tree, dict | tuple):
        raise ValueError(f"{what} should be 1 array, but {len(tree)} were given: {tree!r}")
    else:
        return [] if template is None else [tree]
    return [leaf for one, other in pairs for leaf in leaves_like(one, other, what)]


def rebuild(tree: Any, new: Iterator[Any]) -> Any:
    """Return containers like those of `tree`, with the next of `new` in place of each leaf."""
    if isinstance(tree, dict):
        from copy import copy

        again = copy(tree)
        again.update((key, rebuild(child, new)) for key, child in tree.items())
        return again
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(rebuild(child, new) for child in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(rebuild(child, new) for child in tree)
    return None if tree is None else next(new)


def apply(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the containers of `tree` with the function of each leaf in its place.

    Examples
    --------
    >>> apply(lambda n: n + 1, {"w": [1, 2], "b": (3,)})
    {'w': [2, 3], 'b': (4,)}
    """
    return rebuild(tree, map(function, leaves(tree)))
