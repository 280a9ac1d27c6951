"""Sums, means and extremes over axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..arguments import all_axes, either
from ..arrays import FLOATING, Array, at_least_single
from ..broadcasting import spread, sum_over
from ..function import Function
from ..operation import Operation
from ..samples import Sample, bad, kink, sample, uniform
from ..tensor import Tensor

Axes = int | tuple[int, ...] | list[int] | None


class _Reduction(Function):
    """What reductions over axes have in common: how to spread out again."""

    def _reduce(
        self, reduce: Callable[..., Any], x: Array, axis: tuple[int, ...], keepdims: bool
    ) -> Array:
        self.shape, self.axes = x.shape, axis
        return np.asarray(reduce(x, axis=axis, keepdims=keepdims))

    def _keeping_axes(self, reduced: Any) -> Any:
        """Return something of the output's elements in a shape that broadcasts to the input's."""
        axes = self.axes
        kept = [1 if i in axes else size for i, size in enumerate(self.shape)]
        return reduced.reshape(kept)

    def _spread(self, reduced: Array) -> Any:
        return spread(self._keeping_axes(reduced), self.shape)


class SumBackward(_Reduction):
    """The sum over axes. Gradient: the output's, to every element that was summed."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: Any = False) -> Array:
        return self._reduce(sum_over, x, all_axes("sum", axis, x.ndim), keepdims)

    def apply(self, grad_output: Array) -> Any:
        return self._spread(grad_output)


