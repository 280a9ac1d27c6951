"""What losses of scores for several classes share, and the samples that they share."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from tinytorch import Array, Tensor, as_indices, check_range
from tinytorch.samples import BadInput, Sample, bad, kink, sample, uniform

from .reduction import REDUCTIONS, Loss, way_to_shape


class ClassLoss(Loss):
    """A loss of scores along a class axis, axis 1 or the only one. Gradient: of the scores.

    The label `ignore_index` stands for a prediction that does not count.
    """

    def _start(self, input: Any, class_weight: Any) -> None:
        """Check the scores and the weights of classes; find the class axis."""
        self.require_floating(input)
        shape = np.shape(input)
        self.axis = axis = 1 if len(shape) > 1 else 0
        if not shape or not shape[axis]:
            raise ValueError(
                f"{self.name}: the input should have an axis of at least one class, axis 1 or the "
                f"only one, but its shape is {shape}"
            )
        if class_weight is not None and class_weight.shape != (shape[axis],):
            raise ValueError(
                f"{self.name}: weight should hold one number for each of the {shape[axis]} "
                f"classes, but it has shape {class_weight.shape}"
            )
        self.class_weight = class_weight
        self.to_classes = (shape[axis], *(1,) * (len(shape) - axis - 1))

    def _labels(self, input: Array, target: Any, ignore_index: Any) -> tuple[Array, Array | None]:
        """Return labels that can be picked, and where they count, or None for everywhere."""
        shape, given = np.shape(input), np.shape(target)
        if given != (wanted := without(shape, self.axis)):
            raise ValueError(
                f"{self.name}: the classes of an input of shape {shape} lie along axis "
                f"{self.axis}, so the target should be labels of shape {wanted}"
                f"{self._or_else(shape)}, but it has shape {given}; {way_to_shape(given, wanted)}"
            )
        labels = as_indices(self.name, target, "class labels")
        counts = labels != as_index(self.name, ignore_index)
        if counts.all():
            check_range(self.name, labels, shape[self.axis], "class labels")
            return labels, None
        check_range(self.name, labels[counts], shape[self.axis], "class labels")
        return np.where(counts, labels, 0), counts

    def _or_else(self, shape: tuple[int, ...]) -> str:
        return ""

    def _pick(self, scores: Array, labels: Array) -> Array:
        """Return the score of each label."""
        if scores.ndim == 2:
            return scores[np.arange(len(labels)), labels]
        picked = np.take_along_axis(scores, np.expand_dims(labels, self.axis), self.axis)
        return np.asarray(np.squeeze(picked, self.axis))

    def _minus_one_hot(self, fresh: Any, labels: Array) -> Any:
        """Return what nobody else knows, less 1 at each label."""
        if type(fresh) is np.ndarray and fresh.ndim == 2:
            fresh[np.arange(len(labels)), labels] -= 1
            return fresh
        fresh -= self._one_hot(labels)
        return fresh

    def _one_hot(self, labels: Array) -> Any:
        small = np.min_scalar_type(self.to_classes[0])  # compared fastest
        classes = np.arange(self.to_classes[0], dtype=small).reshape(self.to_classes)
        return np.expand_dims(labels.astype(small), self.axis) == classes

    def _weights(self) -> Any:
        """Return what each class counts, along the class axis; 1 where all count the same."""
        if self.class_weight is None:
            return 1
        return self.class_weight.reshape(self.to_classes)

    def _amounts(self, labels: Array, counts: Array | None) -> Any:
        """Return how much each prediction counts: the weight of its label, 0 if it is ignored."""
        if self.class_weight is None:
            return 1 if counts is None else counts
        return self.class_weight[labels] * (1 if counts is None else counts)

    def _reduce_labelled(
        self, losses: Any, labels: Array, counts: Array | None, reduction: str
    ) -> Array:
        """Reduce losses that are weighted; the mean is over the weights of what counts."""
        if counts is None and self.class_weight is None:
            return self.reduce(losses, reduction)
        amounts = self._amounts(labels, counts)
        if counts is not None:
            losses = np.where(counts, losses, 0)
        count = np.sum(np.broadcast_to(amounts, labels.shape), dtype=np.float64)
        return self.reduce(losses, reduction, float(count))

    def _along_classes(self, share: Any) -> Any:
        """Return the gradient of each single loss, or of all, with the class axis put in."""
        return np.expand_dims(share, self.axis) if np.ndim(share) else share


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of a tensor, an array or a sequence."""
    return x.shape if isinstance(x, Tensor | np.ndarray) else np.shape(x)


