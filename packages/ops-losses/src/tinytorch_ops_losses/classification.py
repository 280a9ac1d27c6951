"""The loss of scores for several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, at_least_single, in_common_dtype
from tinytorch.samples import Sample, bad, sample, uniform

from .checks import constant, number, product
from .classes import (
    LOGITS,
    SHAPES,
    TARGET,
    WEIGHT,
    ClassLoss,
    as_index,
    label_mistakes,
    label_samples,
    label_shape,
    plain_parts,
    shape_of,
    some_labels,
    without,
)
from .reduction import REDUCTIONS, plain_reduction


class CrossEntropyBackward(ClassLoss):
    """-Σ a log softmax(x) over the classes, where a = (1 - ε) w at the label, plus ε w / C at each.

    Here w are the weights of the classes, as a rule 1, and ε is the smoothing, as a rule 0, so that
    it is -log softmax(x) at the label. Gradient: g (softmax(x) Σ a - a). A label has none.
    """

    name = "cross_entropy"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> Array:
        self._start(input, weight)
        labels, counts = self._labels(input, target, ignore_index)
        self.smoothing = label_smoothing
        self.save(input, labels, counts)
        scores = input - input.max(axis=self.axis, keepdims=True)
        chosen = self._pick(scores, labels)
        if label_smoothing:
            weights = self._weights()
            even, mean_weight = (scores * weights).mean(axis=self.axis), float(np.mean(weights))
        np.exp(scores, out=scores)
        logs = np.log(at_least_single(scores).sum(axis=self.axis)).astype(scores.dtype, copy=False)
        losses = logs - chosen
        if weight is not None:
            losses *= weight[labels]
        if label_smoothing:
            losses *= 1 - label_smoothing
            losses += label_smoothing * (logs * mean_weight - even)
        return self._reduce_labelled(losses, labels, counts, reduction)

    def apply(self, grad_output: Array) -> Any:
        input, labels, counts = self.saved
        grad_input = _softmax(input, self.axis)
        if self.smoothing:
            smoothed = self._smoothed(labels, input.dtype)
            grad_input *= at_least_single(smoothed).sum(axis=self.axis, keepdims=True)
            grad_input -= smoothed
            amounts = 1 if counts is None else counts
        else:
            grad_input = self._minus_one_hot(grad_input, labels)
            amounts = self._amounts(labels, counts)
        grad_input *= self._along_classes(self.share(grad_output) * amounts)
        return grad_input, None

    def _or_else(self, shape: tuple[int, ...]) -> str:
        return f" or probabilities of shape {shape}"

    def _smoothed(self, labels: Array, dtype: Any) -> Array:
        """Return a: what each class counts, most of it at the label."""
        smoothed = self._one_hot(labels).astype(dtype)
        smoothed *= 1 - self.smoothing
        smoothed += self.smoothing / self.to_classes[0]
        smoothed *= self._weights()
        return np.asarray(smoothed)


class SoftCrossEntropyBackward(ClassLoss):
    """-Σ a log softmax(x) over the classes, where a = w ((1 - ε) t + ε / C).

    Here t are probabilities, w the weights of the classes, as a rule 1, and ε is the smoothing, as
    a rule 0. Gradients: g (softmax(x) Σ a - a), and -g (1 - ε) w log softmax(x) towards t.
    """

    name = "cross_entropy"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        weight: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> Array:
        self._start(input, weight)
        dtype = np.asarray(target).dtype
        if dtype.kind != "f":
            raise TypeError(
                f"{self.name}: a target of the input's shape {input.shape} is class probabilities "
                f"and should be floating, but it has dtype {dtype}; use target.astype(np.float32), "
                f"or pass labels of shape {without(input.shape, self.axis)}"
            )
        self.smoothing = label_smoothing
        self.save(input, target)
        logs = product(self._smoothed(target), _log_softmax(input, self.axis))
        losses = -logs.sum(axis=self.axis)
        return self.reduce(losses.astype(np.result_type(input, target), copy=False), reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self._along_classes(self.share(grad_output))
        grad_input = grad_target = None
        if need_input:
            smoothed = self._smoothed(target)
            total = at_least_single(smoothed).sum(axis=self.axis, keepdims=True)
            grad_input = _softmax(input, self.axis) * total
            grad_input -= smoothed
            grad_input *= share
        if need_target:
            weights = self._weights() * (1 - self.smoothing)
            grad_target = -share * _log_softmax(input, self.axis) * weights
        return grad_input, grad_target

    def _smoothed(self, target: Any) -> Any:
        """Return the probabilities, smoothed and weighted."""
        if not self.smoothing:
            return target if self.class_weight is None else target * self._weights()
        smoothed = target * (1 - self.smoothing) + self.smoothing / self.to_classes[0]
        return smoothed * self._weights()


def _softmax(x: Any, axis: int) -> Any:
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    exponentials /= at_least_single(exponentials).sum(axis=axis, keepdims=True)
    return exponentials


def _log_softmax(x: Any, axis: int) -> Any:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(at_least_single(np.exp(shifted)).sum(axis=axis, keepdims=True))


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of ``softmax(input)`` with class labels or probabilities.

    Parameters
    ----------
    input : Tensor
        Scores x (logits), floating, of shape (N, C), (N, C, d1, ...) or (C,) for C classes.
    target : Tensor or array
        Either labels from 0 to C - 1, of the shape of `input` without the class axis: (N,),
        (N, d1, ...) or (); integers, or floats that are whole numbers. Or probabilities t of the
        very shape of `input`, floating.
    weight : Tensor or array, optional
        What each class counts, of shape (C,). They count as constant.
    ignore_index : int
        The label of predictions that do not count; with probabilities it has to be negative.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean is over N and d1, ..., not
        over the classes; with labels it is divided by the sum of the weights of those that count,
        or by their number. The mean of none is NaN, and all gradients are then 0.
    label_smoothing : float
        How much of each target, ε from 0 to 1, is spread evenly over all classes.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of labels where reduction="none". A single loss is
        -Σ a log softmax(x) with a = w ((1 - ε) t + ε / C), which is -log softmax(x) at a label
        without weights and smoothing; the gradient of `input` is softmax(x) Σ a - a times its own,
        that of probabilities -(1 - ε) w log softmax(x) times its own. Labels get none.

    Raises
    ------
    IndexError
        If a label is not from 0 to C - 1, nor `ignore_index`.
    ValueError
        If the target has another shape than labels or probabilities have, if `weight` has another
        shape, if there is no class, or if `label_smoothing` is not from 0 to 1.
    TypeError
        If `input` or probabilities are not floating, if labels are booleans or not whole, or if
        `weight` requires gradients.

    References
    ----------
    Szegedy et al. (2016), Rethinking the Inception architecture, for the smoothing:
    https://arxiv.org/abs/1512.00567.

    Examples
    --------
    >>> logits = Tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> cross_entropy(logits, [0, 1], reduction="none")
    Tensor(data=[6.931472e-01 1.000000e+04], shape=(2,))
    >>> cross_entropy(logits, [[0.5, 0.5], [1.0, 0.0]])
    Tensor(data=0.3465736, shape=())
    """
    label_smoothing = number("cross_entropy", "label_smoothing", label_smoothing, at_least=0)
    if label_smoothing > 1:
        raise ValueError(
            "cross_entropy: label_smoothing should be a number from 0 to 1, but it is "
            f"{label_smoothing}"
        )
    if shape_of(target) != shape_of(input):
        weight = constant("cross_entropy", "weight", weight, input)
        return CrossEntropyBackward.call(
            input,
            target,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    if as_index("cross_entropy", ignore_index) >= 0:
        raise ValueError(
            f"cross_entropy: a target of the input's shape {np.shape(input)} is probabilities, of "
            f"which ignore_index={ignore_index} can leave out none; pass labels, or leave it out"
        )
    input, target = in_common_dtype(input, target)
    weight = constant("cross_entropy", "weight", weight, input)
    return SoftCrossEntropyBackward.call(
        input, target, weight=weight, reduction=reduction, label_smoothing=label_smoothing
    )


def _smoothed_samples() -> list[Sample]:
    x, labels = uniform((4, 3)), np.array([2, 0, 1, 2])
    some, t = np.array([2, -100, 1, -100]), uniform((4, 3), 0, 1, seed=2)
    spatial = uniform((2, 3, 4))
    return [
        *(
            sample(x, target, weight, reduction=reduction, label_smoothing=0.25)
            for target in (labels, some, t)
            for weight in (None, WEIGHT)
            for reduction in REDUCTIONS
        ),
        *(
            sample(spatial, target, weight, label_smoothing=smoothing)
            for target in (some_labels((2, 4), 3), uniform((2, 3, 4), 0, 1, seed=2))
            for weight in (None, WEIGHT)
            for smoothing in (0.1, 1.0)
        ),
        sample(x[0], np.array(1), label_smoothing=0.5),
        sample(x, np.full(4, -100), label_smoothing=0.5, reduction="sum"),
    ]


def _probability_samples() -> list[Sample]:
    return [
        sample(uniform(shape), uniform(shape, 0, 1, seed=2), reduction=reduction)
        for shape in SHAPES
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((3, 4)).T, uniform((3, 4), 0, 1).T),
        *(sample(uniform((4, 3)), np.eye(4, 3), WEIGHT, reduction=r) for r in REDUCTIONS),
        sample(np.array([[800.0, 0.0, -800.0]]), np.array([1]), reduction="none"),
        sample(np.array([[1e4, 0.0, -1e4]]), np.array([[0.25, 0.5, 0.25]]), reduction="none"),
        sample(np.ones((2, 3)), np.array([2, 0])),
    ]


