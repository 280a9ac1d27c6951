"""The reverse of broadcasting: summing a gradient down to the shape of the input it is for."""

from __future__ import annotations

from typing import Any


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
        raise ValueError(f"shape {shape} does not broadcast to {gradient.shape}")
    stretched = (extra + axis for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=(*range(extra), *stretched), keepdims=True).reshape(shape)
