"""The logistic function and its integral, for all losses that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function


class LogisticBackward(Function):
    """log(1 + e^x), exact on both sides. Gradient: g σ(x)."""

    batched = True

    def forward(self, x: Array) -> Any:
        self.save(x)
        return np.maximum(x, 0) + log_of_one_and(x)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * sigmoids(x)[0]


def softplus(x: Any) -> Any:
    """Return log(1 + e^x), recorded where x is a Tensor."""
    return LogisticBackward.call(x)


def log_of_one_and(x: Array) -> Array:
    """Return log(1 + e^-|x|) of an array, what softplus(x) is more than max(x, 0)."""
    small = np.asarray(np.abs(x))
    np.negative(small, out=small)
    np.exp(small, out=small)
    np.log1p(small, out=small)
    return small


def sigmoids(x: Any) -> tuple[Any, Any]:
    """Return σ(x) = 1 / (1 + e^-x) and σ(-x), both exact where they are small.

    e^-x stops growing before it overflows.
    """
    power = np.exp(np.minimum(-x, int(np.log(np.finfo(x.dtype).max))))
    sigmoid = 1 / (1 + power)
    power *= sigmoid
    return sigmoid, power
