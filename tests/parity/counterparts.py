"""What PyTorch has for each operation, called with our arguments."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from tinytorch import Operation

from . import (
    adapters_convolution,
    adapters_elementwise,
    adapters_joining,
    adapters_linalg,
    adapters_losses,
    adapters_nn,
    adapters_reductions,
    adapters_shaping,
)

FAMILIES = (
    adapters_elementwise,
    adapters_reductions,
    adapters_shaping,
    adapters_linalg,
    adapters_nn,
    adapters_joining,
    adapters_convolution,
    adapters_losses,
)

# What PyTorch spells differently. Each takes what our function takes, with PyTorch's tensors.


def _of_tensors(function: Any) -> Any:
    """PyTorch's function takes no bare number in this place: a 0-d tensor is as weak a number."""

    def call(*operands: Any) -> Any:
        return function(
            *(x if torch.is_tensor(x) else torch.tensor(x, dtype=torch.float64) for x in operands)
        )

    return call


def _over_axes(function: Any, every_axis: Any) -> Any:
    """PyTorch's function keeps dimensions only if it is told which."""

    def call(x: Any, dim: Any = every_axis, keepdim: bool = False) -> Any:
        return function(x, dim=dim, keepdim=keepdim)

    return call


def _clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """PyTorch's bounds are both numbers or both tensors."""
    if torch.is_tensor(min) or torch.is_tensor(max):
        min, max = (
            torch.tensor(bound, dtype=x.dtype) if isinstance(bound, float) else bound
            for bound in (min, max)
        )
    return torch.clamp(x, min, max)


def _transpose(x: Any, dim0: int = -2, dim1: int = -1) -> Any:
    """PyTorch's transpose has no default axes."""
    return torch.transpose(x, dim0, dim1) if x.ndim > 1 else x.clone()


def _cross_entropy(input: Any, target: Any, **parameters: Any) -> Any:
    """PyTorch's class labels are int64."""
    labels = not target.is_floating_point()
    return torch.nn.functional.cross_entropy(
        input, target.long() if labels else target, **parameters
    )


def _mse_loss(input: Any, target: Any, **parameters: Any) -> Any:
    """PyTorch has no gradient where the targets are integers."""
    return torch.nn.functional.mse_loss(input, target.to(input.dtype), **parameters)


ADAPTED = {
    "add": _of_tensors(torch.add),
    "subtract": _of_tensors(torch.sub),
    "multiply": _of_tensors(torch.mul),
    "divide": _of_tensors(torch.div),
    "maximum": _of_tensors(torch.maximum),
    "minimum": _of_tensors(torch.minimum),
    "sum": _over_axes(torch.sum, None),
    "mean": _over_axes(torch.mean, None),
    "amax": _over_axes(torch.amax, ()),
    "amin": _over_axes(torch.amin, ()),
    "clip": _clamp,
    "reshape": torch.Tensor.reshape,  # torch.reshape takes a tuple only
    "transpose": _transpose,
    "cross_entropy": _cross_entropy,
    "mse_loss": _mse_loss,
    **{name: function for family in FAMILIES for name, function in family.ADAPTED.items()},
}
KEYWORDS = {"axis": "dim", "keepdims": "keepdim"}


def counterpart(operation: Operation) -> Callable[..., Any]:
    """PyTorch's function for an operation, which takes our keywords."""
    assert operation.torch is not None
    function = ADAPTED.get(operation.name, attrgetter(operation.torch)(torch))

    def call(*inputs: Any, **parameters: Any) -> Any:
        renamed = {KEYWORDS.get(name, name): value for name, value in parameters.items()}
        return function(*inputs, **renamed)

    return call


def constant(value: Any, dtype: Any) -> Any:
    """Return for PyTorch what has no gradient; `dtype` is that of a list of numbers."""
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, np.floating):  # its dtype counts, as in PyTorch from 1-d on
        return torch.tensor([value])
    if isinstance(value, np.generic):
        return torch.tensor(value)
    if isinstance(value, list) and any(isinstance(x, float) for x in value):
        return torch.tensor(value, dtype=getattr(torch, dtype.__name__))
    return value
