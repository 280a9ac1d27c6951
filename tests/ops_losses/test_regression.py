"""mse_loss and its class, beyond what the conformance kit runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_losses import MSEBackward, huber_loss, l1_loss, mse_loss, smooth_l1_loss

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("prediction", "target", "way"),
    [
        ((3, 1), (3,), r"reshape\(\(3, 1\)\)"),
        ((3,), (3, 1), r"reshape\(\(3,\)\)"),
        ((1, 3), (3,), r"reshape\(\(1, 3\)\)"),
        ((2, 3), (3, 2), "a target of its own"),
        ((3,), (), "a target of its own"),
    ],
)
def test_unequal_shapes_are_refused_with_both_and_a_way_out(prediction, target, way):
    """Shapes that would broadcast are an error that gives both shapes and what to do."""
    with pytest.raises(ValueError, match=way) as caught:
        mse_loss(Tensor(np.ones(prediction)), Tensor(np.ones(target)))
    message = str(caught.value)
    assert message.startswith("mse_loss: input and target should have equal shapes")
    assert f"{prediction} and {target}" in message


def test_the_hint_for_a_column_of_predictions_works():
    """What the message says to do gives the loss that was meant."""
    prediction, target = Tensor([[1.0], [2.0], [3.0]]), Tensor([1.0, 2.0, 5.0])
    assert mse_loss(prediction, target.reshape((3, 1))).item() == pytest.approx(4 / 3)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_prediction_and_target_get_opposite_gradients(reduction):
    """Both gradients are the closed form, for a random gradient of the output."""
    x, t = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    prediction, target = Tensor(x, requires_grad=True), Tensor(t, requires_grad=True)
    loss = mse_loss(prediction, target, reduction=reduction)
    g = RNG.normal(size=loss.shape)
    loss.backward(g)
    expected = 2 * (x - t) * g / (6 if reduction == "mean" else 1)
    np.testing.assert_allclose(prediction.grad, expected)
    np.testing.assert_allclose(target.grad, -expected)


def test_only_the_target_may_ask_for_a_gradient():
    """A loss of fixed predictions trains the target."""
    target = Tensor([1.0, 4.0], requires_grad=True)
    mse_loss(Tensor([1.0, 2.0]), target).backward(3.0)
    np.testing.assert_allclose(target.grad, [0, 6])


def test_one_tensor_as_both_has_no_gradient_left():
    """The two gradients of a tensor compared with itself cancel."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    mse_loss(x, x).backward()
    np.testing.assert_array_equal(x.grad, [0, 0])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integer_targets_take_the_dtype_of_the_predictions(dtype):
    """Integer targets make no float64 of float32 predictions, and do not wrap around."""
    prediction = Tensor([0.0, 3.0], requires_grad=True)
    loss = mse_loss(prediction, np.array([1, 0], dtype), reduction="none")
    loss.backward([1.0, -2.0])
    assert loss.dtype == prediction.grad.dtype == np.float32
    np.testing.assert_array_equal(loss.data, [1, 9])
    np.testing.assert_array_equal(prediction.grad, [-2, -12])


def test_a_number_is_a_target_for_a_scalar():
    """A Python number stands for a 0-d target, and leaves the dtype as it is."""
    loss = mse_loss(Tensor([1.0, 2.0]).sum(), 1)
    assert loss.item() == 4
    assert loss.dtype == np.float32


