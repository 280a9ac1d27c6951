"""Activation functions in which one factor lets more or less of the other through."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, either, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .activations import sigmoid
from .cases import NO_NUMBERS, curve
from .operands import floating, times


class SiLUBackward(Function):
    """x s with s = sigmoid(x). Gradient: g s (1 + x (1 - s))."""

    batched = True

    def forward(self, x: Array) -> Array:
        x = floating("silu", x)
        self.save(x)
        y: Array = sigmoid(x)  # type: ignore[assignment]  # array in, array out
        y *= x
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        s = sigmoid(x)
        slope = 1 - s
        slope *= x
        slope += 1
        slope *= s
        return times(slope, grad_output)


def silu(x: Any) -> Tensor:
    """Sigmoid linear unit, or swish: ``x * sigmoid(x)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. With s = sigmoid(x) the gradient
        is g s (1 + x (1 - s)).

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Elfwing, Uchibe and Doya (2018), Neural Networks 107:3-11.

    Examples
    --------
    >>> silu(Tensor([0.0, 1.0]))
    Tensor(data=[0.        0.7310586], shape=(2,))
    """
    return SiLUBackward.call(x)


class MishBackward(Function):
    """x t with t = tanh(log(1 + e^x)). Gradient: g (t + x s (1 - t²)), where s = sigmoid(x)."""

    batched = True

    def forward(self, x: Array) -> Array:
        x = floating("mish", x)
        self.save(x)
        y: Array = _tanh_of_softplus(x)
        y *= x
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        t = _tanh_of_softplus(x)
        slope = 1 - t * t
        slope *= sigmoid(x)
        slope *= x
        slope += t
        return times(slope, grad_output)


def _tanh_of_softplus(x: Any) -> Any:
    """Return tanh(log(1 + e^x)), which is n / (n + 2) with n = e^x (e^x + 2)."""
    # From 20 on it is 1 to rounding, in half precision from 5 on, where n would be too large.
    power = np.exp(np.minimum(x, 5 if x.dtype == np.float16 else 20))
    n = power * (power + 2)
    return n / (n + 2)


def mish(x: Any) -> Tensor:
    """Gate ``x * tanh(softplus(x))``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. With t = tanh(softplus(x)) and
        s = sigmoid(x) the gradient is g (t + x s (1 - t²)).

    Raises
    ------
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Misra (2019), arXiv:1908.08681.

    Examples
    --------
    >>> mish(Tensor([-1e4, 0.0, 1.0])).data.round(4)
    array([-0.    ,  0.    ,  0.8651], dtype=float32)
    """
    return MishBackward.call(x)


class GLUBackward(Function):
    """a s with s = sigmoid(b), a and b the halves of x. Gradient: g s, and g a s (1 - s) beside."""

    def forward(self, x: Array, *, dim: Any = -1) -> Array:
        x = floating("glu", x)
        self.axis = one_axis("glu", dim, x.ndim)
        if x.shape[self.axis] % 2:
            raise ValueError(
                f"glu: the axis that is halved should have an even length, but axis {self.axis} "
                f"of the shape {x.shape} is halved"
            )
        self.save(x)
        value, gate = self._halves(x)
        y: Array = sigmoid(gate)  # type: ignore[assignment]  # array in, array out
        y *= value
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        value, gate = self._halves(x)
        s = sigmoid(gate)
        grad_value = grad_output * s
        grad_gate = grad_value * value
        grad_gate *= 1 - s
        return np.concatenate((grad_value, grad_gate), axis=self.axis)

    def _halves(self, x: Any) -> tuple[Any, Any]:
        before, half = (slice(None),) * self.axis, x.shape[self.axis] // 2
        return x[(*before, slice(half))], x[(*before, slice(half, None))]


def glu(x: Any, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Gated linear unit ``a * sigmoid(b)``, where a and b are the halves of `x` along an axis.

    Parameters
    ----------
    x : Tensor
        Of at least one axis, and of an even length along the one that is halved.
    dim, axis : int
        The axis that is halved; by default the last.

    Returns
    -------
    Tensor
        The shape of `x`, half as long along the axis; the dtype of `x`, float32 for integers. With
        s = sigmoid(b) the gradient is g s towards a, and g a s (1 - s) towards b.

    Raises
    ------
    ValueError
        If the length along the axis is odd.
    IndexError
        If the axis is out of range, or `x` is 0-d.
    TypeError
        If both `dim` and `axis` are given, or the axis is not an integer.

    References
    ----------
    Dauphin, Fan, Auli and Grangier (2016), arXiv:1612.08083.

    Examples
    --------
    >>> glu(Tensor([2.0, 4.0, 0.0, 1e4]))
    Tensor(data=[1. 4.], shape=(2,))
    """
    return GLUBackward.call(x, dim=either("glu", axis, dim, default=-1))


def _glus() -> list[Sample]:
    return [
        sample(uniform((4,))),
        sample(uniform((2, 4))),
        sample(uniform((2, 4)), 0),
        sample(uniform((2, 4)), dim=-2),
        sample(uniform((2, 3, 4)), axis=-1),
        sample(uniform((2, 4, 3)), 1),
        sample(uniform((2, 4, 3)), 0),
        sample(uniform((2,))),
        sample(uniform((2, 1)), 0),
        sample(uniform((0, 4))),
        sample(uniform((3, 0))),
        sample(uniform((2, 6)) * 100),
    ]


def _plain_glu(x: Any, dim: int = -1, axis: int | None = None) -> Any:
    value, gate = np.split(x, 2, axis=dim if axis is None else axis)
    return value * (1 + np.tanh(gate / 2)) / 2


OPERATIONS: list[Operation] = [
    Operation(
        silu,
        SiLUBackward,
        method="silu",
        torch="nn.functional.silu",
        samples=curve(-10.0, 10.0),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: x * (1 + np.tanh(x / 2)) / 2,
    ),
    Operation(
        mish,
        MishBackward,
        method="mish",
        torch="nn.functional.mish",
        samples=curve(-10.0, 10.0),
        bad_inputs=NO_NUMBERS,
        reference=lambda x: x * np.tanh(np.logaddexp(0, x)),
    ),
    Operation(
        glu,
        GLUBackward,
        method="glu",
        torch="nn.functional.glu",
        samples=_glus,
        bad_inputs=[
            *NO_NUMBERS,
            bad(ValueError, r"axis 1 of the shape \(2, 3\)", uniform((2, 3))),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((2, 4)), 2),
            bad(IndexError, "the tensor is 0-d", uniform(())),
            bad(TypeError, "axis=0 and dim=1", uniform((2, 4)), 1, axis=0),
            bad(TypeError, "an axis is an integer", uniform((2, 4)), 1.0),
        ],
        reference=_plain_glu,
    ),
]
