"""The sum over all ranks; and the array of one rank on all, which is its counterpart."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, one_of
from tinytorch.samples import Sample, bad, elementwise, sample, uniform

from .operands import described, total_of
from .ranks import ranks


class AllReduceBackward(Function):
    """The sum of x over all ranks, or their mean. Gradient: the sum, or the mean, of g likewise."""

    batched = True

    def forward(self, x: Array, *, op: str) -> Any:
        one_of("all_reduce", "op", op, ("sum", "mean"))
        self.op = op
        together = ranks()
        together.agree("all_reduce", f"op={op!r}", *described(self, x))
        total = total_of(x, together.sum)
        return total if op == "sum" else total / together.size

    def apply(self, grad_output: Array) -> Any:
        return AllReduceBackward.call(grad_output, op=self.op)


def all_reduce(x: Any, op: str = "sum") -> Tensor:
    """Sum of the tensors of all ranks, elementwise, or their mean; the same on all ranks.

    Parameters
    ----------
    x : Tensor
        Any shape, the same on all ranks.
    op : str
        "sum" or "mean".

    Returns
    -------
    Tensor
        The shape of `x`; the dtype that NumPy's sum or mean has, float32 for the mean of integers.
        The gradient of `x` is the sum, or the mean, of those that all ranks have of their result.

    Raises
    ------
    ValueError
        If `op` is neither; and a RanksDisagreeError, which is a ValueError, on all ranks, if one of
        them is at something else, or has another shape or dtype.
    TypeError
        If `x` is not made of real numbers.

    Examples
    --------
    Without mpiexec there is one rank:

    >>> all_reduce(Tensor([1.0, 2.0]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return AllReduceBackward.call(x, op=op)


class BroadcastBackward(Function):
    """x of the root, on all ranks. Gradient: at the root the sum of g over all ranks, else 0."""

    batched = True

    def forward(self, x: Array, *, root: Any) -> Array:
        together = ranks()
        together.agree("broadcast", f"root={root!r}", *described(self, x))
        self.root = _checked_rank("broadcast", root, together.size)
        y = np.array(x, order="C")
        together.overwrite(y, self.root)
        return y

    def apply(self, grad_output: Array) -> Any:
        return ReduceBackward.call(grad_output, root=self.root)


class ReduceBackward(Function):
    """At the root the sum of x over all ranks, else 0. Gradient: that of the root, on all ranks."""

    batched = True

    def forward(self, x: Array, *, root: int) -> Array:
        self.root = root
        together = ranks()
        together.agree("the gradient of broadcast", f"root={root}", *described(self, x))
        return total_of(x, lambda x: together.sum_at(root, x))

    def apply(self, grad_output: Array) -> Any:
        return BroadcastBackward.call(grad_output, root=self.root)


def broadcast(x: Any, root: int = 0) -> Tensor:
    """Tensor of one rank, on all ranks.

    Parameters
    ----------
    x : Tensor
        Any shape and dtype, the same on all ranks, and all require gradients, or none.
    root : int
        The rank whose elements count.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient of `x` is zero, but at the root the sum of those
        that all ranks have of their result.

    Raises
    ------
    TypeError
        If `root` is no integer.
    ValueError
        If there is no such rank; and a
        RanksDisagreeError, which is a ValueError, on all ranks, if one of them is at something
        else, or has another shape or dtype.

    Examples
    --------
    Without mpiexec there is one rank:

    >>> broadcast(Tensor([1.0, 2.0]))
    Tensor(data=[1. 2.], shape=(2,))
    """
    return BroadcastBackward.call(x, root=root)


def _checked_rank(op: str, root: Any, size: int) -> int:
    try:
        rank = operator.index(root)
    except TypeError:
        raise TypeError(f"{op}: root should be the number of a rank, but it is {root!r}") from None
    if not 0 <= rank < size:
        raise ValueError(f"{op}: root should be from 0 to {size - 1}, but it is {rank}")
    return rank


def _of_all_reduce() -> list[Sample]:
    sums, means = elementwise()(), elementwise(op="mean")()
    return [*sums, *means, sample(uniform((2, 3)), "mean")]


def _of_broadcast() -> list[Sample]:
    last = ranks().size - 1
    return [*elementwise()(), *elementwise(root=last)()]


def _same_on_all(x: Any, op: str = "sum") -> Any:
    return getattr(np, op)([x] * ranks().size, axis=0)


# References are for ranks that all have the same.
OPERATIONS = [
    Operation(
        all_reduce,
        AllReduceBackward,
        samples=_of_all_reduce,
        reference=_same_on_all,
        bad_inputs=[
            bad(ValueError, "all_reduce: op.*'sum'.*'mean'.*'max'", uniform(3), "max"),
            bad(TypeError, "AllReduceBackward: .*real numbers", "text"),
        ],
    ),
    Operation(
        broadcast,
        BroadcastBackward,
        samples=_of_broadcast,
        reference=lambda x, root=0: x,
        bad_inputs=[
            bad(TypeError, "broadcast: root should be the number.*1.5", uniform(3), 1.5),
            bad(ValueError, "broadcast: root should be from 0 to .* -1", uniform(3), -1),
            bad(ValueError, "broadcast: root should be from 0 to .* 1000000", uniform(3), 10**6),
        ],
    ),
]
