"""What the norms by channels have in common: the rule, and the checks of their arguments."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function

from .operands import common_dtype, floating, in_dtype, plus, times
from .products import inner


class ChannelNorm(Function):
    """y = w z + b with z = (x - m) s, where m is the mean over axes, and s = 1 / √(variance + ε).

    Gradients: with h = g w, that of x is s (h - mean h - z mean(h z)), that of w is Σ g z and that
    of b is Σ g.
    """

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        axes: tuple[int, ...],
        eps: float,
        running: RunningStatistics | None = None,
    ) -> Any:
        dtype = common_dtype(x, weight, bias)
        self.dtype = np.result_type(dtype, np.float32)  # half precision is too coarse for sums
        self.axes, self.eps = axes, eps
        self.count = prod(x.shape[axis] for axis in axes)
        self.repeated = _repeated_axes(x, weight)
        self.save(x, weight)
        y, mean, variance, scale = self._centred(x)
        if running is not None:
            running.update(mean, variance, self.count)
        y *= scale
        return in_dtype(plus(times(y, weight), bias), dtype)

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight, _ = self.needs_input_grad
        grad_x = grad_weight = None
        if need_x or need_weight:
            z, _, _, scale = self._centred(x)
            z *= scale
            g = in_dtype(grad_output, self.dtype)
        if need_weight:
            grad_weight = inner(g, z, self.repeated)
        if need_x:
            h = g if weight is None else g * weight
            z *= inner(h, z, self.axes) / max(self.count, 1)
            z += h.sum(axis=self.axes, keepdims=True) / max(self.count, 1)
            z -= h
            z *= -scale
            grad_x = z
        return grad_x, grad_weight, grad_output

    def _centred(self, x: Any) -> tuple[Any, Any, Any, Any]:
        """Return x - m in memory of its own, m, the variance and s."""
        x = in_dtype(x, self.dtype)
        mean = x.sum(axis=self.axes, keepdims=True) / max(self.count, 1)
        centred = x - mean
        variance = inner(centred, centred, self.axes) / max(self.count, 1)
        return centred, mean, variance, 1 / np.sqrt(variance + self.eps)


def _repeated_axes(x: Array, weight: Array | None) -> tuple[int, ...]:
    """Return the axes of x along which the weight is repeated."""
    shape = () if weight is None else weight.shape
    shape = (1,) * (x.ndim - len(shape)) + shape
    return tuple(axis for axis, size in enumerate(shape) if size == 1)


class RunningStatistics:
    """Mean and variance of past batches, one a channel, in arrays that belong to the caller."""

    def __init__(self, mean: Array | None, variance: Array | None, momentum: float) -> None:
        self.mean, self.variance, self.momentum = mean, variance, momentum

    def update(self, mean: Array, variance: Array, count: int) -> None:
        """Move towards the statistics of `count` elements, in place; several a channel average."""
        if self.mean is not None:
            self._move(self.mean, mean)
        if self.variance is not None:
            self._move(self.variance, variance * (count / max(count - 1, 1)))

    def _move(self, kept: Array, new: Array) -> None:
        kept *= 1 - self.momentum
        kept += self.momentum * new.reshape(-1, len(kept)).mean(axis=0)


def channel_operands(op: str, x: Any, weight: Any, bias: Any, least: int) -> tuple[Any, Any, Any]:
    """Return input, weight and bias as floating tensors, if their shapes go together."""
    x = floating(op, x)
    if x.ndim < least:
        raise ValueError(
            f"{op}: the input should have the shape (N, C, ...) with at least {least} axes, but "
            f"its shape is {x.shape}"
        )
    return (
        x,
        *(
            None if one is None else one_a_channel(op, name, floating(op, one, name), x.shape[1])
            for name, one in (("weight", weight), ("bias", bias))
        ),
    )


def one_a_channel(op: str, name: str, value: Any, channels: int) -> Any:
    """Return a value, if it has one number a channel."""
    if value.shape != (channels,):
        raise ValueError(
            f"{op}: {name} should have the shape ({channels},), one number a channel, but its "
            f"shape is {value.shape}"
        )
    return value


def require_several(op: str, x: Any, axes: tuple[int, ...]) -> None:
    """Refuse an input with but one element along the axes, whose variance is 0 whatever it is."""
    if prod(x.shape[axis] for axis in axes) == 1:
        raise ValueError(
            f"{op}: mean and variance are taken over axes {axes}, which should have more than one "
            f"element, but the shape of the input is {x.shape}"
        )


def with_trailing_ones(count: int, *rows: Any) -> list[Any]:
    """Return rows of one number a channel so that they broadcast along so many axes of places."""
    return [None if row is None else row.reshape(-1, *(1,) * count) for row in rows]
