"""Where PyTorch spells the operations of one family differently: nn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel


def _of_channels(function: Callable[..., Any]) -> Callable[..., Any]:
    """Running statistics have no gradients; a bias alone fails in second derivatives."""

    def call(
        input: Any,
        running_mean: Any = None,
        running_var: Any = None,
        weight: Any = None,
        bias: Any = None,
        *others: Any,
        **parameters: Any,
    ) -> Any:
        buffers = [
            None if x is None else torch.tensor(x.numpy(), dtype=input.dtype)
            for x in (running_mean, running_var)
        ]
        weight = _weight(weight, bias)
        return function(input, *buffers, weight, bias, *others, **parameters)

    return call


def _weight(weight: Any, bias: Any) -> Any:
    return torch.ones_like(bias) if weight is None and bias is not None else weight


def _norm_of_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's normalized_shape is a sequence."""

    def call(input: Any, normalized_shape: Any, *operands: Any, **parameters: Any) -> Any:
        shape = [normalized_shape] if isinstance(normalized_shape, int) else normalized_shape
        return function(input, shape, *operands, **parameters)

    return call


def _hardsigmoid(x: Any) -> Any:
    """PyTorch's own divides by a 6 of single precision, and has no second derivative."""
    return functional.relu6(x + 3) / 6


def _group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """PyTorch takes no bias without a weight."""
    return functional.group_norm(input, num_groups, _weight(weight, bias), bias, eps)


def _dropout(
    input: Any, p: float = 0.5, training: bool = True, generator: int | None = None
) -> Any:
    """PyTorch draws other numbers; what it does with them is a product."""
    if not training or not 0 < p < 1:
        return functional.dropout(input, p, training)
    kept = _drawn(generator, input.shape) >= p
    return input * torch.tensor(kept) / (1 - p)


def _attention(*operands: Any, generator: int | None = None, **parameters: Any) -> Any:
    """PyTorch draws other numbers, and only its plain kernel has second derivatives."""
    query, key, value, mask, p = (*operands, None, None, None)[:5]
    p = parameters.pop("dropout_p", p)
    if not p:
        with sdpa_kernel(SDPBackend.MATH):
            return functional.scaled_dot_product_attention(*operands, **parameters)
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
        scores = torch.where(mask.any(-1, keepdim=True), scores, 0.0)
    weights = torch.softmax(scores, -1)
    if mask is not None:
        weights = weights * mask.any(-1, keepdim=True)
    kept = torch.tensor(_drawn(generator, scores.shape) >= p)
    return (weights * kept / max(1 - p, 1e-9)) @ value


def _drawn(generator: int | None, shape: Any) -> Any:
    return np.random.default_rng(generator).random(tuple(shape), dtype=np.float32)


def _embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """PyTorch's indices are int64, or int32."""
    return functional.embedding(input.long(), weight, padding_idx)


def _one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """PyTorch's indices are int64."""
    return functional.one_hot(tensor.detach().long(), num_classes)


ADAPTED: dict[str, Any] = {
    "dropout": _dropout,
    "scaled_dot_product_attention": _attention,
    "embedding": _embedding,
    "one_hot": _one_hot,
    "hardsigmoid": _hardsigmoid,
    "group_norm": _group_norm,
    "batch_norm": _of_channels(functional.batch_norm),
    "instance_norm": _of_channels(functional.instance_norm),
    "layer_norm": _norm_of_rows(functional.layer_norm),
    "rms_norm": _norm_of_rows(functional.rms_norm),
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
