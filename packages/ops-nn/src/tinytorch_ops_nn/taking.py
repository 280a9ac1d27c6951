"""What the operations of this package take: tensors, and lengths along several axes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from tinytorch import Tensor, from_numpy


def as_tensor(op: str, value: Any, what: str = "the input") -> Tensor:
    """Return a Tensor as it is, and an array, a number or a sequence as one.

    Parameters
    ----------
    op : str
        The name of the operation, for the message.
    value : Tensor, array, sequence or number
        Any shape.
    what : str
        What it is, for the message.

    Returns
    -------
    Tensor
        Of the shape of `value`; it shares the memory of an array.

    Raises
    ------
    TypeError
        If it does not hold real numbers or booleans.

    Examples
    --------
    >>> as_tensor("pad", [1.0, 2.0])
    Tensor(data=[1. 2.], shape=(2,))
    """
    if isinstance(value, Tensor):
        return value
    try:
        return from_numpy(value) if isinstance(value, np.ndarray) else Tensor(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{op}: {what} should be a tensor: {error}") from None


def as_integer(op: str, name: str, value: Any, least: int | None = None) -> int:
    """Return an integer, an array or Tensor of one among them, as a Python number.

    Parameters
    ----------
    op, name : str
        The names of the operation and of the argument, for the message.
    value : int
        What was given.
    least : int, optional
        The smallest number that makes sense.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is smaller than `least`.

    Examples
    --------
    >>> as_integer("narrow", "length", np.int64(2), least=0)
    2
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{op}: {name} should be an integer, but {value!r} was given") from None
    if least is not None and number < least:
        raise ValueError(f"{op}: {name} should be at least {least}, but {number} was given")
    return number


def one_each(op: str, name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    """Return one integer for each of several axes, where one may be given for all of them.

    Parameters
    ----------
    op, name : str
        The names of the operation and of the argument, for the message.
    value : int or sequence of int
        What was given: one number, or as many as there are axes. A sequence of one number counts
        for all of them too.
    axes : int
        How many axes there are.
    least : int
        The smallest number that makes sense.

    Returns
    -------
    tuple of int
        One for each axis.

    Raises
    ------
    TypeError
        If it is neither an integer nor a sequence of them.
    ValueError
        If there are more or fewer numbers than axes, or one is smaller than `least`.

    Examples
    --------
    >>> one_each("conv2d", "stride", 2, axes=2, least=1)
    (2, 2)
    """
    given = tuple(value) if isinstance(value, tuple | list) else (value,)
    numbers = tuple(as_integer(op, name, number, least) for number in given)
    if len(numbers) not in (1, axes):
        raise ValueError(
            f"{op}: {name} should be one integer or {axes}, one for each axis, "
            f"but {value!r} was given"
        )
    return numbers * axes if len(numbers) == 1 else numbers
