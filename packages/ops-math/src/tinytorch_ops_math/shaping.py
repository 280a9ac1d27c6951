"""Elements in another order or shape, and repeated."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    ReshapeBackward,
    Tensor,
    TransposeBackward,
    all_axes,
    one_axis,
)
from tinytorch.samples import bad, sample, uniform

from .operands import integers, operand, together

Axes = int | tuple[int, ...] | list[int]


class FlipBackward(Function):
    """x backwards along axes. Gradient: the output's, backwards along the same axes."""

    batched = True

    def forward(self, x: Array, *, axes: tuple[int, ...]) -> Array:
        # Counted from the end, they are the same where there is a further first axis.
        self.axes = tuple(axis - x.ndim if axis >= 0 else axis for axis in axes)
        return np.flip(x, self.axes)

    def apply(self, grad_output: Array) -> Any:
        return FlipBackward.call(grad_output, axes=self.axes)


def flip(x: Any, dims: Axes | None = None, *more: int) -> Tensor:
    """Elements in reverse order along axes.

    Parameters
    ----------
    x : Tensor
        Any shape.
    dims : int, sequence of int, or None
        The axes along which to reverse; all of them if left out, as in NumPy.
    *more : int
        Further axes: ``x.flip(0, 1)`` is ``x.flip((0, 1))``.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, whose data it shares. The gradient is the output's, reversed
        along the same axes.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If an axis is not an integer.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> flip(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    Tensor(data=[[2. 1.]
                 [4. 3.]], shape=(2, 2))
    """
    x = operand("flip", x)
    return FlipBackward.call(x, axes=all_axes("flip", together(dims, more), x.ndim))


class RollBackward(Function):
    """x moved on along axes, end to beginning. Gradient: the output's, moved back."""

    def forward(self, x: Array, *, shifts: tuple[int, ...], axes: tuple[int, ...]) -> Array:
        self.back = {"shifts": tuple(-shift for shift in shifts), "axes": axes}
        return np.roll(x, shifts, axes)

    def apply(self, grad_output: Array) -> Any:
        return RollBackward.call(grad_output, **self.back)


def roll(x: Any, shifts: Axes, dims: Axes | None = None) -> Tensor:
    """Elements moved on along axes; those that leave at the end come in at the beginning.

    Parameters
    ----------
    x : Tensor
        Any shape.
    shifts : int or sequence of int
        By how many places; negative ones move towards the beginning.
    dims : int or sequence of int, optional
        The axis for each shift. If left out, all elements are moved as if they stood in a row.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is the output's, moved back.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If a shift or an axis is not an integer.
    ValueError
        If there are not as many shifts as axes, or several shifts and no axes.

    Examples
    --------
    >>> roll(Tensor([1.0, 2.0, 3.0]), 1)
    Tensor(data=[3. 1. 2.], shape=(3,))
    """
    x = operand("roll", x)
    steps = integers("roll", "shifts", shifts)
    if dims is None and len(steps) == 1:
        flat = ReshapeBackward.call(x, shape=(x.size,))
        rolled = RollBackward.call(flat, shifts=steps, axes=(0,))
        return ReshapeBackward.call(rolled, shape=x.shape)
    given = () if dims is None else dims if isinstance(dims, tuple | list) else (dims,)
    axes = tuple(one_axis("roll", axis, x.ndim) for axis in given)
    if len(axes) != len(steps):
        raise ValueError(
            f"roll: there should be an axis for each shift, but shifts={shifts} and dims={dims} "
            "were given"
        )
    return RollBackward.call(x, shifts=steps, axes=axes)


class MovedimBackward(Function):
    """x with axes in other places. Gradient: the output's, with the axes put back."""

    def forward(self, x: Array, *, source: tuple[int, ...], destination: tuple[int, ...]) -> Array:
        self.back = {"source": destination, "destination": source}
        return np.moveaxis(x, source, destination)

    def apply(self, grad_output: Array) -> Any:
        return MovedimBackward.call(grad_output, **self.back)


def movedim(x: Any, source: Axes, destination: Axes) -> Tensor:
    """Put some axes in other places; the others keep their order.

    Parameters
    ----------
    x : Tensor
        Any shape.
    source : int or sequence of int
        The axes to move.
    destination : int or sequence of int
        The place of each in the result.

    Returns
    -------
    Tensor
        The axes of `x` in another order; of the dtype of `x`, whose data it shares. The gradient is
        the output's with the axes put back.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If an axis is not an integer.
    ValueError
        If there are not as many places as axes, or one is named twice.

    Examples
    --------
    >>> movedim(Tensor([[[1.0, 2.0, 3.0]]]), 2, 0).shape
    (3, 1, 1)
    """
    x = operand("movedim", x)
    sources = all_axes("movedim", integers("movedim", "source", source), x.ndim)
    places = all_axes("movedim", integers("movedim", "destination", destination), x.ndim)
    if len(sources) != len(places):
        raise ValueError(
            f"movedim: there should be a place for each axis, but source={source} and "
            f"destination={destination} were given"
        )
    return MovedimBackward.call(x, source=sources, destination=places)


