"""ctc_loss, against sums over all alignments and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import GradientError, Tensor, grad
from tinytorch_ops_losses import CTCBackward, ctc_loss
from tinytorch_ops_losses.plugin import tinytorch_register_ops

RNG = np.random.default_rng(12)
(OPERATION,) = (op for op in tinytorch_register_ops() if op.name == "ctc_loss")


def log_softmax(x):
    """The plain formula."""
    return x - np.logaddexp.reduce(x, axis=-1, keepdims=True)


LOGS = log_softmax(RNG.normal(size=(6, 2, 4)))


def test_one_label_in_one_step():
    """There is one alignment: the loss is -log of that probability, and so is its slope."""
    logs = Tensor(LOGS[:1], requires_grad=True)
    losses = ctc_loss(logs, [[2], [3]], [1, 1], [1, 1], reduction="none")
    np.testing.assert_allclose(losses.data, -LOGS[0, [0, 1], [2, 3]])
    losses.backward([2.0, -3.0])
    expected = np.zeros((1, 2, 4))
    expected[0, [0, 1], [2, 3]] = -2, 3
    np.testing.assert_allclose(logs.grad, expected)


def test_no_label_at_all():
    """Then every step is blank; the mean divides by 1."""
    logs = Tensor(LOGS, requires_grad=True)
    loss = ctc_loss(logs, np.zeros((2, 0), int), [6, 4], [0, 0])
    assert loss.item() == pytest.approx(-(LOGS[:, 0, 0].sum() + LOGS[:4, 1, 0].sum()) / 2)
    loss.backward()
    expected = np.zeros((6, 2, 4))
    expected[:, 0, 0] = expected[:4, 1, 0] = -0.5
    np.testing.assert_allclose(logs.grad, expected)


def test_a_sequence_of_no_steps_and_no_labels_costs_nothing():
    """Its one alignment is empty, and has probability 1."""
    logs = Tensor(LOGS, requires_grad=True)
    losses = ctc_loss(logs, np.ones((2, 1), int), [0, 6], [0, 1], reduction="none")
    losses.backward([1.0, 1.0])
    assert losses.data[0] == 0
    np.testing.assert_array_equal(logs.grad[:, 0], 0)


def test_a_repeated_label_needs_a_blank_between():
    """In three steps "1 1" has one alignment, "1 2" has five."""
    uniform = Tensor(np.log(np.full((3, 2, 3), 1 / 3)))
    losses = ctc_loss(uniform, [[1, 1], [1, 2]], [3, 3], [2, 2], reduction="none")
    np.testing.assert_allclose(losses.data, -np.log(np.array([1, 5]) / 27))


def test_presence_sums_to_one_at_every_step():
    """At each step that counts exactly one class is emitted; later steps have no gradient."""
    logs = Tensor(LOGS, requires_grad=True)
    losses = ctc_loss(logs, [[1, 2, 2], [3, 1, 0]], [6, 4], [3, 2], reduction="none")
    g = RNG.normal(size=2)
    losses.backward(g)
    steps = np.arange(6)[:, None] < [6, 4]
    np.testing.assert_allclose(logs.grad.sum(axis=2), -g * steps, atol=1e-12)


def test_the_mean_divides_each_loss_by_its_labels():
    """As in PyTorch: losses per label first, then the mean over sequences."""
    arguments = [[1, 2, 2], [3, 0, 0]], [6, 6], [3, 1]
    single = ctc_loss(Tensor(LOGS), *arguments, reduction="none").data
    mean, total = Tensor(LOGS, requires_grad=True), Tensor(LOGS, requires_grad=True)
    loss = ctc_loss(mean, *arguments)
    assert loss.item() == pytest.approx((single / [3, 1]).mean())
    assert ctc_loss(total, *arguments, reduction="sum").item() == pytest.approx(single.sum())
    loss.backward(1.5)
    ctc_loss(total, *arguments, reduction="none").backward([1.5 / 6, 1.5 / 2])
    np.testing.assert_allclose(mean.grad, total.grad)


def test_padded_and_joined_targets_are_one_thing():
    """What stands beyond a row's length is not looked at; whole floats will do for labels."""
    padded = ctc_loss(Tensor(LOGS), [[1, -7, 99], [3, 1, 2]], [6, 6], [1, 3])
    joined = ctc_loss(Tensor(LOGS), np.array([1.0, 3.0, 1.0, 2.0]), (6, 6), Tensor([1.0, 3.0]))
    assert padded.item() == joined.item()


def test_steps_that_do_not_count_may_hold_anything():
    """NaN beyond the length of a sequence is neither in its loss nor in its gradient."""
    values = LOGS.copy()
    values[4:, 1] = np.nan
    results = []
    for array in (LOGS, values):
        logs = Tensor(array, requires_grad=True)
        loss = ctc_loss(logs, [[1, 2], [3, 3]], [6, 4], [2, 2], blank=0.0)
        loss.backward(1.5)
        results.append((loss.item(), logs.grad))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(results[1][1][4:, 1], 0)


def test_one_sequence_needs_no_batch():
    """log_probs (T, C) and lengths that are numbers; every reduction has shape ()."""
    alone, batch = Tensor(LOGS[:, 0], requires_grad=True), Tensor(LOGS[:, :1], requires_grad=True)
    for reduction in ("none", "sum", "mean"):
        loss = ctc_loss(alone, [1, 2], 6, 2, reduction=reduction)
        assert loss.shape == ()
        other = ctc_loss(batch, [[1, 2]], [6], [2], reduction=reduction)
        assert loss.item() == pytest.approx(other.item())
    loss.backward(0.7)
    other.backward(0.7)
    np.testing.assert_allclose(alone.grad, batch.grad[:, 0])


