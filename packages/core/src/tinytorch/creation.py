"""Tensors out of nothing, and out of arrays."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

import numpy as np

from .arguments import described
from .arrays import FLOATING, REAL, Array, as_array
from .function import Variable
from .random import default_generator
from .tensor import Tensor


def _shape(name: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape, given as integers or as one tuple of them."""
    lengths = given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given
    try:
        shape = tuple(map(operator.index, lengths))
    except TypeError:
        raise TypeError(
            f"{name}: a shape is made of integers, or is one tuple of them, but {lengths} was given"
        ) from None
    if any(length < 0 for length in shape):
        raise ValueError(f"{name}: no length of a shape is negative, but {shape} was given")
    return shape


def _dtype(name: str, given: np.typing.DTypeLike, kinds: str = REAL) -> np.dtype[Any]:
    """A dtype of one of the kinds, which are NumPy's codes."""
    try:
        dtype = np.dtype(given)
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.kind not in kinds:
        what = "floating" if kinds == FLOATING else "one of real numbers or booleans"
        raise TypeError(f"{name}: the dtype should be {what}, but {given!r} was given")
    return dtype


def _own(array: Array, requires_grad: bool) -> Tensor:
    """An array that was made just now, as a tensor, without another copy."""
    tensor = from_numpy(array)
    tensor.requires_grad = requires_grad
    return tensor


