"""The course's callables."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_losses import (
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    MSELoss,
    binary_cross_entropy,
    cross_entropy,
    mse_loss,
)

RNG = np.random.default_rng(8)
CALLABLES = [
    (MSELoss, mse_loss, RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))),
    (BinaryCrossEntropyLoss, binary_cross_entropy, RNG.uniform(size=4), np.array([0, 1, 1, 0.0])),
    (CrossEntropyLoss, cross_entropy, RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])),
]


@pytest.mark.parametrize(("make", "function", "prediction", "target"), CALLABLES)
@pytest.mark.parametrize("how", ["called", "forward"])
def test_a_callable_is_the_mean_of_its_function(make, function, prediction, target, how):
    """Called, or through forward, it gives the function's value and gradient."""
    criterion = make()
    leaves = [Tensor(prediction, requires_grad=True) for _ in range(2)]
    loss = (criterion if how == "called" else criterion.forward)(leaves[0], Tensor(target))
    expected = function(leaves[1], target)
    loss.backward(0.75)
    expected.backward(0.75)
    assert loss.item() == expected.item()
    np.testing.assert_array_equal(leaves[0].grad, leaves[1].grad)


@pytest.mark.parametrize("make", [MSELoss, BinaryCrossEntropyLoss, CrossEntropyLoss])
def test_a_callable_has_nothing_to_train(make):
    """The course collects parameters from losses too; each call gives a new list."""
    criterion = make()
    criterion.parameters().append("stray")
    assert criterion.parameters() == []


def test_the_courses_label_trainer_runs():
    """A step of the course's classifier, with float32 labels, lowers the loss."""
    x = Tensor(RNG.normal(size=(12, 5)).astype(np.float32))
    labels = Tensor(np.arange(12) % 3, dtype=np.float32)
    weight = Tensor(np.zeros((5, 3), np.float32), requires_grad=True)
    criterion, losses = CrossEntropyLoss(), []
    for _ in range(20):
        weight.zero_grad()
        loss = criterion(x.matmul(weight), labels)
        loss.backward()
        weight.data = weight.data - 0.5 * weight.grad
        losses.append(float(loss.data))
    assert losses[0] == pytest.approx(np.log(3))
    assert losses[-1] < losses[0] - 0.1
