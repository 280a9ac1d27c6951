"""Running sums and products along an axis, and products over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    Tensor,
    all_axes,
    at_least_single,
    either,
    one_axis,
)
from tinytorch.samples import Sample, bad, sample, uniform

from .elementwise import not_numbers
from .operands import operand
from .reductions import Axes, bad_axes, kept, of_few_elements, over_axes, reference


class CumsumBackward(Function):
    """Sums of x up to each place along an axis. Gradient: sums of the output's from there on."""

    def forward(self, x: Array, *, axis: int, reverse: bool = False) -> Any:
        self.axis, self.reverse = axis, reverse
        return _accumulate(np.cumsum, x, axis, reverse)

    def apply(self, grad_output: Array) -> Any:
        return CumsumBackward.call(grad_output, axis=self.axis, reverse=not self.reverse)


class CumprodBackward(Function):
    """Products of x up to each place along an axis. Gradient: p h, which divides by no factor.

    p are the products of what comes before each place, and ``h[k] = g[k] + x[k+1] h[k+1]``.
    """

    def forward(self, x: Array, *, axis: int, reverse: bool = False) -> Any:
        self.axis, self.reverse = axis, reverse
        y = _accumulate(np.cumprod, x, axis, reverse)
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        step = -1 if self.reverse else 1
        before = ShiftBackward.call(y, axis=self.axis, by=step, fill=1)
        return before * _horner(grad_output, at_least_single(x), self.axis, step)


class ProdBackward(Function):
    """y, the product of x along an axis. Gradient: g y / x, or g times the others where y is 0."""

    def forward(self, x: Array, *, axis: int) -> Array:
        self.axis, self.kept = axis, kept(x.shape, (axis,))
        y = np.asarray(np.prod(at_least_single(x), axis=axis))
        if x.dtype == np.float16:
            y = y.astype(np.float16)
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        grad_output = grad_output.reshape(self.kept)
        if _is_divisible(y):
            return grad_output * y.reshape(self.kept) / x
        return grad_output * _products_of_others(x, self.axis)


class ShiftBackward(Function):
    """x moved some places along an axis, filled up with a number. Gradient: it is moved back."""

    def forward(self, x: Array, *, axis: int, by: int, fill: int) -> Array:
        self.axis, self.by = axis, by
        moved = np.full_like(x, fill)
        source, target = (slice(None, -by), slice(by, None))
        if by < 0:
            source, target = (slice(-by, None), slice(None, by))
        before = (slice(None),) * axis
        moved[(*before, target)] = x[(*before, source)]
        return moved

    def apply(self, grad_output: Array) -> Any:
        return ShiftBackward.call(grad_output, axis=self.axis, by=-self.by, fill=0)


