"""What maxima and averages of windows have in common."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Tensor
from tinytorch.samples import BadInput, bad, uniform

from .taking import as_tensor, one_each
from .windows import Windows


def pooled(op: str, axes: int, input: Any) -> Tensor:
    """Return the input as a tensor, if windows can slide over its last axes."""
    x = as_tensor(op, input)
    if x.ndim not in (axes + 1, axes + 2):
        lengths = "l" if axes == 1 else "h, w"
        raise ValueError(
            f"{op}: the input should have shape (n, c, {lengths}) or (c, {lengths}), but its shape "
            f"is {x.shape}"
        )
    return x


def pooling_windows(
    op: str,
    sizes: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Windows:
    """Return the windows that fit, padded just as far as the last of them reaches."""
    axes = len(sizes)
    kernel = one_each(op, "kernel_size", kernel_size, axes, 1)
    steps = kernel if stride is None else one_each(op, "stride", stride, axes, 1)
    borders = one_each(op, "padding", padding, axes, 0)
    windows = Windows(kernel, steps, (), one_each(op, "dilation", dilation, axes, 1))
    pairs = []
    for size, span, step, border in zip(sizes, windows.spans, steps, borders, strict=True):
        if border > span // 2:
            raise ValueError(
                f"{op}: padding should be at most half of what a window reaches over, but "
                f"padding={borders} was given for windows that reach over {windows.spans}"
            )
        rest = size + 2 * border - span
        count = (rest + (step - 1 if ceil_mode else 0)) // step + 1
        if ceil_mode and (count - 1) * step >= size + border:
            count -= 1  # a window that would begin after the end
        if count < 1 or size < 1:
            raise ValueError(
                f"{op}: no window fits: the input has lengths {sizes} and padding={borders}, but a "
                f"window reaches over {windows.spans}"
            )
        pairs.append((border, (count - 1) * step + span - size - border))
    return Windows(kernel, steps, tuple(pairs), windows.dilation)


Calls = list[tuple[tuple[int, ...], dict[str, Any]]]
"""The shapes of inputs, and the parameters, of samples."""

CALLS_1D: Calls = [
    ((2, 3, 8), {"kernel_size": 2}),
    ((3, 8), {"kernel_size": 3, "stride": 2}),
    ((1, 2, 9), {"kernel_size": 2, "stride": 4}),
    ((1, 2, 9), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ((1, 2, 7), {"kernel_size": (4,), "stride": (3,), "padding": (2,)}),
    ((1, 2, 8), {"kernel_size": 3, "dilation": 2}),
    ((1, 2, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((1, 2, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 2, 4), {"kernel_size": 1, "stride": 2}),
    ((1, 1, 1), {"kernel_size": 1}),
    ((1, 1, 5), {"kernel_size": 5}),
    ((0, 2, 4), {"kernel_size": 2}),
]

CALLS_2D: Calls = [
    ((2, 3, 4, 6), {"kernel_size": 2}),
    ((3, 4, 5), {"kernel_size": 3, "stride": 1}),
    ((1, 2, 5, 5), {"kernel_size": (2, 3), "stride": (1, 2)}),
    ((1, 2, 7, 6), {"kernel_size": 2, "stride": 3}),
    ((1, 2, 5, 4), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((1, 2, 5, 4), {"kernel_size": (2, 3), "stride": 1, "padding": (1, 0)}),
    ((1, 2, 6, 6), {"kernel_size": 2, "stride": 1, "dilation": (2, 3)}),
    ((1, 1, 6, 5), {"kernel_size": 2, "stride": 2, "padding": 1, "dilation": 2}),
    ((1, 2, 5, 6), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 5, 4), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 1, 4, 3), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 1, 1, 1), {"kernel_size": 1}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
]


def plain_pool(
    x: Any,
    summary: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    ceil: bool = False,
    axes: int = 1,
) -> Any:
    """Apply a summary to the windows, each with the places of its elements along the axes."""
    sizes = x.shape[-axes:]
    kernels, gaps, borders = (np.broadcast_to(p, axes) for p in (kernel, dilation, padding))
    steps = np.broadcast_to(kernel if stride is None else stride, axes)
    spans = (kernels - 1) * gaps + 1
    counts = []
    for n, s, p, span in zip(sizes, steps, borders, spans, strict=True):
        count = int((np.ceil if ceil else np.floor)((n + 2 * p - span) / s)) + 1
        counts.append(count - 1 if ceil and (count - 1) * s >= n + p else count)
    y = np.empty((*x.shape[:-axes], *counts), x.dtype)
    for place in np.ndindex(*counts):
        indices = [
            np.arange(k) * d + i * s - p
            for i, s, p, k, d in zip(place, steps, borders, kernels, gaps, strict=True)
        ]
        within = [at[(at >= 0) & (at < n)] for at, n in zip(indices, sizes, strict=True)]
        window = x[(..., *np.ix_(*within))]
        padded = prod(
            int((at < n + p).sum()) for at, n, p in zip(indices, sizes, borders, strict=True)
        )
        y[(..., *place)] = summary(window, tuple(range(-axes, 0)), padded)
    return y


def bad_pools(op: str, axes: int) -> list[BadInput]:
    """Return calls of a pooling operation that must raise."""
    x = uniform((1, 2, 6, 5)[: axes + 2])
    return [
        bad(ValueError, rf"{op}: the input should have shape \(n, c, ", uniform(()), 2),
        bad(ValueError, r"but its shape is \(4,\)", uniform((4,)), 2),
        bad(TypeError, "should be a tensor", None, 2),
        bad(ValueError, "no window fits.*reaches over", x, 7),
        bad(ValueError, "no window fits", x[..., :0], 1),
        bad(ValueError, "kernel_size should be at least 1, but 0", x, 0),
        bad(TypeError, r"kernel_size should be an integer, but 1\.5", x, 1.5),
        bad(ValueError, "kernel_size should be one integer or", x, (2,) * (axes + 2)),
        bad(ValueError, "stride should be at least 1, but 0", x, 2, 0),
        bad(ValueError, "padding should be at least 0, but -1", x, 2, 1, -1),
        bad(ValueError, "at most half", x, 2, 1, 2),
    ]
