"""cross_entropy and its class, beyond what the conformance kit runs."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_losses import CrossEntropyBackward, cross_entropy, nll_loss

RNG = np.random.default_rng(7)
LOGITS = RNG.normal(size=(4, 3))
LABELS = np.array([2, 0, 1, 2])


def softmax(x, axis=1):
    """The plain formula."""
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def label_losses(x=LOGITS, labels=LABELS):
    """The losses of (N, C) logits, one row after another."""
    return np.array([-np.log(softmax(row, 0)[label]) for row, label in zip(x, labels, strict=True)])


LABEL_KINDS = {
    "int64": LABELS,
    "int32": LABELS.astype(np.int32),
    "uint8": LABELS.astype(np.uint8),
    "uint64": LABELS.astype(np.uint64),
    "float32": LABELS.astype(np.float32),
    "integer tensor": Tensor(LABELS),
    "float tensor": Tensor([2.0, 0.0, 1.0, 2.0]),
    "tensor that requires gradients": Tensor([2.0, 0.0, 1.0, 2.0], requires_grad=True),
    "list": [2, 0, 1, 2],
    "list of floats": [2.0, 0.0, 1.0, 2.0],
}


@pytest.mark.parametrize("labels", LABEL_KINDS.values(), ids=LABEL_KINDS)
def test_labels_may_be_integers_or_whole_floats(labels):
    """Every kind of label gives one loss and one gradient: the course's are float32."""
    logits = Tensor(LOGITS, requires_grad=True)
    loss = cross_entropy(logits, labels, reduction="none")
    np.testing.assert_allclose(loss.data, label_losses())
    g = RNG.normal(size=4)
    loss.backward(g)
    np.testing.assert_allclose(logits.grad, g[:, None] * (softmax(LOGITS) - np.eye(3)[LABELS]))
    assert getattr(labels, "grad", None) is None


def test_the_dtype_is_that_of_the_logits():
    """Integer labels make no float64 of float32 logits."""
    logits = Tensor(LOGITS.astype(np.float32), requires_grad=True)
    loss = cross_entropy(logits, LABELS)
    loss.backward()
    assert loss.dtype == logits.grad.dtype == np.float32


@pytest.mark.parametrize("label", [3, -1, -99, 3.0, -1.0])
def test_labels_out_of_range_are_refused(label):
    """Labels do not count from the end, and none but -100 is ignored."""
    labels = np.array([2, 0, label, 1])
    message = f"cross_entropy: class labels should be from 0 to 2, but {label:g} was given"
    with pytest.raises(IndexError, match=message):
        cross_entropy(Tensor(LOGITS), labels)
    with pytest.raises(IndexError, match=message):
        CrossEntropyBackward(Tensor(LOGITS), Tensor(labels))


@pytest.mark.parametrize("labels", [[2.0, 0.5, 1.0, 2.0], [0.0, np.nan, 1.0, 2.0], [True] * 4])
def test_what_is_no_label_is_refused(labels):
    """Fractions, NaN and booleans are no labels."""
    with pytest.raises(TypeError, match="cross_entropy: class labels should be integers"):
        cross_entropy(Tensor(LOGITS), np.array(labels))


def test_the_target_shape_tells_labels_from_probabilities():
    """Whole floats of the input's shape are probabilities, of the shape without classes labels."""
    square = Tensor(LOGITS[:3])
    one_hot = cross_entropy(square, np.eye(3)[[2, 0, 1]], reduction="none")
    np.testing.assert_allclose(one_hot.data, label_losses(LOGITS[:3], [2, 0, 1]))
    by_label = cross_entropy(square, np.array([2.0, 0.0, 1.0]), reduction="none")
    np.testing.assert_allclose(by_label.data, one_hot.data)


def test_integer_one_hot_targets_are_refused_with_both_ways_out():
    """Integers of the input's shape are neither: the error says which of the two to pass."""
    with pytest.raises(TypeError, match=r"dtype int64; use target.astype.*labels of shape \(4,\)"):
        cross_entropy(Tensor(LOGITS), np.eye(3, dtype=np.int64)[LABELS])


def test_other_target_shapes_are_refused_with_a_way_out():
    """The error gives the class axis, both shapes that will do, and what was given."""
    with pytest.raises(
        ValueError, match=r"labels of shape \(4,\) or probabilities of shape \(4, 3\)"
    ):
        cross_entropy(Tensor(LOGITS), LABELS[:3])
    with pytest.raises(ValueError, match=r"\(4, 1\); .*target.reshape\(\(4,\)\)"):
        cross_entropy(Tensor(LOGITS), LABELS[:, None])
    with pytest.raises(ValueError, match=r"lie along axis 1, so .* labels of shape \(2, 3\)"):
        cross_entropy(Tensor(RNG.normal(size=(2, 5, 3))), np.zeros((2, 5), int))


