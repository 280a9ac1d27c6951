"""Averages of windows, and of equal ranges."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, at_least_single
from tinytorch.samples import Sample, bad, sample, uniform

from .padding import enlarged
from .pooling import CALLS_1D, CALLS_2D, Calls, bad_pools, plain_pool, pooled, pooling_windows
from .taking import as_integer
from .windows import Windows


class AvgPoolBackward(Function):
    """The sum of each window over a divisor. Gradient: the output's, spread over the windows."""

    def forward(self, x: Array, *, windows: Windows, divisor: Array) -> Array:
        x = x if x.dtype.kind == "f" else x.astype(np.float32)
        self.windows, self.divisor = windows, divisor
        self.sizes = x.shape[-len(windows.kernel) :]
        taps = windows.taps(windows.padded(at_least_single(x)))
        y = reduce(lambda total, tap: np.add(total, tap, out=total), taps, next(taps).copy())
        y /= divisor.astype(y.dtype)
        return y.astype(x.dtype, copy=False)

    def apply(self, grad_output: Array) -> Any:
        return SpreadBackward.call(
            grad_output, windows=self.windows, divisor=self.divisor, sizes=self.sizes
        )


class SpreadBackward(Function):
    """x over a divisor, added to every element of its window. Gradient: the average of windows."""

    def forward(
        self, x: Array, *, windows: Windows, divisor: Array, sizes: tuple[int, ...]
    ) -> Array:
        self.windows, self.divisor = windows, divisor
        wide = at_least_single(x)
        share = wide / divisor.astype(wide.dtype)
        y = np.zeros((*x.shape[: -len(sizes)], *windows.room(sizes)), wide.dtype)
        for tap in windows.taps(y):
            tap += share
        return windows.cropped(y).astype(x.dtype, copy=False)

    def apply(self, grad_output: Array) -> Any:
        return AvgPoolBackward.call(grad_output, windows=self.windows, divisor=self.divisor)


class AdaptiveAvgPoolBackward(Function):
    """The mean of each of a number of ranges. Gradient: an equal share of the output's."""

    def forward(self, x: Array, *, sizes: tuple[int, ...]) -> Any:
        x = x if x.dtype.kind == "f" else x.astype(np.float32)
        self.sizes = x.shape[-len(sizes) :]
        lengths = (
            np.subtract(*_ranges(length, count)[::-1])
            for length, count in zip(self.sizes, sizes, strict=True)
        )
        self.counts = reduce(np.multiply.outer, lengths)
        sums = _range_sums(at_least_single(x), sizes)
        sums /= self.counts.astype(sums.dtype)
        return sums.astype(x.dtype, copy=False)

    def apply(self, grad_output: Array) -> Any:
        wide = at_least_single(grad_output)
        share = wide / self.counts.astype(wide.dtype)
        return RangeSumBackward.call(share, sizes=self.sizes)


class RangeSumBackward(Function):
    """The sum of each of a number of ranges. Gradient: likewise, from as many as there were.

    For range i of m over n elements, from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, holds element j if and only
    if range j of n over m elements holds i.
    """

    def forward(self, x: Array, *, sizes: tuple[int, ...]) -> Array:
        self.sizes = x.shape[-len(sizes) :]
        return _range_sums(x, sizes)

    def apply(self, grad_output: Array) -> Any:
        return RangeSumBackward.call(grad_output, sizes=self.sizes)


def _ranges(length: int, count: int) -> tuple[Array, Array]:
    """Where equal ranges that cover a length begin and end; they may share an element."""
    numbers = np.arange(count)
    return numbers * length // count, -(-(numbers + 1) * length // count)


def _range_sums(x: Array, sizes: tuple[int, ...]) -> Array:
    for axis, count in enumerate(sizes, start=x.ndim - len(sizes)):
        x = _sums_along(x, axis, count)
    return x


def _sums_along(x: Array, axis: int, count: int) -> Array:
    before, length = (slice(None),) * axis, x.shape[axis]
    if length and count and length % count == 0:
        step = length // count
        parts = (x[(*before, slice(start, None, step))] for start in range(step))
        return reduce(lambda total, part: np.add(total, part, out=total), parts, next(parts).copy())
    if length and count % length == 0:
        return np.repeat(x, count // length, axis)
    bounds = np.stack(_ranges(length, count), axis=1).reshape(-1)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, 1)  # so that there is an element also where the last range ends
    sums = np.add.reduceat(enlarged(x, widths), bounds, axis)
    return sums[(*before, slice(None, None, 2))]  # and not what lies from one range to the next


