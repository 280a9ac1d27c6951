"""Sums of products over labelled axes, by matrix products.

Everything here comes down to one recorded operation on two operands, in which each axis has a label
and labels that the result lacks are summed over. Its gradients are operations of the same kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, all_axes
from tinytorch.samples import bad, sample, uniform

from .operands import integers, operand

Labels = Sequence[Hashable]


class ContractBackward(Function):
    """The sum of a b over the labels that only they have. Gradients: contractions of g with b, a.

    Each operand has a label once, and none that neither the other operand nor the result has: so it
    is with the gradients too.
    """

    batched = True

    def forward(self, a: Array, b: Array, *, terms: tuple[Labels, Labels, Labels]) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a else None)
        self.terms = of_a, of_b, result = tuple(map(tuple, terms))
        return _contract(a, b, of_a, of_b, result)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        of_a, of_b, of_g = self.terms
        # A batch of gradients has one axis more, in front.
        further = (_BATCH,) * (grad_output.ndim - len(of_g))
        of_g = (*further, *of_g)
        grad_a = grad_b = None
        if need_a:
            grad_a = ContractBackward.call(grad_output, b, terms=(of_g, of_b, (*further, *of_a)))
        if need_b:
            grad_b = ContractBackward.call(a, grad_output, terms=(of_a, of_g, (*further, *of_b)))
        return grad_a, grad_b


_BATCH = object()
"""The label of the axis along which gradients are batched."""


def _contract(a: Array, b: Array, of_a: Labels, of_b: Labels, result: Labels) -> Array:
    """Return the sum of products, as one matrix product for each index of the common labels."""
    summed = [label for label in of_a if label not in result]
    if not summed:
        axes = [[label] for label in result]
        return np.multiply(_arranged(a, of_a, axes), _arranged(b, of_b, axes))
    common = [label for label in result if label in of_a and label in of_b]
    rows = [label for label in result if label not in of_b]
    columns = [label for label in result if label not in of_a]
    if rows and columns and result.index(columns[0]) < result.index(rows[0]):
        return _contract(b, a, of_b, of_a, result)
    batch = [[label] for label in common]
    product: Array = np.matmul(
        _arranged(a, of_a, [*batch, rows, summed]), _arranged(b, of_b, [*batch, summed, columns])
    )
    lengths = dict(zip((*of_a, *of_b), (*a.shape, *b.shape), strict=True))
    order = [*common, *rows, *columns]
    product = product.reshape([lengths[label] for label in order])
    return product.transpose([order.index(label) for label in result])


def _arranged(x: Array, labels: Labels, groups: Iterable[Labels]) -> Array:
    """Return x with an axis for each group of labels, of length 1 where x has none of them."""
    lengths = dict(zip(labels, x.shape, strict=True))
    own = [[label for label in group if label in lengths] for group in groups]
    order = [labels.index(label) for group in own for label in group]
    return x.transpose(order).reshape([prod(lengths[x] for x in group) for group in own])


def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Sum of products over axes of one tensor and as many of another.

    Parameters
    ----------
    a, b : Tensor or array
        Of any shapes in which the axes that are summed over have equal lengths, in pairs. Dtypes
        promote as in NumPy.
    dims : int, or pair of int or sequences of int
        How many axes, the last of `a` and the first of `b`; or the axes of `a` and those of `b`.

    Returns
    -------
    Tensor
        The shape of `a` followed by that of `b`, both without the axes that were summed over. The
        gradient of each is that of the output, multiplied by the other and summed over its axes.

    Raises
    ------
    IndexError
        If an axis is out of range, or there are fewer axes than `dims`.
    TypeError
        If `dims` or an axis is not an integer.
    ValueError
        If the lengths differ, if there are not as many axes of `a` as of `b`, or if one is named
        twice.

    Examples
    --------
    >>> tensordot(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]), 1)
    Tensor(data=[[11.]], shape=(1, 1))
    """
    a, b = operand("tensordot", a), operand("tensordot", b)
    axes_a, axes_b = _pairs_of_axes(dims, a.ndim, b.ndim)
    lengths = [a.shape[i] for i in axes_a], [b.shape[j] for j in axes_b]
    if lengths[0] != lengths[1]:
        raise ValueError(
            "tensordot: the lengths of the axes that are summed over should be equal, in pairs, "
            f"but axes {axes_a} of shape {a.shape} and axes {axes_b} of shape {b.shape} were given"
        )
    of_a: list[int] = list(range(a.ndim))
    of_b: list[int] = list(range(a.ndim, a.ndim + b.ndim))
    for i, j in zip(axes_a, axes_b, strict=True):
        of_b[j] = of_a[i]
    result = [label for label in (*of_a, *of_b) if (label in of_a) != (label in of_b)]
    return ContractBackward.call(a, b, terms=(of_a, of_b, result))