def without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return a shape without an axis."""
    return shape[:axis] + shape[axis + 1 :]


def as_index(op: str, ignore_index: Any) -> int:
    """Return the label that is ignored as an integer."""
    try:
        return operator.index(ignore_index)
    except TypeError:
        raise TypeError(
            f"{op}: ignore_index should be an integer, but it is {ignore_index!r}"
        ) from None


def label_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the labels for scores of a shape."""
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def some_labels(shape: tuple[int, ...], classes: int) -> Any:
    """Return labels, the same each time."""
    return np.asarray(np.floor(uniform(shape, 0, classes, seed=1))).astype(np.int64)


SHAPES: tuple[tuple[int, ...], ...] = (
    (3,), (1,), (4, 3), (1, 1), (3, 3), (0, 3), (2, 3, 4), (2, 3, 1, 2), (0, 3, 2),
)  # fmt: skip
WEIGHT = [0.5, 2.0, 1.25]


def label_samples(inputs: tuple[float, float]) -> list[Sample]:
    """Return calls with labels: all shapes, weights, and what is ignored."""
    x, labels = uniform((4, 3), *inputs), np.array([2, 0, 1, 2])
    some, none = np.array([2, -100, 1, -100]), np.full(4, -100)
    spatial, places = uniform((2, 3, 4), *inputs), some_labels((2, 4), 3)
    return [
        sample(uniform(shape, *inputs), some_labels(label_shape(shape), classes), reduction=r)
        for shape in SHAPES
        for classes in [shape[min(1, len(shape) - 1)]]
        for r in REDUCTIONS
    ] + [
        sample(x, labels),
        sample(x, labels.astype(np.int32)),
        *(sample(x, labels, WEIGHT, reduction=reduction) for reduction in REDUCTIONS),
        *(sample(x, some, reduction=reduction) for reduction in REDUCTIONS),
        *(sample(x, some, WEIGHT, reduction=reduction) for reduction in REDUCTIONS),
        *(kink(x, none, reduction=reduction) for reduction in REDUCTIONS),
        *(sample(spatial, places, WEIGHT, ignore_index=i) for i in (1, 0)),
        sample(spatial, np.where(places == 1, -1, places), ignore_index=-1, reduction="none"),
        sample(x, labels, [1.0, 0.0, 2.0], ignore_index=2, reduction="sum"),
        sample(x[0], np.array(1), WEIGHT),
        sample(x[0], np.array(1), reduction="none", ignore_index=1),
    ]


def plain_parts(
    target: Any, classes: int, axis: int, weight: Any, ignore_index: int
) -> tuple[Any, Any, Any]:
    """Return labels as probabilities, the weights along the classes, and those of the labels."""
    weights = np.ones(classes) if weight is None else np.array(weight)
    one_hot = np.moveaxis(np.eye(classes)[np.where(target == ignore_index, 0, target)], -1, axis)
    one_hot = one_hot * np.expand_dims(target != ignore_index, axis)
    weights = weights if axis == 0 else weights.reshape(-1, *(1,) * (one_hot.ndim - 2))
    return one_hot, weights, (one_hot * weights).sum()


LOGITS, TARGET = uniform((4, 3)), np.arange(4) % 3


def label_mistakes() -> list[BadInput]:
    """Return calls with labels, weights or scores that will not do."""
    return [
        bad(IndexError, "from 0 to 2, but 3 was given", LOGITS, np.array([0, 1, 3, 2])),
        bad(IndexError, "from 0 to 2, but -1 was given", LOGITS, np.array([0, -1, 1, 2])),
        bad(IndexError, "but -100 was", LOGITS, np.array([0, -100, 1, 2]), ignore_index=1),
        bad(ValueError, r"reshape\(\(4,\)\)", LOGITS, np.zeros((4, 1), int)),
        bad(ValueError, "lie along axis 1", uniform((2, 5, 3)), np.zeros((2, 5), int)),
        bad(ValueError, "target of its own", LOGITS, np.zeros(3, int)),
        bad(ValueError, "at least one class", uniform(()), 0),
        bad(ValueError, "at least one class", uniform((2, 0)), np.zeros(2, int)),
        bad(ValueError, "reduction should be one of", LOGITS, TARGET, reduction=""),
        bad(ValueError, "each of the 3 classes", LOGITS, TARGET, [1.0] * 4),
        bad(TypeError, "weight should hold real numbers", LOGITS, TARGET, ["a"]),
        bad(TypeError, "ignore_index should be an integer", LOGITS, TARGET, ignore_index=0.5),
        bad(TypeError, "are not whole", LOGITS, np.full(4, 0.5)),
        bad(TypeError, "dtype bool", LOGITS, np.ones(4, bool)),
        bad(TypeError, "predictions come first", np.arange(4), LOGITS),
    ]
