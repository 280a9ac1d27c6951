"""Losses of scores for several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, as_indices, check_range
from tinytorch.samples import Sample, bad, sample, uniform

from .reduction import REDUCTIONS, Loss, plain_reduction, way_to_shape


class CrossEntropyBackward(Loss):
    """-Σ t log softmax(x) over the classes; of a label, -log softmax(x) at its class.

    Gradients: g (softmax(x) Σ t - t), where a label is a t of one 1; and -g log softmax(x) towards
    t. A label has none.
    """

    name = "cross_entropy"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        self.axis = self._class_axis(input)
        self.labels = self._are_labels(input, target)
        log_p = _log_softmax(input, self.axis)
        if self.labels:
            labels = self._checked_labels(target, input.shape[self.axis])
            self.save(input, labels)
            chosen = np.take_along_axis(log_p, np.expand_dims(labels, self.axis), self.axis)
            losses = -np.squeeze(chosen, self.axis)
        else:
            self.save(input, target)
            losses = -np.sum(target * log_p, axis=self.axis)
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self.share(grad_output)
        if self.reduction == "none":
            share = np.expand_dims(share, self.axis)
        grad_input = grad_target = None
        if need_input and self.labels:
            grad_input = share * (_softmax(input, self.axis) - self._one_hot(input, target))
        elif need_input:
            total = target.sum(axis=self.axis, keepdims=True)
            grad_input = share * (_softmax(input, self.axis) * total - target)
        if need_target and not self.labels:
            grad_target = -share * _log_softmax(input, self.axis)
        return grad_input, grad_target

    def _class_axis(self, input: Any) -> int:
        self.require_floating(input)
        axis = 1 if np.ndim(input) > 1 else 0
        if np.ndim(input) == 0 or input.shape[axis] == 0:
            raise ValueError(
                f"{self.name}: the input should have an axis of at least one class, axis 1 or the "
                f"only one, but its shape is {np.shape(input)}"
            )
        return axis

    def _are_labels(self, input: Array, target: Any) -> bool:
        """Tell labels from probabilities by the shape, as PyTorch does."""
        shape, given = input.shape, np.shape(target)
        label_shape = shape[: self.axis] + shape[self.axis + 1 :]
        if given == label_shape:
            return True
        if given != shape:
            raise ValueError(
                f"{self.name}: the classes of an input of shape {shape} lie along axis "
                f"{self.axis}, so the target should be labels of shape {label_shape} or "
                f"probabilities of shape {shape}, but it has shape {given}; "
                f"{way_to_shape(given, label_shape)}"
            )
        dtype = np.result_type(target)
        if dtype.kind != "f":
            raise TypeError(
                f"{self.name}: a target of the input's shape {shape} is class probabilities and "
                f"should be floating, but it has dtype {dtype}; use target.astype(np.float32), or "
                f"pass labels of shape {label_shape}"
            )
        return False

    def _checked_labels(self, target: Any, classes: int) -> Array:
        labels = as_indices(self.name, target, "class labels")
        check_range(self.name, labels, classes, "class labels")
        return labels

    def _one_hot(self, input: Any, labels: Any) -> Any:
        classes = np.arange(input.shape[self.axis])
        trailing = (1,) * (input.ndim - self.axis - 1)
        return np.expand_dims(labels, self.axis) == classes.reshape(-1, *trailing)


def _softmax(x: Any, axis: int) -> Any:
    exponentials = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def cross_entropy(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Cross-entropy of ``softmax(input)`` with class labels or probabilities.

    Parameters
    ----------
    input : Tensor
        Scores x (logits), floating, of shape (N, C), (N, C, d1, ...) or (C,) for C classes.
    target : Tensor or array
        Either labels from 0 to C - 1, of the shape of `input` without the class axis: (N,),
        (N, d1, ...) or (); integers, or floats that are whole numbers. Or probabilities t of the
        very shape of `input`, floating.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean is over N and d1, ..., not
        over the classes; the mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of labels where reduction="none". A single loss is
        -Σ t log softmax(x), or -log softmax(x) at the label; the gradient of `input` is
        softmax(x) Σ t - t times its own, that of probabilities -log softmax(x) times its own.
        Labels get none.

    Raises
    ------
    IndexError
        If a label is not from 0 to C - 1. (There is no label that is ignored, PyTorch's -100.)
    ValueError
        If the target has another shape than labels or probabilities have, or if there is no class.
    TypeError
        If `input` or probabilities are not floating, or if labels are booleans or not whole.

    Examples
    --------
    >>> logits = Tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> cross_entropy(logits, [0, 1], reduction="none")
    Tensor(data=[6.931472e-01 1.000000e+04], shape=(2,))
    >>> cross_entropy(logits, [[0.5, 0.5], [1.0, 0.0]])
    Tensor(data=0.3465736, shape=())
    """
    return CrossEntropyBackward.call(input, target, reduction=reduction)


