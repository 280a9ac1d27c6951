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
    given = type(data).__name__
    if not hasattr(data, "__array__"):
        data, copy = _from_python(data), None
        if dtype is None and data.dtype.kind in "fiu":
            dtype = np.float32
    try:
        require_real(np.asarray(data).dtype)
        array = np.array(data, dtype=dtype, copy=copy, subok=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"no tensor can be made of a {given}: {error}") from error
    require_real(array.dtype)
    return array


def floating(x: Any) -> Any:
    """Return integers and booleans in float32; NumPy would compute with small ones in float16."""
    if type(x) is not np.ndarray:
        x = np.asarray(x)
    return x if x.dtype.kind == FLOATING else x.astype(np.float32)


def at_least_single(x: Any) -> Any:
    """Return half precision in single precision, in which sums and products of many are computed.

    In half precision they would be too large, or too coarse: NumPy adds float16 in float16 along
    all axes but the last, where ``np.ones((10000, 2), np.float16).sum(axis=0)`` comes to 2048.

    Parameters
    ----------
    x : array or Tensor
        Any shape.

    Returns
    -------
    array or Tensor
        In float32 if `x` is float16, else `x` itself.

    Examples
    --------
    >>> at_least_single(np.ones((10000, 2), np.float16)).sum(axis=0)
    array([10000., 10000.], dtype=float32)
    """
    return x.astype(np.float32) if x.dtype == np.float16 else x


def in_common_dtype(*operands: Any) -> tuple[Any, ...]:
    """Return floating operands in the dtype that they promote to, and all others as they are.

    So that each step of a computation is as exact as its result.

    Parameters
    ----------
    *operands : Tensor, array, or anything else
        Those that are not floating, such as integers and Python numbers, do not count.

    Returns
    -------
    tuple
        As many operands.

    Examples
    --------
    >>> x, y, n = in_common_dtype(np.ones(2, np.float16), np.ones(2), 3)
    >>> x.dtype, y.dtype, n
    (dtype('float64'), dtype('float64'), 3)
    """
    dtypes = {x.dtype for x in operands if _is_floating(x)}
    if len(dtypes) < 2:
        return operands
    common = np.result_type(*dtypes)
    return tuple(x.astype(common) if _is_floating(x) and x.dtype != common else x for x in operands)


def _is_floating(x: Any) -> bool:
    return getattr(getattr(x, "dtype", None), "kind", "") == FLOATING


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
    if array.dtype.kind != "O":
        return array
    if not all(type(number) in (int, float) for number in array.flat):
        of_others = " of other objects" if array.ndim else ""
        raise TypeError(
            f"a tensor holds numbers or booleans, but the data are a {type(data).__name__}"
            f"{of_others}; pass numbers, sequences of numbers or a NumPy array"
        )
    try:
        return array.astype(np.float64)  # integers that are too large for int64
    except OverflowError as error:
        raise ValueError(
            f"a tensor holds numbers up to {np.finfo(np.float64).max:.2g}, but the data have an "
            "integer that is larger"
        ) from error