def sum(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Sum over axes.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or sequence of int, optional
        The axes to sum over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        The shape of `x` without the axes; the dtype of `x`, or a larger one for small integers, as
        in NumPy. Its gradient goes to every element that was summed.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, or an axis is not an integer.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor(data=[4. 6.], shape=(2,))
    """
    return SumBackward.call(x, axis=either("sum", axis, dim), keepdims=keepdims or keepdim)


class MeanBackward(_Reduction):
    """The mean over axes. Gradient: an equal share of the output's, to every element."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: Any = False) -> Array:
        axes = all_axes("mean", axis, x.ndim)
        self.count = prod([x.shape[i] for i in axes])
        if self.count:
            return self._reduce(np.mean, x, axes, keepdims)
        nothing = self._reduce(np.sum, x, axes, keepdims)
        return np.full(nothing.shape, np.nan, x.dtype if x.dtype.kind == FLOATING else np.float32)

    def apply(self, grad_output: Array) -> Any:
        return self._spread(at_least_single(grad_output) / max(self.count, 1))


def mean(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Arithmetic mean over axes; NaN of no elements.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or sequence of int, optional
        The axes to average over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        The shape of `x` without the axes; the dtype of `x`, float32 for integers. Each of n
        averaged elements gets 1/n of its gradient.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, or an axis is not an integer.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=2.5, shape=())
    """
    return MeanBackward.call(x, axis=either("mean", axis, dim), keepdims=keepdims or keepdim)


class _Extreme(_Reduction):
    """An extreme over axes. Gradient: the output's, shared evenly by the elements that reach it."""

    name: str
    reduce: Callable[..., Any]

    def forward(self, x: Array, *, axis: Any = None, keepdims: Any = False) -> Array:
        axes = all_axes(self.name, axis, x.ndim)
        if x.size == 0 and not prod(x.shape[i] for i in axes):
            raise ValueError(
                f"{self.name}: there is no extreme of no elements, and the shape is {x.shape}; "
                "check that the tensor is not empty along the axes"
            )
        extreme = self._reduce(type(self).reduce, x, axes, keepdims)
        self.save(x, extreme)
        return extreme

    def apply(self, grad_output: Array) -> Any:
        x, extreme = self.saved
        reached = x == self._keeping_axes(extreme)
        ties = reached.sum(axis=self.axes, keepdims=True)
        # An extreme of NaN is reached by none, and its gradient is NaN.
        return self._keeping_axes(grad_output) / np.where(ties == 0, np.nan, ties) * reached


class AmaxBackward(_Extreme):
    """The largest over axes. Gradient: the output's, shared evenly by those that reach it."""

    name, reduce = "amax", np.amax


class AminBackward(_Extreme):
    """The smallest over axes. Gradient: the output's, shared evenly by those that reach it."""

    name, reduce = "amin", np.amin


def amax(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Largest element over axes; also called ``max``.

    Parameters
    ----------
    x : Tensor
        Any shape with at least one element along the axes.
    axis, dim : int or sequence of int, optional
        The axes to reduce; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        The shape of `x` without the axes, the dtype of `x`. Its gradient is shared evenly among the
        elements that are equal to it.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, or an axis is not an integer.
    ValueError
        If an axis is named twice, or there are no elements.

    Examples
    --------
    >>> amax(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor(data=[2. 3.], shape=(2,))
    """
    return AmaxBackward.call(x, axis=either("amax", axis, dim), keepdims=keepdims or keepdim)


def amin(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Smallest element over axes; also called ``min``.

    Parameters
    ----------
    x : Tensor
        Any shape with at least one element along the axes.
    axis, dim : int or sequence of int, optional
        The axes to reduce; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        The shape of `x` without the axes, the dtype of `x`. Its gradient is shared evenly among the
        elements that are equal to it.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, or an axis is not an integer.
    ValueError
        If an axis is named twice, or there are no elements.

    Examples
    --------
    >>> amin(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor(data=[1. 0.], shape=(2,))
    """
    return AminBackward.call(x, axis=either("amin", axis, dim), keepdims=keepdims or keepdim)


def _samples(*, empty: bool = True) -> list[Sample]:
    x = uniform((2, 3, 4))
    calls: list[dict[str, Any]] = [
        {},
        {"axis": 0},
        {"axis": -1},
        {"axis": (0, 2)},
        {"axis": 1, "keepdims": True},
        {"axis": (-1, 0), "keepdims": True},
        {"dim": 1, "keepdim": True},
        {"keepdims": True},
    ]
    samples = [sample(x, **call) for call in calls]
    samples += [sample(uniform((3, 3)), axis=1), sample(uniform(())), sample(uniform(()), axis=-1)]
    samples += [sample(uniform((0, 3)), axis=1)]
    return samples + ([sample(uniform((0, 3))), sample(uniform((0, 3)), axis=0)] if empty else [])


def _extreme_samples() -> list[Sample]:
    tied = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    return [
        *_samples(empty=False),
        kink(tied),
        kink(tied, axis=1),
        kink(tied, axis=0),
        kink(np.array([1.0, np.nan, 2.0])),
    ]


_BAD_AXES = [
    bad(IndexError, "axes of the tensor are from -2 to 1", np.zeros((2, 3)), axis=2),
    bad(TypeError, "axis=0 and dim=1", np.zeros((2, 3)), axis=0, dim=1),
    bad(TypeError, "an axis is an integer", np.zeros((2, 3)), axis="rows"),
    bad(ValueError, "named once", np.zeros((2, 3)), axis=(0, 0)),
]

_NONE = bad(ValueError, "no extreme of no elements", np.zeros((0, 3)), axis=0)


def _reference(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    def reference(
        x: Array, axis: Any = None, keepdims: bool = False, dim: Any = None, keepdim: bool = False
    ) -> Any:
        with np.errstate(invalid="ignore"):
            axis = axis if dim is None else dim
            axis = None if x.ndim == 0 else axis
            return ufunc(x, axis=axis, keepdims=keepdims or keepdim)

    return reference


def _plain_mean(x: Array, axis: Any, keepdims: bool) -> Any:
    total = np.sum(x, axis=axis, keepdims=keepdims)
    return total / (x.size / total.size if total.size else 1)


OPERATIONS = [
    Operation(
        sum,
        SumBackward,
        method="sum",
        torch="sum",
        numpy=[np.sum],
        samples=_samples,
        bad_inputs=_BAD_AXES,
        reference=_reference(np.sum),
    ),
    Operation(
        mean,
        MeanBackward,
        method="mean",
        torch="mean",
        numpy=[np.mean],
        samples=_samples,
        bad_inputs=_BAD_AXES,
        reference=_reference(_plain_mean),
    ),
    Operation(
        amax,
        AmaxBackward,
        method="amax",
        aliases=("max",),
        torch="amax",
        numpy=[np.max, np.amax],
        samples=_extreme_samples,
        bad_inputs=[*_BAD_AXES, _NONE],
        reference=_reference(np.max),
    ),
    Operation(
        amin,
        AminBackward,
        method="amin",
        aliases=("min",),
        torch="amin",
        numpy=[np.min, np.amin],
        samples=_extreme_samples,
        bad_inputs=[*_BAD_AXES, _NONE],
        reference=_reference(np.min),
    ),
]
