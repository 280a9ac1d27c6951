"""Losses of probabilities that something is so."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, in_common_dtype
from tinytorch.samples import Sample, bad, sample, uniform

from .cases import bad_weights, mistakes, pairs
from .checks import constant, floats, require_shape_within
from .logistic import log_of_one_and, sigmoids, softplus
from .reduction import ElementwiseLoss, plain_reduction

LEAST_LOG = -100
"""No logarithm counts as less, so that the loss of a wrong certainty is finite, as in PyTorch."""


class BCEBackward(ElementwiseLoss):
    """-(t log p + (1 - t) log(1 - p)). Gradients: g (p - t) / (p (1 - p)), g log((1 - p) / p)."""

    name = "binary_cross_entropy"

    def forward(
        self, input: Array, target: Array, *, reduction: str = "mean", weight: Any = None
    ) -> Array:
        target_floats = self.target_for_each(input, target)
        self._require_probabilities(
            "input",
            input,
            "; for scores that have not been through a sigmoid use "
            "binary_cross_entropy_with_logits",
        )
        self._require_probabilities("target", target_floats)
        self.weight = weight
        if weight is not None:
            require_shape_within(self.name, "weight", weight, np.shape(input))
        self.save(input, target)
        with np.errstate(divide="ignore"):  # log 0 is -inf, which the maximum takes away
            log_yes = np.maximum(np.log(input), LEAST_LOG)
            log_no = np.maximum(np.log1p(-input), LEAST_LOG)
        losses = -(target_floats * log_yes + (1 - target_floats) * log_no)
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        p, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self.share(grad_output)
        grad_input = grad_target = None
        if need_input:
            # 1e-12 is PyTorch's; half precision has no such number.
            least = max(1e-12, float(np.finfo(p.dtype).tiny))
            grad_input = share * (p - target) / np.maximum(p * (1 - p), least)
        if need_target:
            grad_target = share * (_log(1 - p) - _log(p))
        return grad_input, grad_target

    def _require_probabilities(self, which: str, x: Array, hint: str = "") -> None:
        inside = np.asarray((x >= 0) & (x <= 1))
        if not inside.all():
            outside = np.asarray(x)[~inside]
            raise ValueError(
                f"{self.name}: the {which} should be probabilities from 0 to 1, but {outside[0]} "
                f"was given (dtype {np.result_type(x)}, shape {np.shape(x)}){hint}"
            )


def _log(x: Any) -> Any:
    """The logarithm from `LEAST_LOG` up; that of 0 is never taken, for its slope is infinite."""
    positive = x > 0
    return np.where(positive, np.maximum(np.log(np.where(positive, x, 1)), LEAST_LOG), LEAST_LOG)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean"
) -> Tensor:
    """Binary cross-entropy ``-(t log p + (1 - t) log(1 - p))`` of probabilities.

    Parameters
    ----------
    input : Tensor
        Probabilities p from 0 to 1, of any shape, floating.
    target : Tensor, array or number
        What is so, t: 0 or 1 or between, of the very shape of `input`. Integers and booleans take
        its dtype.
    weight : Tensor or array, optional
        What each loss is multiplied with, of a shape that broadcasts to the input's. The mean is
        over the predictions all the same. They count as constant.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". For each single loss the
        gradient of `input` is (p - t) / (p (1 - p)) times its own, that of `target` is
        log(1 - p) - log p times its own.

    Raises
    ------
    ValueError
        If the shapes differ, or if a probability, or a target, is not from 0 to 1.
    TypeError
        If `input` is not floating, or `weight` requires gradients.

    Notes
    -----
    As in PyTorch, a logarithm counts as -100 at least, so that the loss is finite at p = 0 and
    p = 1, and p (1 - p) as 1e-12 at least in the gradient. `binary_cross_entropy_with_logits` needs
    neither, and loses no precision there.

    Examples
    --------
    >>> binary_cross_entropy(Tensor([0.5, 0.75]), Tensor([1.0, 1.0]), reduction="none")
    Tensor(data=[0.6931472 0.2876821], shape=(2,))
    """
    input, target = in_common_dtype(input, floats(target, input))
    return BCEBackward.call(
        input,
        target,
        reduction=reduction,
        weight=constant("binary_cross_entropy", "weight", weight, input),
    )


class BCEWithLogitsBackward(ElementwiseLoss):
    """(1 - t) log(1 + e^x) + w t log(1 + e^-x), with the weight w of the positive, as a rule 1.

    Gradients: g ((1 - t) σ(x) - w t σ(-x)), and g (w log(1 + e^-x) - log(1 + e^x)) towards t.
    """

    name = "binary_cross_entropy_with_logits"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        reduction: str = "mean",
        weight: Any = None,
        pos_weight: Any = None,
    ) -> Array:
        target_floats = self.target_for_each(input, target)
        self.weight, self.pos_weight = weight, pos_weight
        for name, values in (("weight", weight), ("pos_weight", pos_weight)):
            if values is not None:
                require_shape_within(self.name, name, values, np.shape(input))
        self.save(input, target)
        if pos_weight is None:
            # The first two terms cancel exactly where x is large and t is right.
            losses = np.maximum(input, 0) - input * target_floats
            losses += log_of_one_and(input)
        else:
            losses = (1 - target_floats) * softplus(input)
            losses += pos_weight * target_floats * softplus(-input)
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        x, target = self.saved
        need_input, need_target = self.needs_input_grad
        share, w = self.share(grad_output), self.pos_weight
        grad_input = grad_target = None
        if need_input:
            yes, no = sigmoids(x)
            no *= target if w is None else target * w
            yes *= 1 - target
            yes -= no
            grad_input = yes * share
        if need_target:
            grad_target = share * (-x if w is None else w * softplus(-x) - softplus(x))
        return grad_input, grad_target


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """Binary cross-entropy of ``sigmoid(input)``, computed from the scores themselves.

    Parameters
    ----------
    input : Tensor
        Scores x (logits) of any shape, floating.
    target : Tensor, array or number
        What is so, t: 0 or 1 or between, of the very shape of `input`. Integers and booleans take
        its dtype.
    weight : Tensor or array, optional
        What each loss is multiplied with, of a shape that broadcasts to the input's. The mean is
        over the predictions all the same. They count as constant.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.
    pos_weight : Tensor or array, optional
        What the loss of what is so, of t = 1, is multiplied with, w: of a shape that broadcasts to
        the input's, such as one for each class in the last axis. They count as constant.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single loss is
        (1 - t) log(1 + e^x) + w t log(1 + e^-x), which is log(1 + e^x) - t x where w is 1. The
        gradient of `input` is (1 - t) sigmoid(x) - w t sigmoid(-x) times its own, that of `target`
        is w log(1 + e^-x) - log(1 + e^x) times its own, -x where w is 1.

    Raises
    ------
    ValueError
        If the shapes differ, or if weights do not broadcast to the input's.
    TypeError
        If `input` is not floating, or if weights require gradients.

    Examples
    --------
    >>> binary_cross_entropy_with_logits(Tensor([0.0, 1e4]), Tensor([1.0, 0.0]), reduction="none")
    Tensor(data=[6.931472e-01 1.000000e+04], shape=(2,))
    """
    op = "binary_cross_entropy_with_logits"
    input, target = in_common_dtype(input, floats(target, input))
    return BCEWithLogitsBackward.call(
        input,
        target,
        reduction=reduction,
        weight=constant(op, "weight", weight, input),
        pos_weight=constant(op, "pos_weight", pos_weight, input),
    )


_ROW, _COLUMN, _EACH = [0.5, 2.0, 0.0], [[3.0], [0.25]], [[1.0, 2.0, 0.5], [0.0, 1.5, 1.0]]


def _weighted(name: str, inputs: tuple[float, float], **others: Any) -> list[Sample]:
    p, t = uniform((2, 3), *inputs), uniform((2, 3), 0, 1, seed=5)
    return [
        sample(p, t, **{name: _ROW}, **others),
        sample(p, t, **{name: _COLUMN}, reduction="none", **others),
        sample(p, t, **{name: _EACH}, reduction="sum", **others),
        sample(p, t.round().astype(np.int64), **{name: _EACH}, **others),
        sample(p, t, **{name: [2.5]}, **others),
    ]


def _logit_samples() -> list[Sample]:
    scores = np.array([-800.0, -50.0, 0.0, 50.0, 800.0])
    return [
        *pairs((-3, 3), (0, 1)),
        sample(uniform((2, 3), -3, 3), (uniform((2, 3)) > 0).astype(float)),
        sample(scores, uniform(5, 0, 1), reduction="none"),
        sample(scores, uniform(5, 0, 1), reduction="none", pos_weight=[0.5, 1.0, 2.0, 3.0, 4.0]),
        *_weighted("weight", (-3, 3)),
        *_weighted("pos_weight", (-3, 3)),
        *_weighted("pos_weight", (-3, 3), weight=_EACH),
        sample(uniform((0, 3)), uniform((0, 3)), pos_weight=_ROW),
    ]


def _plain_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    losses = -np.log(np.power(input, target) * np.power(1 - input, 1 - target))
    return plain_reduction(losses * (1 if weight is None else np.array(weight)), reduction)


def _plain_logit_loss(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    weight, pos_weight = (np.array(1.0 if w is None else w) for w in (weight, pos_weight))
    losses = pos_weight * target * np.logaddexp(0, -input) + (1 - target) * np.logaddexp(0, input)
    return plain_reduction(losses * weight, reduction)


_P = np.array([0.25, 0.5, 0.75])
_NO_WEIGHT = bad_weights("weight", _P, _P, "weight should have a shape that broadcasts")

OPERATIONS = [
    Operation(
        binary_cross_entropy,
        BCEBackward,
        samples=lambda: [
            *pairs((0.05, 0.95), (0, 1)),
            sample(uniform((2, 3), 0.05, 0.95), (uniform((2, 3)) > 0).astype(int)),
            *_weighted("weight", (0.05, 0.95)),
        ],
        bad_inputs=[
            *mistakes(_P, _P),
            *_NO_WEIGHT,
            bad(ValueError, "1.5 was given.*binary_cross_entropy_with_logits", 2 * _P, _P),
            bad(ValueError, "-0.25 was given", -_P, _P),
            bad(ValueError, "nan was given", np.array([0.5, np.nan]), np.ones(2)),
            bad(ValueError, "the target should be probabilities.* 1.5 was given", _P, 2 * _P),
        ],
        reference=_plain_loss,
        torch="nn.functional.binary_cross_entropy",
    ),
    Operation(
        binary_cross_entropy_with_logits,
        BCEWithLogitsBackward,
        samples=_logit_samples,
        bad_inputs=[
            *mistakes(_P, _P),
            *_NO_WEIGHT,
            *bad_weights("pos_weight", _P, _P, "pos_weight should have a shape that broadcasts"),
        ],
        reference=_plain_logit_loss,
        torch="nn.functional.binary_cross_entropy_with_logits",
    ),
]