def test_swapped_arguments_are_recognised():
    """Labels where the logits belong are an error that says the order."""
    with pytest.raises(TypeError, match="predictions come first"):
        cross_entropy(LABELS, Tensor(LOGITS))


@pytest.mark.parametrize("shape", [(), (2, 0)])
def test_no_classes_are_refused(shape):
    """Without a class axis, or with an empty one, there is nothing to choose from."""
    with pytest.raises(ValueError, match="at least one class"):
        cross_entropy(Tensor(np.zeros(shape)), np.zeros(shape[:1], int))


def test_probabilities_get_a_gradient():
    """Towards t the gradient is -log softmax, towards x softmax Σ t - t, for any t."""
    t = RNG.uniform(size=(4, 3))
    logits, target = Tensor(LOGITS, requires_grad=True), Tensor(t, requires_grad=True)
    g = RNG.normal()
    cross_entropy(logits, target).backward(g)
    p = softmax(LOGITS)
    np.testing.assert_allclose(target.grad, -np.log(p) * g / 4)
    np.testing.assert_allclose(logits.grad, (p * t.sum(axis=1, keepdims=True) - t) * g / 4)


def test_only_probabilities_may_ask_for_a_gradient():
    """Fixed logits record the loss for the target alone."""
    target = Tensor(softmax(LOGITS), requires_grad=True)
    cross_entropy(Tensor(LOGITS), target, reduction="sum").backward(2.0)
    np.testing.assert_allclose(target.grad, -2 * np.log(softmax(LOGITS)))


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_classes_lie_along_axis_1_before_the_places(kind):
    """Logits (N, C, d1, d2) are N d1 d2 predictions, and the mean is over all of them."""
    x, labels = RNG.normal(size=(2, 3, 4, 5)), RNG.integers(0, 3, (2, 4, 5))
    one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    flat = label_losses(np.moveaxis(x, 1, -1).reshape(-1, 3), labels.ravel())
    logits = Tensor(x, requires_grad=True)
    target = labels if kind == "labels" else one_hot
    losses = cross_entropy(logits, target, reduction="none")
    np.testing.assert_allclose(losses.data, flat.reshape(2, 4, 5))
    mean = cross_entropy(logits, target)
    assert mean.item() == pytest.approx(flat.mean())
    g = RNG.normal()
    mean.backward(g)
    np.testing.assert_allclose(logits.grad, (softmax(x) - one_hot) * g / 40, atol=1e-15)


def test_one_prediction_needs_no_batch():
    """Logits (C,) take one label, a plain number too, or C probabilities."""
    logits = Tensor(LOGITS[0], requires_grad=True)
    for target in (2, np.array(2), Tensor(2.0), np.eye(3)[2]):
        logits.zero_grad()
        loss = cross_entropy(logits, target, reduction="none")
        assert loss.shape == ()
        assert loss.item() == pytest.approx(label_losses()[0])
        loss.backward(-0.5)
        np.testing.assert_allclose(logits.grad, -0.5 * (softmax(LOGITS[0], 0) - np.eye(3)[2]))


def test_the_mean_is_over_predictions_and_not_over_classes():
    """The three reductions are those of the single losses, for both kinds of target."""
    single = label_losses()
    for target in (LABELS, np.eye(3)[LABELS]):
        assert cross_entropy(Tensor(LOGITS), target).item() == pytest.approx(single.mean())
        total = cross_entropy(Tensor(LOGITS), target, reduction="sum")
        assert total.item() == pytest.approx(single.sum())


