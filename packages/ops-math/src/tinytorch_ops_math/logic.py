"""Whether all elements are true, or any."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, all_axes, either
from tinytorch.samples import Sample, kink, sample, uniform

from .elementwise import not_numbers
from .operands import operand
from .reductions import Axes, bad_axes, of_few_elements, over_axes, reference


class AllOf(Function):
    """Whether no element is 0. Gradient: none, for the result is boolean."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return np.asarray(np.all(x, axis=all_axes("all", axis, x.ndim), keepdims=keepdims))


class AnyOf(Function):
    """Whether some element is not 0. Gradient: none, for the result is boolean."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return np.asarray(np.any(x, axis=all_axes("any", axis, x.ndim), keepdims=keepdims))


def all(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Whether all elements over axes are true, or not zero.

    Parameters
    ----------
    x : Tensor
        Any shape, booleans or numbers.
    axis, dim : int or sequence of int, optional
        The axes to reduce; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        Booleans, which have no gradient, of the shape of `x` without the axes; true of no elements.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, an axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> all(Tensor([[True, False], [True, True]]), axis=1)
    Tensor(data=[False  True], shape=(2,))
    """
    return AllOf.call(
        operand("all", x), axis=either("all", axis, dim), keepdims=keepdims or keepdim
    )


def any(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Whether any element over axes is true, or not zero.

    Parameters
    ----------
    x : Tensor
        Any shape, booleans or numbers.
    axis, dim : int or sequence of int, optional
        The axes to reduce; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        Booleans, which have no gradient, of the shape of `x` without the axes; false of no
        elements.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, an axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> any(Tensor([[True, False], [False, False]]), axis=1)
    Tensor(data=[ True False], shape=(2,))
    """
    return AnyOf.call(
        operand("any", x), axis=either("any", axis, dim), keepdims=keepdims or keepdim
    )


def _samples() -> list[Sample]:
    some = (uniform((2, 3, 4)) > -1.5) * uniform((2, 3, 4), seed=1)
    return [
        *over_axes(some),
        *of_few_elements(),
        sample(np.zeros((2, 3)), dim=0),
        sample(np.ones((2, 3)), dim=0),
        kink(np.array([np.nan, -0.0])),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        all,
        AllOf,
        method="all",
        torch="all",
        numpy=[np.all],
        samples=_samples,
        reference=reference(
            lambda x, axis, keepdims: (x != 0).min(axis, keepdims=keepdims, initial=True)
        ),
        bad_inputs=[*bad_axes("all"), *not_numbers("all")],
        twice_differentiable=False,
    ),
    Operation(
        any,
        AnyOf,
        method="any",
        torch="any",
        numpy=[np.any],
        samples=_samples,
        reference=reference(
            lambda x, axis, keepdims: (x != 0).max(axis, keepdims=keepdims, initial=False)
        ),
        bad_inputs=[*bad_axes("any"), *not_numbers("any")],
        twice_differentiable=False,
    ),
]
