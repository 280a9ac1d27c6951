"""Maxima of windows."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, kink, uniform

from .gathering import ScatterAddBackward
from .pooling import CALLS_1D, CALLS_2D, Calls, bad_pools, plain_pool, pooled, pooling_windows
from .windows import Windows


class MaxPoolBackward(Function):
    """The largest of each window. Gradient: the output's, to the first element that reaches it."""

    def forward(self, x: Array, *, windows: Windows) -> Array:
        taps = windows.taps(windows.padded(x, _lowest(x.dtype)))
        y = next(taps).copy()
        if not self.needs_input_grad[0]:
            return reduce(lambda most, tap: np.maximum(most, tap, out=most), taps, y)
        self.axes, self.shape = len(windows.kernel), x.shape
        places, first, steps = _places(windows, x.shape[-self.axes :])
        at = np.empty(y.shape, np.intp)
        at[...] = first
        for tap, step in zip(taps, steps[1:], strict=True):
            found = (tap > y) | (tap != tap)  # NaN counts as the largest, and the last of them
            np.maximum(y, tap, out=y)
            np.maximum(at, found * step, out=at)  # steps grow, so that what is found later is kept
        at += places
        self.save(at)
        return y

    def apply(self, grad_output: Array) -> Any:
        (at,) = self.saved
        rows, count = prod(self.shape[: -self.axes]), prod(at.shape[-self.axes :])
        return ScatterAddBackward.call(
            None,
            at.reshape(rows, count),
            grad_output.reshape(rows, count),
            axis=1,
            shape=(rows, prod(self.shape[-self.axes :])),
        ).reshape(self.shape)


def _lowest(dtype: np.dtype[Any]) -> Any:
    """What is larger than nothing of a dtype."""
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else int(np.iinfo(dtype).min)


def _places(windows: Windows, sizes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Where the elements of windows lie, counted through the axes that they slide over.

    Returned are where each window begins, how far from there its first element is that is no
    padding, and how far each element of a window is from where it begins.
    """
    starts, inside, steps = [], [], []
    for axis, count in enumerate(windows.counts(sizes)):
        unit, gap = prod(sizes[axis + 1 :]), windows.dilation[axis]
        start = np.arange(count) * windows.stride[axis] - windows.padding[axis][0]
        starts.append(start * unit)
        inside.append(-(np.minimum(start, 0) // gap) * gap * unit)
        steps.append(np.arange(windows.kernel[axis]) * gap * unit)
    begin, first, step = (reduce(np.add.outer, each) for each in (starts, inside, steps))
    return begin, first, step.reshape(-1)


def max_pool1d(
    input: Any,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Largest element of each window along the last axis.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, l) or (c, l).
    kernel_size : int
        How many elements a window has.
    stride : int, optional
        How far one window is from the next, by default `kernel_size`.
    padding : int
        How much before and after the axis windows may reach, at most half of their own reach. It
        counts for nothing.
    dilation : int
        How far one element of a window is from the next.
    ceil_mode : bool
        Whether a last window may reach further, as long as it begins before the end.

    Returns
    -------
    Tensor
        The shape of `input` but m = (l + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1
        along the axis, rounded down or with `ceil_mode` up; the dtype of `input`. NaN counts as the
        largest. The gradient goes to the first element of the window that is the largest.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If the input has another number of dimensions, no window fits, one lies in the padding
        alone, or a parameter has no meaning.

    Examples
    --------
    >>> max_pool1d(Tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    Tensor(data=[[5. 3.]], shape=(1, 2))
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Any,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Largest element of each window over the last two axes.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, h, w) or (c, h, w).
    kernel_size : int or (int, int)
        How many elements a window has along either axis.
    stride : int or (int, int), optional
        How far one window is from the next, by default `kernel_size`.
    padding : int or (int, int)
        How much before and after an axis windows may reach, at most half of their own reach. It
        counts for nothing.
    dilation : int or (int, int)
        How far one element of a window is from the next.
    ceil_mode : bool
        Whether a last window may reach further, as long as it begins before the end.

    Returns
    -------
    Tensor
        The shape of `input` but m = (l + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1
        along an axis of length l, rounded down or with `ceil_mode` up; the dtype of `input`. NaN
        counts as the largest. The gradient goes to the first element of the window, row by row,
        that is the largest.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If the input has another number of dimensions, no window fits, one lies in the padding
        alone, or a parameter has no meaning.

    Examples
    --------
    >>> max_pool2d(Tensor([[[1.0, 5.0, 2.0, 3.0], [0.0, 4.0, 7.0, 3.0]]]), 2)
    Tensor(data=[[[5. 7.]]], shape=(1, 1, 2))
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


def _max_pool(
    op: str,
    axes: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Tensor:
    x = pooled(op, axes, input)
    windows = pooling_windows(
        op, x.shape[-axes:], kernel_size, stride, padding, dilation, ceil_mode
    )
    for size, gap, (left, _) in zip(
        x.shape[-axes:], windows.dilation, windows.padding, strict=True
    ):
        if -left % gap >= size:
            raise ValueError(
                f"{op}: the first window would lie in the padding alone, with padding={padding} "
                f"and dilation={dilation} around an input of shape {x.shape}"
            )
    return MaxPoolBackward.call(x, windows=windows)


def _distinct(shape: tuple[int, ...]) -> Array:
    """Numbers that are not near to each other, so that no difference changes which is largest."""
    order = np.random.default_rng([1, *shape]).permutation(prod(shape))
    return order.reshape(shape) / 4.0 - 2.0


def _maxima(calls: Calls) -> list[Sample]:
    (shape, call), *_ = calls
    return [
        *(Sample((_distinct(shape),), call) for shape, call in calls),
        kink(np.ones(shape), **call),
        kink(np.floor(_distinct(shape) / 2), **call),
        kink(np.where(_distinct(shape) > 4, np.nan, 1.0), **call),
        kink(np.zeros(shape), kernel_size=3, stride=2, padding=1),
    ]


def _plain_max(axes: int) -> Any:
    def reference(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:  # fmt: skip
        def largest(window: Any, over: Any, padded: int) -> Any:
            return np.max(window, axis=over)

        return plain_pool(x, largest, kernel_size, stride, padding, dilation, ceil_mode, axes)

    return reference


_IMAGE = uniform((1, 2, 6, 5))

OPERATIONS: list[Operation] = [
    Operation(
        max_pool1d,
        MaxPoolBackward,
        torch="nn.functional.max_pool1d",
        samples=lambda: _maxima(CALLS_1D),
        reference=_plain_max(1),
        bad_inputs=[
            *bad_pools("max_pool1d", 1),
            bad(ValueError, "padding alone", uniform((1, 1, 1)), 2, 1, 2, 3),
        ],
    ),
    Operation(
        max_pool2d,
        MaxPoolBackward,
        torch="nn.functional.max_pool2d",
        samples=lambda: _maxima(CALLS_2D),
        reference=_plain_max(2),
        bad_inputs=[
            *bad_pools("max_pool2d", 2),
            bad(ValueError, "dilation should be at least 1, but 0", _IMAGE, 2, dilation=0),
        ],
    ),
]
