"""What LBFGS minimises: the loss as a function of all parameters, which are one vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tinytorch import Array, Tensor, enable_grad

from .line_search import Point
from .parameters import Parameter, gradient_of


class Problem:
    """A loss as a function of all parameters, which are one vector."""

    def __init__(self, op: str, parameters: list[Parameter], closure: Callable[[], Any]) -> None:
        self.op, self.parameters, self.closure = op, parameters, closure
        self.evaluations = 0

    def evaluate(self) -> tuple[Any, float, Array]:
        """Return what the closure returns, the loss as a number, and the gradient."""
        with enable_grad():
            loss = self.closure()
        self.evaluations += 1
        return loss, float(loss.detach() if isinstance(loss, Tensor) else loss), self._gradient()

    def _gradient(self) -> Array:
        gradients = [
            np.zeros_like(p.data) if gradient is None else gradient
            for p, gradient in ((p, gradient_of(self.op, p)) for p in self.parameters)
        ]
        dtype = np.result_type(*(p.data for p in self.parameters))
        return np.concatenate(
            [gradient.ravel() for gradient in gradients], dtype=dtype, casting="same_kind"
        )

    def move(self, direction: Array, length: float) -> None:
        """Add a multiple of the direction to the parameters, in place."""
        begin = 0
        for parameter in self.parameters:
            data = parameter.data
            data += length * direction[begin : begin + data.size].reshape(data.shape)
            begin += data.size

    def along(self, direction: Array) -> Callable[[float], Point]:
        """Return the loss on a line from where the parameters are, and leave them there."""
        origin = [parameter.data.copy() for parameter in self.parameters]

        def evaluate(length: float) -> Point:
            self.move(direction, length)
            try:
                _, loss, gradient = self.evaluate()
            finally:
                for parameter, data in zip(self.parameters, origin, strict=True):
                    parameter.data[...] = data
            return Point(length, loss, gradient, float(gradient @ direction))

        return evaluate
