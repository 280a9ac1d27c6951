"""Convolutions as layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

import numpy as np
from tinytorch import Tensor
from tinytorch_ops_nn import conv1d, conv2d

from .initial import uniform_by_inputs
from .module import Module


class _Conv(Module):
    """What convolutions have in common, over however many axes."""

    _axes: ClassVar[int]
    _convolve: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{type(self).__name__}: groups should divide the channels, but groups={groups}, "
                f"in_channels={in_channels} and out_channels={out_channels} were given"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self._one_each("kernel_size", kernel_size)
        self.stride = self._one_each("stride", stride)
        self.dilation = self._one_each("dilation", dilation)
        self.padding = padding if isinstance(padding, str) else self._one_each("padding", padding)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        inputs = prod(shape[1:])
        self.weight = uniform_by_inputs(inputs, shape, dtype)
        self.bias = uniform_by_inputs(inputs, (out_channels,), dtype) if bias else None

    def _one_each(self, name: str, value: int | tuple[int, ...]) -> tuple[int, ...]:
        """Return a parameter as a tuple with one number for each axis."""
        lengths = value if isinstance(value, tuple) else (value,) * self._axes
        if len(lengths) != self._axes:
            raise ValueError(
                f"{type(self).__name__}: {name} should be an integer or {self._axes} of them, but "
                f"it is {value}"
            )
        return lengths

    def forward(self, input: Any) -> Tensor:
        """Return the convolution of `input`, of the shape that the function of this name gives."""
        sizes = (self.stride, self.padding, self.dilation)
        return self._convolve(input, self.weight, self.bias, *sizes, self.groups)

    def extra_repr(self) -> str:
        """Return the channels and the kernel, and what is not as by default."""
        defaults = {
            "padding": (0,) * self._axes,
            "dilation": (1,) * self._axes,
            "groups": 1,
        }
        shown = [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)}")
        shown += ["bias=False"] * (self.bias is None)
        return ", ".join([f"{self.in_channels}, {self.out_channels}", *shown])


class Conv1d(_Conv):
    """Convolution over one axis: a weighted sum over the channels and each window.

    Parameters
    ----------
    in_channels, out_channels : int
        The channels c of the input and o of the output.
    kernel_size : int
        The length k of a window.
    stride : int
        How far one window is from the next.
    padding : int, "same" or "valid"
        How many zeros stand before and after the axis, as in `tinytorch_ops_nn.conv1d`.
    dilation : int
        How far one element of a window is from the next.
    groups : int
        Into how many groups the channels fall, in and out; each is a convolution of its own.
    bias : bool
        Whether there is one.
    dtype : dtype
        Of the parameters: floating.

    Attributes
    ----------
    weight : Tensor
        Of shape (o, c / groups, k), drawn from -1 / √n to 1 / √n, with n = k c / groups.
    bias : Tensor or None
        Of shape (o,), drawn likewise.

    Raises
    ------
    ValueError
        If `groups` does not divide the channels, or a tuple has another length.

    Examples
    --------
    >>> Conv1d(2, 4, kernel_size=3, padding=1)(ones(5, 2, 8)).shape
    (5, 4, 8)
    """

    _axes = 1
    _convolve = staticmethod(conv1d)


class Conv2d(_Conv):
    """Convolution over two axes: a weighted sum over the channels and each window.

    Parameters
    ----------
    in_channels, out_channels : int
        The channels c of the input and o of the output.
    kernel_size : int or (int, int)
        The height and the width of a window.
    stride : int or (int, int)
        How far one window is from the next.
    padding : int, (int, int), "same" or "valid"
        How many zeros stand before and after either axis, as in `tinytorch_ops_nn.conv2d`.
    dilation : int or (int, int)
        How far one element of a window is from the next.
    groups : int
        Into how many groups the channels fall, in and out; each is a convolution of its own.
    bias : bool
        Whether there is one.
    dtype : dtype
        Of the parameters: floating.

    Attributes
    ----------
    weight : Tensor
        Of shape (o, c / groups, height, width), drawn from -1 / √n to 1 / √n, where n is
        height × width × c / groups.
    bias : Tensor or None
        Of shape (o,), drawn likewise.

    Raises
    ------
    ValueError
        If `groups` does not divide the channels, or a tuple has another length.

    Examples
    --------
    >>> Conv2d(1, 16, 3, stride=2)(ones(5, 1, 9, 9)).shape
    (5, 16, 4, 4)
    """

    _axes = 2
    _convolve = staticmethod(conv2d)