def from_numpy(array: Array) -> Tensor:
    """Return a tensor that shares the memory of `array`.

    Parameters
    ----------
    array : array
        Any shape, of real numbers or booleans.

    Returns
    -------
    Tensor
        The shape and dtype of `array`.

    Raises
    ------
    TypeError
        If it is not an array of real numbers or booleans.

    Examples
    --------
    >>> array = np.zeros(2)
    >>> x = from_numpy(array)
    >>> array[0] = 5
    >>> x
    Tensor(data=[5. 0.], shape=(2,))
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"from_numpy takes a NumPy array, but a {type(array).__name__} was given; "
            "use Tensor(...)"
        )
    tensor: Tensor = Variable._make(as_array(array), None)
    return tensor


def zeros(
    *shape: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike = np.float32
) -> Tensor:
    """Return a tensor of zeros.

    Parameters
    ----------
    *shape : int, or one tuple of int
        The length of each axis; nothing for a 0-d tensor.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype
        Of real numbers or booleans.

    Returns
    -------
    Tensor
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `requires_grad` is set and the dtype is not floating.

    Examples
    --------
    >>> zeros(2, 1).shape
    (2, 1)
    """
    return _own(np.zeros(_shape("zeros", shape), _dtype("zeros", dtype)), requires_grad)


def ones(
    *shape: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike = np.float32
) -> Tensor:
    """Return a tensor of ones.

    Parameters
    ----------
    *shape : int, or one tuple of int
        The length of each axis; nothing for a 0-d tensor.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype
        Of real numbers or booleans.

    Returns
    -------
    Tensor
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `requires_grad` is set and the dtype is not floating.

    Examples
    --------
    >>> ones(2)
    Tensor(data=[1. 1.], shape=(2,))
    """
    return _own(np.ones(_shape("ones", shape), _dtype("ones", dtype)), requires_grad)


def full(
    shape: int | tuple[int, ...],
    fill_value: Any,
    requires_grad: bool = False,
    dtype: np.typing.DTypeLike | None = None,
) -> Tensor:
    """Return a tensor filled with one value.

    Parameters
    ----------
    shape : int or tuple of int
        The length of each axis.
    fill_value : number or array
        The value, or values of a shape that broadcasts to `shape`.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype, optional
        By default that of `fill_value`: float32 for a Python number.

    Returns
    -------
    Tensor
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError
        If `requires_grad` is set and the dtype is not floating.
    ValueError
        If `fill_value` does not broadcast to `shape`.

    Examples
    --------
    >>> full((2,), 7)
    Tensor(data=[7. 7.], shape=(2,))
    """
    values = as_array(fill_value, None if dtype is None else _dtype("full", dtype))
    lengths = _shape("full", (shape,))
    try:
        array = np.full(lengths, values)
    except ValueError as error:
        raise ValueError(
            f"full: values of shape {values.shape} do not broadcast to shape {lengths}"
        ) from error
    return _own(array, requires_grad)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    *,
    requires_grad: bool = False,
    dtype: np.typing.DTypeLike | None = None,
) -> Tensor:
    """Return the numbers from `start` (0 if one number is given) up to, but not with, `stop`.

    Parameters
    ----------
    start : number
        The first number; the end where `stop` is not given.
    stop : number, optional
        The end.
    step : number
        The distance from one number to the next; it may be negative.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype, optional
        By default int64 where all three are integers, and float32 otherwise, as in PyTorch.

    Returns
    -------
    Tensor
        Of one dimension.

    Raises
    ------
    TypeError
        If one of the three is no number, or if `requires_grad` is set and the dtype is not
        floating.
    ValueError
        If `step` is 0, or if there would be no end of numbers, or none at all.

    Examples
    --------
    >>> arange(3)
    Tensor(data=[0 1 2], shape=(3,))
    """
    first, last = (0, start) if stop is None else (start, stop)
    for value in (first, last, step):
        if not isinstance(value, Real):
            raise TypeError(f"arange: numbers were expected, but {described(value)}, was given")
    whole = all(isinstance(value, int | np.integer) for value in (first, last, step))
    kind = _dtype("arange", dtype or (np.int64 if whole else np.float32))
    try:
        array = np.arange(first, last, step, dtype=kind)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"arange: no array holds the numbers from {first} to {last} in steps of {step}: {error}"
        ) from error
    return _own(array, requires_grad)


def rand(
    *shape: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike = np.float32
) -> Tensor:
    """Return random numbers, uniform from 0 to 1, without 1.

    Parameters
    ----------
    *shape : int, or one tuple of int
        The length of each axis; nothing for a 0-d tensor.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype
        A floating one.

    Returns
    -------
    Tensor
        Of `shape` and `dtype`, drawn from `default_generator`.

    Raises
    ------
    TypeError
        If the dtype is not floating.

    Examples
    --------
    >>> rand(2, 3).shape
    (2, 3)
    """
    kind = _dtype("rand", dtype, FLOATING)
    drawn = np.asarray(default_generator().random(_shape("rand", shape)), kind)
    below_one = np.nextafter(np.ones((), drawn.dtype), 0, dtype=drawn.dtype)
    return _own(np.asarray(np.minimum(drawn, below_one)), requires_grad)  # 1 may come of rounding


def randn(
    *shape: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike = np.float32
) -> Tensor:
    """Return random numbers, normal with mean 0 and deviation 1.

    Parameters
    ----------
    *shape : int, or one tuple of int
        The length of each axis; nothing for a 0-d tensor.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype
        A floating one.

    Returns
    -------
    Tensor
        Of `shape` and `dtype`, drawn from `default_generator`.

    Raises
    ------
    TypeError
        If the dtype is not floating.

    Examples
    --------
    >>> randn(2, 3).shape
    (2, 3)
    """
    kind = _dtype("randn", dtype, FLOATING)
    drawn = default_generator().standard_normal(_shape("randn", shape))
    return _own(np.asarray(drawn, kind), requires_grad)


def zeros_like(
    x: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike | None = None
) -> Tensor:
    """Return zeros in the shape of another tensor.

    Parameters
    ----------
    x : Tensor or array
        Any shape; it is not changed.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype, optional
        By default that of `x`.

    Returns
    -------
    Tensor
        The shape of `x`, of `dtype`.

    Raises
    ------
    TypeError
        If `requires_grad` is set and the dtype is not floating.

    Examples
    --------
    >>> zeros_like(Tensor([1.0, 2.0]))
    Tensor(data=[0. 0.], shape=(2,))
    """
    array = _array(x)
    kind = array.dtype if dtype is None else _dtype("zeros_like", dtype)
    return _own(np.zeros_like(array, kind), requires_grad)


def ones_like(
    x: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike | None = None
) -> Tensor:
    """Return ones in the shape of another tensor.

    Parameters
    ----------
    x : Tensor or array
        Any shape; it is not changed.
    requires_grad : bool
        Whether the tensor collects gradients.
    dtype : dtype, optional
        By default that of `x`.

    Returns
    -------
    Tensor
        The shape of `x`, of `dtype`.

    Raises
    ------
    TypeError
        If `requires_grad` is set and the dtype is not floating.

    Examples
    --------
    >>> ones_like(Tensor([1.0, 2.0]))
    Tensor(data=[1. 1.], shape=(2,))
    """
    array = _array(x)
    kind = array.dtype if dtype is None else _dtype("ones_like", dtype)
    return _own(np.ones_like(array, kind), requires_grad)


def _array(x: Any) -> Array:
    return as_array(x._data if isinstance(x, Variable) else x)
