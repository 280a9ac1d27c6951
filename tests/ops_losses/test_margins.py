"""The losses of labels 1 and -1, beyond what the conformance kit runs."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_losses import (
    hinge_embedding_loss,
    hinge_loss,
    margin_ranking_loss,
    soft_margin_loss,
)

RNG = np.random.default_rng(10)
OF_ONE = [hinge_loss, soft_margin_loss, hinge_embedding_loss]


def test_hinge_by_hand():
    """Right by more than 1 costs nothing; at exactly 1 the gradient still flows."""
    x, t = np.array([2.0, 1.0, 0.25, -1.5, -1.5]), np.array([1, 1, 1, 1, -1])
    scores, labels = Tensor(x, requires_grad=True), Tensor(t.astype(float), requires_grad=True)
    losses = hinge_loss(scores, labels, reduction="none")
    np.testing.assert_array_equal(losses.data, [0, 0, 0.75, 2.5, 0])
    g = RNG.normal(size=5)
    losses.backward(g)
    np.testing.assert_allclose(scores.grad, g * [0, -1, -1, -1, 0])
    np.testing.assert_allclose(labels.grad, g * [0, -1, -0.25, 1.5, 0])


def test_soft_margin_is_the_cross_entropy_of_signs():
    """It is log(1 + e^-tx); its gradients are the formula's, towards float labels too."""
    x, t = RNG.normal(size=6), np.array([1.0, -1, 1, -1, -1, 1])
    scores, labels = Tensor(x, requires_grad=True), Tensor(t, requires_grad=True)
    losses = soft_margin_loss(scores, labels, reduction="none")
    np.testing.assert_allclose(losses.data, np.log(1 + np.exp(-t * x)))
    g = RNG.normal(size=6)
    losses.backward(g)
    np.testing.assert_allclose(scores.grad, -g * t / (1 + np.exp(t * x)))
    np.testing.assert_allclose(labels.grad, -g * x / (1 + np.exp(t * x)))


def test_hinge_embedding_by_hand():
    """Alike: the distance. Not alike: what is missing to the margin, with a slope at it."""
    x, t = np.array([0.5, 3.0, 0.5, 2.0, 3.0]), np.array([1, 1, -1, -1, -1])
    distances = Tensor(x, requires_grad=True)
    losses = hinge_embedding_loss(distances, t, 2.0, reduction="none")
    np.testing.assert_array_equal(losses.data, [0.5, 3, 1.5, 0, 0])
    g = RNG.normal(size=5)
    losses.backward(g)
    np.testing.assert_allclose(distances.grad, g * [1, 1, -1, -1, 0])


def test_labels_of_hinge_embedding_get_no_gradient():
    """The loss only asks which of two a label is."""
    labels = Tensor([1.0, -1.0], requires_grad=True)
    hinge_embedding_loss(Tensor([1.0, 2.0], requires_grad=True), labels).backward()
    assert labels.grad is None


def test_ranking_by_hand():
    """A lead of the margin or more costs nothing; at the margin the gradient still flows."""
    a, b = np.array([3.0, 1.5, 1.0, 1.0]), np.array([1.0, 1.0, 1.5, 2.0])
    t = np.array([1.0, 1.0, 1.0, -1.0])
    first, second, labels = (Tensor(x, requires_grad=True) for x in (a, b, t))
    losses = margin_ranking_loss(first, second, labels, 0.5, reduction="none")
    np.testing.assert_array_equal(losses.data, [0, 0, 1, 0])
    g = RNG.normal(size=4)
    losses.backward(g)
    np.testing.assert_allclose(first.grad, g * [0, -1, -1, 0])
    np.testing.assert_allclose(second.grad, g * [0, 1, 1, 0])
    np.testing.assert_allclose(labels.grad, g * [0, -0.5, 0.5, 0])


@pytest.mark.parametrize("loss", OF_ONE)
@pytest.mark.parametrize("wrong", [0, 2, -0.5, np.nan])
def test_other_labels_are_refused_with_a_way_out(loss, wrong):
    """0 and 1 are another convention, which the error turns into this one."""
    message = rf"{loss.__name__}: .*1 and -1 only, but {wrong:g} was given.*2 \* target - 1"
    with pytest.raises(ValueError, match=message):
        loss(Tensor([1.0, 2.0]), np.array([1, wrong]))


def test_ranking_refuses_other_labels():
    """Likewise where two scores are compared."""
    with pytest.raises(ValueError, match=r"margin_ranking_loss: .*but 0 was given"):
        margin_ranking_loss(Tensor([1.0]), Tensor([2.0]), [0.0])


@pytest.mark.parametrize("loss", OF_ONE)
@pytest.mark.parametrize("kind", [np.int64, np.int8, np.float32, np.float64])
def test_labels_of_any_dtype_give_one_value(loss, kind):
    """Integer labels make no float64 of float32 scores; float64 ones do, if they are factors."""
    x, t = np.array([0.25, -2.0], np.float32), np.array([1, -1])
    value = loss(Tensor(x), t.astype(kind))
    assert value.item() == pytest.approx(loss(Tensor(x), t).item())
    factors = kind is np.float64 and loss is not hinge_embedding_loss
    assert value.dtype == (np.float64 if factors else np.float32)
