"""Logarithms, exponentials and powers of each element."""

from __future__ import annotations

from math import log as log_of_number
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import kink, sample

from .elementwise import (
    Elementwise,
    above_minus_infinity,
    all_floating,
    floating,
    not_numbers,
    not_together,
    operands,
    pairs,
    unary,
)
from .operands import operand


class Log1pBackward(Elementwise):
    """log(1 + x). Gradient: g / (1 + x)."""

    ufunc = np.log1p

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / (1 + x)


def log1p(x: Any) -> Tensor:
    """Natural logarithm of 1 + x, elementwise, exact also where x is small.

    Parameters
    ----------
    x : Tensor
        Any shape, greater than -1.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / (1 + x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> log1p(Tensor([0.0, 1e-10]))
    Tensor(data=[0.e+00 1.e-10], shape=(2,))
    """
    return Log1pBackward.call(operand("log1p", x))


class Expm1Backward(Elementwise):
    """e^x - 1. Gradient: g e^x."""

    ufunc = np.expm1

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * np.exp(x)


def expm1(x: Any) -> Tensor:
    """Exponential less 1, elementwise, exact also where x is small.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g exp(x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> expm1(Tensor([0.0, 1e-10]))
    Tensor(data=[0.e+00 1.e-10], shape=(2,))
    """
    return Expm1Backward.call(operand("expm1", x))


class Log2Backward(Elementwise):
    """The logarithm to base 2. Gradient: g / (x log 2)."""

    ufunc = np.log2

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / (x * log_of_number(2))


def log2(x: Any) -> Tensor:
    """Logarithm to base 2, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape, positive.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / (x log 2).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> log2(Tensor([0.5, 8.0]))
    Tensor(data=[-1.  3.], shape=(2,))
    """
    return Log2Backward.call(operand("log2", x))


class Log10Backward(Elementwise):
    """The logarithm to base 10. Gradient: g / (x log 10)."""

    ufunc = np.log10

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / (x * log_of_number(10))


def log10(x: Any) -> Tensor:
    """Logarithm to base 10, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape, positive.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / (x log 10).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> log10(Tensor([0.1, 1000.0])).data.round(4)
    array([-1.,  3.], dtype=float32)
    """
    return Log10Backward.call(operand("log10", x))


class RsqrtBackward(Function):
    """y = 1 / sqrt x. Gradient: -g y³ / 2."""

    batched = True

    def forward(self, x: Array) -> Array:
        y = np.asarray(np.sqrt(floating(x)))
        np.divide(1, y, out=y)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output * (y * y * y * -0.5)


def rsqrt(x: Any) -> Tensor:
    """One over the square root, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape, positive.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is -g y³ / 2, where y is the
        result.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> rsqrt(Tensor([4.0, 0.25]))
    Tensor(data=[0.5 2. ], shape=(2,))
    """
    return RsqrtBackward.call(operand("rsqrt", x))


class SquareBackward(Function):
    """x². Gradient: 2 g x."""

    batched = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        return np.square(x)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        gradient = grad_output * x
        gradient *= 2
        return gradient


def square(x: Any) -> Tensor:
    """Square, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is 2 g x.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> square(Tensor([-3.0, 0.5]))
    Tensor(data=[9.   0.25], shape=(2,))
    """
    return SquareBackward.call(operand("square", x))


class ReciprocalBackward(Function):
    """y = 1 / x. Gradient: -g y²."""

    batched = True

    def forward(self, x: Array) -> Array:
        y: Array = 1 / floating(x)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return -(grad_output * y * y)


def reciprocal(x: Any) -> Tensor:
    """One over each element.

    Parameters
    ----------
    x : Tensor
        Any shape, not zero.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers (NumPy's gives integers). The gradient is
        -g / x².

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> reciprocal(Tensor([2.0, -4.0]))
    Tensor(data=[ 0.5  -0.25], shape=(2,))
    """
    return ReciprocalBackward.call(operand("reciprocal", x))


class LogAddExpBackward(Function):
    """y = log(e^a + e^b). Gradients: g e^(a - y) and g e^(b - y)."""

    batched = True

    def forward(self, a: Array, b: Array) -> Any:
        y = np.logaddexp(*all_floating(a, b))
        self.save(a, b, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        a, b, y = self.saved
        need_a, need_b = self.needs_input_grad
        y = above_minus_infinity(y)
        return (
            grad_output * np.exp(a - y) if need_a else None,
            grad_output * np.exp(b - y) if need_b else None,
        )


def logaddexp(input: Any, other: Any) -> Tensor:
    """Logarithm of the sum of two exponentials, elementwise, where these would be too large.

    Parameters
    ----------
    input, other : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy, but integers give float32.

    Returns
    -------
    Tensor
        ``log(exp(input) + exp(other))``, of the broadcast shape. The gradient of each operand is
        g exp(operand - result), zero where both are -∞.

    Raises
    ------
    TypeError, ValueError
        If an operand is no array of real numbers, or the shapes do not broadcast.

    Examples
    --------
    >>> logaddexp(Tensor([1000.0]), 0.0)
    Tensor(data=[1000.], shape=(1,))
    """
    return LogAddExpBackward.call(*operands("logaddexp", input, other))


_ONES = np.array([1.0, 1.0, 0.5, 2.0])

OPERATIONS: list[Operation] = [
    unary(
        log1p,
        Log1pBackward,
        (-0.9, 3.0),
        numpy=[np.log1p],
        reference=lambda x: np.log(1 + x),
        points=[sample(np.array([0.0, -0.5, 1e3]))],
    ),
    unary(
        expm1,
        Expm1Backward,
        (-2.0, 2.0),
        numpy=[np.expm1],
        reference=lambda x: np.exp(x) - 1,
        points=[sample(np.zeros((2, 2)))],
    ),
    unary(
        log2,
        Log2Backward,
        (0.1, 4.0),
        numpy=[np.log2],
        reference=lambda x: np.log(x) / np.log(2),
        points=[sample(_ONES)],
    ),
    unary(
        log10,
        Log10Backward,
        (0.1, 4.0),
        numpy=[np.log10],
        reference=lambda x: np.log(x) / np.log(10),
        points=[sample(_ONES)],
    ),
    unary(
        rsqrt,
        RsqrtBackward,
        (0.2, 4.0),
        reference=lambda x: x**-0.5,
        points=[sample(_ONES)],
    ),
    unary(
        square,
        SquareBackward,
        (-2.0, 2.0),
        numpy=[np.square],
        reference=lambda x: x * x,
        points=[sample(np.zeros((2, 2)))],
    ),
    unary(
        reciprocal,
        ReciprocalBackward,
        (0.2, 3.0),
        numpy=[np.reciprocal],
        reference=lambda x: 1 / x,
        points=[sample(-_ONES)],
    ),
    Operation(
        logaddexp,
        LogAddExpBackward,
        method="logaddexp",
        torch="logaddexp",
        numpy=[np.logaddexp],
        reference=lambda x, y: np.log(np.exp(x) + np.exp(y)),
        samples=lambda: [
            *pairs(),
            sample(_ONES, _ONES),
            sample(np.array([300.0, -300.0]), np.array([-300.0, 299.0])),
            kink(np.array([-np.inf, 1.0]), np.array([0.0, -np.inf])),
        ],
        bad_inputs=[*not_numbers("logaddexp", 1.0), not_together("logaddexp")],
    ),
]