def swapaxes(x: Any, axis0: int, axis1: int) -> Tensor:
    """Exchange two axes: `transpose` by NumPy's name.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axis0, axis1 : int
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
        If an axis is not an integer.

    Examples
    --------
    >>> swapaxes(Tensor([[1.0, 2.0, 3.0]]), 0, 1).shape
    (3, 1)
    """
    x = operand("swapaxes", x)
    first, second = (one_axis("swapaxes", axis, x.ndim) for axis in (axis0, axis1))
    return TransposeBackward.call(x, dim0=first, dim1=second)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Several axes that stand side by side as one.

    Parameters
    ----------
    x : Tensor
        Any shape; one without axes becomes one of length 1.
    start_dim, end_dim : int
        The first and the last of the axes; by default all.

    Returns
    -------
    Tensor
        The shape of `x` with the product of the lengths in place of them, the dtype of `x`; it
        shares the data where NumPy can. The gradient is the output's in the shape of `x`.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If an axis is not an integer.
    ValueError
        If the last axis comes before the first.

    Examples
    --------
    >>> flatten(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=[1. 2. 3. 4.], shape=(4,))
    """
    x = operand("flatten", x)
    shape = x.shape or (1,)
    first, last = (one_axis("flatten", axis, len(shape)) for axis in (start_dim, end_dim))
    if last < first:
        raise ValueError(
            f"flatten: the last axis should not come before the first, but start_dim={start_dim} "
            f"and end_dim={end_dim} of shape {shape} were given"
        )
    between = prod(shape[first : last + 1])
    return ReshapeBackward.call(x, shape=(*shape[:first], between, *shape[last + 1 :]))


def _numpy_roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    if axis is None:
        return roll(a, sum(integers("roll", "shift", shift)))
    pairs = np.broadcast(shift, axis)  # NumPy takes one shift for several axes, and the reverse
    shifts, axes = zip(*pairs, strict=True) if pairs.size else ((), ())
    return roll(a, shifts, axes)


def _plain_flatten(x: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    x = np.atleast_1d(x)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    shape = list(x.shape)
    shape[start : end + 1] = [int(np.prod(shape[start : end + 1]))]
    return np.reshape(x, shape)


_EMPTY, _CUBE = (0, 3), (2, 3, 4)

OPERATIONS: list[Operation] = [
    Operation(
        flip,
        FlipBackward,
        method="flip",
        torch="flip",
        numpy={
            np.flip: lambda m, axis=None: flip(m, axis),
            np.flipud: partial(flip, dims=0),
            np.fliplr: partial(flip, dims=1),
        },
        samples=lambda: [
            sample(uniform(_CUBE)),
            sample(uniform(_CUBE), 0),
            sample(uniform(_CUBE), -1),
            sample(uniform(_CUBE), (0, -1)),
            sample(uniform(_CUBE), 0, 1),
            sample(uniform(_CUBE), dims=[2, 1, 0]),
            sample(uniform(_CUBE), ()),
            sample(uniform(4), 0),
            sample(uniform((1, 3)), 0),
            sample(uniform(())),
            sample(uniform(_EMPTY), 1),
            sample(uniform((3, 3)), (0, 1)),
        ],
        reference=lambda x, dims=None, *more: np.flip(x, (dims, *more) if more else dims),
        bad_inputs=[
            bad(IndexError, "flip: the axes of the tensor are from -2 to 1", uniform((2, 3)), 2),
            bad(ValueError, "named once", uniform((2, 3)), (0, -2)),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), 0.5),
            bad(IndexError, "0-d", uniform(()), 1),
        ],
    ),
    Operation(
        roll,
        RollBackward,
        method="roll",
        torch="roll",
        numpy={np.roll: _numpy_roll},
        samples=lambda: [
            sample(uniform(_CUBE), 1),
            sample(uniform(_CUBE), -5),
            sample(uniform(_CUBE), 30),
            sample(uniform(_CUBE), 1, 0),
            sample(uniform(_CUBE), -1, dims=-1),
            sample(uniform(_CUBE), (1, -2), (0, 2)),
            sample(uniform(_CUBE), [1, 2], [1, 1]),
            sample(uniform(_CUBE), 7, 1),
            sample(uniform(4), 0, 0),
            sample(uniform(()), 2),
            sample(uniform((1,)), 1),
            sample(uniform(_EMPTY), 1),
            sample(uniform(_EMPTY), (1, 1), (0, 1)),
        ],
        reference=lambda x, shifts, dims=None: np.roll(x, shifts, dims),
        bad_inputs=[
            bad(ValueError, "an axis for each shift", uniform((2, 3)), (1, 2), 0),
            bad(ValueError, "an axis for each shift", uniform((2, 3)), (1, 2)),
            bad(ValueError, "an axis for each shift", uniform((2, 3)), 1, (0, 1)),
            bad(TypeError, "roll: shifts should be an integer", uniform((2, 3)), 1.5),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), 1, "rows"),
            bad(IndexError, "axes of the tensor are", uniform((2, 3)), 1, 2),
            bad(IndexError, "0-d", uniform(()), 1, 0),
        ],
    ),
    Operation(
        movedim,
        MovedimBackward,
        method="movedim",
        aliases=("moveaxis",),
        torch="movedim",
        numpy={np.moveaxis: lambda a, source, destination: movedim(a, source, destination)},
        samples=lambda: [
            sample(uniform(_CUBE), 0, 2),
            sample(uniform(_CUBE), -1, 0),
            sample(uniform(_CUBE), (0, 1), (-1, -2)),
            sample(uniform(_CUBE), [2, 0, 1], [0, 1, 2]),
            sample(uniform(_CUBE), (), ()),
            sample(uniform((2, 3)), 1, 0),
            sample(uniform((2, 3)), source=(0, 1), destination=(0, 1)),
            sample(uniform((2, 1, 3, 2)), (3, 1), (0, 2)),
            sample(uniform(3), 0, -1),
            sample(uniform(()), (), ()),
            sample(uniform(_EMPTY), 0, 1),
        ],
        reference=lambda x, source, destination: np.moveaxis(x, source, destination),
        bad_inputs=[
            bad(ValueError, "a place for each axis", uniform(_CUBE), (0, 1), 2),
            bad(ValueError, "named once", uniform(_CUBE), (0, 0), (1, 2)),
            bad(IndexError, "axes of the tensor are", uniform(_CUBE), 3, 0),
            bad(TypeError, "source should be an integer", uniform(_CUBE), "rows", 0),
        ],
    ),
    Operation(
        swapaxes,
        TransposeBackward,
        method="swapaxes",
        aliases=("swapdims",),
        torch="swapaxes",  # np.swapaxes is core's, as `transpose`
        samples=lambda: [
            sample(uniform((2, 3)), 0, 1),
            sample(uniform((2, 3)), -1, 0),
            sample(uniform(_CUBE), 0, 2),
            sample(uniform(_CUBE), axis0=1, axis1=-1),
            sample(uniform(_CUBE), 1, 1),
            sample(uniform((2, 1, 3, 2)), 3, 1),
            sample(uniform(3), 0, -1),
            sample(uniform((1, 3)), 0, 1),
            sample(uniform((3, 3)), 0, 1),
            sample(uniform(_EMPTY), 0, 1),
        ],
        reference=lambda x, axis0, axis1: np.swapaxes(x, axis0, axis1),
        bad_inputs=[
            bad(IndexError, "swapaxes: the axes of the tensor are", uniform((2, 3)), 0, 2),
            bad(IndexError, "0-d", uniform(()), 0, 0),
            bad(TypeError, "swapaxes: an axis is an integer", uniform((2, 3)), 0, None),
        ],
    ),
    Operation(
        flatten,
        ReshapeBackward,
        method="flatten",
        torch="flatten",
        numpy={np.ravel: lambda a: flatten(a)},
        samples=lambda: [
            sample(uniform(_CUBE)),
            sample(uniform(_CUBE), 1),
            sample(uniform(_CUBE), 0, 1),
            sample(uniform(_CUBE), start_dim=-2, end_dim=-1),
            sample(uniform(_CUBE), 1, 1),
            sample(uniform((2, 1, 3, 2)), 1, 2),
            sample(uniform(3)),
            sample(uniform((1, 1))),
            sample(uniform(())),
            sample(uniform(()), 0, -1),
            sample(uniform(_EMPTY)),
            sample(uniform((2, 0, 3)), 1),
        ],
        reference=_plain_flatten,
        bad_inputs=[
            bad(ValueError, "start_dim=2 and end_dim=1", uniform(_CUBE), 2, 1),
            bad(IndexError, "axes of the tensor are from -3 to 2", uniform(_CUBE), 3),
            bad(IndexError, "axes of the tensor are from -1 to 0", uniform(()), 1),
            bad(TypeError, "an axis is an integer", uniform(_CUBE), 0.5),
        ],
    ),
]
