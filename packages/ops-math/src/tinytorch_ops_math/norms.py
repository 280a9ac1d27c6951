"""Norms of vectors."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from tinytorch import Array, Function, Operation, Tensor, all_axes, at_least_single, either
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .operands import number, operand

Axes = int | tuple[int, ...] | list[int] | None


class VectorNormBackward(Function):
    """y = (Σ |x|^p)^(1/p). Gradient: g sign(x) (|x| / y)^(p-1), and 0 where x or y is 0.

    For p = ∞ (or -∞), y is the largest (smallest) |x|, and the gradient goes evenly to those that
    are equal to it; for p = 0, y counts what is not 0, and there is none.
    """

    def forward(self, x: Array, *, p: float, axes: tuple[int, ...], keepdims: bool) -> Array:
        self.p, self.axes = p, axes
        self.kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
        y = np.asarray(_norm(at_least_single(x), p, axes, keepdims), x.dtype)
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        y = y.reshape(self.kept)
        g = grad_output.reshape(self.kept)
        if self.p == 0:
            return None
        if self.p == 1:
            return g * np.sign(x)
        if abs(self.p) == inf:
            reached = np.abs(x) == y
            return g / reached.sum(axis=self.axes, keepdims=True) * reached * np.sign(x)
        g = g * (y != 0)
        y = np.where(y == 0, 1, y)
        if self.p == 2:
            return g / y * x
        size = np.where(x == 0, 1, np.abs(x))
        return g * np.sign(x) * (size / y) ** (self.p - 1)


def _norm(x: Array, p: float, axes: tuple[int, ...], keepdims: bool) -> Any:
    over: dict[str, Any] = {"axis": axes, "keepdims": keepdims}
    if p == 2:
        return np.sqrt(np.square(x).sum(**over))
    if p == 0:
        return (x != 0).sum(**over)
    size = np.abs(x)
    if p == inf:
        return size.max(**over)
    if p == -inf:
        return size.min(**over)
    if p == 1:
        return size.sum(**over)
    with np.errstate(divide="ignore"):  # 0 to a negative power
        return (size**p).sum(**over) ** (1 / p)


def vector_norm(
    x: Any,
    ord: float = 2,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """Norm of vectors, over axes: the root of the sum of powers of absolute values.

    Parameters
    ----------
    x : Tensor
        Any shape; where `ord` is infinite or negative, with at least one element along the axes.
    ord : float
        The power p. 2 means Euclidean length, 1 the sum of absolute values, infinity the largest
        of them, minus infinity the smallest, and 0 how many are not zero.
    dim, axis : int or sequence of int, optional
        The axes to take the norm over; all of them if left out.
    keepdim, keepdims : bool
        Keep the axes, with length 1.
    dtype : dtype, optional
        What to convert `x` to first.

    Returns
    -------
    Tensor
        The shape of `x` without the axes, the dtype of `x`, float32 for integers. With the norm y,
        the gradient is g sign(x) (|x| / y)^(p-1), zero where x or y is zero; infinite p share it
        evenly among the elements that are equal to y, as `amax` does.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If `dim` and `axis` are both given, an axis is not an integer, or `ord` not a number.
    ValueError
        If an axis is named twice, or there are no elements for infinite or negative `ord`.

    Examples
    --------
    >>> vector_norm(Tensor([3.0, -4.0]))
    Tensor(data=5., shape=())
    """
    x, p = operand("vector_norm", x), float(number("vector_norm", "ord", ord))
    axes = all_axes("vector_norm", either("vector_norm", axis, dim), x.ndim)
    if (p < 0 or p == inf) and x.size == 0 and not prod(x.shape[i] for i in axes):
        raise ValueError(
            f"vector_norm: there is no norm of order {ord} of no elements, and the shape is "
            f"{x.shape}; check that the tensor is not empty along the axes"
        )
    if dtype is not None or x.dtype.kind != "f":
        x = x.astype(np.float32 if dtype is None else dtype)
    return VectorNormBackward.call(x, p=p, axes=axes, keepdims=keepdim or keepdims)


def _samples() -> list[Sample]:
    x, away = uniform((2, 3, 4)), uniform((3, 4), 0.3, 2.0) * np.array([1, -1, 1, -1])
    return [
        sample(x),
        sample(x, 2, 0),
        sample(x, 2, (0, -1)),
        sample(x, 2, dim=-1, keepdim=True),
        sample(x, axis=1, keepdims=True),
        sample(x, 2.0, (0, 1, 2), True),
        sample(away, 1),
        sample(away, 1, 0),
        sample(away, 3, 1),
        sample(away, 2.5, -1, True),
        sample(away, 1.5),
        sample(away, 0.5, 0),
        sample(away, -1, 1),
        sample(away, inf),
        sample(away, inf, 1, True),
        sample(away, -inf, 0),
        sample(away, 0, 1),
        sample(x, dtype=np.float64),
        sample(uniform(())),
        sample(uniform(()), 3),
        sample(uniform(()), 2, -1),
        sample(uniform((1,)), 2, 0),
        sample(uniform((0, 3))),
        sample(uniform((0, 3)), 1, 0),
        sample(uniform((0, 3)), inf, 1),
        *(kink(np.zeros(3), p) for p in (2, 1, 3, 1.5, 0.5, inf, -inf, 0)),
        kink(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, -2.0]]), 2, 1),
        *(kink(np.array([0.0, 2.0, -2.0, 1.0]), p) for p in (1, inf, -inf, 1.5, 3)),
    ]


def _plain(
    x: Array,
    ord: float = 2,
    dim: Any = None,
    keepdim: bool = False,
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Any:
    given = axis if dim is None else dim
    axes = tuple(range(x.ndim)) if given is None else given
    if x.ndim == 0:
        return np.abs(x)
    return np.linalg.vector_norm(x, ord=ord, axis=axes, keepdims=keepdim or keepdims)


OPERATIONS: list[Operation] = [
    Operation(
        vector_norm,
        VectorNormBackward,
        torch="linalg.vector_norm",
        numpy=[np.linalg.vector_norm],
        samples=_samples,
        reference=_plain,
        bad_inputs=[
            bad(IndexError, "vector_norm: the axes of the tensor are", uniform((2, 3)), 2, 2),
            bad(TypeError, "axis=0 and dim=1", uniform((2, 3)), dim=1, axis=0),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), 2, "rows"),
            bad(TypeError, "ord should be a real number", uniform((2, 3)), "fro"),
            bad(ValueError, "named once", uniform((2, 3)), 2, (0, 0)),
            bad(ValueError, "norm of order inf of no elements", uniform((0, 3)), inf),
            bad(ValueError, "norm of order -1 of no elements", uniform((0, 3)), -1, 0),
        ],
    ),
]
