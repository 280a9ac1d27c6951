"""Norms: exact values, the origin, ties, and extreme orders."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from tinytorch import Tensor, grad
from tinytorch_ops_math import vector_norm

X = np.array([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("order", "value", "gradient"),
    [
        (2, 5.0, [0.6, -0.8, 0.0]),
        (1, 7.0, [1.0, -1.0, 0.0]),
        (inf, 4.0, [0.0, -1.0, 0.0]),
        (-inf, 0.0, [0.0, 0.0, 0.0]),
        (0, 2.0, [0.0, 0.0, 0.0]),
        (0.5, (3**0.5 + 2) ** 2, [1 + 2 / 3**0.5, -1 - 3**0.5 / 2, 0.0]),
    ],
)
def test_by_hand(order: float, value: float, gradient: list[float]) -> None:
    """Values and gradients of (3, -4, 0), and of the origin, whose gradient is 0 and not NaN."""
    x = Tensor(X, requires_grad=True)
    y = vector_norm(x, order, 1)
    np.testing.assert_allclose(y.data, [value, 0.0])
    if y.requires_grad:
        y.backward([2.0, 3.0])
    got = np.zeros_like(X) if x.grad is None else x.grad
    np.testing.assert_allclose(got, [[2 * g for g in gradient], [0.0, 0.0, 0.0]])


def test_derivative_of_the_gradient_at_the_origin() -> None:
    """There is none, and it counts as 0, as the gradient does."""
    x = Tensor(np.zeros(2), requires_grad=True)
    (gradient,) = grad(vector_norm(x), [x], create_graph=True)
    (second,) = grad(gradient.sum(), [x])
    assert second.tolist() == [0.0, 0.0]


def test_ties_share_the_gradient() -> None:
    """Elements that are equally large in absolute value share it evenly, as in amax."""
    x = Tensor([2.0, -2.0, 1.0], requires_grad=True)
    vector_norm(x, inf).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, -0.5, 0.0]


def test_integers_and_other_dtypes() -> None:
    """Integers give float32, `dtype` converts first, and float32 stays."""
    x = Tensor(np.array([3, 4]))
    assert vector_norm(x).dtype == np.float32
    assert vector_norm(x, inf).dtype == np.float32
    y = Tensor([3.0, 4.0])
    assert vector_norm(y, dtype=np.float64).dtype == np.float64
    assert vector_norm(y, 2.5).dtype == np.float32


def test_empty() -> None:
    """The norm of nothing is 0, where there is one."""
    assert vector_norm(Tensor(np.zeros((0, 3)))).item() == 0
    assert vector_norm(Tensor(np.zeros((0, 3))), 1, 0).tolist() == [0.0, 0.0, 0.0]
    assert vector_norm(Tensor(np.zeros((0, 3))), inf, 1).shape == (0,)
