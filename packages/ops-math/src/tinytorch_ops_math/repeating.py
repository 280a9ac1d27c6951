"""Tensors and their elements, repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    ReshapeBackward,
    Tensor,
    as_indices,
    at_least_single,
    either,
    one_axis,
)
from tinytorch.samples import bad, sample, uniform

from .operands import integers, operand, together
from .shaping import Axes


class RepeatBackward(Function):
    """x several times along each axis. Gradient: the sum of the output's over the repetitions."""

    def forward(self, x: Array, *, repeats: tuple[int, ...]) -> Array:
        new = len(repeats) - x.ndim
        lengths = (1,) * new + x.shape
        # What each axis was repeated, and the axis itself, by turns.
        self.apart = tuple(n for pair in zip(repeats, lengths, strict=True) for n in pair)
        self.shape = x.shape
        return np.tile(x, repeats)

    def apply(self, grad_output: Array) -> Any:
        repetitions = tuple(range(0, len(self.apart), 2))
        apart = at_least_single(grad_output.reshape(self.apart))
        return apart.sum(axis=repetitions).reshape(self.shape)


def repeat(x: Any, repeats: Axes, *more: int) -> Tensor:
    """Tensor several times along each axis, one copy after another.

    ``np.repeat``, which repeats element by element, is `repeat_interleave`.

    Parameters
    ----------
    x : Tensor
        Any shape.
    repeats : int or sequence of int
        How often along each axis. Where there are more numbers than axes, `x` gets new axes in
        front.
    *more : int
        Further numbers: ``x.repeat(2, 3)`` is ``x.repeat((2, 3))``.

    Returns
    -------
    Tensor
        Each length is that of `x` times the number of repetitions; the dtype of `x`. The gradient
        is the sum of the output's over the repetitions.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If there are fewer numbers than axes, or one is negative.

    Examples
    --------
    >>> repeat(Tensor([1.0, 2.0]), 2, 2)
    Tensor(data=[[1. 2. 1. 2.]
                 [1. 2. 1. 2.]], shape=(2, 4))
    """
    x = operand("repeat", x)
    times = _times("repeat", together(repeats, more))
    if len(times) < x.ndim:
        raise ValueError(
            f"repeat: a number is needed for each axis, but the shape is {x.shape} and repeats are "
            f"{times}; tile takes fewer"
        )
    return RepeatBackward.call(x, repeats=times)


def tile(x: Any, dims: Axes, *more: int) -> Tensor:
    """Tensor several times along its last axes, one copy after another.

    Parameters
    ----------
    x : Tensor
        Any shape.
    dims : int or sequence of int
        How often along each axis, up to the last; once along those before. Where there are more
        numbers than axes, `x` gets new axes in front.
    *more : int
        Further numbers: ``x.tile(2, 3)`` is ``x.tile((2, 3))``.

    Returns
    -------
    Tensor
        Each length is that of `x` times the number of repetitions; the dtype of `x`. The gradient
        is the sum of the output's over the repetitions.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If a number is negative.

    Examples
    --------
    >>> tile(Tensor([[1.0, 2.0]]), 2)
    Tensor(data=[[1. 2. 1. 2.]], shape=(1, 4))
    """
    x = operand("tile", x)
    times = _times("tile", together(dims, more))
    return RepeatBackward.call(x, repeats=(1,) * (x.ndim - len(times)) + times)


def _times(op: str, given: Any) -> tuple[int, ...]:
    times = integers(op, "the number of repetitions", given)
    if min(times, default=0) < 0:
        raise ValueError(f"{op}: nothing can be repeated fewer than 0 times, but {times} was given")
    return times


class RepeatInterleaveBackward(Function):
    """Each element several times. Gradient: the sum of the output's over the repetitions."""

    def forward(self, x: Array, *, repeats: int | Array, axis: int) -> Array:
        self.shape, self.axis, self.repeats = x.shape, axis, repeats
        return np.repeat(x, repeats, axis)

    def apply(self, grad_output: Array) -> Any:
        before, (length, *after) = self.shape[: self.axis], self.shape[self.axis :]
        if isinstance(self.repeats, int):
            apart = (*before, length, self.repeats, *after)
            return at_least_single(grad_output.reshape(apart)).sum(axis=self.axis + 1)
        return SumRunsBackward.call(grad_output, lengths=self.repeats, axis=self.axis)