@pytest.mark.parametrize("target", [np.zeros(0, int), np.zeros((0, 3), np.float32), np.zeros(0)])
def test_the_mean_of_no_losses_is_nan_without_a_warning(target):
    """An empty batch gives NaN, as in PyTorch, and an empty gradient."""
    logits = Tensor(np.zeros((0, 3), np.float32), requires_grad=True)
    loss = cross_entropy(logits, target)
    loss.backward()
    assert np.isnan(loss.item())
    assert loss.dtype == np.float32
    assert logits.grad.shape == (0, 3)


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_large_logits_are_stable_in_float32(kind):
    """At logits of ±10,000 values and gradients are exact, and NumPy does not warn."""
    x = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4]], np.float32)
    labels = np.array([0, 1, 2])
    one_hot = np.eye(3, dtype=np.float32)[labels]
    logits = Tensor(x, requires_grad=True)
    target = labels if kind == "labels" else Tensor(one_hot, requires_grad=True)
    loss = cross_entropy(logits, target, reduction="none")
    np.testing.assert_allclose(loss.data, [0, 2e4, np.log(3)], rtol=1e-6)
    loss.backward(np.array([2.0, 3.0, 4.0]))
    p = np.array([[1, 0, 0], [1, 0, 0], [1 / 3] * 3])
    np.testing.assert_allclose(logits.grad, np.array([[2], [3], [4]]) * (p - one_hot), rtol=1e-6)
    if isinstance(target, Tensor):
        np.testing.assert_allclose(target.grad[:2], [[0, 4e4, 2e4], [0, 6e4, 3e4]])


def test_a_class_that_is_ruled_out_costs_nothing():
    """A logit of -inf is a probability of 0: loss and gradient are those of the other classes."""
    logits = Tensor([[1.0, 2.0, -np.inf]], requires_grad=True)
    loss = cross_entropy(logits, [1])
    loss.backward(2.0)
    expected = 2 * (softmax(np.array([[1.0, 2.0, -np.inf]])) - [[0, 1, 0]])
    np.testing.assert_allclose(loss.item(), label_losses(np.array([[1.0, 2.0]]), [1])[0], rtol=1e-6)
    np.testing.assert_allclose(logits.grad, expected, rtol=1e-6)


def test_a_node_made_by_hand_gives_the_gradient():
    """The textbook makes CrossEntropyBackward from logits and float labels, and asks it."""
    logits, targets = Tensor(LOGITS, requires_grad=True), Tensor(LABELS.astype(np.float32))
    grad, none = CrossEntropyBackward(logits, targets).apply(np.array(3.0))
    np.testing.assert_allclose(grad, 3 * (softmax(LOGITS) - np.eye(3)[LABELS]) / 4)
    assert none is None


def test_a_node_made_by_hand_can_be_attached():
    """The course computes the value itself, from its log_softmax, and attaches the node."""
    logits, targets = Tensor(LOGITS, requires_grad=True), Tensor(LABELS.astype(np.float32))
    loss = Tensor(label_losses().mean())
    loss.requires_grad = True
    loss._grad_fn = CrossEntropyBackward(logits, targets)
    loss.backward()
    np.testing.assert_allclose(logits.grad, (softmax(LOGITS) - np.eye(3)[LABELS]) / 4)


def test_the_graph_keeps_the_logits_and_the_labels_only():
    """No array of the size of the logits is kept beside them: the softmax is computed again."""
    logits = Tensor(LOGITS, requires_grad=True)
    kept, labels, counts = cross_entropy(logits, LABELS).grad_fn.saved
    assert kept is logits.data
    assert labels is LABELS
    assert counts is None


def test_an_ignored_prediction_has_no_part_in_anything():
    """Value, mean and gradient are those of the other predictions; its own gradient is 0."""
    labels = np.array([2, -100, 1, -100])
    for loss, scores in ((cross_entropy, LOGITS), (nll_loss, np.log(softmax(LOGITS)))):
        for reduction in ("mean", "sum"):
            full, part = (Tensor(x, requires_grad=True) for x in (scores, scores[[0, 2]]))
            ours = loss(full, labels, reduction=reduction)
            theirs = loss(part, labels[[0, 2]], reduction=reduction)
            assert ours.item() == pytest.approx(theirs.item())
            ours.backward(0.7)
            theirs.backward(0.7)
            np.testing.assert_allclose(full.grad[[0, 2]], part.grad)
            np.testing.assert_array_equal(full.grad[[1, 3]], 0)


def test_an_ignored_prediction_may_be_of_anything():
    """Scores of -inf at the class that an ignored label is put to make no NaN."""
    logs = Tensor([[-np.inf, 0.0], [np.log(0.5)] * 2], requires_grad=True)
    loss = nll_loss(logs, [-100, 1])
    loss.backward(3.0)
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_array_equal(logs.grad, [[0, 0], [0, -3]])


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize("weight", [None, [0.5, 2.0, 1.0]])
def test_everything_ignored(loss, weight):
    """The mean is NaN, as in PyTorch; sum and single losses are 0, and so are all gradients."""
    for reduction, expected in (("mean", np.nan), ("sum", 0), ("none", np.zeros(4))):
        logits = Tensor(LOGITS.astype(np.float32), requires_grad=True)
        value = loss(logits, np.full(4, 7), weight, ignore_index=7, reduction=reduction)
        np.testing.assert_array_equal(value.data, expected)
        value.backward(RNG.normal(size=value.shape))
        np.testing.assert_array_equal(logits.grad, 0)
        assert logits.grad.dtype == np.float32


