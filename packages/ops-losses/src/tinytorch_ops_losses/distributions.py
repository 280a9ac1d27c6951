"""Losses of predicted distributions: what a target costs under them, or how far it is off."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, in_common_dtype
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .cases import SHAPES, mistakes, pairs
from .checks import floats, number, product
from .reduction import REDUCTIONS, ElementwiseLoss, plain_reduction


class KLDivBackward(ElementwiseLoss):
    """t (log t - x), where x is the logarithm of a probability; 0 where t is 0.

    Gradients: -g t, and g (log t - x + 1) towards t, or towards log t t times that.
    """

    name = "kl_div"
    reductions = ("mean", "batchmean", "sum", "none")

    def forward(
        self, input: Array, target: Array, *, reduction: str = "mean", log_target: bool = False
    ) -> Array:
        target_floats = self.target_for_each(input, target)
        self.log_target = log_target
        self.save(input, target)
        if not log_target:
            self._require_probabilities(target_floats)
        # log 0 is -inf, and -inf less -inf is NaN, of which the product makes 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = target_floats if log_target else np.log(target_floats)
            probabilities = np.exp(target_floats) if log_target else target_floats
            losses = product(probabilities, logs - input)
        rows = np.shape(input)[0] if np.ndim(input) else 1
        return self.reduce(losses, reduction, rows if reduction == "batchmean" else None)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self.share(grad_output)
        probability = np.exp(target) if self.log_target else target
        grad_target = None
        if need_target:
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = (target if self.log_target else np.log(target)) - input + 1
            grad_target = share * (product(probability, slope) if self.log_target else slope)
        return -share * probability if need_input else None, grad_target

    def _require_probabilities(self, target: Array) -> None:
        negative = np.asarray(target < 0)
        if negative.any():
            raise ValueError(
                f"{self.name}: the target should be probabilities, but "
                f"{np.asarray(target)[negative].flat[0]} was given (dtype "
                f"{np.result_type(target)}, shape {np.shape(target)}); for logarithms of "
                "probabilities pass log_target=True"
            )


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Kullback-Leibler divergence of a predicted distribution from the target, by elements.

    Parameters
    ----------
    input : Tensor
        Logarithms of probabilities, x, of any shape, floating.
    target : Tensor, array or number
        Probabilities t, or their logarithms, of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "batchmean", "sum", "none"}
        What becomes of the terms of the single elements. "batchmean" divides their sum by the
        length of the first axis, which makes the mean divergence of (N, C); "mean" divides by the
        number of elements. The mean of none is NaN.
    log_target : bool
        Whether `target` holds logarithms.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single term is
        t (log t - x), and 0 where t is 0 (also where x is then -inf). The gradient of `input` is
        -t times its own, that of t is log t - x + 1 times its own, that of log t is t times that.

    Raises
    ------
    ValueError
        If the shapes differ, or if a probability is negative.
    TypeError
        If `input` is not floating.

    Examples
    --------
    >>> kl_div(Tensor([[0.5, 0.5]]).log(), [[1.0, 0.0]], reduction="batchmean")
    Tensor(data=0.6931472, shape=())
    """
    input, target = in_common_dtype(input, floats(target, input))
    return KLDivBackward.call(input, target, reduction=reduction, log_target=log_target)


