"""Convolution over one and two axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Operation, Tensor, one_of
from tinytorch.samples import BadInput, Sample, bad

from .convolution_operands import (
    bad_calls,
    checked_bias,
    checked_operands,
    fitting_operands,
    samples_of,
)
from .correlation import ConvBackward
from .taking import one_each
from .windows import Windows


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over one axis: a weighted sum over the channels and each window.

    As in PyTorch the kernel is not turned round, which makes it a cross-correlation.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, l), or (c, l) for one: floating.
    weight : Tensor
        Of shape (o, c / groups, k).
    bias : Tensor, optional
        Of shape (o,).
    stride : int
        How far one window is from the next.
    padding : int, "same" or "valid"
        How many zeros stand before and after the axis; "same" as many as keep its length (one more
        after than before where the number is odd), "valid" none.
    dilation : int
        How far one element of a window is from the next.
    groups : int
        Into how many groups the channels fall, in and out; each is a convolution of its own.

    Returns
    -------
    Tensor
        Of shape (n, o, m) with m = (l + 2 padding - dilation (k - 1) - 1) // stride + 1, or (o, m);
        dtypes promote as in NumPy. The gradient of `input` is the transposed convolution of the
        output's with `weight`, that of `weight` the sum over all windows of the output's times the
        input, that of `bias` the sum of the output's.

    Raises
    ------
    TypeError
        If the tensors are not floating, or a parameter is not an integer.
    ValueError
        If shapes do not fit together, no window fits, or a parameter has no meaning.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285.

    Examples
    --------
    >>> conv1d(Tensor([[1.0, 2.0, 4.0]]), Tensor([[[1.0, -1.0]]]))
    Tensor(data=[[-1. -2.]], shape=(1, 2))
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over two axes: a weighted sum over the channels and each window.

    As in PyTorch the kernel is not turned round, which makes it a cross-correlation.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, h, w), or (c, h, w) for one: floating.
    weight : Tensor
        Of shape (o, c / groups, kh, kw).
    bias : Tensor, optional
        Of shape (o,).
    stride : int or (int, int)
        How far one window is from the next.
    padding : int, (int, int), "same" or "valid"
        How many zeros stand before and after either axis; "same" as many as keep its length (one
        more after than before where the number is odd), "valid" none.
    dilation : int or (int, int)
        How far one element of a window is from the next.
    groups : int
        Into how many groups the channels fall, in and out; each is a convolution of its own.

    Returns
    -------
    Tensor
        Of shape (n, o, mh, mw) with m = (l + 2 padding - dilation (k - 1) - 1) // stride + 1 for an
        axis of length l, or (o, mh, mw); dtypes promote as in NumPy. The gradient of `input` is the
        transposed convolution of the output's with `weight`, that of `weight` the sum over all
        windows of the output's times the input, that of `bias` the sum of the output's.

    Raises
    ------
    TypeError
        If the tensors are not floating, or a parameter is not an integer.
    ValueError
        If shapes do not fit together, no window fits, or a parameter has no meaning.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285.

    Examples
    --------
    >>> image = Tensor([[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]])
    >>> conv2d(image, Tensor([[[[1.0, 1.0], [0.0, -1.0]]]]))
    Tensor(data=[[[-13. -26.]]], shape=(1, 1, 2))
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def _convolve(
    op: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Tensor:
    x, w, groups = checked_operands(op, axes, input, weight, groups)
    if x.shape[1] != w.shape[1] * groups or len(w) % groups:
        raise ValueError(
            f"{op}: the weight should have shape (o, c / groups, ...) for c channels of the input, "
            f"with o divisible by groups, but with groups={groups} the shapes of input and weight "
            f"are {np.shape(input)} and {w.shape}"
        )
    steps, gaps = (
        one_each(op, "stride", stride, axes, 1),
        one_each(op, "dilation", dilation, axes, 1),
    )
    windows = Windows(w.shape[2:], steps, ((0, 0),) * axes, gaps)
    windows = Windows(w.shape[2:], steps, _padding(op, padding, windows), gaps)
    if min(windows.counts(x.shape[2:])) < 1:
        raise ValueError(
            f"{op}: no window fits: the input has lengths {windows.room(x.shape[2:])} with its "
            f"padding, but the kernel of lengths {w.shape[2:]} reaches over {windows.spans}"
        )
    y = ConvBackward.call(x, w, checked_bias(op, bias, len(w)), windows=windows, groups=groups)
    return y if np.ndim(input) == x.ndim else y.reshape(y.shape[1:])


def _padding(op: str, padding: Any, windows: Windows) -> tuple[tuple[int, int], ...]:
    if not isinstance(padding, str):
        return tuple((n, n) for n in one_each(op, "padding", padding, len(windows.kernel), 0))
    one_of(op, "padding", padding, ("same", "valid"))
    if padding == "valid":
        return windows.padding
    if any(step > 1 for step in windows.stride):
        raise ValueError(
            f"{op}: padding='same' keeps the lengths only at stride 1, but stride={windows.stride} "
            "was given; pass the padding in numbers"
        )
    return tuple(((span - 1) // 2, span // 2) for span in windows.spans)


def _samples1d() -> list[Sample]:
    return samples_of(
        ((2, 3, 7), (4, 3, 3), (4,), {}),
        ((2, 3, 7), (4, 3, 3), {}),
        ((3, 7), (4, 3, 3), (4,), {"padding": 1}),
        ((1, 2, 8), (2, 2, 3), (2,), {"stride": 2, "padding": (1,)}),
        ((1, 2, 8), (2, 2, 3), {"stride": 5}),
        ((1, 2, 9), (3, 2, 3), {"dilation": 2, "padding": 3}),
        ((2, 4, 6), (6, 2, 3), (6,), {"groups": 2, "padding": "same"}),
        ((2, 3, 6), (3, 1, 2), {"groups": 3, "padding": "same"}),
        ((2, 3, 6), (2, 3, 4), {"padding": "same", "dilation": 2}),
        ((2, 3, 6), (2, 3, 6), {"padding": "valid"}),
        ((1, 1, 1), (1, 1, 1), (1,), {}),
        ((1, 2, 3), (9, 2, 2), {"padding": 2}),
        ((0, 3, 5), (2, 3, 2), (2,), {}),
    )


def _samples2d() -> list[Sample]:
    return samples_of(
        ((2, 3, 5, 4), (4, 3, 3, 2), (4,), {}),
        ((1, 2, 4, 5), (3, 2, 3, 3), {"padding": 1}),
        ((2, 5, 4), (3, 2, 3, 3), (3,), {"padding": (0, 2)}),
        ((1, 2, 5, 6), (2, 2, 2, 3), (2,), {"stride": 2}),
        ((1, 2, 5, 6), (2, 2, 2, 2), {"stride": (3, 4), "padding": (1, 0)}),
        ((1, 1, 6, 5), (2, 1, 2, 2), {"dilation": (3, 2), "padding": 1}),
        ((1, 2, 6, 7), (2, 2, 3, 3), {"dilation": 2, "padding": 3, "stride": 2}),
        ((1, 4, 4, 3), (6, 2, 2, 2), (6,), {"groups": 2}),
        ((2, 3, 3, 4), (6, 1, 2, 3), {"groups": 3, "padding": "same"}),
        ((1, 4, 5, 5), (2, 2, 3, 3), {"groups": 2, "stride": 2, "padding": 1}),
        ((1, 2, 4, 4), (1, 2, 4, 3), {"padding": "same", "dilation": (1, 2)}),
        ((1, 2, 4, 4), (1, 2, 4, 4), {"padding": "valid"}),
        ((2, 3, 2, 3), (4, 3, 1, 1), (4,), {}),
        ((1, 1, 3, 2), (8, 1, 2, 2), (8,), {"padding": 2}),
        ((0, 3, 5, 4), (2, 3, 3, 2), (2,), {}),
    )


def _plain_convolution(
    x: Any,
    w: Any,
    b: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    axes = w.ndim - 2
    if x.ndim < w.ndim:
        return _plain_convolution(x[None], w, b, stride, padding, dilation, groups)[0]
    steps, gaps = np.broadcast_to(stride, axes), np.broadcast_to(dilation, axes)
    reach = gaps * (np.array(w.shape[2:]) - 1)
    if isinstance(padding, str):
        before = reach // 2 * (padding == "same")
        after = reach * (padding == "same") - before
    else:
        before = after = np.broadcast_to(padding, axes)
    x = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    counts = (np.array(x.shape[2:]) - reach - 1) // steps + 1
    y = np.zeros((len(x), len(w), *counts), np.result_type(x, w))
    share, depth = len(w) // groups, w.shape[1]
    for o in range(len(w)):
        group = x[:, o // share * depth :][:, :depth]
        for place in np.ndindex(*counts):
            window = group[
                (
                    ...,
                    *(
                        np.s_[p * s : p * s + r + 1 : d]
                        for p, s, r, d in zip(place, steps, reach, gaps, strict=True)
                    ),
                )
            ]
            y[(slice(None), o, *place)] = (window * w[o]).sum(axis=tuple(range(1, w.ndim)))
    return y if b is None else y + b.reshape(-1, *[1] * axes)


def _bad_inputs(op: str, axes: int) -> list[BadInput]:
    x, w = fitting_operands(axes)
    return [
        *bad_calls(op, axes),
        bad(ValueError, "no window fits.*reaches over", x, w, dilation=9),
        bad(ValueError, "no window fits", x[..., :0], w),
        bad(ValueError, "padding should be one of 'same', 'valid'", x, w, padding="full"),
        bad(ValueError, "only at stride 1", x, w, padding="same", stride=2),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        conv1d,
        ConvBackward,
        torch="nn.functional.conv1d",
        samples=_samples1d,
        reference=_plain_convolution,
        bad_inputs=_bad_inputs("conv1d", 1),
    ),
    Operation(
        conv2d,
        ConvBackward,
        torch="nn.functional.conv2d",
        samples=_samples2d,
        reference=_plain_convolution,
        bad_inputs=_bad_inputs("conv2d", 2),
    ),
]
