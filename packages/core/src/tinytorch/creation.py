"""Tensors out of nothing, and out of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

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


def _drawn(name: str, numbers: Any, dtype: DTypeLike) -> Array:
    """Random numbers in a dtype, which has to be floating."""
    if np.dtype(dtype).kind != FLOATING:
        raise TypeError(f"{name}: random numbers are floating, but dtype={dtype} was given")
    return np.asarray(numbers, dtype)


def from_numpy(array: Array) -> Tensor:
    """Return a tensor that shares the memory of `array`.

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


def zeros(*shape: Any, requires_grad: bool = False, dtype: DTypeLike = np.float32) -> Tensor:
    """Return a tensor of zeros of `shape`, given as integers or as one tuple.

    Examples
    --------
    >>> zeros(2, 1).shape
    (2, 1)
    """
    return _own(np.zeros(_shape(shape), dtype), requires_grad)


def ones(*shape: Any, requires_grad: bool = False, dtype: DTypeLike = np.float32) -> Tensor:
    """Return a tensor of ones of `shape`, given as integers or as one tuple.

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
    dtype: DTypeLike | None = None,
) -> Tensor:
    """Return a tensor of `shape` filled with one value, float32 where that is a Python number.

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
    dtype: DTypeLike | None = None,
) -> Tensor:
    """Return the numbers from `start` (0 if one number is given) up to, but not with, `stop`.

    They are int64 where all arguments are integers, and float32 otherwise, as in PyTorch.

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


def rand(*shape: Any, requires_grad: bool = False, dtype: DTypeLike = np.float32) -> Tensor:
    """Return random numbers, uniform from 0 to 1, of `shape`.

    Examples
    --------
    >>> rand(2, 3).shape
    (2, 3)
    """
    drawn = _drawn("rand", default_generator().random(_shape(shape)), dtype)
    below_one = np.nextafter(np.ones((), drawn.dtype), 0, dtype=drawn.dtype)
    return _own(np.asarray(np.minimum(drawn, below_one)), requires_grad)  # 1 may come of rounding


def randn(*shape: Any, requires_grad: bool = False, dtype: DTypeLike = np.float32) -> Tensor:
    """Return random numbers, normal with mean 0 and deviation 1, of `shape`.

    Examples
    --------
    >>> randn(2, 3).shape
    (2, 3)
    """
    drawn = default_generator().standard_normal(_shape(shape))
    return _own(_drawn("randn", drawn, dtype), requires_grad)


def zeros_like(x: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> Tensor:
    """Return zeros of the shape and dtype of `x`, a tensor or an array.

    Examples
    --------
    >>> zeros_like(Tensor([1.0, 2.0]))
    Tensor(data=[0. 0.], shape=(2,))
    """
    return _own(np.zeros_like(_array(x), dtype=dtype), requires_grad)


def ones_like(x: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> Tensor:
    """Return ones of the shape and dtype of `x`, a tensor or an array.

    Examples
    --------
    >>> ones_like(Tensor([1.0, 2.0]))
    Tensor(data=[1. 1.], shape=(2,))
    """
    return _own(np.ones_like(_array(x), dtype=dtype), requires_grad)


def _array(x: Any) -> Array:
    return as_array(x._data if isinstance(x, Variable) else x)