def avg_pool1d(
    input: Any,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window along the last axis.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, l) or (c, l).
    kernel_size : int
        How many elements a window has.
    stride : int, optional
        How far one window is from the next, by default `kernel_size`.
    padding : int
        How many zeros stand before and after the axis, at most half of `kernel_size`.
    ceil_mode : bool
        Whether a last window may reach further, as long as it begins before the end. What is
        beyond the padding does not count.
    count_include_pad : bool
        Whether the padding counts as elements.

    Returns
    -------
    Tensor
        The shape of `input` but m = (l + 2 padding - kernel_size) / stride + 1 along the axis,
        rounded down or with `ceil_mode` up; the dtype of `input`, float32 for integers. Every
        element of a window of k gets 1/k of the window's gradient.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If the input has another number of dimensions, no window fits, or a parameter has no
        meaning.

    Examples
    --------
    >>> avg_pool1d(Tensor([[1.0, 5.0, 2.0, 4.0]]), 2)
    Tensor(data=[[3. 3.]], shape=(1, 2))
    """
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Any,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window over the last two axes.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, h, w) or (c, h, w).
    kernel_size : int or (int, int)
        How many elements a window has along either axis.
    stride : int or (int, int), optional
        How far one window is from the next, by default `kernel_size`.
    padding : int or (int, int)
        How many zeros stand before and after an axis, at most half of `kernel_size`.
    ceil_mode : bool
        Whether a last window may reach further, as long as it begins before the end. What is
        beyond the padding does not count.
    count_include_pad : bool
        Whether the padding counts as elements.
    divisor_override : int, optional
        By what the sums are divided instead of by how many elements they are of.

    Returns
    -------
    Tensor
        The shape of `input` but m = (l + 2 padding - kernel_size) / stride + 1 along an axis of
        length l, rounded down or with `ceil_mode` up; the dtype of `input`, float32 for integers.
        Every element of a window of k gets 1/k of the window's gradient.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If the input has another number of dimensions, no window fits, or a parameter has no
        meaning.

    Examples
    --------
    >>> avg_pool2d(Tensor([[[1.0, 5.0, 2.0, 3.0], [0.0, 6.0, 7.0, 4.0]]]), 2)
    Tensor(data=[[[3. 4.]]], shape=(1, 1, 2))
    """
    counting = (ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, *counting)


def adaptive_avg_pool2d(
    input: Any, output_size: int | tuple[int | None, int | None] | None
) -> Tensor:
    """Mean of each of a number of equal ranges over the last two axes.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, h, w) or (c, h, w).
    output_size : int, None, or a pair of them
        How many ranges there are along either axis; None for as many as elements.

    Returns
    -------
    Tensor
        The shape of `input` but `output_size` along the axes; the dtype of `input`, float32 for
        integers. Range i of m over l elements holds those from ⌊i l / m⌋ to below ⌈(i + 1) l / m⌉.
        Every element of a range of k gets 1/k of the range's gradient.

    Raises
    ------
    TypeError
        If the size is not of integers.
    ValueError
        If the input has another number of dimensions or is empty along the axes, or a size is
        negative.

    Examples
    --------
    >>> adaptive_avg_pool2d(Tensor([[[1.0, 5.0, 2.0], [0.0, 6.0, 4.0]]]), (1, 2))
    Tensor(data=[[[3.   4.25]]], shape=(1, 1, 2))
    """
    op = "adaptive_avg_pool2d"
    x = pooled(op, 2, input)
    if min(x.shape[-2:]) < 1:
        raise ValueError(
            f"{op}: there is no mean of no elements, but the shape of the input is {x.shape}"
        )
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * 2
    if len(given) != 2:
        raise ValueError(
            f"{op}: output_size should be one integer or two, one for each axis, but {given} was "
            "given"
        )
    sizes = tuple(
        length if size is None else as_integer(op, "output_size", size, least=0)
        for size, length in zip(given, x.shape[-2:], strict=True)
    )
    return AdaptiveAvgPoolBackward.call(x, sizes=sizes)


