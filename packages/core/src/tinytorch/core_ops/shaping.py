"""The same elements in another shape."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arguments import all_axes, either, one_axis
from ..arrays import Array
from ..function import Function
from ..operation import Operation
from ..samples import Sample, bad, sample, uniform
from ..tensor import Tensor


class ReshapeBackward(Function):
    """x in another shape. Gradient: the output's in the shape of x."""

    def forward(self, x: Array, *, shape: Any) -> Array:
        self.shape = x.shape
        return x.reshape(shape)

    def apply(self, grad_output: Array) -> Any:
        return grad_output.reshape(self.shape)


def reshape(x: Any, *shape: Any) -> Tensor:
    """Same elements, in the same order, in another shape.

    Parameters
    ----------
    x : Tensor
        Any shape.
    *shape : int, or one tuple of int
        The new shape. One length may be -1 and follows from the others.

    Returns
    -------
    Tensor
        Of the new shape and the dtype of `x`; it shares the data where NumPy can. The gradient is
        the output's in the shape of `x`.

    Raises
    ------
    TypeError
        If a length is not an integer.
    ValueError
        If the number of elements differs.

    Examples
    --------
    >>> reshape(Tensor([1.0, 2.0, 3.0, 4.0]), 2, -1)
    Tensor(data=[[1. 2.]
                 [3. 4.]], shape=(2, 2))
    """
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    return ReshapeBackward.call(x, shape=_fill_in(x, tuple(given)))