def test_integer_predictions_are_refused():
    """Integers as predictions are an error that thinks of swapped arguments."""
    with pytest.raises(TypeError, match=r"mse_loss: the input should be floating.*int64"):
        mse_loss(Tensor(np.array([1, 2])), Tensor([1.0, 2.0]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_mean_of_no_errors_is_nan_without_a_warning(dtype):
    """An empty batch gives NaN of its own dtype, a sum of 0, and empty gradients."""
    prediction = Tensor(np.zeros((0, 3), dtype), requires_grad=True)
    loss = mse_loss(prediction, np.zeros((0, 3), dtype))
    assert np.isnan(loss.item())
    assert loss.dtype == dtype
    loss.backward()
    assert prediction.grad.shape == (0, 3)
    assert mse_loss(prediction, np.zeros((0, 3), dtype), reduction="sum").item() == 0


def test_an_unknown_reduction_is_refused():
    """The error lists the reductions there are."""
    with pytest.raises(
        ValueError, match="mse_loss: reduction should be one of 'mean', 'sum', 'none'"
    ):
        mse_loss(Tensor([1.0]), Tensor([2.0]), reduction="avg")


def test_a_node_made_by_hand_gives_the_gradient():
    """The textbook makes MSEBackward from predictions and targets, and asks it."""
    prediction, target = Tensor([1.0, 5.0], requires_grad=True), Tensor([2.0, 2.0])
    grad, none = MSEBackward(prediction, target).apply(np.array(0.5))
    np.testing.assert_allclose(grad, [-0.5, 1.5])
    assert none is None


def test_a_node_made_by_hand_can_be_attached():
    """The textbook computes the value itself and attaches the node."""
    prediction, target = Tensor([1.0, 5.0], requires_grad=True), Tensor([2.0, 2.0])
    loss = Tensor(((prediction.data - target.data) ** 2).mean())
    loss.requires_grad = True
    loss._grad_fn = MSEBackward(prediction, target)
    loss.backward()
    np.testing.assert_allclose(prediction.grad, [-1, 3])


def test_a_node_made_by_hand_takes_a_reduction():
    """The reduction follows the inputs, by position or by keyword."""
    prediction = Tensor([1.0, 5.0], requires_grad=True)
    for node in (
        MSEBackward(prediction, [2.0, 2.0], "sum"),
        MSEBackward(prediction, [2.0, 2.0], reduction="sum"),
    ):
        np.testing.assert_allclose(node.apply(np.array(0.5))[0], [-1, 3])


def test_a_node_computes_no_gradient_that_nobody_asked_for():
    """Of predictions that require no gradient the rule returns None."""
    grad, towards_target = MSEBackward([1.0], Tensor([2.0], requires_grad=True)).apply(
        np.array(3.0)
    )
    assert grad is None
    np.testing.assert_allclose(towards_target, [6])


def test_absolute_and_huber_by_hand():
    """The pieces meet at delta, in value and slope; beyond it the slope stays."""
    x, t = np.array([0.0, 1.0, 3.0, -4.0]), np.zeros(4)
    for loss, value, slope in [
        (l1_loss, [0, 1, 3, 4], [0, 1, 1, -1]),
        (smooth_l1_loss, [0, 0.5, 2.5, 3.5], [0, 1, 1, -1]),
        (lambda *a, **k: smooth_l1_loss(*a, beta=2.0, **k), [0, 0.25, 2, 3], [0, 0.5, 1, -1]),
        (lambda *a, **k: smooth_l1_loss(*a, beta=0, **k), [0, 1, 3, 4], [0, 1, 1, -1]),
        (huber_loss, [0, 0.5, 2.5, 3.5], [0, 1, 1, -1]),
        (lambda *a, **k: huber_loss(*a, delta=2, **k), [0, 0.5, 4, 6], [0, 1, 2, -2]),
        (lambda *a, **k: huber_loss(*a, delta=np.inf, **k), [0, 0.5, 4.5, 8], [0, 1, 3, -4]),
    ]:
        prediction, target = Tensor(x, requires_grad=True), Tensor(t, requires_grad=True)
        losses = loss(prediction, target, reduction="none")
        np.testing.assert_allclose(losses.data, value)
        g = RNG.normal(size=4)
        losses.backward(g)
        np.testing.assert_allclose(prediction.grad, g * slope)
        np.testing.assert_allclose(target.grad, -g * slope)


def test_smooth_l1_is_huber_over_its_limit():
    """For any limit the two differ by that factor alone."""
    x, t = RNG.normal(size=20), RNG.normal(size=20)
    for limit in (0.1, 1.0, 2.5):
        huber = huber_loss(Tensor(x), t, "none", limit)
        smooth = smooth_l1_loss(Tensor(x), t, reduction="none", beta=limit)
        np.testing.assert_allclose(smooth.data, huber.data / limit)


@pytest.mark.parametrize(
    ("loss", "by_weights"), [(mse_loss, True), (l1_loss, True), (huber_loss, False)]
)
def test_what_a_weighted_mean_divides_by(loss, by_weights):
    """Squared and absolute errors divide by the weights, Huber's by the number, as in PyTorch."""
    x, t, weight = RNG.normal(size=4), RNG.normal(size=4), np.array([0.5, 2.0, 0.0, 1.0])
    prediction = Tensor(x, requires_grad=True)
    single = loss(Tensor(x), t, reduction="none").data
    divisor = weight.sum() if by_weights else 4
    mean = loss(prediction, t, weight=weight)
    assert mean.item() == pytest.approx((single * weight).sum() / divisor)
    mean.backward(1.5)
    assert prediction.grad[2] == 0
    other = Tensor(x, requires_grad=True)
    loss(other, t, reduction="none").backward(1.5 * weight / divisor)
    np.testing.assert_allclose(prediction.grad, other.grad)


def test_weights_of_zero_only():
    """A mean over weights that sum to 0 is NaN, and its gradient 0."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = mse_loss(x, [0.0, 0.0], weight=[0.0, 0.0])
    loss.backward()
    assert np.isnan(loss.item())
    np.testing.assert_array_equal(x.grad, 0)


def test_weights_do_not_broadcast_and_have_no_gradient():
    """As in PyTorch they have the shape of the predictions; a gradient is never lost in silence."""
    x, t = Tensor(np.ones((2, 3))), np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"input and weight .* \(2, 3\) and \(3,\)"):
        l1_loss(x, t, weight=np.ones(3))
    with pytest.raises(TypeError, match=r"l1_loss: weight counts as constant.*weight.detach\(\)"):
        l1_loss(x, t, weight=Tensor(np.ones((2, 3)), requires_grad=True))


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=8),
    st.floats(0.015625, 1e4, width=32),
)
def test_huber_is_between_the_two_it_is_made_of(errors, delta):
    """It is never above the squared error's half nor the absolute error times delta."""
    x = np.array(errors)
    losses = huber_loss(Tensor(x), np.zeros_like(x), "none", delta).data
    assert (losses >= 0).all()
    assert (losses <= x * x / 2 * (1 + 1e-12)).all()
    assert (losses <= delta * abs(x) * (1 + 1e-12)).all()
