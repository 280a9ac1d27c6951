"""Checks that the operations on whole arrays share: operands, their shapes, integer parameters."""

from __future__ import annotations

import operator
from numbers import Integral, Real
from typing import Any

import numpy as np
from tinytorch import Tensor


def operand(op: str, value: Any) -> Any:
    """Return a Tensor or an array of real numbers as it is, and numbers as an array.

    Raises
    ------
    TypeError, ValueError
        Naming the operation, where `value` is nothing that a tensor can hold.
    """
    if isinstance(value, Tensor) or (type(value) is np.ndarray and value.dtype.kind in "fiub"):
        return value
    try:
        return Tensor(value).data
    except (TypeError, ValueError) as error:
        raise type(error)(f"{op}: {error}") from None


def sequence(op: str, what: str, values: Any) -> list[Any]:
    """Return a sequence of at least one Tensor or array as a list of operands."""
    if not isinstance(values, tuple | list) or not values:
        raise TypeError(
            f"{op}: {what} should be a sequence of at least one tensor, but {values!r} was given"
        )
    return [operand(op, value) for value in values]


def integers(op: str, what: str, values: Any) -> tuple[int, ...]:
    """Return an integer, or a sequence of integers, as a tuple."""
    given = values if isinstance(values, tuple | list) else (values,)
    try:
        return tuple(operator.index(value) for value in given)
    except TypeError:
        raise TypeError(
            f"{op}: {what} should be an integer or a sequence of integers, but {values!r} was given"
        ) from None


def number(op: str, what: str, value: Any) -> int | float:
    """Return a real number as Python's, which takes the dtype of the tensors it meets."""
    if not isinstance(value, Real):
        raise TypeError(f"{op}: {what} should be a real number, but {value!r} was given")
    return int(value) if isinstance(value, Integral) else float(value)


def together(first: Any, more: tuple[Any, ...]) -> Any:
    """Return what was given as several arguments, or as one that may be a sequence."""
    return (first, *more) if more else first


def require_form(op: str, *operands: tuple[str, Any]) -> None:
    """Refuse operands whose shapes are not of a form, as "nk" and "km" for a matrix product.

    Each letter stands for one length, the same wherever it occurs.
    """
    lengths: dict[str, int] = {}
    for form, value in operands:
        shape = value.shape
        if len(shape) != len(form) or any(
            lengths.setdefault(letter, length) != length
            for letter, length in zip(form, shape, strict=True)
        ):
            forms = " and ".join(
                f"({', '.join(form)}{',' * (len(form) == 1)})" for form, _ in operands
            )
            shapes = " and ".join(str(value.shape) for _, value in operands)
            raise ValueError(
                f"{op}: the shapes should be {forms}, each letter for one length, but they are "
                f"{shapes}; reshape or transpose the operands"
            )
