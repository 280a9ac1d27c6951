"""Rectifiers that level off exponentially below zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import bad, uniform

from .cases import NO_NUMBERS, curve
from .operands import floating, number, times
from .rectifiers import relu


class _ExponentialRectifier(Function):
    """c x where x is positive, c a (e^(x/b) - 1) elsewhere. Gradient: c g, or g c a/b e^(x/b)."""

    batched = True

    def _bend(self, x: Array, outer: float, inner: float, scale: float = 1.0) -> Array:
        """Return the function of x with a, b and c as given."""
        self.outer, self.inner, self.scale = outer, inner, scale
        self.save(x)
        y = np.asarray(np.minimum(x, 0) / inner)
        np.expm1(y, out=y)
        y *= outer
        y += np.maximum(x, 0)
        y *= scale
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        positive = x > 0
        # relu(-x), rather than x, so that no power is too large; its slope at 0 is 0.
        slope = np.exp(relu(-x) / -self.inner) * ~positive * (self.outer / self.inner) + positive
        slope *= self.scale
        return times(slope, grad_output)


class ELUBackward(_ExponentialRectifier):
    """x where it is positive, a (e^x - 1) elsewhere. Gradient: g, or g a e^x."""

    def forward(self, x: Array, *, alpha: float = 1.0) -> Array:
        return self._bend(floating("elu", x), outer=alpha, inner=1.0)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit: x above zero, ``alpha * (exp(x) - 1)`` below.

    Parameters
    ----------
    x : Tensor
        Any shape.
    alpha : float
        Minus the limit far below zero.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g where x is
        positive, and g alpha exp(x) elsewhere.

    Raises
    ------
    TypeError
        If `alpha` is not a number, or `x` holds no real numbers.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2015), arXiv:1511.07289.

    Examples
    --------
    >>> elu(Tensor([-1e4, 0.0, 2.0]))
    Tensor(data=[-1.  0.  2.], shape=(3,))
    """
    return ELUBackward.call(x, alpha=number("elu", "alpha", alpha))


class SELUBackward(_ExponentialRectifier):
    """c x where x is positive, c a (e^x - 1) elsewhere. Gradient: c g, or g c a e^x.

    With a = 1.6733 and c = 1.0507 mean 0 and variance 1 are kept from layer to layer.
    """

    def forward(self, x: Array) -> Array:
        return self._bend(floating("selu", x), outer=_SELU_ALPHA, inner=1.0, scale=_SELU_SCALE)


_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def selu(x: Any) -> Tensor:
    """Scaled exponential linear unit ``1.0507 * elu(x, alpha=1.6733)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is 1.0507 g where
        x is positive, and 1.7581 g exp(x) elsewhere.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter (2017), arXiv:1706.02515.

    Examples
    --------
    >>> selu(Tensor([-1e4, 0.0, 1.0]))
    Tensor(data=[-1.7580993  0.         1.050701 ], shape=(3,))
    """
    return SELUBackward.call(x)


class CELUBackward(_ExponentialRectifier):
    """x where it is positive, a (e^(x/a) - 1) elsewhere. Gradient: g, or g e^(x/a)."""

    def forward(self, x: Array, *, alpha: float = 1.0) -> Array:
        return self._bend(floating("celu", x), outer=alpha, inner=alpha)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit without a corner: ``alpha * (exp(x / alpha) - 1)`` below zero.

    Parameters
    ----------
    x : Tensor
        Any shape.
    alpha : float
        Minus the limit far below zero; positive.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g where x is
        positive, and g exp(x / alpha) elsewhere.

    Raises
    ------
    ValueError
        If `alpha` is not positive.
    TypeError
        If `alpha` is not a number, or `x` holds no real numbers.

    References
    ----------
    Barron (2017), arXiv:1704.07483.

    Examples
    --------
    >>> celu(Tensor([-1e4, 0.0, 2.0]), alpha=0.5)
    Tensor(data=[-0.5  0.   2. ], shape=(3,))
    """
    limit = number("celu", "alpha", alpha)
    if not limit > 0:
        raise ValueError(f"celu: alpha should be positive, but it is {alpha}")
    return CELUBackward.call(x, alpha=limit)


def _plain_elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


OPERATIONS: list[Operation] = [
    Operation(
        elu,
        ELUBackward,
        method="elu",
        torch="nn.functional.elu",
        samples=curve(kinks=[0.0], variants=[{"alpha": 0.5}, {"alpha": 3}]),
        bad_inputs=[*NO_NUMBERS, bad(TypeError, "alpha should be a number", uniform(3), "a")],
        reference=_plain_elu,
    ),
    Operation(
        selu,
        SELUBackward,
        method="selu",
        torch="nn.functional.selu",
        samples=curve(kinks=[0.0]),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: 1.0507009873554805 * _plain_elu(x, 1.6732632423543772),
    ),
    Operation(
        celu,
        CELUBackward,
        method="celu",
        torch="nn.functional.celu",
        samples=curve(kinks=[0.0], variants=[{"alpha": 0.5}, {"alpha": 3}]),
        bad_inputs=[
            *NO_NUMBERS,
            bad(TypeError, "alpha should be a number", uniform(3), "a"),
            bad(ValueError, "alpha should be positive, but it is 0", uniform(3), 0),
        ],
        reference=lambda x, alpha=1.0: alpha * _plain_elu(x / alpha),
    ),
]