def _avg_pool(
    op: str,
    axes: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any,
) -> Tensor:
    x = pooled(op, axes, input)
    sizes = x.shape[-axes:]
    windows = pooling_windows(op, sizes, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override is None:
        divisor = _elements(windows, sizes, count_include_pad)
    else:
        divisor = np.array(as_integer(op, "divisor_override", divisor_override))
        if not divisor:
            raise ValueError(f"{op}: divisor_override should not be 0")
    return AvgPoolBackward.call(x, windows=windows, divisor=divisor)


def _elements(windows: Windows, sizes: tuple[int, ...], count_include_pad: bool) -> Array:
    """How many elements each window has, with the padding or without."""
    lengths = []
    for size, count, kernel, stride, (left, _) in zip(
        sizes, windows.counts(sizes), windows.kernel, windows.stride, windows.padding, strict=True
    ):
        border = left if count_include_pad else 0
        starts = np.arange(count) * stride - left
        stops = np.minimum(starts + kernel, size + border)
        lengths.append(stops - np.maximum(starts, -border))
    return np.asarray(reduce(np.multiply.outer, lengths))


_CALLS_1D: Calls = [
    *((shape, call) for shape, call in CALLS_1D if "dilation" not in call),
    ((1, 2, 7), {"kernel_size": 4, "padding": 2, "count_include_pad": False}),
    ((1, 2, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True,
                 "count_include_pad": False}),
]  # fmt: skip

_CALLS_2D: Calls = [
    *((shape, call) for shape, call in CALLS_2D if "dilation" not in call),
    ((1, 2, 5, 4), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((1, 2, 5, 4), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True,
                    "count_include_pad": False}),
    ((1, 2, 4, 4), {"kernel_size": (3, 2), "stride": 1, "divisor_override": 5}),
    ((1, 2, 4, 4), {"kernel_size": 3, "padding": 1, "ceil_mode": True, "divisor_override": -2}),
]  # fmt: skip


def _averages(calls: Calls) -> list[Sample]:
    return [Sample((uniform(shape),), call) for shape, call in calls]


def _plain_average(axes: int) -> Any:
    def reference(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Any:  # fmt: skip
        def average(window: Any, over: Any, padded: int) -> Any:
            count = padded if count_include_pad else prod(window.shape[-axes:])
            return window.sum(axis=over) / (divisor_override or count)

        return plain_pool(x, average, kernel_size, stride, padding, 1, ceil_mode, axes)

    return reference


def _plain_adaptive(x: Any, output_size: Any) -> Any:
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * 2
    sizes = [n if m is None else m for n, m in zip(x.shape[-2:], given, strict=True)]
    y = np.empty((*x.shape[:-2], *sizes), x.dtype)
    for place in np.ndindex(*sizes):
        rows, columns = (
            slice(i * n // m, -(-(i + 1) * n // m))
            for i, n, m in zip(place, x.shape[-2:], sizes, strict=True)
        )
        y[(..., *place)] = x[..., rows, columns].mean(axis=(-2, -1))
    return y


_IMAGE = uniform((1, 2, 6, 5))

OPERATIONS: list[Operation] = [
    Operation(
        avg_pool1d,
        AvgPoolBackward,
        torch="nn.functional.avg_pool1d",
        samples=lambda: _averages(_CALLS_1D),
        reference=_plain_average(1),
        bad_inputs=bad_pools("avg_pool1d", 1),
    ),
    Operation(
        avg_pool2d,
        AvgPoolBackward,
        torch="nn.functional.avg_pool2d",
        samples=lambda: _averages(_CALLS_2D),
        reference=_plain_average(2),
        bad_inputs=[
            *bad_pools("avg_pool2d", 2),
            bad(ValueError, "should not be 0", _IMAGE, 2, divisor_override=0),
            bad(
                TypeError, "divisor_override should be an integer", _IMAGE, 2, divisor_override=2.5
            ),
        ],
    ),
    Operation(
        adaptive_avg_pool2d,
        AdaptiveAvgPoolBackward,
        torch="nn.functional.adaptive_avg_pool2d",
        samples=lambda: [
            sample(uniform((2, 3, 4, 6)), 2),
            sample(uniform((2, 3, 4, 6)), 1),
            sample(uniform((3, 4, 6)), (4, 6)),
            sample(uniform((1, 2, 5, 7)), (3, 4)),
            sample(uniform((1, 2, 5, 7)), (2, None)),
            sample(uniform((1, 2, 5, 7)), (None, 3)),
            sample(uniform((1, 2, 3, 2)), (7, 5)),
            sample(uniform((1, 2, 2, 3)), [4, 6]),
            sample(uniform((1, 1, 1, 1)), 3),
            sample(uniform((0, 2, 4, 4)), 2),
        ],
        reference=lambda x, size: _plain_adaptive(
            x, tuple(size) if isinstance(size, list) else size
        ),
        bad_inputs=[
            bad(ValueError, r"should have shape \(n, c, h, w\) or", uniform(()), 2),
            bad(TypeError, "should be a tensor", None, 2),
            bad(ValueError, r"no mean of no elements.*\(1, 2, 0, 3\)", uniform((1, 2, 0, 3)), 2),
            bad(ValueError, "output_size should be at least 0, but -1", _IMAGE, -1),
            bad(TypeError, "output_size should be an integer", _IMAGE, 1.5),
            bad(ValueError, "one integer or two", _IMAGE, (1, 2, 3)),
        ],
    ),
]
