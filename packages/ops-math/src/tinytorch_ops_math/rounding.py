"""Whole numbers and remainders, signs, and what is not a number."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .elementwise import not_numbers, not_together, operands, unary
from .operands import integers, operand


class RemainderBackward(Function):
    """r = a - n b, where the whole number n leaves r the sign of b. Gradients: g and -g n."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        integral = np.result_type(a, b).kind in "iub"
        if integral and np.any(np.equal(b, 0)):
            raise ValueError("remainder: an integer cannot be divided by zero; divide floats, or b")
        r = np.remainder(a, b)
        self.save(a, b, r)
        return r

    def apply(self, grad_output: Array) -> Any:
        a, b, r = self.saved
        _, need_b = self.needs_input_grad
        return grad_output, -(grad_output * np.round((a - r) / b)) if need_b else None


def remainder(input: Any, other: Any) -> Tensor:
    """Remainder of a division, elementwise, with the sign of the divisor as in Python.

    Parameters
    ----------
    input, other : Tensor, array or number
        Dividend and divisor, of shapes that broadcast. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        ``input - floor(input / other) * other``, of the broadcast shape. The gradient of `input` is
        g, that of `other` is -g floor(input / other).

    Raises
    ------
    TypeError, ValueError
        If an operand is no array of real numbers, the shapes do not broadcast, or an integer is
        divided by zero.

    Examples
    --------
    >>> remainder(Tensor([5.0, -5.0]), 3)
    Tensor(data=[2. 1.], shape=(2,))
    """
    return RemainderBackward.call(*operands("remainder", input, other))


class _Steps(Function):
    """A function that is constant but for jumps. Gradient: 0."""

    batched = True

    def apply(self, grad_output: Array) -> Any:
        return np.zeros_like(grad_output)


class SignBackward(_Steps):
    """-1, 0 or 1, as x is negative, 0 or positive. Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return np.sign(x) if x.dtype.kind != "b" else x.copy()


def sign(x: Any) -> Tensor:
    """Sign of each element: -1, 0 or 1, or NaN.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is zero.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> sign(Tensor([-2.5, 0.0, 3.0]))
    Tensor(data=[-1.  0.  1.], shape=(3,))
    """
    return SignBackward.call(operand("sign", x))


class FloorBackward(_Steps):
    """The largest whole number that is not above x. Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return np.floor(x) if x.dtype.kind == "f" else x.copy()


def floor(x: Any) -> Tensor:
    """Largest whole number that is not above, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is zero.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> floor(Tensor([-0.5, 1.5]))
    Tensor(data=[-1.  1.], shape=(2,))
    """
    return FloorBackward.call(operand("floor", x))


class CeilBackward(_Steps):
    """The smallest whole number that is not below x. Gradient: 0."""

    def forward(self, x: Array) -> Array:
        return np.ceil(x) if x.dtype.kind == "f" else x.copy()


def ceil(x: Any) -> Tensor:
    """Smallest whole number that is not below, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is zero.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> ceil(Tensor([-1.5, 0.5]))
    Tensor(data=[-1.  1.], shape=(2,))
    """
    return CeilBackward.call(operand("ceil", x))


class RoundBackward(_Steps):
    """The nearest multiple of a power of ten, the even one of two. Gradient: 0."""

    def forward(self, x: Array, *, decimals: int = 0) -> Array:
        if x.dtype.kind == "b":
            return x.copy()
        # NumPy 2.0 gives integers back as they are, in memory that is not ours to share.
        return np.round(x if x.dtype.kind == "f" else x.copy(), decimals)


def round(x: Any, decimals: int = 0) -> Tensor:
    """Nearest number with so many decimals, elementwise; of two equally near, the even one.

    Parameters
    ----------
    x : Tensor
        Any shape.
    decimals : int
        How many digits to keep after the decimal point. Negative numbers round before it.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is zero.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers, or `decimals` is no integer.

    Examples
    --------
    >>> round(Tensor([0.5, 1.5, -2.6]))
    Tensor(data=[ 0.  2. -3.], shape=(3,))
    >>> round(Tensor([1.25, 3.14159]), decimals=1)
    Tensor(data=[1.2 3.1], shape=(2,))
    """
    (places,) = integers("round", "decimals", decimals)
    return RoundBackward.call(operand("round", x), decimals=places)