def _plain_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    axis, count = min(1, input.ndim - 1), None
    classes = input.shape[axis]
    log_p = input - np.logaddexp.reduce(input, axis=axis, keepdims=True)
    _, weights, _ = plain_parts(
        np.zeros(label_shape(input.shape), int), classes, axis, weight, ignore_index
    )
    if target.ndim < input.ndim:
        target, _, count = plain_parts(target, classes, axis, weight, ignore_index)
        counting = target.any(axis=axis, keepdims=True)  # what is ignored is not smoothed either
    else:
        counting = np.ones(())
    even = label_smoothing / classes * counting
    losses = -np.sum(weights * ((1 - label_smoothing) * target + even) * log_p, axis=axis)
    return plain_reduction(losses, reduction, count)


OPERATIONS = [
    Operation(
        cross_entropy,
        CrossEntropyBackward,
        samples=lambda: [
            *label_samples((-2, 2)),
            *_smoothed_samples(),
            *_probability_samples(),
        ],
        bad_inputs=[
            *label_mistakes(),
            bad(TypeError, "floating, but it has dtype int", LOGITS, np.eye(4, 3, dtype=int)),
            bad(ValueError, "can leave out none", LOGITS, np.eye(4, 3), ignore_index=1),
            bad(ValueError, "from 0 to 1, but it is 1.5", LOGITS, TARGET, label_smoothing=1.5),
            bad(ValueError, "of 0 or more, but", LOGITS, TARGET, label_smoothing=-0.5),
            bad(TypeError, "label_smoothing should be", LOGITS, TARGET, label_smoothing="0"),
        ],
        reference=_plain_cross_entropy,
        torch="nn.functional.cross_entropy",
    ),
]