class PoissonNLLBackward(ElementwiseLoss):
    """λ - t log λ for a rate λ, which is e^x, or x with log(x + ε); with Stirling's log t! if full.

    Gradients: g (e^x - t) or g (1 - t / (x + ε)), and -g log λ towards t.
    """

    name = "poisson_nll_loss"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> Array:
        target_floats = self.target_for_each(input, target)
        self.log_input, self.full, self.eps = log_input, full, eps
        self.save(input, target)
        if not log_input:
            self._require_rates(input)
        with np.errstate(over="ignore", divide="ignore"):  # a rate beyond all numbers costs inf
            rate = np.exp(input) if log_input else input
            losses = rate - product(target_floats, input if log_input else np.log(input + eps))
        if full:
            large = np.maximum(target_floats, 1)
            stirling = large * np.log(large) - large + np.log(2 * pi * large) / 2
            losses = losses + stirling * (target_floats > 1)
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        x, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = self.share(grad_output)
        grad_input = grad_target = None
        if need_input:
            with np.errstate(over="ignore", divide="ignore"):
                slope = (
                    np.exp(x) - target
                    if self.log_input
                    else 1 - product(target, 1 / (x + self.eps))
                )
            grad_input = share * slope
        if need_target:
            with np.errstate(divide="ignore"):
                slope = -x if self.log_input else -np.log(x + self.eps)
            if self.full:
                large = np.where(target > 1, target, 1)
                slope = slope + (np.log(large) + 0.5 / large) * (target > 1)
            grad_target = share * slope
        return grad_input, grad_target

    def _require_rates(self, input: Array) -> None:
        negative = np.asarray(input < 0)
        if negative.any():
            raise ValueError(
                f"{self.name}: with log_input=False the input should be rates, but "
                f"{np.asarray(input)[negative].flat[0]} was given (dtype "
                f"{np.result_type(input)}, shape {np.shape(input)}); for logarithms of rates pass "
                "log_input=True"
            )


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts under Poisson distributions.

    Parameters
    ----------
    input : Tensor
        The logarithms x of rates, or rates, of any shape, floating.
    target : Tensor, array or number
        Counts t, of the very shape of `input`. Integers take its dtype.
    log_input : bool
        Whether `input` holds logarithms.
    full : bool
        Add Stirling's approximation of log t! for counts above 1: t log t - t + log(2 π t) / 2.
    eps : float
        What is added to a rate before its logarithm is taken, where log_input=False.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single loss is e^x - t x,
        or x - t log(x + eps) of a rate, infinite where e^x is beyond the numbers of the dtype. The
        gradient of `input` is e^x - t, or 1 - t / (x + eps), times its own; that of `target` is -x,
        or -log(x + eps), times its own, with log t + 1 / (2 t) added where the approximation is.

    Raises
    ------
    ValueError
        If the shapes differ, if a rate is negative, or if `eps` is.
    TypeError
        If `input` is not floating, or `eps` is no number.

    Examples
    --------
    >>> poisson_nll_loss(Tensor([0.0, -1e4]), [2, 0], reduction="none")
    Tensor(data=[1. 0.], shape=(2,))
    """
    input, target = in_common_dtype(input, floats(target, input))
    return PoissonNLLBackward.call(
        input,
        target,
        log_input=log_input,
        full=full,
        eps=number("poisson_nll_loss", "eps", eps, at_least=0),
        reduction=reduction,
    )


def _plain_kl(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    p = np.exp(target) if log_target else np.asarray(target, float)
    losses = p * (np.log(np.where(p > 0, p, 1)) - input)
    if reduction == "batchmean":
        return plain_reduction(losses, "mean", len(losses) if np.ndim(losses) else 1)
    return plain_reduction(losses, reduction)


def _kl_samples() -> list[Sample]:
    x, t = uniform((2, 3), -4, -0.1), uniform((2, 3), 0.1, 1, seed=3)
    return [
        *pairs((-4, -0.1), (0.1, 1)),
        *(sample(x, np.log(t), reduction=r, log_target=True) for r in KLDivBackward.reductions),
        *(
            sample(uniform(shape, -4, -0.1), uniform(shape, 0.1, 1), reduction="batchmean")
            for shape in SHAPES
        ),
        sample(x, np.array([[0, 1, 0], [1, 0, 0]])),
        sample(np.array([-1e4, -1e4]), np.array([0.25, 1.0]), reduction="none"),
        sample(np.array([-1e4, 0.0]), np.array([-1e4, -1e4]), log_target=True),
    ]


def _plain_poisson(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    t = np.asarray(target, float)
    losses = np.exp(input) - t * input if log_input else input - t * np.log(input + eps)
    if full:
        t = np.where(t > 1, t, np.nan)
        losses = losses + np.nan_to_num(t * np.log(t) - t + 0.5 * np.log(2 * np.pi * t))
    return plain_reduction(losses, reduction)


def _poisson_samples() -> list[Sample]:
    x, rates, counts = uniform((2, 3)), uniform((2, 3), 0.1, 4), np.arange(6).reshape(2, 3)
    few, many = uniform((2, 3), 0.1, 0.9, seed=1), uniform((2, 3), 1.1, 9, seed=2)
    return [
        *pairs((-2, 2), (0, 4)),
        *(sample(rates, counts, False, full) for full in (False, True)),
        *(sample(x, t, True, True) for t in (counts, few, many)),
        *(sample(rates, many, False, True, reduction=r) for r in REDUCTIONS),
        sample(rates, many, log_input=False, eps=0.5),
        sample(np.array([-1e4, -1e4, 4.0]), np.array([0.0, 3.0, 1e4]), reduction="none"),
        kink(np.array([0.0, 1e4]), np.array([0, 3]), False, reduction="none"),  # at the bound
        sample(uniform(()), np.array(3), full=True),
    ]


_LOGS, _PROBABILITIES = np.log([0.2, 0.3, 0.5]), np.array([0.5, 0.25, 0.25])
_X, _COUNTS = uniform(3), np.array([0.0, 2.0, 5.0])

OPERATIONS = [
    Operation(
        kl_div,
        KLDivBackward,
        samples=_kl_samples,
        bad_inputs=[
            *mistakes(_LOGS, _PROBABILITIES),
            bad(ValueError, "-0.69.* was given.*log_target=True", _LOGS, np.log(_PROBABILITIES)),
        ],
        reference=_plain_kl,
        torch="nn.functional.kl_div",
    ),
    Operation(
        poisson_nll_loss,
        PoissonNLLBackward,
        samples=_poisson_samples,
        bad_inputs=[
            *mistakes(_X, _COUNTS),
            bad(ValueError, "should be rates, but -1", np.array([-1.0]), np.ones(1), False),
            bad(ValueError, "eps should be a number of 0 or more", _X, _COUNTS, eps=-1),
            bad(TypeError, "eps should be a number, but it is '0'", _X, _COUNTS, eps="0"),
        ],
        reference=_plain_poisson,
        torch="nn.functional.poisson_nll_loss",
    ),
]
