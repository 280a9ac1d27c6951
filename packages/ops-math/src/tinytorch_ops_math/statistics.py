"""Variances, norms, and logarithms of sums."""

from __future__ import annotations

from math import inf, nan, prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, all_axes, at_least_single, either
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .elementwise import above_minus_infinity, floating, not_numbers
from .norms import vector_norm
from .operands import number, operand
from .reductions import Axes, bad_axes, kept, of_few_elements, over_axes, reference


class _Spread(Function):
    """A measure of how far the elements of x lie apart. Gradient: by the rule of the subclass."""

    def _variance(self, x: Array, axis: Any, correction: float, keepdims: bool) -> Any:
        self.axes = all_axes(self.name, axis, x.ndim)
        self.kept = kept(x.shape, self.axes)
        self.count = prod(x.shape[one] for one in self.axes)
        self.degrees = max(self.count - correction, 0)
        x = floating(x)
        squares = self._deviations(x)
        squares *= squares
        total = squares.sum(axis=self.axes, keepdims=keepdims)
        with np.errstate(divide="ignore", invalid="ignore"):  # of no degrees of freedom
            return (total / self.degrees).astype(x.dtype, copy=False)

    def _deviations(self, x: Any) -> Any:
        x = at_least_single(x)
        return x - (x.mean(axis=self.axes, keepdims=True) if self.count else 0)

    name: str


class VarBackward(_Spread):
    """Σ (x - m)² / (n - c), m the mean of n elements. Gradient: 2 g (x - m) / (n - c)."""

    name = "var"

    def forward(
        self, x: Array, *, axis: Any = None, correction: float = 1, keepdims: bool = False
    ) -> Any:
        self.save(x)
        return self._variance(x, axis, correction, keepdims)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        gradient = self._deviations(x)
        gradient *= grad_output.reshape(self.kept) * (2 / self.degrees if self.degrees else nan)
        return gradient


class StdBackward(_Spread):
    """y = √(Σ (x - m)² / (n - c)), m the mean. Gradient: g (x - m) / ((n - c) y), 0 if y is."""

    name = "std"

    def forward(
        self, x: Array, *, axis: Any = None, correction: float = 1, keepdims: bool = False
    ) -> Any:
        y = np.sqrt(self._variance(x, axis, correction, keepdims))
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        y = at_least_single(y)
        factor = grad_output / np.where(y == 0, inf, y * (self.degrees or nan))
        gradient = self._deviations(x)
        gradient *= factor.reshape(self.kept)
        return gradient