def _fill_in(x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Check a shape against the number of elements, and resolve a length of -1."""
    if any(not isinstance(length, int | np.integer) for length in shape):
        raise TypeError(f"reshape: a shape is made of integers, but {shape} was given")
    size, known = np.size(getattr(x, "data", x)), prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known > 0 and size % known == 0:
        return tuple(size // known if n == -1 else n for n in shape)
    if size != known or min(shape, default=1) < 0:
        raise ValueError(
            f"reshape: Total elements must match, but a tensor of shape {np.shape(x)} was asked "
            f"to take shape {shape}: {size} ≠ {known}"
        )
    return shape


class TransposeBackward(Function):
    """x with two axes exchanged. Gradient: the output's with them exchanged back."""

    def forward(self, x: Array, *, dim0: Any = None, dim1: Any = None) -> Array:
        if dim0 is None and dim1 is None:
            if x.ndim < 2:
                return x
            dim0, dim1 = -2, -1
        elif dim0 is None or dim1 is None:
            raise TypeError(
                f"transpose: two axes are exchanged, but dim0={dim0} and dim1={dim1} were given; "
                "pass both, or neither for the last two"
            )
        self.axes = one_axis("transpose", dim0, x.ndim), one_axis("transpose", dim1, x.ndim)
        return np.swapaxes(x, *self.axes)

    def apply(self, grad_output: Array) -> Any:
        return np.swapaxes(grad_output, *self.axes) if hasattr(self, "axes") else grad_output


def transpose(x: Any, dim0: int | None = None, dim1: int | None = None) -> Tensor:
    """Exchange two axes, by default the last two; also ``x.T``.

    Parameters
    ----------
    x : Tensor
        Any shape. Without axes, a tensor of fewer than two dimensions stays as it is.
    dim0, dim1 : int, optional
        The axes to exchange.

    Returns
    -------
    Tensor
        The shape of `x` with the two lengths exchanged, the dtype of `x`; it shares the data. The
        gradient is the output's with the axes exchanged.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If one axis is given without the other, or is not an integer.

    Examples
    --------
    >>> transpose(Tensor([[1.0, 2.0, 3.0]])).shape
    (3, 1)
    """
    return TransposeBackward.call(x, dim0=dim0, dim1=dim1)


class SqueezeBackward(Function):
    """x without axes of length 1. Gradient: the output's in the shape of x."""

    def forward(self, x: Array, *, axis: Any = None) -> Array:
        self.shape = x.shape
        axes = None if axis is None else all_axes("squeeze", axis, x.ndim)
        long = [i for i in axes or () if x.shape[i] != 1]
        if long:
            raise ValueError(
                f"squeeze: only axes of length 1 can be left out, but the shape is {x.shape} and "
                f"axis {long[0]} has length {x.shape[long[0]]}"
            )
        return np.squeeze(x, axes)

    def apply(self, grad_output: Array) -> Any:
        return grad_output.reshape(self.shape)


def squeeze(
    x: Any, axis: int | tuple[int, ...] | None = None, *, dim: int | tuple[int, ...] | None = None
) -> Tensor:
    """Leave out axes of length 1.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int or tuple of int, optional
        The axes to leave out; all of length 1 if not given.

    Returns
    -------
    Tensor
        The shape of `x` without the axes, the dtype of `x`; it shares the data. The gradient is the
        output's in the shape of `x`.

    Raises
    ------
    ValueError
        If an axis that was named is longer than 1, as in NumPy (PyTorch leaves such an axis in), or
        is named twice.
    IndexError
        If an axis is out of range.
    TypeError
        If both `axis` and `dim` are given, or an axis is not an integer.

    Examples
    --------
    >>> squeeze(Tensor([[1.0, 2.0]])).shape
    (2,)
    """
    return SqueezeBackward.call(x, axis=either("squeeze", axis, dim))


class UnsqueezeBackward(Function):
    """x with a new axis of length 1. Gradient: the output's in the shape of x."""

    def forward(self, x: Array, *, axis: Any) -> Array:
        self.shape = x.shape
        return np.expand_dims(x, one_axis("unsqueeze", axis, x.ndim + 1))

    def apply(self, grad_output: Array) -> Any:
        return grad_output.reshape(self.shape)


def unsqueeze(x: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """Put in a new axis of length 1.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis, dim : int
        Where the new axis stands in the result.

    Returns
    -------
    Tensor
        The shape of `x` with a 1 put in, the dtype of `x`; it shares the data. The gradient is the
        output's in the shape of `x`.

    Raises
    ------
    IndexError
        If the place is out of range.
    TypeError
        If it is missing, given by both names, or not an integer.

    Examples
    --------
    >>> unsqueeze(Tensor([1.0, 2.0]), -1).shape
    (2, 1)
    """
    return UnsqueezeBackward.call(x, axis=either("unsqueeze", axis, dim))


class BroadcastToBackward(Function):
    """x repeated to fill a shape. Gradient: the output's, which the engine sums down to x's."""

    batched = True

    def forward(self, x: Array, *, shape: Any) -> Array:
        try:
            return np.broadcast_to(x, shape)
        except ValueError:
            raise ValueError(
                f"broadcast_to: a tensor of shape {x.shape} does not broadcast to {shape}; "
                "each length must be equal or 1, counted from the last"
            ) from None

    def apply(self, grad_output: Array) -> Any:
        return grad_output


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Tensor:
    """Repeat a tensor to fill a shape, without copying.

    Parameters
    ----------
    x : Tensor
        Of a shape that broadcasts to `shape`.
    shape : tuple of int
        The new shape.

    Returns
    -------
    Tensor
        Of `shape` and the dtype of `x`; it shares the data, and its array is read-only. The
        gradient is summed over the repetitions.

    Raises
    ------
    ValueError
        If the shape of `x` does not broadcast to `shape`.

    Examples
    --------
    >>> broadcast_to(Tensor([1.0, 2.0]), (2, 2))
    Tensor(data=[[1. 2.]
                 [1. 2.]], shape=(2, 2))
    """
    return BroadcastToBackward.call(x, shape=shape)


def _numpy_reshape(a: Any, shape: Any = None, *, newshape: Any = None) -> Tensor:
    return reshape(a, shape if newshape is None else newshape)


def _expand_dims(a: Any, axis: int | tuple[int, ...]) -> Tensor:
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = np.ndim(a) + len(axes)
    for place in sorted(one_axis("expand_dims", one, ndim) for one in axes):
        a = unsqueeze(a, place)
    return a  # type: ignore[no-any-return]  # a Tensor since the first unsqueeze


def _reshapes() -> list[Sample]:
    return [
        sample(uniform((2, 3)), 3, 2),
        sample(uniform((2, 3)), (6,)),
        sample(uniform((2, 3)), -1),
        sample(uniform((2, 3)), 1, -1, 2),
        sample(uniform(()), 1, 1),
        sample(uniform((1,)), ()),
        sample(uniform((0, 3)), 3, 0),
        sample(uniform((0, 3)), -1, 3),
    ]


def _transposes() -> list[Sample]:
    return [
        sample(uniform((2, 3))),
        sample(uniform((2, 3, 4))),
        sample(uniform((2, 3, 4)), 0, 2),
        sample(uniform((2, 3, 4)), -3, dim1=1),
        sample(uniform(())),
        sample(uniform((3,))),
        sample(uniform((0, 3))),
        sample(uniform((3, 3)), 1, 1),
    ]


def _plain_transpose(x: Array, dim0: int = -2, dim1: int = -1) -> Array:
    return np.swapaxes(x, dim0, dim1) if x.ndim > 1 else x


OPERATIONS = [
    Operation(
        reshape,
        ReshapeBackward,
        method="reshape",
        torch="reshape",
        numpy={np.reshape: _numpy_reshape},
        samples=_reshapes,
        reference=lambda x, *s: np.reshape(x, s[0] if isinstance(s[0], tuple) else s),
        bad_inputs=[
            bad(ValueError, "Total elements must match.*6 ≠ 4", np.zeros((2, 3)), 2, 2),
            bad(ValueError, "Total elements must match", np.zeros((2, 3)), -1, 4),
            bad(ValueError, "Total elements must match", np.zeros((2, 3)), -1, -1),
            bad(TypeError, "made of integers", np.zeros((2, 3)), 2, 3.0),
        ],
    ),
    Operation(
        transpose,
        TransposeBackward,
        method="transpose",
        torch="transpose",
        numpy=[np.swapaxes, np.matrix_transpose],
        samples=_transposes,
        reference=_plain_transpose,
        bad_inputs=[
            bad(IndexError, "axes of the tensor are", np.zeros((2, 3)), 0, 2),
            bad(TypeError, "pass both", np.zeros((2, 3)), 0),
        ],
    ),
    Operation(
        squeeze,
        SqueezeBackward,
        method="squeeze",
        torch="squeeze",
        numpy=[np.squeeze],
        samples=lambda: [
            sample(uniform((1, 3, 1))),
            sample(uniform((1, 3, 1)), 0),
            sample(uniform((2, 3))),
            sample(uniform((1, 3, 1)), dim=-1),
            sample(uniform((1, 3, 1)), (0, 2)),
            sample(uniform((1, 0))),
            sample(uniform(())),
        ],
        reference=lambda x, axis=None, dim=None: np.squeeze(x, axis if dim is None else dim),
        bad_inputs=[
            bad(ValueError, "axis 1 has length 3", np.zeros((1, 3)), 1),
            bad(IndexError, "axes of the tensor are", np.zeros((1, 3)), 2),
        ],
    ),
    Operation(
        unsqueeze,
        UnsqueezeBackward,
        method="unsqueeze",
        torch="unsqueeze",
        numpy={np.expand_dims: _expand_dims},
        samples=lambda: [
            sample(uniform((2, 3)), 0),
            sample(uniform((2, 3)), -1),
            sample(uniform((2, 3)), dim=1),
            sample(uniform(()), 0),
            sample(uniform((0, 3)), 2),
        ],
        reference=lambda x, axis=None, dim=None: np.expand_dims(x, axis if dim is None else dim),
        bad_inputs=[
            bad(IndexError, "axes of the tensor are", np.zeros((2, 3)), 3),
            bad(TypeError, "an axis is an integer", np.zeros((2, 3))),
        ],
    ),
    Operation(
        broadcast_to,
        BroadcastToBackward,
        method="broadcast_to",
        torch="broadcast_to",
        numpy=[np.broadcast_to],
        samples=lambda: [
            sample(uniform((3,)), (2, 3)),
            sample(uniform((2, 1)), (4, 2, 3)),
            sample(uniform(()), (2, 2)),
            sample(uniform((1,)), (0, 3)),
            sample(uniform(()), ()),
            sample(uniform((2, 3)), (2, 3)),
            sample(uniform((0, 1)), (2, 0, 3)),
        ],
        reference=lambda x, shape: np.broadcast_to(x, shape),
        bad_inputs=[bad(ValueError, "does not broadcast to", np.zeros((2, 3)), (2, 4))],
    ),
]
