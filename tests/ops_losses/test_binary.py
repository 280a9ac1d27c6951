"""The binary cross-entropies and their classes, beyond what the conformance kit runs."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor, grad
from tinytorch_ops_losses import (
    BCEBackward,
    BCEWithLogitsBackward,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)

RNG = np.random.default_rng(6)
BOTH = pytest.mark.parametrize("loss", [binary_cross_entropy, binary_cross_entropy_with_logits])


@BOTH
def test_unequal_shapes_are_refused_with_both_and_a_way_out(loss):
    """A column of predictions against a row of targets is an error, which says how to reshape."""
    with pytest.raises(ValueError, match=r"\(3, 1\) and \(3,\).*target.reshape\(\(3, 1\)\)") as e:
        loss(Tensor(np.full((3, 1), 0.5)), Tensor([1.0, 0.0, 1.0]))
    assert str(e.value).startswith(f"{loss.__name__}: ")


@BOTH
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integer_targets_take_the_dtype_of_the_predictions(loss, dtype):
    """0 and 1 may be integers or booleans: value and gradient are those of floats."""
    given = []
    for kind in (dtype, np.float32):
        x = Tensor([0.25, 0.75, 0.5], requires_grad=True)
        value = loss(x, np.array([1, 0, 1], kind), reduction="none")
        value.backward([1.0, -2.0, 0.5])
        assert value.dtype == x.grad.dtype == np.float32
        given.append((value.data, x.grad))
    np.testing.assert_allclose(given[0], given[1], rtol=1e-6)


@BOTH
def test_the_mean_of_no_losses_is_nan_without_a_warning(loss):
    """An empty batch gives NaN, as in PyTorch, and empty gradients to both."""
    x, t = (Tensor(np.zeros((0, 2)), requires_grad=True) for _ in range(2))
    value = loss(x, t)
    value.backward()
    assert np.isnan(value.item())
    assert x.grad.shape == t.grad.shape == (0, 2)


def test_the_two_agree():
    """The form with logits is the other after a sigmoid, in value and towards the target."""
    x, t = RNG.normal(size=(3, 2)), RNG.uniform(size=(3, 2))
    targets = Tensor(t, requires_grad=True), Tensor(t, requires_grad=True)
    plain = binary_cross_entropy(Tensor(1 / (1 + np.exp(-x))), targets[0], reduction="none")
    logit = binary_cross_entropy_with_logits(Tensor(x), targets[1], reduction="none")
    np.testing.assert_allclose(plain.data, logit.data)
    g = RNG.normal(size=(3, 2))
    plain.backward(g)
    logit.backward(g)
    np.testing.assert_allclose(targets[0].grad, -x * g)
    np.testing.assert_allclose(targets[1].grad, -x * g)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certainty_is_finite(dtype):
    """Probabilities of exactly 0 and 1 count as PyTorch counts them: logarithms from -100 up."""
    p = Tensor(np.array([0, 1, 0, 1], dtype), requires_grad=True)
    t = Tensor(np.array([0, 0, 1, 1], dtype), requires_grad=True)
    loss = binary_cross_entropy(p, t, reduction="none")
    np.testing.assert_array_equal(loss.data, [0, 100, 100, 0])
    loss.backward(np.array([2, 3, 4, 5]))
    np.testing.assert_allclose(p.grad, [0, 3e12, -4e12, 0])
    np.testing.assert_array_equal(t.grad, [200, -300, 400, -500])


def test_certainty_is_finite_in_half_precision():
    """Where 1e-12 is 0, a right certainty still has gradient 0 and a wrong one a finite one."""
    p = Tensor(np.array([0, 1, 0], np.float16), requires_grad=True)
    binary_cross_entropy(p, np.array([0, 1, 1], np.float16), reduction="sum").backward()
    np.testing.assert_array_equal(p.grad[:2], [0, 0])
    assert np.isfinite(p.grad[2])
    assert p.grad[2] < -1000


def test_a_small_probability_is_not_rounded_away():
    """The loss of p = 1e-9 against 0 is 1e-9 in float32 too, where 1 - p is 1."""
    assert binary_cross_entropy(Tensor([1e-9]), Tensor([0.0])).item() == pytest.approx(1e-9)


@pytest.mark.parametrize("value", [1.5, -0.25, np.nan, np.inf])
def test_what_is_no_probability_is_refused(value):
    """The error gives the first offender and names the form that takes logits."""
    p = Tensor(np.array([[0.5, value]], np.float32))
    with pytest.raises(ValueError, match=f"{value} was given.*binary_cross_entropy_with_logits"):
        binary_cross_entropy(p, np.ones((1, 2)))


def test_large_logits_are_stable_in_float32():
    """At logits of ±10,000 values and gradients are exact, and NumPy does not warn."""
    x = np.array([1e4, -1e4, 1e4, -1e4], np.float32)
    t = np.array([0, 0, 1, 1], np.float32)
    logits, targets = Tensor(x, requires_grad=True), Tensor(t, requires_grad=True)
    loss = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    np.testing.assert_array_equal(loss.data, [1e4, 0, 0, 1e4])
    loss.backward(np.array([2, 3, 4, 5]))
    np.testing.assert_allclose(logits.grad, [2, 0, 0, -5], atol=1e-30)
    np.testing.assert_allclose(targets.grad, -x * [2, 3, 4, 5])
    assert loss.dtype == logits.grad.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_sigmoid_overflows_in_no_dtype(dtype):
    """The largest finite logits of a dtype give gradients t - 1 and t, without a warning."""
    largest = np.finfo(dtype).max
    logits = Tensor(np.array([largest, -largest], dtype), requires_grad=True)
    loss = binary_cross_entropy_with_logits(logits, np.array([0.5, 0.5], dtype), reduction="none")
    loss.backward(np.ones(2, dtype))
    np.testing.assert_allclose(logits.grad, [0.5, -0.5], rtol=1e-3)


def test_confident_and_right_keeps_its_small_loss():
    """A loss of e^-30 is not lost against logits of 30, on either side."""
    loss = binary_cross_entropy_with_logits(Tensor([30.0, -30.0]), [1.0, 0.0], reduction="none")
    np.testing.assert_allclose(loss.data, np.exp(-30.0), rtol=1e-5)


@pytest.mark.parametrize("kind", [BCEBackward, BCEWithLogitsBackward])
def test_a_node_made_by_hand_gives_both_gradients(kind):
    """Made from predictions and targets, the class answers with the gradient of the mean."""
    x, t = np.array([0.25, 0.5]), np.array([1.0, 0.25])
    node = kind(Tensor(x, requires_grad=True), Tensor(t, requires_grad=True))
    got = node.apply(np.array(3.0))
    if kind is BCEBackward:
        expected = (x - t) / (x * (1 - x)), np.log((1 - x) / x)
    else:
        expected = 1 / (1 + np.exp(-x)) - t, -x
    np.testing.assert_allclose(got, 1.5 * np.array(expected))


@pytest.mark.parametrize("kind", [BCEBackward, BCEWithLogitsBackward])
def test_a_node_computes_no_gradient_that_nobody_asked_for(kind):
    """Of an input that requires no gradient the rule returns None."""
    x, t = Tensor([0.25], requires_grad=True), Tensor([1.0], requires_grad=True)
    assert kind(x, t.detach()).apply(np.array(1.0))[1] is None
    assert kind(x.detach(), t).apply(np.array(1.0))[0] is None


def test_positive_weights_by_hand():
    """pos_weight multiplies the loss of what is so, and nothing of what is not."""
    x, t, w = np.array([[0.5, -1.0], [2.0, 0.0]]), np.array([[1, 1], [0, 0]]), np.array([3.0, 0.5])
    logits = Tensor(x, requires_grad=True)
    losses = binary_cross_entropy_with_logits(logits, t, pos_weight=w, reduction="none")
    so, not_so = np.log1p(np.exp(-x[0])) * w, np.log1p(np.exp(x[1]))
    np.testing.assert_allclose(losses.data, [so, not_so])
    g = RNG.normal(size=(2, 2))
    losses.backward(g)
    sigmoid = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(logits.grad, g * [-w * (1 - sigmoid[0]), sigmoid[1]])


@pytest.mark.parametrize("weight", [[2.0, 0.5], [[3.0], [0.0]], 1.5])
def test_weights_broadcast_and_the_mean_is_over_predictions(weight):
    """Weights multiply the single losses; the mean divides by their number."""
    p, t = RNG.uniform(0.1, 0.9, (2, 2)), RNG.uniform(size=(2, 2))
    single = binary_cross_entropy(Tensor(p), t, reduction="none").data
    assert binary_cross_entropy(Tensor(p), t, weight).item() == pytest.approx(
        (single * np.asarray(weight)).mean()
    )
    x = np.log(p / (1 - p))
    assert binary_cross_entropy_with_logits(Tensor(x), t, weight, reduction="sum").item() == (
        pytest.approx((single * np.asarray(weight)).sum())
    )


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_weights_that_cannot_serve_are_refused(name):
    """The error names the argument: it would widen the predictions, or wants a gradient."""
    x, t = Tensor(np.zeros((2, 3))), np.ones((2, 3))
    with pytest.raises(ValueError, match=rf"logits: {name} should have a shape.*\(2, 3\)"):
        binary_cross_entropy_with_logits(x, t, **{name: np.ones((2, 2, 3))})
    with pytest.raises(TypeError, match=rf"pass {name}.detach\(\)"):
        binary_cross_entropy_with_logits(x, t, **{name: Tensor(1.0, requires_grad=True)})


def test_the_gradient_of_the_nearly_certain_is_not_rounded_away():
    """At logits of ±30 that are right it is ∓e^-30 in float32 too, where sigmoid(30) is 1."""
    for pos_weight in (None, 1.0):
        x = Tensor([30.0, -30.0], requires_grad=True)
        loss = binary_cross_entropy_with_logits(x, [1.0, 0.0], pos_weight=pos_weight)
        loss.backward(2.0)
        np.testing.assert_allclose(x.grad, [-np.exp(-30.0), np.exp(-30.0)], rtol=1e-5)


def test_the_second_derivative_at_a_logit_of_zero():
    """It is σ(0) (1 - σ(0)) = 1/4, where |x| has no derivative."""
    for pos_weight in (None, 1.0):
        x = Tensor(np.zeros(1), requires_grad=True)
        loss = binary_cross_entropy_with_logits(x, [0.5], pos_weight=pos_weight)
        (slope,) = grad(loss, x, create_graph=True)
        (curvature,) = grad(slope, x)
        np.testing.assert_allclose(curvature, [0.25])
