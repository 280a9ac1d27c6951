"""Derivatives of the first three orders: ours, PyTorch's, and by differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tinytorch
import torch
from tinytorch import Tensor

ORDERS = 3


class Engine(NamedTuple):
    """How tensors that require gradients are made, differentiated, and become arrays."""

    leaf: Callable[[Any], Any]
    grad: Callable[..., Any]
    array: Callable[[Any], Any]


OURS = Engine(
    lambda array: Tensor(array, requires_grad=True), tinytorch.grad, lambda tensor: tensor.data
)
THEIRS = Engine(
    lambda array: torch.tensor(array, requires_grad=True),
    torch.autograd.grad,
    lambda tensor: tensor.numpy(force=True),
)


class Derivatives:
    """The derivatives of an output towards the leaves, order by order, as arrays.

    The output is weighted with random numbers, which count as one more leaf, and summed to one
    number. Its gradients are the first order; weighted and summed in turn, they are what the second
    order is the gradient of, and so on.

    Parameters
    ----------
    engine : Engine
        Ours or PyTorch's.
    function : callable
        Computes the output anew, from the leaves.
    leaves : sequence
        Tensors that require gradients.
    """

    def __init__(self, engine: Engine, function: Callable[[], Any], leaves: Sequence[Any]) -> None:
        self.engine = engine
        self.function = function
        output = engine.array(function())
        self.weights = engine.leaf(np.array(np.random.default_rng(0).normal(size=output.shape)))
        self.leaves = [*leaves, self.weights]
        self.totals, self.orders = self._compute()

    def _compute(self) -> tuple[list[Any], list[list[Any]]]:
        """Return what is differentiated for each order, and the gradients."""
        generator = np.random.default_rng(1)
        total = (self.function() * self.weights).sum()
        totals, orders = [], []
        for _ in range(ORDERS):
            gradients = self.engine.grad(total, self.leaves, create_graph=True, allow_unused=True)
            totals.append(self.engine.array(total))
            orders.append(
                [
                    np.zeros(leaf.shape) if gradient is None else self.engine.array(gradient)
                    for gradient, leaf in zip(gradients, self.leaves, strict=True)
                ]
            )
            total = (self.weights * 0.0).sum()  # of which there is a gradient in any case
            for gradient, leaf in zip(gradients, self.leaves, strict=True):
                weights = self.engine.leaf(np.array(generator.normal(size=tuple(leaf.shape))))
                if gradient is not None:
                    total = total + (gradient * weights).sum()
        return totals, orders

    def by_differences(self, step: float = 1e-3) -> list[list[Any]]:
        """Return the same by central differences of the order below, of the fourth degree."""
        orders = [[np.zeros(leaf.shape) for leaf in self.leaves] for _ in range(ORDERS)]
        for position, leaf in enumerate(self.leaves):
            for index in np.ndindex(leaf.shape):
                original, slopes = leaf.data[index], np.zeros(ORDERS)
                for steps, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                    leaf.data[index] = original + steps * step
                    slopes += factor * np.array(self._compute()[0]) / (12 * step)
                leaf.data[index] = original
                for order, slope in zip(orders, slopes, strict=True):
                    order[position][index] = slope
        return orders


def compare(orders: list[list[Any]], expected: list[list[Any]], tolerance: float = 1e-9) -> None:
    """All derivatives of all orders are equal, up to the tolerance, NaNs among them."""
    for number, (gradients, others) in enumerate(zip(orders, expected, strict=True), start=1):
        for position, (gradient, other) in enumerate(zip(gradients, others, strict=True)):
            assert gradient.shape == other.shape
            np.testing.assert_allclose(
                gradient,
                other,
                tolerance,
                tolerance,
                err_msg=f"derivative {number} towards input {position}",
            )
