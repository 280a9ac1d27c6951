"""Checks of arguments that many operations share: axes, shapes, indices, choices."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from .arrays import Array
from .function import Variable


def either(op: str, axis: Any, dim: Any, default: Any = None) -> Any:
    """Return what was given as `axis` (NumPy's word) or as `dim` (PyTorch's).

    Raises
    ------
    TypeError
        If both were given.
    """
    if axis is not None and dim is not None:
        raise TypeError(f"{op}: axis={axis} and dim={dim} mean the same; pass one of them")
    given = axis if dim is None else dim
    return default if given is None else given


def one_axis(op: str, axis: Any, ndim: int) -> int:
    """Return `axis`, which may count from the end, as one from 0 to ``ndim - 1``.

    Raises
    ------
    TypeError
        If it is not an integer.
    AxisError
        If it is out of range. An AxisError is an IndexError and a ValueError.

    Examples
    --------
    >>> one_axis("softmax", -1, 3)
    2
    """
    try:
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"{op}: an axis is an integer, but {axis!r} was given") from None
    if not -ndim <= index < ndim:
        bounds = f"from {-ndim} to {ndim - 1}" if ndim else "none, as the tensor is 0-d"
        raise AxisError(f"{op}: the axes of the tensor are {bounds}, but {index} was given")
    return index % ndim


def all_axes(op: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Return an axis, a sequence of axes, or None for all of them, as a tuple counted from 0.

    Raises
    ------
    TypeError, AxisError
        As `one_axis` does.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> all_axes("sum", None, 2)
    (0, 1)
    """
    if axis is None:
        return tuple(range(ndim))
    if ndim == 0 and axis in (0, -1):  # a 0-d array counts as its own row, as in PyTorch
        return ()
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(one_axis(op, one, ndim) for one in given)
    if len(set(axes)) < len(axes):
        raise ValueError(f"{op}: each axis may be named once, but {axis} was given")
    return axes


def as_indices(op: str, values: Any, what: str = "indices") -> Array:
    """Return integers, as an integer array; floats that are whole numbers will do.

    Raises
    ------
    TypeError
        If the values are booleans, or floats that are not whole numbers.

    Examples
    --------
    >>> as_indices("embedding", [0.0, 2.0])
    array([0, 2])
    """
    array = np.asarray(values._data if isinstance(values, Variable) else values)
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "f" and bool(((array == np.floor(array)) & (abs(array) < 2**62)).all()):
        return array.astype(np.int64)
    raise TypeError(
        f"{op}: {what} should be integers (or floats that are whole numbers), "
        f"but they have dtype {array.dtype}"
        + (" and are not whole" if array.dtype.kind == "f" else "")
    )


def check_range(op: str, indices: Array, size: int, what: str = "indices") -> None:
    """Refuse indices that are not from 0 to ``size - 1``.

    Raises
    ------
    IndexError
        With the range and the first index outside it.
    """
    outside = (indices < 0) | (indices >= size)
    if outside.any():
        raise IndexError(
            f"{op}: {what} should be from 0 to {size - 1}, but {indices[outside].flat[0]} was given"
        )


def one_of(op: str, name: str, value: Any, choices: Iterable[Any]) -> None:
    """Refuse a value that is not among the choices.

    Raises
    ------
    ValueError
        With the choices and what was given.
    """
    allowed = tuple(choices)
    if value not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise ValueError(f"{op}: {name} should be one of {listed}, but it is {value!r}")