def test_no_sequence():
    """The mean of none is NaN, the sum 0, and the gradient empty."""
    logs = Tensor(LOGS[:, :0], requires_grad=True)
    nothing = np.zeros((0, 3), int), np.zeros(0, int), np.zeros(0, int)
    loss = ctc_loss(logs, *nothing)
    loss.backward()
    assert np.isnan(loss.item())
    assert logs.grad.shape == (6, 0, 4)
    assert ctc_loss(logs, *nothing, reduction="sum").item() == 0


def test_too_few_steps_are_an_error_that_says_how_many_are_needed():
    """It names the sequence, its labels, the repeated ones among them, and the way out."""
    message = (
        "sequence 1 has no alignment: its 3 labels, of which 1 repeat .* take 4 time steps, but it "
        "has 3; leave it out, or pass zero_infinity=True"
    )
    with pytest.raises(ValueError, match=message):
        ctc_loss(Tensor(LOGS), [[1, 2, 3], [2, 2, 1]], [3, 3], [3, 3])


def test_zero_infinity_takes_the_impossible_out():
    """Its loss and its gradient are 0; the others' are what they were."""
    logs, other = Tensor(LOGS, requires_grad=True), Tensor(LOGS[:, :1], requires_grad=True)
    arguments = {"reduction": "none", "zero_infinity": True}
    losses = ctc_loss(logs, [[1, 2], [2, 2]], [6, 2], [2, 2], **arguments)
    alone = ctc_loss(other, [[1, 2]], [6], [2], reduction="none")
    np.testing.assert_allclose(losses.data, [alone.item(), 0])
    losses.backward([0.7, 5.0])
    alone.backward([0.7])
    np.testing.assert_allclose(logs.grad[:, :1], other.grad)
    np.testing.assert_array_equal(logs.grad[:, 1], 0)


def test_where_all_alignments_have_probability_zero():
    """The loss is infinite and its gradient NaN, not a number that looks right; or both are 0."""
    values = LOGS.copy()
    values[:, :, 1] = -np.inf
    for zero_infinity, expected in ((False, np.inf), (True, 0)):
        logs = Tensor(values, requires_grad=True)
        losses = ctc_loss(logs, [[1], [2]], [6, 6], [1, 1], 0, "none", zero_infinity)
        assert losses.data[0] == expected
        assert np.isfinite(losses.data[1])
        losses.backward([1.0, 1.0])
        of_the_first = logs.grad[:, 0]
        assert (of_the_first == 0).all() if zero_infinity else np.isnan(of_the_first).any()
        assert np.isfinite(logs.grad[:, 1]).all()


def test_large_logits_are_exact_in_float32():
    """At logits of ±10,000 over 50 steps the one likely alignment has loss and gradient exact."""
    steps, labels = 50, np.array([1, 2, 2, 3])
    path = np.zeros(steps, int)
    path[[5, 20, 30, 44]] = labels
    logits = np.full((steps, 1, 4), -1e4, np.float32)
    logits[np.arange(steps), 0, path] = 1e4
    logs = Tensor(log_softmax(logits).astype(np.float32), requires_grad=True)
    loss = ctc_loss(logs, labels[None], [steps], [4], reduction="sum")
    loss.backward(2.0)
    assert loss.item() == 0
    assert loss.dtype == logs.grad.dtype == np.float32
    np.testing.assert_allclose(logs.grad[:, 0], -2 * np.eye(4)[path], atol=1e-6)


def test_large_wrong_logits_are_exact_in_float32():
    """Where every step is wrong by 20,000, the loss is that times the steps that must be."""
    logits = np.zeros((3, 1, 2), np.float32)
    logits[:, 0, 0] = 2e4
    logs = Tensor(log_softmax(logits).astype(np.float32), requires_grad=True)
    loss = ctc_loss(logs, [[1]], [3], [1])
    loss.backward()
    assert loss.item() == pytest.approx(2e4 - np.log(3), rel=1e-6)
    np.testing.assert_allclose(logs.grad[:, 0], [[-2 / 3, -1 / 3]] * 3, rtol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_small_sequence_is_the_sum_over_its_alignments(data):
    """Value for value, whatever the labels, the lengths and the blank."""
    steps, classes = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 3))
    blank = data.draw(st.integers(0, classes - 1))
    others = [c for c in range(classes) if c != blank]
    labels = data.draw(st.lists(st.sampled_from(others), max_size=3))
    logs = log_softmax(
        np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(steps, 1, classes))
    )
    call = logs, np.array(labels, int), np.array([steps]), np.array([len(labels)])
    expected = OPERATION.reference(*call, blank, "sum", True)
    assert ctc_loss(Tensor(logs), *call[1:], blank, "sum", True).item() == pytest.approx(expected)


def test_a_derivative_of_the_gradient_is_refused():
    """As in PyTorch there is none; the error comes when it is asked for, and says so."""
    logs = Tensor(LOGS, requires_grad=True)
    (slope,) = grad(ctc_loss(logs, [[1], [2]], [6, 6], [1, 1]), logs, create_graph=True)
    with pytest.raises(GradientError, match="CTCBackward is once differentiable"):
        slope.sum().backward()


def test_a_node_made_by_hand_gives_the_gradient():
    """Made from log-probabilities, targets and lengths, the class answers like the function."""
    logs = Tensor(LOGS, requires_grad=True)
    node = CTCBackward(logs, np.array([[1], [2]]), np.array([6, 6]), np.array([1, 1]))
    ctc_loss(logs, [[1], [2]], [6, 6], [1, 1]).backward(3.0)
    gradient, *none = node.apply(np.array(3.0))
    np.testing.assert_allclose(gradient, logs.grad)
    assert none == [None] * 3
