"""Transposed convolution over one and two axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Operation, Tensor
from tinytorch.samples import BadInput, Sample, bad

from .convolution_operands import (
    bad_calls,
    checked_bias,
    checked_operands,
    fitting_operands,
    samples_of,
)
from .correlation import ConvTransposeBackward
from .taking import one_each
from .windows import Windows


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    output_padding: int | tuple[int, ...] = 0,
    groups: int = 1,
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    """Transposed convolution over one axis: each element adds a multiple of the kernel.

    It is what `conv1d` with the same weight and parameters does to gradients.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, l), or (c, l) for one: floating.
    weight : Tensor
        Of shape (c, o / groups, k).
    bias : Tensor, optional
        Of shape (o,).
    stride : int
        How far one kernel is from the next.
    padding : int
        How much is cut off before and after the axis of the output.
    output_padding : int
        How much longer the output is at its end, less than `stride` or `dilation`.
    groups : int
        Into how many groups the channels fall, in and out.
    dilation : int
        How far one element of the kernel is from the next.

    Returns
    -------
    Tensor
        Of shape (n, o, m), with m = (l - 1) stride - 2 padding + dilation (k - 1) + output_padding
        + 1, or (o, m); dtypes promote as in NumPy. The gradient of `input` is the convolution of
        the output's with `weight`, that of `weight` the sum over all windows of the input times the
        output's, that of `bias` the sum of the output's.

    Raises
    ------
    TypeError
        If the tensors are not floating, or a parameter is not an integer.
    ValueError
        If shapes do not fit together, nothing would be left, or a parameter has no meaning.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285.

    Examples
    --------
    >>> conv_transpose1d(Tensor([[1.0, 10.0]]), Tensor([[[1.0, 2.0, 3.0]]]))
    Tensor(data=[[ 1. 12. 23. 30.]], shape=(1, 4))
    """
    parameters = (stride, padding, output_padding, groups, dilation)
    return _convolve_transposed("conv_transpose1d", 1, input, weight, bias, *parameters)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    output_padding: int | tuple[int, ...] = 0,
    groups: int = 1,
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    """Transposed convolution over two axes: each element adds a multiple of the kernel.

    It is what `conv2d` with the same weight and parameters does to gradients.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, h, w), or (c, h, w) for one: floating.
    weight : Tensor
        Of shape (c, o / groups, kh, kw).
    bias : Tensor, optional
        Of shape (o,).
    stride : int or (int, int)
        How far one kernel is from the next.
    padding : int or (int, int)
        How much is cut off before and after either axis of the output.
    output_padding : int or (int, int)
        How much longer the output is at its ends, less than `stride` or `dilation`.
    groups : int
        Into how many groups the channels fall, in and out.
    dilation : int or (int, int)
        How far one element of the kernel is from the next.

    Returns
    -------
    Tensor
        Of shape (n, o, mh, mw), with m = (l - 1) stride - 2 padding + dilation (k - 1) +
        output_padding + 1 for an axis of length l, or (o, mh, mw); dtypes promote as in NumPy. The
        gradient of `input` is the convolution of the output's with `weight`, that of `weight` the
        sum over all windows of the input times the output's, that of `bias` the sum of the
        output's.

    Raises
    ------
    TypeError
        If the tensors are not floating, or a parameter is not an integer.
    ValueError
        If shapes do not fit together, nothing would be left, or a parameter has no meaning.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning,
    arXiv:1603.07285.

    Examples
    --------
    >>> kernel = Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> conv_transpose2d(Tensor([[[1.0, 10.0]]]), kernel, stride=2)
    Tensor(data=[[[ 1.  2. 10. 20.]
                  [ 3.  4. 30. 40.]]], shape=(1, 2, 4))
    """
    parameters = (stride, padding, output_padding, groups, dilation)
    return _convolve_transposed("conv_transpose2d", 2, input, weight, bias, *parameters)


def _convolve_transposed(
    op: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Tensor:
    y, w, groups = checked_operands(op, axes, input, weight, groups)
    if y.shape[1] != len(w) or len(w) % groups:
        raise ValueError(
            f"{op}: the weight should have shape (c, o / groups, ...) for c channels of the input, "
            f"with c divisible by groups, but with groups={groups} the shapes of input and weight "
            f"are {np.shape(input)} and {w.shape}"
        )
    steps, gaps = (
        one_each(op, "stride", stride, axes, 1),
        one_each(op, "dilation", dilation, axes, 1),
    )
    cut = one_each(op, "padding", padding, axes, least=0)
    extra = one_each(op, "output_padding", output_padding, axes, least=0)
    if any(more >= max(step, gap) for more, step, gap in zip(extra, steps, gaps, strict=True)):
        raise ValueError(
            f"{op}: output_padding should be less than stride or dilation, but output_padding="
            f"{extra}, stride={steps} and dilation={gaps} were given"
        )
    # Past the last window lies what output_padding adds, as if it were cut off the output's room.
    padding = tuple((n, n - more) for n, more in zip(cut, extra, strict=True))
    windows = Windows(w.shape[2:], steps, padding, gaps)
    ends = zip(y.shape[2:], steps, padding, windows.spans, strict=True)
    sizes = tuple((n - 1) * step + span - sum(pair) for n, step, pair, span in ends)
    if min(sizes) < 1 or min(y.shape[2:]) < 1:
        raise ValueError(
            f"{op}: nothing would be left: of an input of shape {np.shape(input)} with a kernel of "
            f"lengths {w.shape[2:]}, stride={steps} and padding={cut}, the output has lengths "
            f"{sizes}"
        )
    channels = w.shape[1] * groups
    x = ConvTransposeBackward.call(
        y, w, checked_bias(op, bias, channels), windows=windows, groups=groups, sizes=sizes
    )
    return x if np.ndim(input) == y.ndim else x.reshape(x.shape[1:])


def _samples1d() -> list[Sample]:
    return samples_of(
        ((2, 3, 4), (3, 2, 3), (2,), {}),
        ((3, 4), (3, 2, 3), {}),
        ((1, 2, 4), (2, 3, 3), (3,), {"stride": 2, "padding": 1, "output_padding": 1}),
        ((1, 2, 3), (2, 1, 2), {"stride": 4, "output_padding": 3}),
        ((1, 2, 4), (2, 2, 3), {"dilation": 2, "padding": 2}),
        ((1, 2, 4), (2, 2, 3), {"dilation": 3, "output_padding": (2,)}),
        ((1, 2, 4), (2, 1, 3), {"padding": 2}),
        ((2, 4, 3), (4, 3, 2), (6,), {"groups": 2}),
        ((2, 3, 3), (3, 1, 2), {"groups": 3, "stride": 2}),
        ((1, 9, 3), (9, 2, 2), {}),
        ((1, 1, 1), (1, 1, 1), (1,), {}),
        ((0, 3, 4), (3, 2, 2), {"stride": 2}),
    )


def _samples2d() -> list[Sample]:
    return samples_of(
        ((2, 3, 3, 4), (3, 2, 3, 2), (2,), {}),
        ((2, 3, 4), (2, 3, 2, 2), {}),
        ((1, 2, 3, 4), (2, 3, 3, 3), (3,), {"stride": 2, "padding": 1, "output_padding": 1}),
        ((1, 2, 3, 2), (2, 1, 2, 3), {"stride": (2, 4), "output_padding": (1, 3)}),
        ((1, 2, 3, 4), (2, 2, 2, 3), {"dilation": (2, 3), "padding": (1, 3)}),
        ((1, 1, 3, 4), (1, 2, 2, 2), {"dilation": 3, "output_padding": 2}),
        ((1, 1, 3, 4), (1, 2, 3, 3), {"padding": (2, 0)}),
        ((2, 4, 2, 3), (4, 3, 2, 2), (6,), {"groups": 2}),
        ((1, 4, 2, 3), (4, 1, 2, 2), {"groups": 4, "stride": 2, "padding": 1}),
        ((1, 9, 2, 2), (9, 2, 2, 2), {}),
        ((1, 2, 2, 2), (2, 3, 1, 1), (3,), {"stride": 3}),
        ((0, 3, 2, 2), (3, 2, 2, 2), (2,), {}),
    )


def _plain_transposed(
    y: Any,
    w: Any,
    b: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    axes = w.ndim - 2
    if y.ndim < w.ndim:
        batch = _plain_transposed(y[None], w, b, stride, padding, output_padding, groups, dilation)
        return batch[0]
    steps, gaps, cut, more = (
        np.broadcast_to(p, axes) for p in (stride, dilation, padding, output_padding)
    )
    full = (np.array(y.shape[2:]) - 1) * steps + gaps * (np.array(w.shape[2:]) - 1) + 1 + more
    x = np.zeros((len(y), w.shape[1] * groups, *full), np.result_type(y, w))
    share, depth = len(w) // groups, w.shape[1]
    for c in range(len(w)):
        first = c // share * depth
        for place in np.ndindex(*y.shape[2:]):
            for tap in np.ndindex(*w.shape[2:]):
                at = np.array(place) * steps + np.array(tap) * gaps
                x[(slice(None), slice(first, first + depth), *at)] += (
                    y[(slice(None), c, *place)][:, None] * w[(c, slice(None), *tap)]
                )
    kept: tuple[Any, ...] = (..., *(slice(p, n - p) for p, n in zip(cut, full, strict=True)))
    x = x[kept]
    return x if b is None else x + b.reshape(-1, *[1] * axes)


def _bad_inputs(op: str, axes: int) -> list[BadInput]:
    x, w = fitting_operands(axes)
    return [
        *bad_calls(op, axes),
        bad(ValueError, "nothing would be left", x, w, padding=9),
        bad(ValueError, "nothing would be left", x[..., :0], w),
        bad(ValueError, "less than stride or dilation", x, w, output_padding=1),
        bad(TypeError, "padding should be an integer, but 'same'", x, w, padding="same"),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        conv_transpose1d,
        ConvTransposeBackward,
        torch="nn.functional.conv_transpose1d",
        samples=_samples1d,
        reference=_plain_transposed,
        bad_inputs=_bad_inputs("conv_transpose1d", 1),
    ),
    Operation(
        conv_transpose2d,
        ConvTransposeBackward,
        torch="nn.functional.conv_transpose2d",
        samples=_samples2d,
        reference=_plain_transposed,
        bad_inputs=_bad_inputs("conv_transpose2d", 2),
    ),
]