def test_a_weighted_mean_is_over_the_weights():
    """Each label's loss counts as often as its class weighs; of probabilities over rows."""
    weight, single = np.array([0.5, 2.0, 1.25]), label_losses()
    of_labels = weight[LABELS]
    loss = cross_entropy(Tensor(LOGITS), LABELS, weight)
    assert loss.item() == pytest.approx((single * of_labels).sum() / of_labels.sum())
    soft = cross_entropy(Tensor(LOGITS), np.eye(3)[LABELS], weight)
    assert soft.item() == pytest.approx((single * of_labels).mean())
    plain = nll_loss(Tensor(np.log(softmax(LOGITS))), LABELS, weight)
    assert plain.item() == pytest.approx(loss.item())


def test_smoothed_labels_are_probabilities():
    """A smoothed label is the probabilities (1 - ε) one-hot + ε / C, weights or not."""
    for weight in (None, [0.5, 2.0, 1.25]):
        by_label, by_probability = (Tensor(LOGITS, requires_grad=True) for _ in range(2))
        smooth = 0.7 * np.eye(3)[LABELS] + 0.1
        losses = cross_entropy(by_label, LABELS, weight, reduction="none", label_smoothing=0.3)
        others = cross_entropy(by_probability, smooth, weight, reduction="none")
        np.testing.assert_allclose(losses.data, others.data)
        g = RNG.normal(size=4)
        losses.backward(g)
        others.backward(g)
        np.testing.assert_allclose(by_label.grad, by_probability.grad, atol=1e-15)


def test_smoothing_by_hand():
    """Of equal scores every class costs log C, whatever the smoothing; of unlike ones it counts."""
    assert cross_entropy(Tensor(np.zeros((1, 4))), [1], label_smoothing=0.9).item() == (
        pytest.approx(np.log(4))
    )
    x = np.log([[0.5, 0.25, 0.25]])
    expected = 0.8 * np.log(2) + 0.2 * np.mean(np.log([2, 4, 4]))
    assert cross_entropy(Tensor(x), [0], label_smoothing=0.2).item() == pytest.approx(expected)


def test_weights_are_constants_of_the_dtype_of_the_logits():
    """float64 weights make no float64 of float32 logits; they may not ask for gradients."""
    logits = Tensor(LOGITS.astype(np.float32))
    assert cross_entropy(logits, LABELS, np.array([1.0, 2.0, 3.0])).dtype == np.float32
    with pytest.raises(TypeError, match=r"weight counts as constant.*pass weight.detach\(\)"):
        cross_entropy(logits, LABELS, Tensor([1.0, 2.0, 3.0], requires_grad=True))


def test_nothing_of_what_is_impossible_costs_nothing():
    """A probability of 0 for a class of logit -inf adds 0, where PyTorch has NaN."""
    logits = Tensor([[1.0, 1.0, -np.inf]], requires_grad=True)
    loss = cross_entropy(logits, [[0.5, 0.5, 0.0]])
    loss.backward(2.0)
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(logits.grad, np.zeros((1, 3)))


def test_nll_is_cross_entropy_after_a_log_softmax():
    """The two agree in spatial shape too, in value and in the gradient of the log-probabilities."""
    x, labels = RNG.normal(size=(2, 3, 4)), RNG.integers(0, 3, (2, 4))
    logs = Tensor(np.log(softmax(x)), requires_grad=True)
    loss = nll_loss(logs, labels)
    assert loss.item() == pytest.approx(cross_entropy(Tensor(x), labels).item())
    loss.backward(-1.5)
    one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    np.testing.assert_allclose(logs.grad, 1.5 / 8 * one_hot)


def test_a_wrong_number_of_weights_is_refused():
    """The number of weights has to be that of the classes, and the error says which."""
    with pytest.raises(ValueError, match=r"each of the 3 classes, but it has shape \(1, 3\)"):
        nll_loss(Tensor(LOGITS), LABELS, [[1.0, 1.0, 1.0]])
