"""How data becomes a NumPy array: one rule for the constructor and for operands."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]

FLOATING, REAL = "f", "fiub"
"""The kinds of dtype that can carry gradients, and those that a tensor may have (NumPy's codes)."""


def as_array(
    data: Any, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
) -> Array:
    """Return `data` as an array of real numbers or booleans.

    NumPy arrays and scalars, and whatever else knows how to become an array, keep their dtype.
    Python numbers and sequences become float32, booleans stay booleans. Memory is shared where
    `copy` is None and the data allow it.
    """
    if not hasattr(data, "__array__"):
        data, copy = _from_python(data), None
        if dtype is None and data.dtype.kind in "fiu":
            dtype = np.float32
    try:
        require_real(np.asarray(data).dtype)
        array = np.array(data, dtype=dtype, copy=copy, subok=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"no tensor can be made of a {type(data).__name__}: {error}") from error
    require_real(array.dtype)
    return array


def floating(x: Any) -> Any:
    """Return integers and booleans in float32; NumPy would compute with small ones in float16."""
    if type(x) is not np.ndarray:
        x = np.asarray(x)
    return x if x.dtype.kind == FLOATING else x.astype(np.float32)


def require_real(dtype: np.dtype[Any]) -> None:
    """Refuse what a tensor does not hold."""
    if dtype.kind not in REAL:
        raise TypeError(
            f"a tensor holds real numbers or booleans, but the data have dtype {dtype}; "
            "convert them to floats, integers or booleans first"
        )


def _from_python(data: Any) -> Array:
    """Return a number, or a (nested) sequence of numbers and arrays, as an array of any dtype."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"a tensor needs rows of equal length, but the data are ragged: {error}"
        ) from error
    if array.dtype.kind == "O" and all(type(number) in (int, float) for number in array.flat):
        return array.astype(np.float64)  # integers that are too large for int64
    if array.dtype.kind == "O":
        raise TypeError(
            f"a tensor holds numbers or booleans, but the data are a {type(data).__name__} of "
            "other objects; pass numbers, sequences of numbers or a NumPy array"
        )
    return array
