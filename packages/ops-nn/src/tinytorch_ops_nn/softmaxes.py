"""Softmax and its logarithm, along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, at_least_single, either, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .cases import NO_NUMBERS
from .operands import floating
from .products import inner


class SoftmaxBackward(Function):
    """y = e^x / Σ e^x along an axis. Gradient: y (g - Σ g y)."""

    def forward(self, x: Array, *, dim: Any = -1) -> Array:
        shifted, self.axis = _shifted("softmax", x, dim)
        y: Array = np.exp(shifted, out=shifted)
        y /= at_least_single(y).sum(axis=self.axis, keepdims=True)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        grad_x = grad_output - inner(grad_output, y, (self.axis,))
        grad_x *= y
        return grad_x


def softmax(x: Any, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Exponentials along an axis, divided by their sum: positive numbers that sum to 1.

    Parameters
    ----------
    x : Tensor
        Any shape. A 0-d tensor counts as its own row.
    dim, axis : int
        The axis whose elements shall sum to 1; by default the last.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is y (g - Σ g y), where y is
        the result and the sum is along the axis.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, or the axis is not an integer.

    Examples
    --------
    >>> softmax(Tensor([[2.0, 2.0], [0.0, 1000.0]]))
    Tensor(data=[[0.5 0.5]
                 [0.  1. ]], shape=(2, 2))
    """
    return SoftmaxBackward.call(x, dim=either("softmax", axis, dim, default=-1))


class LogSoftmaxBackward(Function):
    """y = x - log Σ e^x along an axis. Gradient: g - e^y Σ g."""

    def forward(self, x: Array, *, dim: Any = -1) -> Array:
        shifted, self.axis = _shifted("log_softmax", x, dim)
        total = np.exp(at_least_single(shifted)).sum(axis=self.axis, keepdims=True)
        y: Array = shifted  # below, the total is less than 1 only where the axis is empty
        y -= np.log(np.maximum(total, 1))
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        away = np.exp(y)
        away *= at_least_single(grad_output).sum(axis=self.axis, keepdims=True)
        return grad_output - away


def log_softmax(x: Any, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Logarithm of the softmax along an axis, exact also where the softmax rounds to 0.

    Parameters
    ----------
    x : Tensor
        Any shape. A 0-d tensor counts as its own row.
    dim, axis : int
        The axis along which the softmax sums to 1; by default the last.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers: ``x - log(sum(exp(x)))``. The gradient is
        g - softmax(x) Σ g, where the sum is along the axis.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, or the axis is not an integer.

    Examples
    --------
    >>> log_softmax(Tensor([0.0, 1000.0]))
    Tensor(data=[-1000.     0.], shape=(2,))
    """
    return LogSoftmaxBackward.call(x, dim=either("log_softmax", axis, dim, default=-1))


def _shifted(op: str, x: Any, dim: Any) -> tuple[Array, int]:
    """Return x less its largest along the axis, so that no e^x is too large; and the axis."""
    array = floating(op, x)
    axis = one_axis(op, dim, array.ndim or 1)
    return np.asarray(array - array.max(axis=axis, keepdims=True, initial=-np.inf)), axis


def _along_an_axis() -> list[Sample]:
    return [
        sample(uniform((2, 3)), -1),
        sample(uniform((2, 3)), 0),
        sample(uniform((2, 3)), dim=1),
        sample(uniform((2, 3)), axis=-2),
        sample(uniform((2, 4, 3)), 1),
        sample(uniform((4,)), 0),
        sample(uniform(()), 0),
        sample(uniform(()), -1),
        sample(uniform((1,)), 0),
        sample(uniform((3, 1)), 1),
        sample(uniform((0, 3)), 0),
        sample(uniform((0, 3)), 1),
        sample(np.zeros((2, 3)), 1),
        sample(uniform((2, 3)) * 100, 1),
    ]


_BAD = [
    *NO_NUMBERS,
    bad(IndexError, "axes of the tensor are from -2 to 1", uniform((2, 3)), 2),
    bad(IndexError, "axes of the tensor are from -1 to 0", uniform(()), 1),
    bad(TypeError, "axis=0 and dim=1", uniform((2, 3)), 1, axis=0),
    bad(TypeError, "an axis is an integer", uniform((2, 3)), "rows"),
]


def _plain_softmax(x: Any, dim: int | None = None, axis: int | None = None) -> Any:
    powers = np.exp(np.atleast_1d(x))
    return (powers / powers.sum(dim if axis is None else axis, keepdims=True)).reshape(x.shape)


OPERATIONS: list[Operation] = [
    Operation(
        softmax,
        SoftmaxBackward,
        method="softmax",
        torch="softmax",
        samples=_along_an_axis,
        bad_inputs=_BAD,
        reference=_plain_softmax,
    ),
    Operation(
        log_softmax,
        LogSoftmaxBackward,
        method="log_softmax",
        torch="log_softmax",
        samples=_along_an_axis,
        bad_inputs=_BAD,
        reference=lambda *args, **names: np.log(_plain_softmax(*args, **names)),
    ),
]