def var(
    x: Any,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    correction: float = 1,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """Variance over axes.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or sequence of int, optional
        The axes to take the variance over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.
    correction : number
        What the number of elements n is diminished by before the sum of squares is divided by it:
        1 for an estimate from a sample, 0 for the mean square. NumPy calls it ``ddof``, and
        ``np.var(x)`` takes 0 by default.

    Returns
    -------
    Tensor
        The shape of `x` without the axes; the dtype of `x`, float32 for integers. The gradient is
        2 g (x - mean) / (n - correction). NaN, or infinity, where n is not above the correction.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, an axis is not an integer, `correction` is no number, or
        `x` no array of real numbers.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> var(Tensor([[1.0, 3.0], [0.0, 4.0]]), axis=1)
    Tensor(data=[2. 8.], shape=(2,))
    """
    return VarBackward.call(
        operand("var", x),
        axis=either("var", axis, dim),
        correction=number("var", "correction", correction),
        keepdims=keepdims or keepdim,
    )


def std(
    x: Any,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    correction: float = 1,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """Standard deviation over axes: the square root of the variance.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or sequence of int, optional
        The axes to take the deviation over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.
    correction : number
        As in `var`; ``np.std(x)`` takes 0 by default.

    Returns
    -------
    Tensor
        The shape of `x` without the axes; the dtype of `x`, float32 for integers. With the result
        y, the gradient is g (x - mean) / ((n - correction) y), and zero where y is zero.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, an axis is not an integer, `correction` is no number, or
        `x` no array of real numbers.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> std(Tensor([[1.0, 3.0], [0.0, 4.0]]), axis=1, correction=0)
    Tensor(data=[1. 2.], shape=(2,))
    """
    return StdBackward.call(
        operand("std", x),
        axis=either("std", axis, dim),
        correction=number("std", "correction", correction),
        keepdims=keepdims or keepdim,
    )


class LogSumExpBackward(Function):
    """y = log Σ e^x over axes. Gradient: g e^(x - y)."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        axes = all_axes("logsumexp", axis, x.ndim)
        self.kept = kept(x.shape, axes)
        values = floating(x)
        largest = values.max(axis=axes, keepdims=True, initial=-inf)
        largest = np.where(np.isfinite(largest), largest, 0)
        powers = np.asarray(at_least_single(values - largest))
        np.exp(powers, out=powers)
        total = powers.sum(axis=axes, keepdims=True)
        with np.errstate(divide="ignore"):  # the logarithm of 0 is -∞ here
            y = np.asarray(np.log(total) + largest, values.dtype)
        y = y if keepdims else y.squeeze(axes)
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        shares = np.exp(x - above_minus_infinity(y.reshape(self.kept)))
        shares *= grad_output.reshape(self.kept)
        return shares


def logsumexp(
    x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Logarithm of the sum of exponentials over axes, also where these would be too large.

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
        The shape of `x` without the axes; the dtype of `x`, float32 for integers; -∞ of no
        elements. The gradient is g exp(x - result), the softmax times g, and zero where all
        elements are -∞.

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
    >>> logsumexp(Tensor([[1000.0, 0.0], [-1000.0, -1000.0]]), axis=1).data.round(2)
    array([1000.  , -999.31], dtype=float32)
    """
    return LogSumExpBackward.call(
        operand("logsumexp", x),
        axis=either("logsumexp", axis, dim),
        keepdims=keepdims or keepdim,
    )


def norm(
    x: Any,
    p: float | str | None = "fro",
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """Norm ``(Σ |x|^p)^(1/p)`` over axes, as that of one vector; see `vector_norm`.

    Parameters
    ----------
    x : Tensor
        Any shape; where `p` is infinite or negative, with at least one element along the axes.
    p : number, "fro" or None
        The power; infinity and minus infinity for the largest and the smallest absolute value.
        "fro" (of Frobenius) and None mean 2.
    axis, dim : int or sequence of int, optional
        The axes to take the norm over; all of them if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        ``sum(abs(x) ** p) ** (1 / p)``, of the shape of `x` without the axes; the dtype of `x`,
        float32 for integers. With the norm y, the gradient is g sign(x) (|x| / y)^(p-1), zero
        where x or y is zero, and shared evenly among ties for infinite p.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, an axis is not an integer, `p` is no number, or `x` no
        array of real numbers.
    ValueError
        If `p` is another word (norms of matrices, as "nuc", have no counterpart here), an axis is
        named twice, or there are no elements for infinite or negative `p`.

    Examples
    --------
    >>> norm(Tensor([[3.0, 4.0], [0.0, 0.0]]), dim=1)
    Tensor(data=[5. 0.], shape=(2,))
    """
    if isinstance(p, str) and p != "fro":
        raise ValueError(
            f"norm: p should be a number or 'fro', but it is {p!r}; other norms of matrices have "
            "no gradient here"
        )
    return vector_norm(
        operand("norm", x),
        2 if p is None or p == "fro" else number("norm", "p", p),
        either("norm", axis, dim),
        keepdims or keepdim,
    )


def _numpy_var(
    a: Any, axis: Axes = None, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Tensor:
    return var(a, axis, keepdims, correction=ddof if correction is None else correction)


def _numpy_std(
    a: Any, axis: Axes = None, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Tensor:
    return std(a, axis, keepdims, correction=ddof if correction is None else correction)


def _numpy_norm(x: Any, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """NumPy's has norms of matrices, too: those of two axes and an order other than Frobenius's."""
    axes = all_axes("np.linalg.norm", axis, np.ndim(x))
    if ord not in (None, "fro") and len(axes) != 1:
        raise TypeError(
            f"np.linalg.norm: ord={ord!r} over {len(axes)} axes is a norm of matrices, which has "
            "no recorded operation; norm(x, p, axis) takes the elements for one vector"
        )
    return norm(x, ord, axis, keepdims)


def _spreads() -> list[Sample]:
    x = uniform((2, 3, 4))
    return [
        *over_axes(x),
        *over_axes(x, correction=0),
        sample(x, 1, correction=2),
        sample(x, -1, keepdims=True, correction=0.5),
        sample(uniform((2, 5)) + 10, 1),
        *(
            kink(*few.inputs, **few.parameters)
            for few in of_few_elements(empty=False, correction=0)
        ),
        kink(np.full((2, 3), 0.5), 1),
    ]


@reference
def _plain_var(x: Array, axis: Any, keepdims: bool, correction: float = 1) -> Any:
    count = prod(x.shape[one] for one in axis or ())
    mean = x.sum(axis=axis, keepdims=True) / max(count, 1)
    total = ((x - mean) ** 2).sum(axis=axis, keepdims=keepdims)
    return total / (count - correction) if count > correction else np.full_like(total, nan)


def _logsumexps() -> list[Sample]:
    x = uniform((2, 3, 4))
    return [
        *over_axes(x),
        *of_few_elements(empty=False),
        sample(uniform((0, 3))),
        sample(x * 100, 1),
        sample(np.zeros((2, 3)), dim=0),
        sample(np.array([[1e4, -1e4], [-1e4, -1e4]]), dim=1),
        kink(np.array([[-inf, 1.0, 2.0], [0.0, -inf, -inf]]), 1),
    ]


@reference
def _plain_logsumexp(x: Array, axis: Any, keepdims: bool) -> Any:
    largest = np.max(x, axis=axis, keepdims=True, initial=-1e9)
    with np.errstate(divide="ignore"):
        y = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return y if keepdims or axis is None else np.squeeze(y, axis)


def _norms() -> list[Sample]:
    away = uniform((2, 3, 4), 0.3, 2.0) * np.where(uniform((2, 3, 4), seed=1) < 0, -1, 1)
    zeros = np.array([[0.0, 0.0], [3.0, -4.0]])
    orders = (0, 1, 2, 3, 1.5, 0.5, -1, inf, -inf)
    return [
        *over_axes(away),
        *over_axes(away, p=3),
        *(sample(away, p, 1) for p in orders),
        *(sample(away, p, dim=(0, 2), keepdim=True) for p in orders),
        *(kink(zeros, p, 1) for p in orders if p != 0),
        *(kink(np.zeros(3), p) for p in orders if p != 0),
        kink(np.array([2.0, -2.0, 1.0]), inf),
        sample(away, "fro", 0),
        sample(away, None),
        sample(uniform(())),
        sample(uniform(()), 1, axis=-1),
        sample(uniform((0, 3))),
        sample(uniform((0, 3)), 1, 0),
        sample(uniform((0, 3)), inf, 1),
    ]


def _plain_norm(
    x: Array,
    p: Any = "fro",
    axis: Any = None,
    keepdims: bool = False,
    dim: Any = None,
    keepdim: bool = False,
) -> Any:
    given = axis if dim is None else dim
    order = 2 if p in (None, "fro") else p
    with np.errstate(divide="ignore"):  # 0 to a negative power
        return np.linalg.vector_norm(
            np.atleast_1d(x),
            ord=order,
            axis=tuple(given) if isinstance(given, list) else given,
            keepdims=(keepdims or keepdim) and x.ndim > 0,
        )


OPERATIONS: list[Operation] = [
    Operation(
        var,
        VarBackward,
        method="var",
        torch="var",
        numpy={np.var: _numpy_var},
        samples=_spreads,
        reference=_plain_var,
        bad_inputs=[
            *bad_axes("var"),
            *not_numbers("var"),
            bad(TypeError, "correction should be a real number", uniform(3), correction="one"),
        ],
    ),
    Operation(
        std,
        StdBackward,
        method="std",
        torch="std",
        numpy={np.std: _numpy_std},
        samples=_spreads,
        reference=lambda *inputs, **parameters: np.sqrt(_plain_var(*inputs, **parameters)),
        bad_inputs=[
            *bad_axes("std"),
            *not_numbers("std"),
            bad(TypeError, "correction should be a real number", uniform(3), correction="one"),
        ],
    ),
    Operation(
        logsumexp,
        LogSumExpBackward,
        method="logsumexp",
        torch="logsumexp",
        samples=_logsumexps,
        reference=_plain_logsumexp,
        bad_inputs=[*bad_axes("logsumexp"), *not_numbers("logsumexp")],
    ),
    Operation(
        norm,
        method="norm",
        torch="norm",
        numpy={np.linalg.norm: _numpy_norm},
        samples=_norms,
        reference=_plain_norm,
        bad_inputs=[
            *not_numbers("norm"),
            bad(
                ValueError,
                "norm: p should be a number or 'fro', but it is 'nuc'",
                uniform(3),
                "nuc",
            ),
            bad(TypeError, "norm: p should be a real number", uniform(3), [2]),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((2, 3)), 2, 2),
            bad(TypeError, "norm: axis=0 and dim=1", uniform((2, 3)), axis=0, dim=1),
            bad(ValueError, "named once", uniform((2, 3)), 1, (0, 0)),
            bad(ValueError, "no elements", uniform((0, 3)), inf, 0),
        ],
    ),
]
