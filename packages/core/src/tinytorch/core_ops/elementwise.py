"""Functions of each element by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, floating
from ..function import Function
from ..operation import Operation
from ..samples import elementwise
from ..tensor import Tensor


class ExpBackward(Function):
    """y = exp x. Gradient: g y."""

    batched = True

    def forward(self, x: Array) -> Array:
        y: Array = np.exp(floating(x))
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output * y


def exp(x: Any) -> Tensor:
    """Exponential, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g exp(x).

    Examples
    --------
    >>> exp(Tensor([0.0]))
    Tensor(data=[1.], shape=(1,))
    """
    return ExpBackward.call(x)


class LogBackward(Function):
    """log x, natural. Gradient: g / x."""

    batched = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        y: Array = np.log(floating(x))
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / x


def log(x: Any) -> Tensor:
    """Natural logarithm, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape, positive.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / x.

    Examples
    --------
    >>> log(Tensor([1.0]))
    Tensor(data=[0.], shape=(1,))
    """
    return LogBackward.call(x)


class SqrtBackward(Function):
    """y = sqrt x. Gradient: g / (2 y)."""

    batched = True

    def forward(self, x: Array) -> Array:
        y: Array = np.sqrt(floating(x))
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output / (2 * y)


def sqrt(x: Any) -> Tensor:
    """Square root, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape, not negative.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / (2 sqrt(x)), infinite
        at zero.

    Examples
    --------
    >>> sqrt(Tensor([4.0, 9.0]))
    Tensor(data=[2. 3.], shape=(2,))
    """
    return SqrtBackward.call(x)


class AbsBackward(Function):
    """|x|. Gradient: g sign(x), which is 0 at 0."""

    batched = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        return np.abs(x)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * np.sign(x)


def abs(x: Any) -> Tensor:
    """Absolute value, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is g sign(x), zero at zero.

    Examples
    --------
    >>> abs(Tensor([-1.0, 2.0]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return AbsBackward.call(x)


OPERATIONS = [
    Operation(
        exp,
        ExpBackward,
        method="exp",
        torch="exp",
        numpy=[np.exp],
        reference=np.exp,
        samples=elementwise(),
    ),
    Operation(
        log,
        LogBackward,
        method="log",
        torch="log",
        numpy=[np.log],
        reference=np.log,
        samples=elementwise(domain=(0.2, 4.0)),
    ),
    Operation(
        sqrt,
        SqrtBackward,
        method="sqrt",
        torch="sqrt",
        numpy=[np.sqrt],
        reference=np.sqrt,
        samples=elementwise(domain=(0.2, 4.0)),
    ),
    Operation(
        abs,
        AbsBackward,
        method="abs",
        aliases=("absolute",),
        torch="abs",
        numpy=[np.abs],
        reference=np.abs,
        samples=elementwise(avoid=(0.0,)),
    ),
]