class IsNaN(Function):
    """Whether x is not a number. Gradient: none, for the result is boolean."""

    def forward(self, x: Array) -> Array:
        return np.isnan(x)


def isnan(x: Any) -> Tensor:
    """Whether each element is not a number.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        Booleans of the shape of `x`, which have no gradient.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> isnan(Tensor([1.0, np.nan]))
    Tensor(data=[False  True], shape=(2,))
    """
    return IsNaN.call(operand("isnan", x))


def _whole(low: int, high: int) -> Sample:
    """Return a sample that holds whole numbers, where the steps are."""
    return kink(np.arange(low, high).astype(float))


def _remainders() -> list[Sample]:
    # None of the quotients is within 0.05 of a whole number, where the remainder jumps.
    quotients = [[0.3, -1.6, 2.45], [-0.7, 1.2, -2.55]]
    divisors = uniform((2, 3), 0.5, 2.0)
    return [
        sample(quotients * divisors, divisors),
        sample(quotients * -divisors, -divisors),
        sample(np.array(quotients) * 0.5, 0.5),
        sample(np.array(quotients) * 0.5, np.array(-0.5)),
        sample(7.3, np.array([[2.0], [-3.0]])),
        sample(np.array([[5.3], [-4.1]]), np.array([2.0, -3.0, 0.7])),
        sample(np.array([0.3, 1.4]), np.array([[1.0], [2.0], [3.0]])),
        sample(np.array(5.3), np.array(2.0)),
        sample(np.array(5.3), np.array([2.0])),
        sample(np.zeros((0, 3)), np.array([1.0, 2.0, 3.0])),
        sample(np.array([5.3, 1.1]), np.float64(2.0)),
        kink(np.array([4.0, -4.0, 0.0, 1.0]), np.array([2.0, 2.0, 3.0, 0.1])),
    ]


def _numpy_rint(x: Any) -> Tensor:
    return round(x)


OPERATIONS: list[Operation] = [
    Operation(
        remainder,
        RemainderBackward,
        method="remainder",
        torch="remainder",
        numpy=[np.remainder],
        reference=lambda a, b: a - np.floor_divide(a, b) * b,
        samples=_remainders,
        bad_inputs=[
            *not_numbers("remainder", 1.0),
            not_together("remainder"),
            bad(ValueError, "divided by zero", np.array([1, 2]), np.array([3, 0])),
        ],
    ),
    unary(
        sign,
        SignBackward,
        (-2.0, 2.0),
        avoid=(0.0,),
        numpy=[np.sign],
        reference=lambda x: np.where(x == 0, 0.0, np.copysign(1.0, x)),
        points=[kink(np.array([0.0, -0.0, 1e-300, -np.inf]))],
    ),
    unary(
        floor,
        FloorBackward,
        (-2.0, 2.0),
        avoid=range(-2, 3),
        numpy=[np.floor],
        reference=lambda x: x - np.mod(x, 1),
        points=[_whole(-2, 3)],
    ),
    unary(
        ceil,
        CeilBackward,
        (-2.0, 2.0),
        avoid=range(-2, 3),
        numpy=[np.ceil],
        reference=lambda x: x + np.mod(-x, 1),
        points=[_whole(-2, 3)],
    ),
    unary(
        round,
        RoundBackward,
        (-2.0, 2.0),
        avoid=np.arange(-2.5, 3.0, 1.0),
        numpy={np.round: round, np.around: round, np.rint: _numpy_rint},
        reference=lambda x, decimals=0: np.rint(x * 10.0**decimals) / 10.0**decimals,
        points=[
            kink(np.arange(-2.5, 3.0, 0.5)),
            sample(np.array([[0.123, -4.567], [8.901, 2.345]]), 1),
            sample(np.array([0.1234, -4.5678]), decimals=2),
            sample(np.array([1234.0, -87.0, 3.0]), decimals=-2),
        ],
        bad_inputs=[bad(TypeError, "decimals should be an integer", uniform(3), 0.5)],
    ),
    unary(
        isnan,
        IsNaN,
        (-2.0, 2.0),
        numpy=[np.isnan],
        reference=lambda x: x != x,
        points=[kink(np.array([np.nan, np.inf, 0.0]))],
        twice_differentiable=False,
    ),
]
