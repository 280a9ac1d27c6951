"""Activation functions that are smooth everywhere: of each element by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import bad, uniform

from .cases import NO_NUMBERS, curve
from .operands import floating, number, times


class SigmoidBackward(Function):
    """y = 1 / (1 + e^-x). Gradient: g y (1 - y)."""

    batched = True

    def forward(self, x: Array) -> Array:
        with np.errstate(over="ignore"):  # e^-x may become infinite, and 1 / infinity is right
            y = np.asarray(-floating("sigmoid", x))
            np.exp(y, out=y)
            y += 1
            np.divide(1, y, out=y)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        slope = 1 - y
        slope *= y
        return times(slope, grad_output)


def sigmoid(x: Any) -> Tensor:
    """Logistic function ``1 / (1 + exp(-x))``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g y (1 - y), where y is
        the result.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> sigmoid(Tensor([-1e4, 0.0, 1e4]))
    Tensor(data=[0.  0.5 1. ], shape=(3,))
    """
    return SigmoidBackward.call(x)


class TanhBackward(Function):
    """y = tanh x. Gradient: g (1 - y²)."""

    batched = True

    def forward(self, x: Array) -> Any:
        y = np.tanh(floating("tanh", x))
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        slope = y * y
        slope *= -1  # in place, for -grad_output would be another array
        slope += 1
        return times(slope, grad_output)


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g (1 - y²), where y is
        the result.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> tanh(Tensor([-1e4, 0.0, 1e4]))
    Tensor(data=[-1.  0.  1.], shape=(3,))
    """
    return TanhBackward.call(x)


class SoftsignBackward(Function):
    """x / (1 + |x|). Gradient: g / (1 + |x|)²."""

    batched = True

    def forward(self, x: Array) -> Any:
        x = floating("softsign", x)
        self.save(x)
        y = np.asarray(np.abs(x))
        y += 1
        return np.divide(x, y, out=y)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        scale = 1 + np.abs(x)
        grad_x = grad_output / scale
        grad_x /= scale  # the square may be too large for half precision
        return grad_x


def softsign(x: Any) -> Tensor:
    """Softsign ``x / (1 + abs(x))``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is
        g / (1 + abs(x))².

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> softsign(Tensor([-1.0, 0.0, 3.0]))
    Tensor(data=[-0.5   0.    0.75], shape=(3,))
    """
    return SoftsignBackward.call(x)


def _decay(x: Array) -> Any:
    """Return log(1 + e^-|x|), what a smooth corner adds to the corner itself."""
    y = np.asarray(np.abs(x))
    np.negative(y, out=y)
    np.exp(y, out=y)
    return np.log1p(y, out=y)


class SoftplusBackward(Function):
    """log(1 + e^(β x)) / β, but x if β x is above a threshold. Gradient: g sigmoid(β x) or g."""

    batched = True

    def forward(self, x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Array:
        x = floating("softplus", x)
        self.save(x)
        self.beta, self.threshold = beta, threshold
        scaled = x * beta
        y = _decay(scaled)
        y += np.maximum(scaled, 0)
        y /= beta
        straight = np.asarray(scaled > threshold)
        return np.where(straight, x, y) if straight.any() else y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        scaled = x * self.beta
        straight = scaled > self.threshold
        return grad_output * (sigmoid(scaled) * ~straight + straight)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Smooth rectifier ``log(1 + exp(beta * x)) / beta``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.
    beta : float
        How sharp the corner is; not 0.
    threshold : float
        Where ``beta * x`` is above it, the result is `x` itself.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is
        g sigmoid(beta x), and g above the threshold.

    Raises
    ------
    ValueError
        If `beta` is 0.
    TypeError
        If `beta` or `threshold` is not a number, or `x` holds no real numbers.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau and Garcia (2000), NIPS 13:472-478.

    Examples
    --------
    >>> softplus(Tensor([-1e4, 0.0, 1e4]))
    Tensor(data=[0.000000e+00 6.931472e-01 1.000000e+04], shape=(3,))
    """
    sharpness = number("softplus", "beta", beta)
    if sharpness == 0:
        raise ValueError("softplus: beta should not be 0, but it is; use 1 for the usual curve")
    return SoftplusBackward.call(
        x, beta=sharpness, threshold=number("softplus", "threshold", threshold)
    )


class LogSigmoidBackward(Function):
    """log(1 / (1 + e^-x)). Gradient: g sigmoid(-x)."""

    batched = True

    def forward(self, x: Array) -> Any:
        x = floating("logsigmoid", x)
        self.save(x)
        y = _decay(x)
        return np.subtract(np.minimum(x, 0), y, out=y)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * sigmoid(-x)


def logsigmoid(x: Any) -> Tensor:
    """Logarithm of the sigmoid, exact also where the sigmoid rounds to 0 or 1.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is
        g sigmoid(-x).

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> logsigmoid(Tensor([-1e4, 0.0])).data.round(4)
    array([-1.000e+04, -6.931e-01], dtype=float32)
    """
    return LogSigmoidBackward.call(x)


def _plain_softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta)


OPERATIONS: list[Operation] = [
    Operation(
        sigmoid,
        SigmoidBackward,
        method="sigmoid",
        torch="sigmoid",
        samples=curve(-20.0, 20.0),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: (1 + np.tanh(x / 2)) / 2,
    ),
    Operation(
        tanh,
        TanhBackward,
        method="tanh",
        torch="tanh",
        numpy=[np.tanh],
        samples=curve(-5.0, 5.0),
        bad_inputs=NO_NUMBERS,
        reference=np.tanh,
    ),
    Operation(
        softsign,
        SoftsignBackward,
        method="softsign",
        torch="nn.functional.softsign",
        samples=curve(),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: x / (1 + abs(x)),
    ),
    Operation(
        softplus,
        SoftplusBackward,
        method="softplus",
        torch="nn.functional.softplus",
        samples=curve(variants=[{"beta": 2}, {"beta": 0.5, "threshold": 0.1}, {"threshold": -3}]),
        bad_inputs=[
            *NO_NUMBERS,
            bad(TypeError, "beta should be a number", uniform(3), beta="a"),
            bad(TypeError, "threshold should be a number", uniform(3), threshold=None),
            bad(ValueError, "beta should not be 0", uniform(3), 0),
        ],
        reference=_plain_softplus,
    ),
    Operation(
        logsigmoid,
        LogSigmoidBackward,
        method="logsigmoid",
        torch="nn.functional.logsigmoid",
        samples=curve(),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: -np.logaddexp(0, -x),
    ),
]
