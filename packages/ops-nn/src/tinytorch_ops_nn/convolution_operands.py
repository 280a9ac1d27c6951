"""Operands of convolution and its transpose: their checks, samples, and calls that must raise."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Tensor
from tinytorch.samples import BadInput, Sample, bad, uniform

from .taking import as_integer, as_tensor


def checked_operands(
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


def checked_bias(op: str, bias: Any, channels: int) -> Tensor | None:
    """Return the bias, if there is one, checked to have a number for each channel of the output."""
    if bias is None:
        return None
    b = as_tensor(op, bias, "the bias")
    if b.shape != (channels,):
        raise ValueError(
            f"{op}: the bias should have shape ({channels},), one number for each channel of the "
            f"output, but its shape is {b.shape}"
        )
    return b


def samples_of(*cases: tuple[Any, ...]) -> list[Sample]:
    """Make samples of shapes: of the input, the weight and maybe the bias, and parameters."""
    return [
        Sample(
            tuple(uniform(shape, seed=seed) for seed, shape in enumerate(shapes)), dict(parameters)
        )
        for *shapes, parameters in cases
    ]


def fitting_operands(axes: int) -> tuple[Any, Any]:
    """Return an input and a weight that fit together, transposed or not."""
    lengths, kernel = (7, 6)[:axes], (3, 2)[:axes]
    return uniform((2, 4, *lengths)), uniform((4, 4, *kernel))


def bad_calls(op: str, axes: int) -> list[BadInput]:
    """Return calls that convolution and its transpose both refuse."""
    x, w = fitting_operands(axes)
    kernel = w.shape[2:]
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
    ]