class SumRunsBackward(Function):
    """Sums over runs of given lengths. Gradient: the output's, repeated along each run."""

    def forward(self, x: Array, *, lengths: Array, axis: int) -> Array:
        self.back = {"repeats": lengths, "axis": axis}
        sums = np.zeros((*x.shape[:axis], len(lengths), *x.shape[axis + 1 :]), x.dtype)
        starts, some = np.cumsum(lengths) - lengths, lengths > 0
        if some.any():  # NumPy would take a run of no elements for one of one element
            sums[(slice(None),) * axis + (some,)] = np.add.reduceat(x, starts[some], axis)
        return sums

    def apply(self, grad_output: Array) -> Any:
        return RepeatInterleaveBackward.call(grad_output, **self.back)


def repeat_interleave(
    x: Any, repeats: Any, dim: int | None = None, *, axis: int | None = None
) -> Tensor:
    """Each element of a tensor, or each slice along an axis, several times; ``np.repeat``.

    Parameters
    ----------
    x : Tensor
        Any shape.
    repeats : int, or Tensor, array or sequence of integers
        How often: one number for all, or one for each slice.
    dim, axis : int, optional
        The axis along which to repeat. If left out, the elements are taken in a row.

    Returns
    -------
    Tensor
        The shape of `x`, longer along the axis, or one axis; the dtype of `x`. The gradient is the
        sum of the output's over the repetitions.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, or a number is not an integer.
    ValueError
        If there is not one number of repetitions for each slice, or one is negative.

    Examples
    --------
    >>> repeat_interleave(Tensor([1.0, 2.0]), 2)
    Tensor(data=[1. 1. 2. 2.], shape=(4,))
    >>> repeat_interleave(Tensor([1.0, 2.0]), [3, 1])
    Tensor(data=[1. 1. 1. 2.], shape=(4,))
    """
    x = operand("repeat_interleave", x)
    given = either("repeat_interleave", axis, dim)
    if given is None or x.ndim == 0:
        one_axis("repeat_interleave", 0 if given is None else given, max(x.ndim, 1))
        x, given = ReshapeBackward.call(x, shape=(x.size,)), 0
    along = one_axis("repeat_interleave", given, x.ndim)
    times = as_indices("repeat_interleave", repeats, "repeats")
    if times.ndim > 1 or times.size not in (1, x.shape[along]):
        raise ValueError(
            f"repeat_interleave: repeats should be one number, or {x.shape[along]} in a row, one "
            f"for each slice along axis {along} of shape {x.shape}, but their shape is "
            f"{times.shape}"
        )
    if times.size and times.min() < 0:
        raise ValueError(
            "repeat_interleave: nothing can be repeated fewer than 0 times, but "
            f"{times.min()} was given"
        )
    return RepeatInterleaveBackward.call(
        x, repeats=int(times.item()) if times.size == 1 else times.astype(np.intp), axis=along
    )


def _numpy_tile(A: Any, reps: Any) -> Tensor:
    return tile(A, tuple(reps) if isinstance(reps, np.ndarray) else reps)


def _plain_repeat(x: Array, repeats: Any, *more: int) -> Array:
    return np.tile(x, (repeats, *more) if more else repeats)


_EMPTY, _CUBE = (0, 3), (2, 3, 4)

