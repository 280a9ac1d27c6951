"""The rows of all ranks on each of them; and to each rank its own rows of the sum of all."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import described, total_of
from .ranks import ranks


class AllGatherBackward(Function):
    """x of all ranks, one after another along an axis. Gradient: own part of the sum of all g."""

    def forward(self, x: Array, *, axis: Any) -> Array:
        together = ranks()
        together.agree("all_gather", f"axis={axis!r}", *described(self, x))
        self.axis = one_axis("all_gather", axis, x.ndim)
        rows = np.ascontiguousarray(np.moveaxis(x, self.axis, 0))
        return np.moveaxis(together.gather(rows), 0, self.axis)

    def apply(self, grad_output: Array) -> Any:
        return ReduceScatterBackward.call(grad_output, axis=self.axis)


def all_gather(x: Any, axis: int = 0) -> Tensor:
    """Tensors of all ranks one after another along an axis, in the order of the ranks.

    Parameters
    ----------
    x : Tensor
        Of any dtype, and a shape of at least one axis, the same on all ranks.
    axis : int
        The axis along which they are joined.

    Returns
    -------
    Tensor
        As many times as long along the axis as there are ranks, the same on all of them. The
        gradient of `x` is its part of the sum of those that all ranks have of their result.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If it is no integer.
    ValueError
        A RanksDisagreeError, on all ranks, if one of them is at something else, or has another
        shape or dtype.

    Examples
    --------
    Without mpiexec there is one rank:

    >>> all_gather(Tensor([1.0, 2.0]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return AllGatherBackward.call(x, axis=axis)


class ReduceScatterBackward(Function):
    """Own part, along an axis, of the sum of x over all ranks. Gradient: the g of all, joined."""

    def forward(self, x: Array, *, axis: Any) -> Array:
        together = ranks()
        together.agree("reduce_scatter", f"axis={axis!r}", *described(self, x))
        self.axis = one_axis("reduce_scatter", axis, x.ndim)
        if x.shape[self.axis] % together.size:
            raise ValueError(
                f"reduce_scatter: axis {self.axis} should have a part of equal length for each of "
                f"{together.size} ranks, but the shape is {x.shape}; pad it to a multiple"
            )
        part = total_of(np.moveaxis(x, self.axis, 0), together.sum_of_own_part)
        return np.moveaxis(part, 0, self.axis)

    def apply(self, grad_output: Array) -> Any:
        return AllGatherBackward.call(grad_output, axis=self.axis)


def reduce_scatter(x: Any, axis: int = 0) -> Tensor:
    """Sum of the tensors of all ranks, of which each rank gets its part along an axis.

    Parameters
    ----------
    x : Tensor
        The same shape on all ranks, whose length along the axis is a multiple of their number.
    axis : int
        The axis along which the sum is divided, in the order of the ranks.

    Returns
    -------
    Tensor
        Along the axis, `x`'s length divided by the number of ranks; the dtype that NumPy's sum has.
        The gradient of `x` are those that all ranks have of their parts, one after another.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If it is no integer.
    ValueError
        If the length along the axis is no multiple of the number of ranks; and a
        RanksDisagreeError, which is a ValueError, on all ranks, if one of them is at something
        else, or has another shape or dtype.

    Examples
    --------
    Without mpiexec there is one rank:

    >>> reduce_scatter(Tensor([1.0, 2.0]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return ReduceScatterBackward.call(x, axis=axis)


def _of_all_gather() -> list[Sample]:
    shapes = [(1,), (3,), (2, 3), (0, 3), (2, 1, 3)]
    along_others = [sample(uniform((2, 3)), 1), sample(uniform((2, 1, 3)), axis=-2)]
    return [*(sample(uniform(shape)) for shape in shapes), *along_others]


def _of_reduce_scatter() -> list[Sample]:
    n = ranks().size
    shapes = [(n,), (2 * n,), (n, 3), (0, 3), (n, 1, 3)]
    along_others = [sample(uniform((2, n)), 1), sample(uniform((2, 2 * n, 3)), axis=-2)]
    return [*(sample(uniform(shape)) for shape in shapes), *along_others]


def _joined(x: Any, axis: int = 0) -> Any:
    return np.concatenate([x] * ranks().size, axis)


def _own_part(x: Any, axis: int = 0) -> Any:
    together = ranks()
    return np.split(np.sum([x] * together.size, axis=0), together.size, axis)[together.rank]


# References are for ranks that all have the same.
OPERATIONS = [
    Operation(
        all_gather,
        AllGatherBackward,
        samples=_of_all_gather,
        reference=_joined,
        bad_inputs=[
            bad(IndexError, "all_gather: the axes of the tensor are from -1 to 0", uniform(3), 1),
            bad(IndexError, "all_gather: .* the tensor is 0-d", uniform(())),
            bad(TypeError, "all_gather: an axis is an integer", uniform(3), "rows"),
        ],
    ),
    Operation(
        reduce_scatter,
        ReduceScatterBackward,
        samples=_of_reduce_scatter,
        reference=_own_part,
        bad_inputs=[
            bad(IndexError, "reduce_scatter: the axes of the tensor are from", uniform(4), 1),
            bad(IndexError, "reduce_scatter: .* the tensor is 0-d", uniform(())),
            bad(TypeError, "reduce_scatter: an axis is an integer", uniform(4), "rows"),
        ],
    ),
]
