"""Losses of half precision are added up in single precision, and so are sums over classes."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch_ops_losses as losses
from tinytorch import Tensor

from ..half import errors

RNG = np.random.default_rng(0)


def numbers(*shape, low=0.5, high=1.5):
    return RNG.uniform(low, high, shape)


def normal(*shape):
    return RNG.normal(size=shape)


LABELS, SIGNS = RNG.integers(0, 2, 5000), 2 * RNG.integers(0, 2, (5000, 2)) - 1
FEW, TWO = np.array([[1, 4000]]), np.array([1, -1])
VECTORS = [numbers(2, 5000) / 3 for _ in range(3)]

CASES = {
    "mse_loss": (losses.mse_loss, [normal(5000, 2) / 9, numbers(5000, 2) / 9]),
    "mse_loss, weighted": (
        lambda x, t: losses.mse_loss(x, t, weight=np.full((5000, 2), 20.0)),
        [normal(5000, 2), numbers(5000, 2)],
    ),
    "l1_loss": (losses.l1_loss, [normal(5000, 2), numbers(5000, 2)]),
    "huber_loss": (losses.huber_loss, [normal(5000, 2), numbers(5000, 2)]),
    "smooth_l1_loss": (losses.smooth_l1_loss, [normal(5000, 2), numbers(5000, 2)]),
    "kl_div": (losses.kl_div, [normal(5000, 2), numbers(5000, 2)]),
    "poisson_nll_loss": (losses.poisson_nll_loss, [normal(5000, 2) / 9, numbers(5000, 2)]),
    "gaussian_nll_loss": (
        losses.gaussian_nll_loss,
        [normal(5000, 2), normal(5000, 2), numbers(5000, 2)],
    ),
    "gaussian_nll_loss of one variance": (
        losses.gaussian_nll_loss,
        [normal(5000, 2), normal(5000, 2), np.asarray(0.75)],
    ),
    "binary_cross_entropy": (
        losses.binary_cross_entropy,
        [numbers(5000, 2, low=0.1, high=0.9), numbers(5000, 2, low=0, high=1)],
    ),
    "binary_cross_entropy_with_logits": (
        losses.binary_cross_entropy_with_logits,
        [normal(5000, 2), numbers(5000, 2, low=0, high=1)],
    ),
    "cross_entropy": (lambda x: losses.cross_entropy(x, LABELS), [normal(5000, 2)]),
    "cross_entropy of many classes": (lambda x: losses.cross_entropy(x, FEW), [normal(1, 5000, 2)]),
    "cross_entropy of many classes, smoothed": (
        lambda x: losses.cross_entropy(x, FEW, label_smoothing=0.9),
        [normal(1, 5000, 2)],
    ),
    "cross_entropy, smoothed and weighted": (
        lambda x: losses.cross_entropy(x, LABELS, weight=[0.3, 0.7], label_smoothing=0.1),
        [normal(5000, 2)],
    ),
    "cross_entropy of probabilities": (losses.cross_entropy, [normal(5000, 2), numbers(5000, 2)]),
    "cross_entropy of probabilities of many classes": (
        losses.cross_entropy,
        [normal(1, 5000, 2), numbers(1, 5000, 2) / 500],
    ),
    "nll_loss": (lambda x: losses.nll_loss(x, LABELS), [normal(5000, 2)]),
    "hinge_loss": (lambda x: losses.hinge_loss(x, SIGNS), [normal(5000, 2)]),
    "soft_margin_loss": (lambda x: losses.soft_margin_loss(x, SIGNS), [normal(5000, 2)]),
    "hinge_embedding_loss": (
        lambda x: losses.hinge_embedding_loss(x, SIGNS),
        [normal(5000, 2)],
    ),
    "margin_ranking_loss": (
        lambda a, b: losses.margin_ranking_loss(a, b, SIGNS),
        [normal(5000, 2), normal(5000, 2)],
    ),
    "cosine_embedding_loss": (
        lambda a, b: losses.cosine_embedding_loss(a, b, TWO, reduction="sum"),
        VECTORS[:2],
    ),
    "triplet_margin_loss": (
        lambda *vectors: losses.triplet_margin_loss(*vectors, margin=5),
        VECTORS,
    ),
    "triplet_margin_loss of cubes": (
        lambda *vectors: losses.triplet_margin_loss(*vectors, margin=5, p=3, swap=True),
        VECTORS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_many_elements(name):
    """The value and the gradients of a loss of thousands are rounded about once."""
    function, arrays = CASES[name]
    assert max(errors(function, *arrays)) < 3


def test_vectors_that_half_precision_cannot_square():
    """The squares of 300 and 400 are too large for float16, the lengths of such vectors are not."""
    a, b = (Tensor(np.array([x], np.float16)) for x in ([300, 400], [0, 0]))
    assert losses.cosine_embedding_loss(a, a, [-1]).item() == 1
    assert losses.triplet_margin_loss(a, b, b, eps=0, swap=True).item() == 501


def test_more_losses_than_half_precision_can_count():
    """The mean of 70,000 losses, and the weights of as many labels, do not overflow."""
    x = Tensor(np.ones(70000, np.float16), requires_grad=True)
    loss = losses.mse_loss(x, np.zeros(70000), weight=np.ones(70000))
    loss.backward(np.float16(100))
    assert loss.item() == 1
    np.testing.assert_allclose(x.grad, 200 / 70000, rtol=1e-3)
    scores = Tensor(np.zeros((70000, 2), np.float16), requires_grad=True)
    labels = np.zeros(70000, int)
    mean = losses.cross_entropy(scores, labels, weight=[1.0, 1.0])
    mean.backward(np.float16(100))
    np.testing.assert_allclose(mean.data, np.log(2), rtol=1e-3)
    np.testing.assert_allclose(scores.grad[0], [-50 / 70000, 50 / 70000], rtol=1e-3)


def test_more_classes_than_half_precision_can_count():
    """The sum of 70,000 exponentials is not infinite, of labels nor of probabilities."""
    scores = Tensor(np.zeros((1, 70000), np.float16), requires_grad=True)
    for target in (np.array([0]), np.eye(1, 70000, dtype=np.float16)):
        loss = losses.cross_entropy(scores, target)
        loss.backward()
        np.testing.assert_allclose(loss.data, np.log(70000), rtol=1e-3)
    np.testing.assert_allclose(scores.grad[0, :2], [-2, 2 / 70000], rtol=2e-3)