def _label_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def _labels(shape: tuple[int, ...], classes: int) -> Any:
    return np.asarray(np.floor(uniform(shape, 0, classes, seed=1))).astype(np.int64)


def _samples() -> list[Sample]:
    shapes: list[tuple[int, ...]] = [
        (3,), (1,), (4, 3), (1, 1), (3, 3), (0, 3), (2, 3, 4), (2, 3, 1, 2), (0, 3, 2),
    ]  # fmt: skip
    classes = {shape: shape[min(1, len(shape) - 1)] for shape in shapes}
    return [
        sample(uniform(shape), target, reduction=reduction)
        for shape in shapes
        for target in (_labels(_label_shape(shape), classes[shape]), uniform(shape, 0, 1, seed=2))
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((4, 3)), _labels((4,), 3)),
        sample(uniform((3, 4)).T, _labels((4,), 3).astype(np.int32), reduction="none"),
        sample(uniform((3, 4)).T, uniform((3, 4), 0, 1).T),
        sample(np.array([[800.0, 0.0, -800.0]]), np.array([1]), reduction="none"),
        sample(np.ones((2, 3)), np.array([2, 0])),
    ]


def _reference(input: Any, target: Any, reduction: str = "mean") -> Any:
    axis = min(1, input.ndim - 1)
    if target.ndim < input.ndim:
        target = np.moveaxis(np.eye(input.shape[axis])[target], -1, axis)
    log_p = input - np.logaddexp.reduce(input, axis=axis, keepdims=True)
    return plain_reduction(-np.sum(target * log_p, axis=axis), reduction)


_LOGITS = uniform((4, 3))

OPERATIONS = [
    Operation(
        cross_entropy,
        CrossEntropyBackward,
        samples=_samples,
        bad_inputs=[
            bad(IndexError, "from 0 to 2, but 3 was given", _LOGITS, np.array([0, 1, 3, 2])),
            bad(IndexError, "from 0 to 2, but -1 was given", _LOGITS, np.array([0, -1, 1, 2])),
            bad(ValueError, r"reshape\(\(4,\)\)", _LOGITS, np.zeros((4, 1), int)),
            bad(ValueError, "lie along axis 1", uniform((2, 5, 3)), np.zeros((2, 5), int)),
            bad(ValueError, "target of its own", _LOGITS, np.zeros(3, int)),
            bad(ValueError, "at least one class", uniform(()), 0),
            bad(ValueError, "at least one class", uniform((2, 0)), np.zeros(2, int)),
            bad(ValueError, "reduction should be one of", _LOGITS, np.arange(4) % 3, reduction=""),
            bad(
                TypeError,
                "should be floating, but it has dtype int",
                _LOGITS,
                np.eye(4, 3, dtype=int),
            ),
            bad(TypeError, "are not whole", _LOGITS, np.full(4, 0.5)),
            bad(TypeError, "dtype bool", _LOGITS, np.ones(4, bool)),
            bad(TypeError, "predictions come first", np.arange(4), _LOGITS),
        ],
        reference=_reference,
        torch="nn.functional.cross_entropy",
    ),
]
