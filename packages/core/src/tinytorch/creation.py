"""Tensors out of nothing, and out of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import FLOATING, Array, as_array
from .function import Variable
from .random import default_generator
from .tensor import Tensor


def _shape(given: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape, given as integers or as one tuple of them."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else given


def _own(array: Array, requires_grad: bool) -> Tensor:
    """An array that was made just now, as a tensor, without another copy."""
    tensor = from_numpy(array)
    tensor.requires_grad = requires_grad
    return tensor


def _drawn(name: str, numbers: Any, dtype: np.typing.DTypeLike) -> Array:
    """Random numbers in a dtype, which has to be floating."""
    if np.dtype(dtype).kind != FLOATING:
        raise TypeError(f"{name}: random numbers are floating, but dtype={dtype} was given")
    return np.asarray(numbers, dtype)


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
    return _own(np.zeros(_shape(shape), dtype), requires_grad)


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
    return _own(np.ones(_shape(shape), dtype), requires_grad)


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
    return _own(np.full(shape, as_array(fill_value, dtype)), requires_grad)


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
        If `requires_grad` is set and the dtype is not floating.
    ZeroDivisionError
        If `step` is 0.

    Examples
    --------
    >>> arange(3)
    Tensor(data=[0 1 2], shape=(3,))
    """
    first, last = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(value, int | np.integer) for value in (first, last, step))
    return _own(
        np.arange(first, last, step, dtype=dtype or (np.int64 if whole else np.float32)),
        requires_grad,
    )


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
    drawn = _drawn("rand", default_generator().random(_shape(shape)), dtype)
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
    drawn = default_generator().standard_normal(_shape(shape))
    return _own(_drawn("randn", drawn, dtype), requires_grad)


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
    return _own(np.zeros_like(_array(x), dtype=dtype), requires_grad)


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
    return _own(np.ones_like(_array(x), dtype=dtype), requires_grad)


def _array(x: Any) -> Array:
    return as_array(x._data if isinstance(x, Variable) else x)
