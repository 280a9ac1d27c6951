"""The operation: its rule, its function and its samples."""

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import bad, elementwise


class SoftrampBackward(Function):
    """softramp(x) = log(1 + e^x), elementwise. Its derivative is sigmoid(x)."""

    def forward(self, x: Array) -> Array:
        """Compute the output from an array."""
        self.save(x)
        return np.logaddexp(0, x)

    def apply(self, grad_output: Array) -> Any:
        """Return the gradient towards x."""
        (x,) = self.saved
        return grad_output / (1 + np.exp(-x))


def softramp(x: Tensor) -> Tensor:
    """Smooth rectifier log(1 + e^x), elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g sigmoid(x).

    Raises
    ------
    TypeError
        If `x` is not made of real numbers.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau and Garcia (2001), Incorporating second-order functional
    knowledge for better option pricing.

    Examples
    --------
    >>> softramp(Tensor([0.0, 1.0]))
    Tensor(data=[0.6931472 1.3132616], shape=(2,))
    """
    return SoftrampBackward.call(x)


SOFTRAMP = Operation(
    softramp,
    SoftrampBackward,
    method="softramp",
    samples=elementwise(domain=(-20, 20)),
    bad_inputs=[bad(TypeError, "SoftrampBackward: .* real numbers", "one")],
    reference=lambda x: np.log(1 + np.exp(x)),
    torch="nn.functional.softplus",
)
