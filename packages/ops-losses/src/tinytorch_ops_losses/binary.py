"""Losses of probabilities that something is so."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

from .reduction import REDUCTIONS, Loss, plain_reduction

LEAST_LOG = -100
"""No logarithm counts as less, so that the loss of a wrong certainty is finite, as in PyTorch."""


class BCEBackward(Loss):
    """-(t log p + (1 - t) log(1 - p)). Gradients: g (p - t) / (p (1 - p)), g log((1 - p) / p)."""

    name = "binary_cross_entropy"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        floats = self.target_for_each(input, target)
        self._require_probabilities(input)
        self.save(input, target)
        with np.errstate(divide="ignore"):  # log 0 is -inf, which the maximum takes away
            log_yes = np.maximum(np.log(input), LEAST_LOG)
            log_no = np.maximum(np.log1p(-input), LEAST_LOG)
        return self.reduce(-(floats * log_yes + (1 - floats) * log_no), reduction)

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

    def _require_probabilities(self, input: Array) -> None:
        inside = np.asarray((input >= 0) & (input <= 1))
        if not inside.all():
            outside = np.asarray(input)[~inside]
            raise ValueError(
                f"{self.name}: the input should be probabilities from 0 to 1, but {outside[0]} was "
                f"given (dtype {np.result_type(input)}, shape {np.shape(input)}); for scores that "
                "have not been through a sigmoid use binary_cross_entropy_with_logits"
            )


def _log(x: Any) -> Any:
    """The logarithm from `LEAST_LOG` up; that of 0 is never taken, for its slope is infinite."""
    positive = x > 0
    return np.where(positive, np.maximum(np.log(np.where(positive, x, 1)), LEAST_LOG), LEAST_LOG)


def binary_cross_entropy(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy ``-(t log p + (1 - t) log(1 - p))`` of probabilities.

    Parameters
    ----------
    input : Tensor
        Probabilities p from 0 to 1, of any shape, floating.
    target : Tensor, array or number
        What is so, t: 0 or 1 or between, of the very shape of `input`. Integers and booleans take
        its dtype.
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
        If the shapes differ, or if a probability is not from 0 to 1.
    TypeError
        If `input` is not floating.

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
    return BCEBackward.call(input, target, reduction=reduction)


class BCEWithLogitsBackward(Loss):
    """log(1 + e^x) - t x. Gradients: g (sigmoid(x) - t), and -g x towards t."""

    name = "binary_cross_entropy_with_logits"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        floats = self.target_for_each(input, target)
        self.save(input, target)
        # The first two terms cancel exactly where x is large and t is right.
        losses = np.maximum(input, 0) - input * floats + np.log1p(np.exp(-np.abs(input)))
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        x, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self.share(grad_output)
        grad_input = share * (_sigmoid(x) - target) if need_input else None
        return grad_input, -share * x if need_target else None


def _sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x), where e^-x stops growing before it overflows."""
    largest = int(np.log(np.finfo(x.dtype).max))
    return 1 / (1 + np.exp(np.minimum(-x, largest)))


def binary_cross_entropy_with_logits(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of ``sigmoid(input)``, computed from the scores themselves.

    Parameters
    ----------
    input : Tensor
        Scores x (logits) of any shape, floating.
    target : Tensor, array or number
        What is so, t: 0 or 1 or between, of the very shape of `input`. Integers and booleans take
        its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single loss is
        log(1 + e^x) - t x; the gradient of `input` is sigmoid(x) - t times its own, that of
        `target` is -x times its own.

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If `input` is not floating.

    Examples
    --------
    >>> binary_cross_entropy_with_logits(Tensor([0.0, 1e4]), Tensor([1.0, 0.0]), reduction="none")
    Tensor(data=[6.931472e-01 1.000000e+04], shape=(2,))
    """
    return BCEWithLogitsBackward.call(input, target, reduction=reduction)


def _samples(low: float, high: float) -> list[Sample]:
    shapes: list[tuple[int, ...]] = [(), (1,), (4,), (2, 3), (4, 1), (0, 3), (2, 1, 3)]
    return [
        sample(uniform(shape, low, high), uniform(shape, 0, 1, seed=1), reduction=reduction)
        for shape in shapes
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((2, 3), low, high), uniform((2, 3), 0, 1, seed=1)),
        sample(uniform((2, 3), low, high), uniform((3, 2), 0, 1, seed=1).T),
        sample(uniform((2, 3), low, high), (uniform((2, 3)) > 0).astype(float)),
    ]


def _logit_samples() -> list[Sample]:
    scores = np.array([-800.0, -50.0, 0.0, 50.0, 800.0])
    return [*_samples(-3, 3), sample(scores, uniform(5, 0, 1), reduction="none")]


def _plain_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    losses = -np.log(np.power(input, target) * np.power(1 - input, 1 - target))
    return plain_reduction(losses, reduction)


def _plain_logit_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    losses = target * np.logaddexp(0, -input) + (1 - target) * np.logaddexp(0, input)
    return plain_reduction(losses, reduction)


def _bad_inputs(p: Any) -> list[BadInput]:
    return [
        bad(ValueError, r"reshape\(\(3, 1\)\)", p[:, None], p),
        bad(ValueError, "target of its own", p, p[:2]),
        bad(ValueError, "reduction should be one of", p, p, reduction="max"),
        bad(TypeError, "predictions come first", np.arange(3), p),
    ]


_P = np.array([0.25, 0.5, 0.75])

OPERATIONS = [
    Operation(
        binary_cross_entropy,
        BCEBackward,
        samples=lambda: _samples(0.05, 0.95),
        bad_inputs=[
            *_bad_inputs(_P),
            bad(ValueError, "1.5 was given.*binary_cross_entropy_with_logits", 2 * _P, _P),
            bad(ValueError, "-0.25 was given", -_P, _P),
            bad(ValueError, "nan was given", np.array([0.5, np.nan]), np.ones(2)),
        ],
        reference=_plain_loss,
        torch="nn.functional.binary_cross_entropy",
    ),
    Operation(
        binary_cross_entropy_with_logits,
        BCEWithLogitsBackward,
        samples=_logit_samples,
        bad_inputs=_bad_inputs(_P),
        reference=_plain_logit_loss,
        torch="nn.functional.binary_cross_entropy_with_logits",
    ),
]
