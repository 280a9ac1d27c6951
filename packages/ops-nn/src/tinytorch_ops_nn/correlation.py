"""Convolution as a recorded operation, its transpose, and the gradient of its weight.

Convolution, its transpose and the gradient of the weight are the three derivatives of one trilinear
form Σ y (x * w). So the gradients of each are the two others, to any order.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, at_least_single

from .operands import plus
from .windows import Windows


class ConvBackward(Function):
    """y = b + Σ w x over the channels and the elements of each window of x.

    Gradients: towards x the transposed convolution of the output's with w, towards w the sum over
    all windows of the output's times x, towards b the sum of the output's.
    """

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, windows: Windows, groups: int
    ) -> Any:
        need_x, need_weight, _ = self.needs_input_grad
        self.save(x if need_weight else None, weight if need_x else None)
        self.windows, self.groups, self.sizes = windows, groups, x.shape[2:]
        return _with_bias(_correlate(x, weight, windows, groups), bias)

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad
        where: dict[str, Any] = {"windows": self.windows, "groups": self.groups}
        grad_x = grad_weight = None
        if need_x:
            grad_x = ConvTransposeBackward.call(
                grad_output, weight, None, sizes=self.sizes, **where
            )
        if need_weight:
            grad_weight = ConvWeightBackward.call(x, grad_output, **where)
        return grad_x, grad_weight, _sum_for_bias(grad_output) if need_bias else None


class ConvTransposeBackward(Function):
    """x = b + the elements of y, each times w added to its window in x: what convolution undoes.

    Gradients: towards y the convolution of the output's with w, towards w the sum over all windows
    of y times the output's, towards b the sum of the output's.
    """

    def forward(
        self,
        y: Array,
        weight: Array,
        bias: Array | None,
        *,
        windows: Windows,
        groups: int,
        sizes: tuple[int, ...],
    ) -> Any:
        need_y, need_weight, _ = self.needs_input_grad
        self.save(y if need_weight else None, weight if need_y else None)
        self.windows, self.groups = windows, groups
        return _with_bias(_spread(y, weight, windows, groups, sizes), bias)

    def apply(self, grad_output: Array) -> Any:
        y, weight = self.saved
        need_y, need_weight, need_bias = self.needs_input_grad
        where: dict[str, Any] = {"windows": self.windows, "groups": self.groups}
        return (
            ConvBackward.call(grad_output, weight, None, **where) if need_y else None,
            ConvWeightBackward.call(grad_output, y, **where) if need_weight else None,
            _sum_for_bias(grad_output) if need_bias else None,
        )


class ConvWeightBackward(Function):
    """w = Σ y x over the batch and all windows of x: the gradient of a convolution's weight.

    Gradients: towards x the transposed convolution of y with the output's, towards y the
    convolution of x with it.
    """

    def forward(self, x: Array, y: Array, *, windows: Windows, groups: int) -> Any:
        need_x, need_y = self.needs_input_grad
        self.save(x if need_y else None, y if need_x else None)
        self.windows, self.groups, self.sizes = windows, groups, x.shape[2:]
        return _correlate_over_batch(x, y, windows, groups)

    def apply(self, grad_output: Array) -> Any:
        x, y = self.saved
        need_x, need_y = self.needs_input_grad
        where: dict[str, Any] = {"windows": self.windows, "groups": self.groups}
        grad_x = None
        if need_x:
            grad_x = ConvTransposeBackward.call(y, grad_output, None, sizes=self.sizes, **where)
        return grad_x, ConvBackward.call(x, grad_output, None, **where) if need_y else None


# The kernels. In shapes n is the batch, g the groups, c and o the channels in and out of a group.


def _correlate(x: Array, weight: Array, windows: Windows, groups: int) -> Any:
    """Return Σ w x: of (n, g c, *sizes) and (g o, c, *kernel), of shape (n, g o, *counts)."""
    axes, filters = len(windows.kernel), len(weight)
    view = windows.view(windows.padded(x))
    counts = view.shape[2 : 2 + axes]
    kernel_first = (0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))
    depth = prod(weight.shape[1:])
    columns = view.transpose(kernel_first).reshape(len(x), groups, depth, prod(counts))
    y = np.matmul(weight.reshape(groups, filters // groups, depth), columns)
    return y.reshape(len(x), filters, *counts)


def _correlate_over_batch(x: Array, y: Array, windows: Windows, groups: int) -> Any:
    """Return Σ y x: of (n, g c, *sizes) and (n, g o, *counts), of shape (g o, c, *kernel)."""
    axes, channels, filters = len(windows.kernel), x.shape[1] // groups, y.shape[1]
    view = windows.view(windows.padded(x))
    count = len(x) * prod(y.shape[2:])
    kernel_first = (1, *range(2 + axes, 2 + 2 * axes), 0, *range(2, 2 + axes))
    depth = channels * prod(windows.kernel)
    columns = view.transpose(kernel_first).reshape(groups, depth, count)
    rows = np.moveaxis(y, 1, 0).reshape(groups, filters // groups, count)
    weight = np.matmul(rows, np.swapaxes(columns, -1, -2))
    return weight.reshape(filters, channels, *windows.kernel)


def _spread(y: Array, weight: Array, windows: Windows, groups: int, sizes: tuple[int, ...]) -> Any:
    """Return Σ w y: of (n, g o, *counts) and (g o, c, *kernel), of shape (n, g c, *sizes)."""
    filters, channels = len(weight), weight.shape[1]
    if all(step == 1 for step in windows.stride) and filters <= 2 * channels * groups:
        return _spread_by_correlation(y, weight, windows, groups, sizes)
    counts, depth = y.shape[2:], prod(weight.shape[1:])
    rows = weight.reshape(groups, filters // groups, depth)
    columns = np.matmul(
        np.swapaxes(rows, -1, -2), y.reshape(len(y), groups, filters // groups, prod(counts))
    ).reshape(len(y), groups * channels, prod(windows.kernel), *counts)
    x = np.zeros((len(y), groups * channels, *windows.room(sizes)), columns.dtype)
    for number, tap in enumerate(windows.taps(x)):
        tap += columns[:, :, number]
    return windows.cropped(x)


def _spread_by_correlation(
    y: Array, weight: Array, windows: Windows, groups: int, sizes: tuple[int, ...]
) -> Any:
    """The same at stride 1, where it is a correlation with the kernel turned round.

    It is faster unless there are many channels in y, of which it copies the windows.
    """
    filters, channels, kernel = len(weight), weight.shape[1], windows.kernel
    ends = zip(sizes, y.shape[2:], windows.spans, windows.padding, strict=True)
    padding = tuple((span - 1 - left, size - count + left) for size, count, span, (left, _) in ends)
    turned = np.flip(weight, tuple(range(2, weight.ndim)))
    turned = turned.reshape(groups, filters // groups, channels, *kernel)
    turned = np.swapaxes(turned, 1, 2).reshape(groups * channels, filters // groups, *kernel)
    return _correlate(y, turned, Windows(kernel, windows.stride, padding, windows.dilation), groups)


def _with_bias(y: Array, bias: Array | None) -> Any:
    return plus(y, None if bias is None else bias.reshape(-1, *(1,) * (y.ndim - 2)))


def _sum_for_bias(grad_output: Any) -> Any:
    return at_least_single(grad_output).sum(axis=(0, *range(2, grad_output.ndim)))