def _pairs_of_axes(dims: Any, a_ndim: int, b_ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(dims, tuple | list) and len(dims) == 2:
        of_a, of_b = (integers("tensordot", "the axes", axes) for axes in dims)
    else:
        (count,) = integers("tensordot", "dims, if it is no pair of axes,", (dims,))
        if not 0 <= count <= min(a_ndim, b_ndim):
            raise IndexError(
                f"tensordot: dims should be from 0 to {min(a_ndim, b_ndim)}, the number of axes "
                f"that both tensors have, but it is {count}"
            )
        of_a, of_b = tuple(range(a_ndim - count, a_ndim)), tuple(range(count))
    if len(of_a) != len(of_b):
        raise ValueError(
            f"tensordot: as many axes of one tensor as of the other are summed over, but {of_a} "
            f"and {of_b} were given"
        )
    return all_axes("tensordot", of_a, a_ndim), all_axes("tensordot", of_b, b_ndim)


_X, _Y = uniform((2, 3)), uniform((3, 4))

OPERATIONS: list[Operation] = [
    Operation(
        tensordot,
        ContractBackward,
        torch="tensordot",
        numpy={
            np.tensordot: lambda a, b, axes=2: tensordot(a, b, axes),
            np.linalg.tensordot: lambda x1, x2, axes=2: tensordot(x1, x2, axes),
        },
        samples=lambda: [
            sample(uniform((2, 3, 4)), uniform((3, 4, 2))),
            sample(uniform((2, 3)), uniform((3, 4)), 1),
            sample(uniform((2, 3)), uniform((4, 2)), 0),
            sample(uniform((2, 3)), uniform((2, 3)), dims=2),
            sample(uniform((2, 3)), uniform((4, 3)), ([1], [1])),
            sample(uniform((2, 3)), uniform((3, 2)), ([0, 1], [1, 0])),
            sample(uniform((2, 3, 4)), uniform((4, 5, 2)), ((0, -1), (2, 0))),
            sample(uniform((2, 3)), uniform((2, 3)), ([], [])),
            sample(uniform((3,)), uniform((3,)), 1),
            sample(uniform(()), uniform(()), 0),
            sample(uniform((2,)), uniform(()), 0),
            sample(uniform((2, 0)), uniform((0, 3)), 1),
            sample(uniform((0, 2)), uniform((2, 3)), 1),
        ],
        reference=lambda a, b, dims=2: np.tensordot(a, b, dims),
        bad_inputs=[
            bad(ValueError, r"lengths of the axes.*\(1,\) of shape \(2, 3\)", _X, _X, 1),
            bad(ValueError, "as many axes of one", _X, _Y, ([0, 1], [0])),
            bad(ValueError, "named once", _X, _X, ([0, 0], [0, 0])),
            bad(IndexError, "dims should be from 0 to 2", _X, _Y, 3),
            bad(IndexError, "dims should be from 0 to 0", uniform(()), _Y, 1),
            bad(IndexError, "axes of the tensor are from -2 to 1", _X, _Y, ([2], [0])),
            bad(TypeError, "tensordot: dims", _X, _Y, 1.5),
            bad(TypeError, "tensordot: the axes should be", _X, _Y, (["rows"], [0])),
        ],
    ),
]
