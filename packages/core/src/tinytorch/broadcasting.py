"""The reverse of broadcasting: summing a gradient down to the shape of the input it is for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_HALF = np.dtype(np.float16)
_add_up: Any = np.add.reduce


def sum_over(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """Sum an array or Tensor over axes, half precision in single precision."""
    if type(x) is not np.ndarray:
        return x.sum(axis=axis, keepdims=keepdims)
    if x.dtype is not _HALF:
        return _add_up(x, axis=axis, keepdims=keepdims)
    return _add_up(x, axis=axis, dtype=np.float32, keepdims=keepdims).astype(_HALF)


def sum_to_shape(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum `gradient` over the axes along which an input of `shape` was repeated.

    An element that broadcasting copied to many places received a gradient in each of them, and its
    own gradient is their sum.

    Parameters
    ----------
    gradient : array or Tensor
        Of any shape that `shape` broadcasts to.
    shape : tuple of int
        The shape of the input.

    Returns
    -------
    array or Tensor
        Of `shape`.

    Raises
    ------
    ValueError
        Where `shape` does not broadcast to the gradient's.

    Examples
    --------
    >>> sum_to_shape(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    extra = gradient.ndim - len(shape)
    if extra < 0 or any(
        size not in (1, given) for size, given in zip(shape, gradient.shape[extra:], strict=True)
    ):
        raise ValueError(
            f"sum_to_shape: a gradient of shape {gradient.shape} cannot be summed to {shape}, "
            "a shape that does not broadcast to it"
        )
    stretched = [extra + axis for axis, size in enumerate(shape) if size == 1]
    if shape and not stretched:
        return sum_over(gradient, tuple(range(extra)))
    return sum_over(gradient, (*range(extra), *stretched), keepdims=True).reshape(shape)


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """Return `x`, an array or a Tensor, repeated to `shape`, as a view if it is large.

    `np.broadcast_to` takes four times as long as to fill a small array.
    """
    if type(x) is not np.ndarray or math.prod(shape) > 1000:
        return np.broadcast_to(x, shape)
    filled = np.empty(shape, x.dtype)
    filled[...] = x
    return filled
