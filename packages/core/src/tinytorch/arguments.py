"""Checks of arguments that many operations share: axes, shapes, indices, choices."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from reprlib import repr as short_repr
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from .arrays import Array
from .function import Variable


def either(op: str, axis: Any, dim: Any, default: Any = None) -> Any:
    """Return what was given as `axis` (NumPy's word) or as `dim` (PyTorch's).

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    axis, dim : object
        What was given by each name, None for nothing.
    default : object
        What to return if neither was given.

    Returns
    -------
    object
        One of the three.

    Raises
    ------
    TypeError
        If both were given.

    Examples
    --------
    >>> either("softmax", None, 1, default=-1)
    1
    >>> either("softmax", None, None, default=-1)
    -1
    """
    if axis is not None and dim is not None:
        raise TypeError(f"{op}: axis={axis} and dim={dim} mean the same; pass one of them")
    given = axis if dim is None else dim
    return default if given is None else given


def one_axis(op: str, axis: Any, ndim: int) -> int:
    """Return `axis`, which may count from the end, as one from 0 to ``ndim - 1``.

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    axis : int
        From ``-ndim`` to ``ndim - 1``.
    ndim : int
        The number of dimensions.

    Returns
    -------
    int
        The same axis, counted from 0.

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

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    axis : int, sequence of int, or None
        Each from ``-ndim`` to ``ndim - 1``. Where `ndim` is 0, 0 and -1 name no axis.
    ndim : int
        The number of dimensions.

    Returns
    -------
    tuple of int
        The same axes, in the order given.

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

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    values : Tensor, array, sequence or number
        Any shape.
    what : str
        What they are, for the message.

    Returns
    -------
    array
        The shape of `values`; their dtype, or int64 for floats.

    Raises
    ------
    TypeError
        If the values are booleans, or floats that are not whole numbers.

    Examples
    --------
    >>> as_indices("embedding", [0.0, 2.0])
    array([0, 2])
    """
    try:
        array = np.asarray(values._data if isinstance(values, Variable) else values)
    except ValueError as error:
        raise ValueError(f"{op}: {what} should be rows of equal length: {error}") from error
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

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    indices : array
        Integers, any shape.
    size : int
        How many there are to choose from.
    what : str
        What they are, for the message.

    Raises
    ------
    IndexError
        With the range and the first index outside it.
    TypeError
        If they are no array.

    Examples
    --------
    >>> check_range("embedding", np.array([0, 3]), 3)
    Traceback (most recent call last):
        ...
    IndexError: embedding: indices should be from 0 to 2, but 3 was given
    """
    if not isinstance(indices, np.ndarray):
        raise TypeError(
            f"{op}: {what} should be an integer array, as as_indices returns it, but they are "
            f"{described(indices)}"
        )
    outside = (indices < 0) | (indices >= size)
    if outside.any():
        raise IndexError(
            f"{op}: {what} should be from 0 to {size - 1}, but {indices[outside].flat[0]} was given"
        )


def one_of(op: str, name: str, value: Any, choices: Iterable[Any]) -> None:
    """Refuse a value that is not among the choices.

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    name : str
        The name of the argument.
    value : object
        What was given.
    choices : iterable
        What may be given.

    Raises
    ------
    ValueError
        With the choices and what was given.

    Examples
    --------
    >>> one_of("gelu", "approximate", "fast", ("none", "tanh"))
    Traceback (most recent call last):
        ...
    ValueError: gelu: approximate should be one of 'none', 'tanh', but it is 'fast'
    """
    allowed = tuple(choices)
    if value not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise ValueError(f"{op}: {name} should be one of {listed}, but it is {value!r}")


def require_function(op: str, name: str, value: Any) -> None:
    """Refuse what cannot be called, where a function is expected."""
    if not callable(value):
        raise TypeError(f"{op}: {name} should be a function, but it is {described(value)}")


def described(value: Any) -> str:
    """Say in a few words what was given, for an error message."""
    kind = type(value).__name__
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"of type {kind}, with shape {value.shape} and dtype {value.dtype}"
    return f"{short_repr(value)}, of type {kind}"
