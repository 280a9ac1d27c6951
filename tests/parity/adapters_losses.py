"""Where PyTorch spells the operations of one family differently: losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch


def _tensors(values: Any, dtype: Any) -> Any:
    """PyTorch's weights are tensors, of the dtype of the predictions."""
    return values if values is None else torch.as_tensor(values, dtype=dtype)


def _with_float_targets(function: Callable[..., Any], place: int = 1) -> Callable[..., Any]:
    """PyTorch's targets have to be of the dtype of the predictions, and weights tensors."""

    def call(*arguments: Any, **parameters: Any) -> Any:
        inputs, dtype = list(arguments), arguments[0].dtype
        if not inputs[place].is_floating_point():
            inputs[place] = inputs[place].to(dtype)
        for name in ("weight", "pos_weight"):
            if name in parameters:
                parameters[name] = _tensors(parameters[name], dtype)
        with warnings.catch_warnings():  # of the mean of kl_div, which is not the batch's
            warnings.simplefilter("ignore", UserWarning)
            return function(*inputs, **parameters)

    return call


def _with_labels(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's class labels are int64, and weights tensors."""

    def call(input: Any, target: Any, weight: Any = None, **parameters: Any) -> Any:
        target = target if target.is_floating_point() else target.long()
        return function(input, target, _tensors(weight, input.dtype), **parameters)

    return call


def _gaussian_nll_loss(input: Any, target: Any, var: Any, *others: Any, **parameters: Any) -> Any:
    """PyTorch's targets are of the dtype of the predictions, and no variance is 0-d."""
    if torch.is_tensor(var) and not var.ndim:
        var = var.expand(input.shape)
    return torch.nn.functional.gaussian_nll_loss(
        input, target.to(input.dtype), var, *others, **parameters
    )


def _ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """PyTorch's gradient is that of log_softmax too, so that the probabilities are in it."""
    durations, lengths = (
        torch.as_tensor(given, dtype=torch.int64) for given in (input_lengths, target_lengths)
    )
    losses = torch.nn.functional.ctc_loss(
        log_probs, targets, durations, lengths, blank, "none", zero_infinity
    )
    steps = torch.arange(len(log_probs)).reshape(-1, *[1] * losses.ndim)
    probabilities = (log_probs.exp() * (steps < durations)[..., None]).sum((0, -1))
    if zero_infinity:  # a lost sequence has no gradient of either kind
        probabilities = probabilities * (losses != 0)
    losses = losses - (probabilities - probabilities.detach())
    if reduction == "mean":
        return (losses / lengths.clamp(min=1)).mean()
    return losses.sum() if reduction == "sum" else losses


_functional = torch.nn.functional

ADAPTED: dict[str, Any] = {
    "cross_entropy": _with_labels(_functional.cross_entropy),
    "nll_loss": _with_labels(_functional.nll_loss),
    "gaussian_nll_loss": _gaussian_nll_loss,
    "ctc_loss": _ctc_loss,
    "margin_ranking_loss": _with_float_targets(_functional.margin_ranking_loss, 2),
    **{
        name: _with_float_targets(getattr(_functional, name))
        for name in (
            "binary_cross_entropy",
            "binary_cross_entropy_with_logits",
            "hinge_embedding_loss",
            "huber_loss",
            "kl_div",
            "l1_loss",
            "mse_loss",
            "poisson_nll_loss",
            "smooth_l1_loss",
            "soft_margin_loss",
        )
    },
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {
    "hinge_loss": "PyTorch has no plain hinge loss; multi_margin_loss is the one of several classes"
}
"""Operations that PyTorch does not have, and why."""
