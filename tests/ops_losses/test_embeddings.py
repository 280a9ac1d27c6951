"""cosine_embedding_loss and triplet_margin_loss, beyond what the conformance kit runs."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor, grad
from tinytorch_ops_losses import cosine_embedding_loss, triplet_margin_loss

RNG = np.random.default_rng(11)


def test_cosine_by_hand():
    """The same way, the opposite way and at right angles, for both labels."""
    a, b = np.array([[3.0, 4.0]] * 6), np.array([[6.0, 8], [-3, -4], [-4, 3]] * 2)
    labels = np.array([1, 1, 1, -1, -1, -1])
    losses = cosine_embedding_loss(Tensor(a), Tensor(b), labels, 0.25, reduction="none")
    np.testing.assert_allclose(losses.data, [0, 2, 1, 0.75, 0, 0], atol=1e-12)


def test_the_cosine_does_not_depend_on_the_lengths():
    """So the gradient of a vector is at right angles to it."""
    a, b = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    first, second = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    losses = cosine_embedding_loss(first, second, [1, 1, 1, -1, -1], -1, reduction="none")
    longer = cosine_embedding_loss(Tensor(7 * a), Tensor(b), [1, 1, 1, -1, -1], -1)
    assert losses.data.mean() == pytest.approx(longer.item())
    losses.backward(RNG.normal(size=5))
    np.testing.assert_allclose((a * first.grad).sum(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose((b * second.grad).sum(axis=1), 0, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_vector_of_zeros_has_cosine_zero(dtype):
    """In every dtype, half precision too, where PyTorch's 1e-12 is 0; gradients are finite."""
    a, b = (Tensor(np.array(x, dtype), requires_grad=True) for x in ([0, 0], [0.5, 0.25]))
    loss = cosine_embedding_loss(a, b, 1)
    loss.backward()
    assert loss.item() == 1
    assert np.isfinite(a.grad).all()
    assert np.isfinite(b.grad).all()


def test_a_short_vector_has_cosine_one_with_itself():
    """In half precision too, where what keeps the gradient at zero finite is small enough."""
    a = Tensor(np.array([[0.076]], np.float16), requires_grad=True)
    loss = cosine_embedding_loss(a, a, [-1])
    loss.backward()
    assert loss.item() == 1
    np.testing.assert_allclose(a.grad, 0, atol=1e-5)


def test_one_pair_needs_no_batch():
    """Vectors (D,) take one label, and a loss of shape () comes out of every reduction."""
    for reduction in ("mean", "sum", "none"):
        loss = cosine_embedding_loss(Tensor([1.0, 0.0]), Tensor([0.0, 1.0]), 1, reduction=reduction)
        assert loss.shape == ()
        assert loss.item() == 1


def test_shapes_of_labels_are_checked():
    """A label for each pair of vectors, not one for each element."""
    a = Tensor(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"should have shape \(3,\), but it has shape \(3, 2\)"):
        cosine_embedding_loss(a, a, np.ones((3, 2)))


def test_triplets_by_hand():
    """Distances 5 and 2: the margin and 3; swapped, the nearer of the two others counts."""
    a, p, n = (Tensor([x], requires_grad=True) for x in ([0.0, 0.0], [3.0, 4.0], [3.0, 3.0]))
    distance = np.sqrt(18)
    plain = triplet_margin_loss(a, p, n, 0.5, eps=0)
    assert plain.item() == pytest.approx(5.5 - distance)
    plain.backward(2.0)
    pull, push = np.array([[0.6, 0.8]]), np.array([[3, 3]]) / distance
    np.testing.assert_allclose(a.grad, 2 * (push - pull), rtol=1e-6)
    np.testing.assert_allclose(p.grad, 2 * pull, rtol=1e-6)
    np.testing.assert_allclose(n.grad, -2 * push, rtol=1e-6)
    for x in (a, p, n):
        x.zero_grad()
    swapped = triplet_margin_loss(a, p, n, 0.5, eps=0, swap=True)
    assert swapped.item() == pytest.approx(4.5)
    swapped.backward(2.0)
    np.testing.assert_allclose(a.grad, -2 * pull, rtol=1e-6)
    np.testing.assert_allclose(p.grad, 2 * pull - [[0, 2]], rtol=1e-6)
    np.testing.assert_allclose(n.grad, [[0, 2]])


def test_a_tie_of_the_two_others_is_shared():
    """Where the negative is as far from the positive as from the anchor, each counts half."""
    a, p, n = (Tensor([x], requires_grad=True) for x in ([1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]))
    triplet_margin_loss(a, p, n, eps=0, swap=True).backward(2.0)
    np.testing.assert_allclose(a.grad, [[2 - 1, 0]])
    np.testing.assert_allclose(p.grad, [[-2 + 1, 0]])
    np.testing.assert_allclose(n.grad, [[0, 0]], atol=1e-12)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
def test_no_distance_has_no_slope(p):
    """At a distance of 0 the gradient is 0 in every order, not NaN: only the other one pushes."""
    x = RNG.normal(size=(2, 3))
    a, n = Tensor(x, requires_grad=True), Tensor(x + 1)
    loss = triplet_margin_loss(a, Tensor(x), n, margin=9, p=p, eps=0)
    (slope,) = grad(loss, a, create_graph=True)
    other = Tensor(x, requires_grad=True)
    (expected,) = grad(triplet_margin_loss(other, n, Tensor(x), margin=9, p=p, eps=0), other)
    np.testing.assert_allclose(slope.data, -expected)
    if p in (2, 3):
        (curvature,) = grad((slope * Tensor(RNG.normal(size=(2, 3)))).sum(), a)
        assert np.isfinite(curvature).all()


def test_high_norms_do_not_overflow():
    """The tenth power of 10,000 is beyond float32, the norm is not."""
    a = Tensor([[1e4, 0.0]], requires_grad=True)
    loss = triplet_margin_loss(a, Tensor([[0.0, 0.0]]), Tensor([[1e4, 1.0]]), p=10)
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    np.testing.assert_allclose(a.grad, [[1, 1]], rtol=1e-5, atol=1e-5)


def test_only_one_kind_of_vector_may_ask_for_a_gradient():
    """Anchors alone, positives alone and negatives alone get what they get together."""
    arrays = [RNG.normal(size=(4, 3)) for _ in range(3)]
    together = [Tensor(x, requires_grad=True) for x in arrays]
    triplet_margin_loss(*together, swap=True).backward(1.5)
    for position in range(3):
        alone = [Tensor(x, requires_grad=i == position) for i, x in enumerate(arrays)]
        triplet_margin_loss(*alone, swap=True).backward(1.5)
        np.testing.assert_allclose(alone[position].grad, together[position].grad)