def _accumulate(cumulate: Callable[..., Any], x: Array, axis: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(_accumulate(cumulate, np.flip(x, axis), axis, reverse=False), axis)
    if x.dtype == np.float16:
        return cumulate(x, axis=axis, dtype=np.float32).astype(np.float16)
    return cumulate(x, axis=axis)


def _is_divisible(y: Any) -> bool:
    """Whether products are in the range of numbers of full precision, so that y / x is exact."""
    size = np.abs(y)
    return bool(np.all((size >= np.finfo(y.dtype).smallest_normal) & (size < np.inf)))


def _products_of_others(x: Any, axis: int) -> Any:
    before = CumprodBackward.call(x, axis=axis)
    after = CumprodBackward.call(x, axis=axis, reverse=True)
    before = ShiftBackward.call(before, axis=axis, by=1, fill=1)
    return before * ShiftBackward.call(after, axis=axis, by=-1, fill=1)


def _horner(g: Any, x: Any, axis: int, step: int) -> Any:
    """Return h of ``h[k] = g[k] + x[k+step] h[k+step]``, without a loop over the places.

    Each round doubles the number of terms in h, which holds the sum of ``g[i]`` times the product
    of x after k up to i; `factor` is the product of as many x after k.
    """
    h, factor = g, ShiftBackward.call(x, axis=axis, by=-step, fill=0)
    terms = 1
    while terms < x.shape[axis]:
        h = h + factor * ShiftBackward.call(h, axis=axis, by=-step * terms, fill=0)
        factor = factor * ShiftBackward.call(factor, axis=axis, by=-step * terms, fill=0)
        terms *= 2
    return h


def _along(op: str, rule: type[Function], x: Any, axis: int | None) -> Any:
    """Run a rule along an axis: of all elements in a row without one; a 0-d tensor is its own."""
    x = operand(op, x)
    if axis is None:
        return rule.call(x.reshape(-1), axis=0)
    place = one_axis(op, axis, x.ndim or 1)
    return rule.call(x, axis=place) if x.ndim else rule.call(x.reshape(1), axis=0).reshape(())


def cumsum(x: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """Sums of the elements up to each place along an axis.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int, optional
        The axis along which to sum; without it, all elements in a row, as in NumPy.

    Returns
    -------
    Tensor
        The shape of `x`, or 1-d without an axis; the dtype of `x`, or a larger one for small
        integers. The gradient is the sum of the output's from each place on.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `axis` and `dim` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If `x` is a sequence whose rows differ in length.

    Examples
    --------
    >>> cumsum(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor(data=[1. 3. 6.], shape=(3,))
    """
    result: Tensor = _along("cumsum", CumsumBackward, x, either("cumsum", axis, dim))
    return result


def cumprod(x: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """Products of the elements up to each place along an axis.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int, optional
        The axis along which to multiply; without it, all elements in a row, as in NumPy.

    Returns
    -------
    Tensor
        The shape of `x`, or 1-d without an axis; the dtype of `x`, or a larger one for small
        integers. The gradient of each element is the sum of g times the other factors, over the
        products that it is in; it is right where factors are zero, too.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `axis` and `dim` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If `x` is a sequence whose rows differ in length.

    References
    ----------
    Blelloch (1990), Prefix sums and their applications, CMU-CS-90-190, section 1.4: the recurrence
    of the gradient as a scan.

    Examples
    --------
    >>> cumprod(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor(data=[1. 2. 6.], shape=(3,))
    """
    result: Tensor = _along("cumprod", CumprodBackward, x, either("cumprod", axis, dim))
    return result


def prod(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Product over axes.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or sequence of int, optional
        The axes to multiply over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        The shape of `x` without the axes; the dtype of `x`, or a larger one for small integers; 1
        of no elements. The gradient of each factor is g times the product of the others, also where
        one of them, or several, are zero.

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
    >>> prod(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    Tensor(data=[ 2. 12.], shape=(2,))
    """
    x = operand("prod", x)
    axes = all_axes("prod", either("prod", axis, dim), x.ndim)
    with_axes = kept(x.shape, axes)
    if len(axes) == x.ndim:
        x = ProdBackward.call(x.reshape(-1), axis=0)
    else:
        for one in sorted(axes, reverse=True):
            x = ProdBackward.call(x, axis=one)
    result: Tensor = x.reshape(with_axes) if keepdims or keepdim or not axes else x
    return result


_ZEROS = np.array([[0.0, 2.0, -3.0, 0.5], [1.5, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 1.0]])


def _along_an_axis() -> list[Sample]:
    x = uniform((2, 3, 4))
    return [
        *(sample(x, axis) for axis in (0, 1, 2, -1, -3)),
        sample(x, dim=1),
        sample(x, axis=-2),
        sample(uniform((5,)), 0),
        sample(uniform((9,)), 0),
        sample(uniform((3, 1)), 1),
        sample(uniform((1,)), 0),
        sample(uniform(()), 0),
        sample(uniform(()), -1),
        sample(uniform((0, 3)), 0),
        sample(uniform((0, 3)), 1),
        sample(_ZEROS, 0),
        sample(_ZEROS, 1),
        sample(np.zeros((2, 3)), -1),
    ]


def _products() -> list[Sample]:
    return [
        *over_axes(uniform((2, 3, 2))),
        *of_few_elements(),
        *(sample(_ZEROS, axis) for axis in (0, 1, -1, (0, 1))),
        sample(_ZEROS[:1]),
        sample(_ZEROS[1:2]),
        sample(np.zeros((2, 3)), dim=1, keepdim=True),
    ]


_BAD_AXIS = [
    bad(IndexError, "axes of the tensor are from -2 to 1", uniform((2, 3)), 2),
    bad(IndexError, "axes of the tensor are from -1 to 0", uniform(()), 1),
    bad(TypeError, "axis=0 and dim=1", uniform((2, 3)), 0, dim=1),
    bad(TypeError, "an axis is an integer", uniform((2, 3)), (0, 1)),
    bad(TypeError, "an axis is an integer", uniform((2, 3)), "rows"),
]


def _plain(cumulate: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Array, axis: int | None = None, dim: int | None = None) -> Any:
        return cumulate(np.atleast_1d(x), axis=axis if dim is None else dim).reshape(x.shape)

    return call


OPERATIONS: list[Operation] = [
    Operation(
        cumsum,
        CumsumBackward,
        method="cumsum",
        torch="cumsum",
        numpy=[np.cumsum],
        samples=_along_an_axis,
        reference=_plain(np.cumsum),
        bad_inputs=[*_BAD_AXIS, *not_numbers("cumsum", 0)],
    ),
    Operation(
        cumprod,
        CumprodBackward,
        method="cumprod",
        torch="cumprod",
        numpy=[np.cumprod],
        samples=_along_an_axis,
        reference=_plain(np.cumprod),
        bad_inputs=[*_BAD_AXIS, *not_numbers("cumprod", 0)],
    ),
    Operation(
        prod,
        ProdBackward,
        method="prod",
        torch="prod",
        numpy=[np.prod],
        samples=_products,
        reference=reference(np.prod),
        bad_inputs=[*bad_axes("prod"), *not_numbers("prod")],
    ),
]
