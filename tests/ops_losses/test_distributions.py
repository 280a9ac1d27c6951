"""kl_div, poisson_nll_loss and gaussian_nll_loss, beyond what the conformance kit runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_losses import gaussian_nll_loss, kl_div, poisson_nll_loss

RNG = np.random.default_rng(9)


def backward(loss):
    """Send a random gradient back, and return it."""
    g = RNG.normal(size=loss.shape)
    loss.backward(g)
    return g


def test_the_divergence_of_a_distribution_from_itself_is_zero():
    """In probabilities and in logarithms; from another it is positive, by hand."""
    t, p = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    for target, log_target in ((t, False), (np.log(t), True)):
        same = kl_div(Tensor(np.log(t)), target, reduction="sum", log_target=log_target)
        other = kl_div(Tensor(np.log(p)), target, reduction="sum", log_target=log_target)
        assert same.item() == 0
        assert other.item() == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))


def test_batchmean_divides_by_the_rows_and_mean_by_the_elements():
    """The gradient is shared accordingly; a 0-d loss is its own batch."""
    x, t = np.log(RNG.uniform(0.1, 1, (2, 3))), RNG.uniform(0.1, 1, (2, 3))
    total = kl_div(Tensor(x), t, reduction="sum").item()
    for reduction, count in (("batchmean", 2), ("mean", 6)):
        logs = Tensor(x, requires_grad=True)
        loss = kl_div(logs, t, reduction=reduction)
        assert loss.item() == pytest.approx(total / count)
        g = backward(loss)
        np.testing.assert_allclose(logs.grad, -t * g / count)
    assert kl_div(Tensor(x[0, 0]), t[0, 0], reduction="batchmean").shape == ()


def test_what_is_impossible_and_does_not_happen_costs_nothing():
    """A target of 0 against log 0 adds 0, in value and gradient, where PyTorch has NaN."""
    for target, log_target in (([0.0, 1.0], False), ([-np.inf, 0.0], True)):
        logs, t = Tensor([-np.inf, 0.0], requires_grad=True), Tensor(target, requires_grad=True)
        losses = kl_div(logs, t, reduction="none", log_target=log_target)
        np.testing.assert_array_equal(losses.data, [0, 0])
        losses.backward([2.0, 3.0])
        np.testing.assert_array_equal(logs.grad, [0, -3])
        assert t.grad[1] == 3


def test_what_is_impossible_but_happens_costs_infinitely_much():
    """A positive target against log 0 is infinitely far off."""
    assert kl_div(Tensor([-np.inf]), [0.5]).item() == np.inf


def test_logarithms_without_log_target_are_refused():
    """A negative probability is as a rule a logarithm, and the error says so."""
    with pytest.raises(ValueError, match=r"kl_div: .* but -1.0 was given .*log_target=True"):
        kl_div(Tensor([-1.0]), np.array([-1]))


def test_poisson_by_hand():
    """Counts 0, 1 and 3 under a rate of 2, with and without logarithms and Stirling's formula."""
    t, rate = np.array([0, 1, 3]), 2.0
    expected = rate - t * np.log(rate)
    for full in (False, True):
        stirling = np.array([0, 0, 3 * np.log(3) - 3 + np.log(6 * np.pi) / 2]) * full
        logs, rates = (
            Tensor(np.full(3, value), requires_grad=True) for value in (np.log(rate), rate)
        )
        of_logs = poisson_nll_loss(logs, t, True, full, reduction="none")
        of_rates = poisson_nll_loss(rates, t, False, full, eps=0, reduction="none")
        np.testing.assert_allclose(of_logs.data, expected + stirling)
        np.testing.assert_allclose(of_rates.data, expected + stirling)
        np.testing.assert_allclose(backward(of_logs) * (rate - t), logs.grad)
        np.testing.assert_allclose(backward(of_rates) * (1 - t / rate), rates.grad)


def test_stirlings_formula_comes_near_the_factorial():
    """With full=True the loss is nearly the true -log probability."""
    t = np.array([5.0, 20.0, 100.0])
    loss = poisson_nll_loss(Tensor(np.log(t)), t, full=True, reduction="none")
    exact = [n - n * math.log(n) + math.lgamma(n + 1) for n in t]
    np.testing.assert_allclose(loss.data, exact, rtol=0.01)


