"""The operations: of each the rule, the function and the samples, side by side."""

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import bad, elementwise, sample, uniform


class SquareplusBackward(Function):
    """y = (x + r) / 2 with r = sqrt(x² + b), elementwise. Gradient: g y / r."""

    def forward(self, x: Array, *, b: float) -> Array:
        """Return the result, given arrays: inputs by position, parameters by name."""
        if not 0 < b < np.inf:
            raise ValueError(
                f"squareplus: b should be positive and finite, but it is {b!r}"
            )
        # (x + r) / 2 itself would lose all digits where x is far below zero.
        y = np.maximum(x, 0) + b / 4 / (_half_root(x, b) + abs(x / 2))
        self.b = b
        self.save(x, y)
        return y

    def apply(self, grad_output: Array) -> Any:
        """Return the gradient of x, given that of the result."""
        x, y = self.saved
        return grad_output * y / (2 * _half_root(x, self.b))


def _half_root(x: Array, b: float) -> Array:
    half: Array = x / 2  # of integers, too, a floating number: its square does not wrap
    root: Array = np.sqrt(half * half + b / 4)
    return root


def squareplus(x: Tensor, b: float = 4.0) -> Tensor:
    """Smooth rectifier ``(x + sqrt(x**2 + b)) / 2``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.
    b : float
        How wide the bend at zero is: the result there is ``sqrt(b) / 2``.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is
        ``g y / sqrt(x**2 + b)``, where y is the result.

    Raises
    ------
    TypeError
        If `x` is not made of real numbers.
    ValueError
        If `b` is not positive and finite.

    References
    ----------
    Barron (2021), Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687.

    Examples
    --------
    >>> squareplus(Tensor([0.0, 1.5]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return SquareplusBackward.call(x, b=b)


SQUAREPLUS = Operation(
    squareplus,
    SquareplusBackward,
    method="squareplus",
    samples=[
        *elementwise(domain=(-20, 20))(),
        sample(uniform((3,)), b=0.5),
        sample(uniform((2, 2)), b=16.0),
    ],
    bad_inputs=[
        bad(TypeError, "SquareplusBackward: .* real numbers", "one"),
        bad(ValueError, "b should be positive .* -1.0", np.ones(2), b=-1.0),
    ],
    reference=lambda x, b=4.0: (x + np.sqrt(x * x + b)) / 2,
)
