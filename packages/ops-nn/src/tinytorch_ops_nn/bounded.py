"""Activation functions of straight pieces that are level below, above, or at both ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, kink, uniform

from .cases import NO_NUMBERS, curve
from .operands import floating, number


class HardtanhBackward(Function):
    """y = min(max(x, low), high). Gradient: g where x lies between the bounds, 0 elsewhere."""

    batched = True

    def forward(self, x: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> Array:
        self.low, self.high = min_val, max_val
        y: Array = np.clip(x, min_val, max_val)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        beyond = (y <= self.low) | (y >= self.high)
        return grad_output * ~beyond  # of NaN too, which shall not go unnoticed


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Straight line between two bounds, level beyond: ``min(max(x, min_val), max_val)``.

    Parameters
    ----------
    x : Tensor
        Any shape.
    min_val, max_val : float
        The bounds, which are the least and the largest value of the result.

    Returns
    -------
    Tensor
        The shape and dtype of `x`; integers stay integers where both bounds are whole. The gradient
        is g where x lies between the bounds, 0 beyond and at them.

    Raises
    ------
    ValueError
        If `min_val` is larger than `max_val`.
    TypeError
        If `min_val` or `max_val` is not a number, or `x` holds no real numbers.

    Examples
    --------
    >>> hardtanh(Tensor([-3.0, 0.5, 3.0]))
    Tensor(data=[-1.   0.5  1. ], shape=(3,))
    """
    low, high = number("hardtanh", "min_val", min_val), number("hardtanh", "max_val", max_val)
    if low > high:
        raise ValueError(
            "hardtanh: min_val should not be larger than max_val, but they are "
            f"{min_val} and {max_val}"
        )
    return HardtanhBackward.call(x, min_val=_as_given(low), max_val=_as_given(high))


def _as_given(bound: float) -> float:
    """Return a whole number as an integer, which leaves integers integers."""
    return int(bound) if bound.is_integer() else bound


class ReLU6Backward(HardtanhBackward):
    """y = min(max(x, 0), 6). Gradient: g where x lies between 0 and 6, 0 elsewhere."""


def relu6(x: Any) -> Tensor:
    """Rectifier that is level from 6 on: ``min(max(x, 0), 6)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is g where x lies between 0 and 6, and 0 elsewhere.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Howard et al. (2017), arXiv:1704.04861.

    Examples
    --------
    >>> relu6(Tensor([-3.0, 3.0, 30.0]))
    Tensor(data=[0. 3. 6.], shape=(3,))
    """
    return ReLU6Backward.call(x, min_val=0, max_val=6)


class HardsigmoidBackward(Function):
    """y = min(max(x/6 + 1/2, 0), 1). Gradient: g / 6 where x lies between -3 and 3, 0 elsewhere."""

    batched = True

    def forward(self, x: Array) -> Array:
        x = floating("hardsigmoid", x)
        self.save(x)
        y = np.asarray(np.clip(x, -3, 3))
        y += 3
        y /= 6
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * ((x > -3) & (x < 3)) / 6


def hardsigmoid(x: Any) -> Tensor:
    """Sigmoid of straight pieces: ``min(max(x / 6 + 1 / 2, 0), 1)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / 6 where x
        lies between -3 and 3, and 0 elsewhere.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> hardsigmoid(Tensor([-9.0, 0.0, 9.0]))
    Tensor(data=[0.  0.5 1. ], shape=(3,))
    """
    return HardsigmoidBackward.call(x)


class HardswishBackward(Function):
    """x min(max(x + 3, 0), 6) / 6. Gradient: 0 below -3, g (x/3 + 1/2) up to 3, g above."""

    batched = True

    def forward(self, x: Array) -> Array:
        x = floating("hardswish", x)
        self.save(x)
        y = np.asarray(np.clip(x, -3, 3))
        y += 3
        y *= x
        y /= 6
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        between = (x > -3) & (x < 3)
        slope = np.clip(x, -3, 3)  # no infinity may be multiplied with 0
        slope = (slope / 3 + 0.5) * between + (x >= 3)
        return grad_output * slope


def hardswish(x: Any) -> Tensor:
    """Gate of straight pieces: ``x * hardsigmoid(x)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is 0 where x is
        below -3, g (x / 3 + 1 / 2) up to 3, and g above.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Howard et al. (2019), arXiv:1905.02244.

    Examples
    --------
    >>> hardswish(Tensor([-9.0, 1.0, 9.0])).data.round(4)
    array([-0.    ,  0.6667,  9.    ], dtype=float32)
    """
    return HardswishBackward.call(x)


def _hardtanhs() -> list[Sample]:
    wide: list[dict[str, float]] = [
        {"min_val": -2.5, "max_val": 1.5},
        {"max_val": 3},
        {"min_val": 0, "max_val": 0},
    ]
    return [
        *curve(kinks=[-1.0, 1.0], variants=wide)(),
        kink(np.array([-1.0, 1.0, np.nan, 0.5])),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        hardtanh,
        HardtanhBackward,
        method="hardtanh",
        torch="nn.functional.hardtanh",
        samples=_hardtanhs,
        bad_inputs=[
            *NO_NUMBERS,
            bad(ValueError, "larger than max_val, but they are 2 and 1", uniform(3), 2, 1),
            bad(TypeError, "min_val should be a number", uniform(3), "low"),
            bad(TypeError, "max_val should be a number", uniform(3), max_val=None),
        ],
        reference=lambda x, min_val=-1.0, max_val=1.0: np.minimum(np.maximum(x, min_val), max_val),
    ),
    Operation(
        relu6,
        ReLU6Backward,
        method="relu6",
        torch="nn.functional.relu6",
        samples=curve(-3.0, 9.0, kinks=[0.0, 6.0]),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: np.minimum(np.maximum(x, 0), 6),
    ),
    Operation(
        hardsigmoid,
        HardsigmoidBackward,
        method="hardsigmoid",
        torch="nn.functional.hardsigmoid",
        samples=curve(-5.0, 5.0, kinks=[-3.0, 3.0]),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: np.minimum(np.maximum(x / 6 + 0.5, 0), 1),
    ),
    Operation(
        hardswish,
        HardswishBackward,
        method="hardswish",
        torch="nn.functional.hardswish",
        samples=curve(-5.0, 5.0, kinks=[-3.0, 3.0]),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: x * np.minimum(np.maximum(x + 3, 0), 6) / 6,
    ),
]