OPERATIONS: list[Operation] = [
    Operation(
        tile,
        RepeatBackward,
        method="tile",
        torch="tile",
        numpy={np.tile: _numpy_tile},
        samples=lambda: [
            sample(uniform((2, 3)), 2),
            sample(uniform((2, 3)), (2, 3)),
            sample(uniform((2, 3)), 2, 1, 2),
            sample(uniform((2, 3)), dims=[1, 1]),
            sample(uniform((2, 1)), (1, 3)),
            sample(uniform((2, 3)), ()),
            sample(uniform(_CUBE), (2, 1)),
            sample(uniform((2, 3)), 0),
            sample(uniform(()), 3),
            sample(uniform(()), ()),
            sample(uniform((1,)), (2, 2)),
            sample(uniform(_EMPTY), (2, 2)),
        ],
        reference=lambda x, dims, *more: np.tile(x, (dims, *more) if more else dims),
        bad_inputs=[
            bad(ValueError, r"fewer than 0 times, but \(-1,\)", uniform((2, 3)), -1),
            bad(TypeError, "tile: the number of repetitions should be", uniform((2, 3)), 1.5),
            bad(TypeError, "should be an integer", uniform((2, 3)), "twice"),
        ],
    ),
    Operation(
        repeat,
        RepeatBackward,
        method="repeat",
        torch="Tensor.repeat",
        samples=lambda: [
            sample(uniform((2, 3)), 2, 3),
            sample(uniform((2, 3)), (2, 3)),
            sample(uniform((2, 3)), [2, 1, 3]),
            sample(uniform((2, 3)), 4, 1, 1),
            sample(uniform(4), 3),
            sample(uniform((1, 3)), (5, 1)),
            sample(uniform((2, 3)), (0, 1)),
            sample(uniform(()), 3),
            sample(uniform(()), ()),
            sample(uniform(()), 2, 2),
            sample(uniform((1,)), 1),
            sample(uniform(_EMPTY), 2, 2),
        ],
        reference=_plain_repeat,
        bad_inputs=[
            bad(ValueError, r"each axis, but the shape is \(2, 3\).*tile", uniform((2, 3)), 2),
            bad(ValueError, "fewer than 0 times", uniform((2, 3)), 2, -1),
            bad(TypeError, "should be an integer", uniform((2, 3)), 2, 0.5),
        ],
    ),
    Operation(
        repeat_interleave,
        RepeatInterleaveBackward,
        method="repeat_interleave",
        torch="repeat_interleave",
        numpy={np.repeat: lambda a, repeats, axis=None: repeat_interleave(a, repeats, axis)},
        samples=lambda: [
            sample(uniform((2, 3)), 2),
            sample(uniform((2, 3)), 2, 0),
            sample(uniform((2, 3)), 3, dim=-1),
            sample(uniform(_CUBE), 2, axis=1),
            sample(uniform((2, 3)), np.array([2, 0, 1]), 1),
            sample(uniform((2, 3)), np.array([1, 3]), dim=0),
            sample(uniform((2, 3)), np.array([2]), 1),
            sample(uniform((2, 3)), np.array([0, 1, 2, 3, 0, 1])),
            sample(uniform((2, 3)), 0),
            sample(uniform((2, 3)), 1, 1),
            sample(uniform(()), 3),
            sample(uniform(()), 2, 0),
            sample(uniform((1,)), np.array([4]), 0),
            sample(uniform(_EMPTY), 2, 1),
            sample(uniform(_EMPTY), np.array([1, 0, 2]), 1),
        ],
        reference=lambda x, repeats, dim=None, axis=None: np.repeat(
            x, repeats, (axis if dim is None else dim) if x.ndim else None
        ),
        bad_inputs=[
            bad(ValueError, "or 3 in a row", uniform((2, 3)), np.array([1, 2]), 1),
            bad(ValueError, "or 6 in a row", uniform((2, 3)), np.array([[1, 2]])),
            bad(ValueError, "fewer than 0 times, but -1", uniform((2, 3)), -1),
            bad(TypeError, "repeats should be integers", uniform((2, 3)), 1.5),
            bad(TypeError, "repeats should be integers", uniform((2, 3)), np.array([True, False])),
            bad(IndexError, "axes of the tensor are", uniform((2, 3)), 2, 2),
            bad(IndexError, "axes of the tensor are", uniform(()), 2, 1),
            bad(TypeError, "axis=0 and dim=1", uniform((2, 3)), 2, 1, axis=0),
        ],
    ),
]
