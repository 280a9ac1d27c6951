"""Rectifiers: straight above zero, and bent at it."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .cases import NO_NUMBERS, curve
from .operands import floating, number


class ReLUBackward(Function):
    """y = max(x, 0). Gradient: g where x is positive, 0 elsewhere, also at 0."""

    batched = True

    def forward(self, x: Array) -> Array:
        y = np.maximum(x, 0)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output * (y != 0)  # y is positive, 0 or NaN, and NaN shall not go unnoticed


def relu(x: Any) -> Tensor:
    """Rectified linear unit ``max(x, 0)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, integers for booleans. The gradient is g where x is positive,
        and 0 elsewhere.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    Examples
    --------
    >>> relu(Tensor([-1.0, 2.0]))
    Tensor(data=[0. 2.], shape=(2,))
    """
    return ReLUBackward.call(x)


class LeakyReLUBackward(Function):
    """x where it is positive, a x elsewhere. Gradient: g where x is positive, a g elsewhere."""

    batched = True

    def forward(self, x: Array, *, negative_slope: float = 0.01) -> Array:
        x = floating("leaky_relu", x)
        self.slope = negative_slope
        self.save(x)
        y = np.asarray(np.minimum(x, 0))
        y *= negative_slope
        y += np.maximum(x, 0)
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        positive = x > 0
        grad_x = grad_output * ~positive
        grad_x *= self.slope
        grad_x += grad_output * positive
        return grad_x


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """Rectifier that leaks: ``max(x, 0) + negative_slope * min(x, 0)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.
    negative_slope : float
        The slope below zero.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g where x is
        positive, and g times the slope elsewhere.

    Raises
    ------
    TypeError
        If `negative_slope` is not a number, or `x` holds no real numbers.

    References
    ----------
    Maas, Hannun and Ng (2013), ICML workshop on deep learning for audio.

    Examples
    --------
    >>> leaky_relu(Tensor([-100.0, 2.0]))
    Tensor(data=[-1.  2.], shape=(2,))
    """
    slope = number("leaky_relu", "negative_slope", negative_slope)
    return LeakyReLUBackward.call(x, negative_slope=slope)


class PReLUBackward(Function):
    """x where it is positive, w x elsewhere. Gradients: g or w g; and g min(x, 0) towards w."""

    batched = True

    def forward(self, x: Array, weight: Array) -> Array:
        self.save(x, weight)
        y = np.minimum(x, 0) * weight
        y += np.maximum(x, 0)
        return y

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight = self.needs_input_grad
        positive = x > 0
        grad_x = grad_weight = None
        if need_x:
            grad_x = grad_output * positive + grad_output * ~positive * weight
        if need_weight:
            grad_weight = grad_output * ~positive * x
        return grad_x, grad_weight


def prelu(x: Any, weight: Any) -> Tensor:
    """Rectifier whose slope below zero is learnt: ``max(x, 0) + weight * min(x, 0)``.

    Parameters
    ----------
    x : Tensor
        Any shape; its channels lie along axis 1.
    weight : Tensor
        Of shape (), (1,), or (C,) for C channels: the slope below zero.

    Returns
    -------
    Tensor
        The shape of `x`. Dtypes promote as in NumPy, and integers count as float32. The gradient of
        `x` is g where x is positive and g times its slope elsewhere; that of `weight` is the sum of
        g min(x, 0) over what the slope was used for.

    Raises
    ------
    ValueError
        If `weight` has neither one element nor one a channel, or more than one axis.
    TypeError
        If `x` or `weight` holds no real numbers.

    References
    ----------
    He, Zhang, Ren and Sun (2015), arXiv:1502.01852.

    Examples
    --------
    >>> prelu(Tensor([[-4.0, -4.0], [2.0, 2.0]]), Tensor([0.5, 0.25]))
    Tensor(data=[[-2. -1.]
                 [ 2.  2.]], shape=(2, 2))
    """
    x, weight = floating("prelu", x), floating("prelu", weight, "the weight")
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise ValueError(
            f"prelu: the weight should have one element, or one for each of the {channels} "
            f"channels along axis 1, but its shape is {weight.shape} and that of the input "
            f"{x.shape}"
        )
    places = (1,) * (x.ndim - 2)
    return PReLUBackward.call(x, weight.reshape((-1, *places) if x.ndim > 1 else ()))


def _prelus() -> list[Sample]:
    weights = uniform((3,), 0.1, 0.9, seed=1)
    shapes: list[tuple[int, ...]] = [(), (1,), (4,), (2, 3), (0, 3), (2, 1, 3), (2, 3, 1, 2)]
    return [
        *(sample(uniform(shape, avoid=[0.0]), np.array([0.25])) for shape in shapes),
        sample(uniform((2, 3), avoid=[0.0]), weights),
        sample(uniform((2, 3, 4), avoid=[0.0]), weights),
        sample(uniform((0, 3), avoid=[0.0]), weights),
        sample(uniform((2, 3), avoid=[0.0]), np.array(-0.5)),
        sample(np.array(-1.5), np.array([0.25])),
        kink(np.zeros((2, 3)), weights),
    ]


def _plain_prelu(x: Any, weight: Any) -> Any:
    slopes = weight.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else weight.reshape(())
    return np.where(x > 0, x, slopes * x)


OPERATIONS: list[Operation] = [
    Operation(
        relu,
        ReLUBackward,
        method="relu",
        torch="relu",
        samples=lambda: [*curve(kinks=[0.0])(), kink(np.array([-1.0, 0.0, -0.0, np.nan]))],
        bad_inputs=NO_NUMBERS,
        reference=lambda x: np.where(x < 0, 0, x),
    ),
    Operation(
        leaky_relu,
        LeakyReLUBackward,
        method="leaky_relu",
        torch="nn.functional.leaky_relu",
        samples=lambda: [
            *curve(kinks=[0.0], variants=[{"negative_slope": 0.5}, {"negative_slope": -2}])(),
            kink(np.array([-1.0, 0.0, -0.0, np.nan]), 1.5),
        ],
        bad_inputs=[
            *NO_NUMBERS,
            bad(TypeError, "negative_slope should be a number", uniform(3), "steep"),
        ],
        reference=lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
    ),
    Operation(
        prelu,
        PReLUBackward,
        method="prelu",
        torch="nn.functional.prelu",
        samples=_prelus,
        bad_inputs=[
            bad(ValueError, r"3 channels.*\(2,\).*\(2, 3\)", uniform((2, 3)), np.ones(2)),
            bad(ValueError, r"1 channels.*\(3,\)", uniform((3,)), np.ones(3)),
            bad(ValueError, r"\(1, 1\)", uniform((2, 3)), np.ones((1, 1))),
            bad(TypeError, "input should be a tensor", "text", np.ones(1)),
            bad(TypeError, "the weight should be a tensor", uniform((2, 3)), None),
        ],
        reference=_plain_prelu,
    ),
]
