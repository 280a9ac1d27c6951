"""The loss of class labels, given logarithms of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor

from .checks import constant
from .classes import ClassLoss, label_mistakes, label_samples, plain_parts
from .reduction import plain_reduction


class NLLBackward(ClassLoss):
    """-w x at the label, where w is its weight. Gradient: -g w at the label, 0 elsewhere."""

    name = "nll_loss"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> Array:
        self._start(input, weight)
        labels, counts = self._labels(input, target, ignore_index)
        self.save(labels, counts)
        losses = -self._pick(input, labels)
        if weight is not None:
            losses *= weight[labels]
        return self._reduce_labelled(losses, labels, counts, reduction)

    def apply(self, grad_output: Array) -> Any:
        labels, counts = self.saved
        share = -self.share(grad_output) * self._amounts(labels, counts)
        return self._along_classes(share) * self._one_hot(labels), None


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of class labels, given the logarithms of probabilities.

    Parameters
    ----------
    input : Tensor
        Logarithms of probabilities, x, floating, of shape (N, C), (N, C, d1, ...) or (C,) for C
        classes.
    target : Tensor or array
        Labels from 0 to C - 1, of the shape of `input` without the class axis: (N,), (N, d1, ...)
        or (); integers, or floats that are whole numbers.
    weight : Tensor or array, optional
        What the loss of each label is multiplied with, of shape (C,). They count as constant.
    ignore_index : int
        The label of predictions that do not count.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean is divided by the sum of the
        weights of the labels that count, or by their number; the mean of none is NaN, and all
        gradients are then 0.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `target` where reduction="none". A single loss is -w x at
        the label; the gradient of `input` is there -w times its own, and 0 elsewhere. Labels get
        none.

    Raises
    ------
    IndexError
        If a label is not from 0 to C - 1, nor `ignore_index`.
    ValueError
        If the target or `weight` has another shape, or if there is no class.
    TypeError
        If `input` is not floating, if labels are booleans or not whole, or if `weight` requires
        gradients.

    Examples
    --------
    >>> logs = Tensor([[0.5, 0.5], [0.25, 0.75]]).log()
    >>> nll_loss(logs, [0, 1], reduction="none")
    Tensor(data=[0.6931472 0.2876821], shape=(2,))
    >>> nll_loss(logs, [0, -100])
    Tensor(data=0.6931472, shape=())
    """
    return NLLBackward.call(
        input,
        target,
        weight=constant("nll_loss", "weight", weight, input),
        ignore_index=ignore_index,
        reduction=reduction,
    )


def _plain_nll(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    axis = min(1, input.ndim - 1)
    one_hot, weights, count = plain_parts(target, input.shape[axis], axis, weight, ignore_index)
    return plain_reduction(-np.sum(one_hot * weights * input, axis=axis), reduction, count)


OPERATIONS = [
    Operation(
        nll_loss,
        NLLBackward,
        samples=lambda: label_samples((-4, -0.1)),
        bad_inputs=label_mistakes(),
        reference=_plain_nll,
        torch="nn.functional.nll_loss",
    ),
]
