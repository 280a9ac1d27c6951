"""Several tensors as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, either, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .indexing import SliceBackward


class CatBackward(Function):
    """Arrays one after another along an axis. Gradients: their parts of the output's."""

    def forward(self, *arrays: Array, dim: Any) -> Array:
        self.axis = one_axis("cat", dim, arrays[0].ndim)
        self.lengths = [array.shape[self.axis] for array in arrays if array.ndim > self.axis]
        try:
            return np.concatenate(arrays, self.axis)
        except ValueError:
            raise ValueError(
                f"cat: the shapes should be alike but along axis {self.axis}, but they are "
                f"{', '.join(str(array.shape) for array in arrays)}"
            ) from None

    def apply(self, grad_output: Array) -> Any:
        ends = [*accumulate(self.lengths, initial=0)]
        parts = [slice(*bounds) for bounds in pairwise(ends)]
        before = (slice(None),) * self.axis
        return tuple(
            SliceBackward.call(grad_output, key=(*before, part)) if needed else None
            for part, needed in zip(parts, self.needs_input_grad, strict=True)
        )


def cat(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Tensors one after another along an axis that they have.

    Parameters
    ----------
    tensors : sequence of Tensor or array
        At least one, of shapes that are alike but along the axis.
    dim, axis : int
        The axis; by default the first.

    Returns
    -------
    Tensor
        As long along the axis as all of them together; dtypes promote as in NumPy. The gradient of
        each is its part of the output's.

    Raises
    ------
    ValueError
        If there are no tensors, or their shapes differ but along the axis.
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, or the axis is not an integer.

    Examples
    --------
    >>> cat([Tensor([1.0, 2.0]), Tensor([3.0])])
    Tensor(data=[1. 2. 3.], shape=(3,))
    """
    _require_some("cat", tensors)
    return CatBackward.call(*tensors, dim=either("cat", axis, dim, default=0))


class StackBackward(Function):
    """Arrays of one shape along a new axis. Gradients: their places in the output's."""

    def forward(self, *arrays: Array, dim: Any) -> Array:
        self.axis = one_axis("stack", dim, arrays[0].ndim + 1)
        try:
            return np.stack(arrays, self.axis)
        except ValueError:
            raise ValueError(
                "stack: the shapes should be equal, but they are "
                f"{', '.join(str(array.shape) for array in arrays)}"
            ) from None

    def apply(self, grad_output: Array) -> Any:
        before = (slice(None),) * self.axis
        return tuple(
            SliceBackward.call(grad_output, key=(*before, place)) if needed else None
            for place, needed in enumerate(self.needs_input_grad)
        )


def stack(tensors: Sequence[Any], dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape along a new axis.

    Parameters
    ----------
    tensors : sequence of Tensor or array
        At least one, of equal shapes.
    dim, axis : int
        Where the new axis stands in the result; by default first.

    Returns
    -------
    Tensor
        As long along the new axis as there are tensors; dtypes promote as in NumPy. The gradient of
        each is its place in the output's.

    Raises
    ------
    ValueError
        If there are no tensors, or their shapes differ.
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, or the axis is not an integer.

    Examples
    --------
    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])])
    Tensor(data=[[1. 2.]
                 [3. 4.]], shape=(2, 2))
    """
    _require_some("stack", tensors)
    return StackBackward.call(*tensors, dim=either("stack", axis, dim, default=0))


def _require_some(op: str, tensors: Sequence[Any]) -> None:
    if isinstance(tensors, Tensor | np.ndarray) or not len(tensors):
        raise ValueError(
            f"{op}: a sequence of at least one tensor is joined, but {tensors!r} was given"
        )


def _several(*shapes: tuple[int, ...]) -> list[Any]:
    return [uniform(shape, seed=seed) for seed, shape in enumerate(shapes)]


def _cats() -> list[Sample]:
    return [
        sample(_several((2, 3), (1, 3), (4, 3))),
        sample(_several((2, 3), (2, 1)), 1),
        sample(_several((2, 3), (2, 3)), dim=-1),
        sample(_several((2, 1, 3), (2, 4, 3)), dim=-2),
        sample(_several((3,)), 0),
        sample(_several((0, 3), (2, 3), (0, 3))),
        sample(_several((1,), (1,)), axis=0),
        sample(_several((2, 3), (2, 0)), -1),
        sample(_several((2, 3, 2), (2, 3, 1), (2, 3, 3), (2, 3, 2)), 2),
        sample([x := uniform((2, 3)), x]),
    ]


def _stacks() -> list[Sample]:
    return [
        sample(_several((2, 3), (2, 3), (2, 3))),
        sample(_several((2, 3), (2, 3)), 1),
        sample(_several((2, 3), (2, 3)), dim=-1),
        sample(_several((), ())),
        sample(_several((3,)), axis=1),
        sample(_several((0, 3), (0, 3)), 2),
        sample(_several((2, 3, 2), (2, 3, 2)), -2),
        sample(_several((2, 1), (2, 1), (2, 1)), axis=-3),
        sample(_several((1,)), 1),
        sample([x := uniform((2, 3)), x], 1),
    ]


def _plain(join: Any) -> Any:
    return lambda arrays, dim=0, axis=None: join(arrays, axis=dim if axis is None else axis)


OPERATIONS = [
    Operation(
        cat,
        CatBackward,
        torch="cat",
        numpy={np.concatenate: lambda arrays, axis=0: cat(arrays, axis)},
        samples=_cats,
        reference=_plain(np.concatenate),
        bad_inputs=[
            bad(ValueError, "alike but along axis 0.*3, 4", _several((2, 3), (3, 4))),
            bad(ValueError, "at least one tensor", []),
            bad(ValueError, "sequence of at least one", uniform((2, 3))),
            bad(IndexError, "axes of the tensor are", _several((2, 3), (2, 3)), 2),
            bad(IndexError, "the tensor is 0-d", _several((), ())),
            bad(TypeError, "axis=0 and dim=0", _several((2, 3), (2, 3)), 0, axis=0),
        ],
    ),
    Operation(
        stack,
        StackBackward,
        torch="stack",
        numpy={np.stack: lambda arrays, axis=0: stack(arrays, axis)},
        samples=_stacks,
        reference=_plain(np.stack),
        bad_inputs=[
            bad(ValueError, "should be equal.*3, 2", _several((2, 3), (3, 2))),
            bad(ValueError, "at least one tensor", []),
            bad(IndexError, "axes of the tensor are", _several((2, 3), (2, 3)), 3),
            bad(TypeError, "an axis is an integer", _several((2, 3), (2, 3)), "rows"),
        ],
    ),
]