def test_a_target_of_zero_gets_a_gradient_with_the_full_loss():
    """It is -x as without; PyTorch has NaN there, of a logarithm that is masked out."""
    target = Tensor([0.0, 1.0, 4.0], requires_grad=True)
    poisson_nll_loss(Tensor([1.0, 2.0, 3.0]), target, full=True, reduction="sum").backward(2.0)
    np.testing.assert_allclose(target.grad, [-2, -4, 2 * (-3 + np.log(4) + 1 / 8)], rtol=1e-6)


def test_no_count_at_a_rate_of_zero_costs_nothing():
    """Rates of e^-inf and 0 give 0 to a count of 0, without a warning."""
    logs, rates = Tensor([-np.inf], requires_grad=True), Tensor([0.0], requires_grad=True)
    losses = poisson_nll_loss(logs, [0]), poisson_nll_loss(rates, [0], False, eps=0)
    assert [loss.item() for loss in losses] == [0, 0]
    for loss in losses:
        loss.backward()
    assert logs.grad == 0
    assert rates.grad == 1


def test_negative_rates_are_refused():
    """The error says which was given, and how logarithms are passed."""
    with pytest.raises(ValueError, match=r"should be rates, but -0.5 was given.*log_input=True"):
        poisson_nll_loss(Tensor([1.0, -0.5]), [1, 1], log_input=False)


def test_gaussian_by_hand():
    """Against the density of the normal distribution, and all three gradients."""
    arrays = RNG.normal(size=4), RNG.normal(size=4), RNG.uniform(0.5, 2, 4)
    x, t, v = (Tensor(array, requires_grad=True) for array in arrays)
    losses = gaussian_nll_loss(x, t, v, full=True, reduction="none")
    mean, value, var = arrays
    density = np.exp(-((value - mean) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var)
    np.testing.assert_allclose(losses.data, -np.log(density))
    g, r = backward(losses), (mean - value) / var
    np.testing.assert_allclose(x.grad, g * r)
    np.testing.assert_allclose(t.grad, -g * r)
    np.testing.assert_allclose(v.grad, g * (1 / var - r * r) / 2)


def test_a_variance_below_eps_counts_as_eps_and_can_grow():
    """Value and gradient are those at eps, the gradient of the variance too, as in PyTorch."""
    v = Tensor([0.0, 1e-9], requires_grad=True)
    losses = gaussian_nll_loss(Tensor([1.0, 0.0]), [0, 0], v, eps=0.25, reduction="none")
    np.testing.assert_allclose(losses.data, [(np.log(0.25) + 4) / 2, np.log(0.25) / 2], rtol=1e-6)
    losses.backward([1.0, 3.0])
    np.testing.assert_allclose(v.grad, [(4 - 16) / 2, 3 * 4 / 2])


@pytest.mark.parametrize(
    ("shape", "shared"), [((2, 3), ()), ((2, 1), (1,)), ((1, 3), (0,)), ((2,), (1,)), ((), (0, 1))]
)
def test_a_shared_variance_gets_the_sum_of_the_gradients(shape, shared):
    """One a row, one a column, and one number give what the full shape gives."""
    x, t, v = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)), RNG.uniform(0.5, 2, shape)
    wide = v[:, None] if shape == (2,) else v
    given, full = Tensor(v, requires_grad=True), Tensor(wide + np.zeros((2, 3)), requires_grad=True)
    losses = [gaussian_nll_loss(Tensor(x), t, one) for one in (given, full)]
    assert losses[0].item() == pytest.approx(losses[1].item())
    for loss in losses:
        loss.backward(-1.5)
    np.testing.assert_allclose(given.grad.ravel(), full.grad.sum(axis=shared).ravel())


def test_a_number_as_variance_keeps_the_dtype():
    """A Python number, an integer too, is weak."""
    for number in (2, 2.0):
        assert gaussian_nll_loss(Tensor([1.0]), [0.0], number).dtype == np.float32


@pytest.mark.parametrize("shape", [(3,), (1, 1), (2, 2), (1, 2, 3)])
def test_other_shapes_of_variance_are_refused(shape):
    """What would broadcast all the same is refused, as in PyTorch."""
    with pytest.raises(ValueError, match=r"variance should have the input's shape \(2, 3\)"):
        gaussian_nll_loss(Tensor(np.ones((2, 3))), np.ones((2, 3)), np.ones(shape))
