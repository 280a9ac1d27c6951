"""Sample inputs and references that the norms by channels share."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch.samples import BadInput, bad, uniform

SHAPES: tuple[tuple[int, ...], ...] = ((3, 2), (2, 2, 3), (2, 2, 1, 2), (3, 1, 2), (1, 2, 1, 2, 2))


def affine(shape: tuple[int, ...], *between: Any) -> tuple[Any, ...]:
    """Return a weight and a bias for inputs of a shape, after what comes between."""
    channels = (shape[1],)
    return (*between, uniform(channels, 0.5, 1.5, seed=1), uniform(channels, seed=2))


def bad_calls(*between: Any, shape: tuple[int, ...] = (2, 3, 4)) -> list[BadInput]:
    """Return calls that each norm by channels refuses; `between` are the arguments after x."""
    x = uniform(shape)
    return [
        bad(ValueError, r"weight should have the shape \(3,\)", x, *between, np.ones(2)),
        bad(ValueError, r"bias should have the shape \(3,\)", x, *between, None, np.ones((3, 1))),
        bad(ValueError, r"its shape is \(\)", uniform(()), *between),
        bad(ValueError, r"its shape is \(3,\)", uniform((3,)), *between),
        bad(TypeError, "input should be a tensor of real numbers", "text", *between),
        bad(TypeError, "eps should be a number", x, *between, eps="small"),
        bad(TypeError, "weight should be a tensor of real numbers", x, *between, "text"),
    ]


def plain_norm(x: Any, axes: tuple[int, ...], weight: Any, bias: Any, eps: float) -> Any:
    """Return x of shape (N, C, ...) normalized over axes, by NumPy's mean and variance."""
    if x.size:
        deviation = np.sqrt(np.var(x, axes, keepdims=True) + eps)
        x = (x - np.mean(x, axes, keepdims=True)) / deviation
    return plain_affine(x, weight, bias)


def plain_affine(x: Any, weight: Any, bias: Any) -> Any:
    """Return x times a weight, plus a bias, channel by channel; None stands for neither."""
    channels = (-1, *(1,) * (x.ndim - 2))
    x = x if weight is None else x * weight.reshape(channels)
    return x if bias is None else x + bias.reshape(channels)
