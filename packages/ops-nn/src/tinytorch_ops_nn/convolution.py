"""Convolution over one and two axes, and its transpose."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Operation, Tensor, one_of
from tinytorch.samples import Sample, bad, uniform

from .correlation import ConvBackward, ConvTransposeBackward
from .taking import as_integer, as_tensor, one_each
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
    x, w, groups = _operands(op, axes, input, weight, groups)
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
    y = ConvBackward.call(x, w, _bias(op, bias, len(w)), windows=windows, groups=groups)
    return y if np.ndim(input) == x.ndim else y.reshape(y.shape[1:])


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
    y, w, groups = _operands(op, axes, input, weight, groups)
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
        y, w, _bias(op, bias, channels), windows=windows, groups=groups, sizes=sizes
    )
    return x if np.ndim(input) == y.ndim else x.reshape(x.shape[1:])


def _operands(
    op: str, axes: int, input: Any, weight: Any, groups: Any
) -> tuple[Tensor, Tensor, int]:
    """Return the input as a batch, the weight and the number of groups, checked by themselves."""
    x, w = as_tensor(op, input), as_tensor(op, weight, "the weight")
    number = as_integer(op, "groups", groups, least=1)
    if x.ndim not in (axes + 1, axes + 2) or w.ndim != axes + 2 or min(w.shape[2:]) < 1:
        lengths = "l" if axes == 1 else "h, w"
        raise ValueError(
            f"{op}: the input should have shape (n, c, {lengths}) or (c, {lengths}), and the "
            f"weight {axes + 2} axes and a kernel of at least one element, but the shapes are "
            f"{x.shape} and {w.shape}"
        )
    if x.dtype.kind != "f" or w.dtype.kind != "f":
        raise TypeError(
            f"{op}: the input and the weight should be floating, but they have dtypes {x.dtype} "
            f"and {w.dtype}; convert them first, with x.astype(np.float32)"
        )
    return x if x.ndim == axes + 2 else x.reshape(1, *x.shape), w, number


def _bias(op: str, bias: Any, channels: int) -> Tensor | None:
    if bias is None:
        return None
    b = as_tensor(op, bias, "the bias")
    if b.shape != (channels,):
        raise ValueError(
            f"{op}: the bias should have shape ({channels},), one number for each channel of the "
            f"output, but its shape is {b.shape}"
        )
    return b


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


def _samples_of(*cases: tuple[Any, ...]) -> list[Sample]:
    """Make samples of shapes: of the input, the weight and maybe the bias, and parameters."""
    return [
        Sample(
            tuple(uniform(shape, seed=seed) for seed, shape in enumerate(shapes)), dict(parameters)
        )
        for *shapes, parameters in cases
    ]


def _samples1d() -> list[Sample]:
    return _samples_of(
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
    return _samples_of(
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


def _transposed1d() -> list[Sample]:
    return _samples_of(
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


def _transposed2d() -> list[Sample]:
    return _samples_of(
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


def _bad_inputs(op: str, axes: int, transposed: bool) -> list[Any]:
    lengths, kernel = (7, 6)[:axes], (3, 2)[:axes]
    x = uniform((2, 4, *lengths))
    w = uniform((4, 4, *kernel))
    return [
        bad(ValueError, rf"{op}: the input should have shape \(n, c, ", uniform(()), w),
        bad(ValueError, r"\(n, c, .*\(4, 4\)", x, uniform((4, 4))),
        bad(TypeError, "the input should be a tensor", None, w),
        bad(TypeError, "the weight should be a tensor", x, "ones"),
        bad(TypeError, "should be floating.*int64 and float64", x.astype(np.int64), w),
        bad(ValueError, r"groups=1.*\(2, 4, .*\(3, 3, ", x, uniform((3, 3, *kernel))),
        bad(ValueError, "divisible by groups.*groups=3", x, w, groups=3),
        bad(ValueError, "groups should be at least 1, but 0", x, w, groups=0),
        bad(ValueError, r"bias should have shape \(4,\).*\(3,\)", x, w, uniform((3,))),
        bad(ValueError, "stride should be at least 1, but 0", x, w, stride=0),
        bad(ValueError, "stride should be one integer", x, w, stride=(1,) * (axes + 2)),
        bad(ValueError, "dilation should be at least 1, but -1", x, w, dilation=-1),
        bad(ValueError, "padding should be at least 0, but -1", x, w, padding=-1),
        bad(TypeError, r"padding should be an integer, but 0\.5", x, w, padding=0.5),
        bad(ValueError, "at least one element", x, uniform((4, 4, *kernel[1:], 0))),
        *(_bad_transposed(x, w) if transposed else _bad_plain(x, w)),
    ]


def _bad_plain(x: Any, w: Any) -> list[Any]:
    return [
        bad(ValueError, "no window fits.*reaches over", x, w, dilation=9),
        bad(ValueError, "no window fits", x[..., :0], w),
        bad(ValueError, "padding should be one of 'same', 'valid'", x, w, padding="full"),
        bad(ValueError, "only at stride 1", x, w, padding="same", stride=2),
    ]


def _bad_transposed(x: Any, w: Any) -> list[Any]:
    return [
        bad(ValueError, "nothing would be left", x, w, padding=9),
        bad(ValueError, "nothing would be left", x[..., :0], w),
        bad(ValueError, "less than stride or dilation", x, w, output_padding=1),
        bad(TypeError, "padding should be an integer, but 'same'", x, w, padding="same"),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        conv1d,
        ConvBackward,
        torch="nn.functional.conv1d",
        samples=_samples1d,
        reference=_plain_convolution,
        bad_inputs=_bad_inputs("conv1d", 1, transposed=False),
    ),
    Operation(
        conv2d,
        ConvBackward,
        torch="nn.functional.conv2d",
        samples=_samples2d,
        reference=_plain_convolution,
        bad_inputs=_bad_inputs("conv2d", 2, transposed=False),
    ),
    Operation(
        conv_transpose1d,
        ConvTransposeBackward,
        torch="nn.functional.conv_transpose1d",
        samples=_transposed1d,
        reference=_plain_transposed,
        bad_inputs=_bad_inputs("conv_transpose1d", 1, transposed=True),
    ),
    Operation(
        conv_transpose2d,
        ConvTransposeBackward,
        torch="nn.functional.conv_transpose2d",
        samples=_transposed2d,
        reference=_plain_transposed,
        bad_inputs=_bad_inputs("conv_transpose2d", 2, transposed=True),
    ),
]
