"""Products of many matrices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    MatmulBackward,
    Operation,
    ReshapeBackward,
    Tensor,
    in_common_dtype,
)
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import sequence


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """Product of several matrices, in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of Tensor
        At least two, of shapes (n, k), (k, l), (l, m), ...; the first may be of shape (k,), a row,
        and the last of shape (l,), a column. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (n, m), without n where the first is a row and without m where the last is a
        column. The gradients are those of the matrix products.

    Raises
    ------
    TypeError
        If the tensors are not in a sequence.
    ValueError
        If there are fewer than two, or their shapes do not fit.

    References
    ----------
    Cormen, Leiserson, Rivest and Stein (2009), Introduction to Algorithms, section 15.2.

    Examples
    --------
    >>> multi_dot([Tensor([1.0, 2.0]), Tensor([[1.0], [1.0]]), Tensor([[5.0, 6.0]])])
    Tensor(data=[15. 18.], shape=(2,))
    """
    matrices = list(in_common_dtype(*sequence("multi_dot", "the tensors", tensors)))
    shapes = [x.shape for x in matrices]
    is_row, is_column = len(shapes[0]) == 1, len(shapes[-1]) == 1
    if is_row:
        matrices[0] = ReshapeBackward.call(matrices[0], shape=(1, *shapes[0]))
    if is_column:
        matrices[-1] = ReshapeBackward.call(matrices[-1], shape=(*shapes[-1], 1))
    if len(matrices) < 2 or any(x.ndim != 2 for x in matrices) or _inner_lengths_differ(matrices):
        raise ValueError(
            "multi_dot: at least two matrices are needed, each with as many rows as the one before "
            f"has columns (the first and the last may be vectors), but the shapes are {shapes}"
        )
    product = _in_best_order(matrices)
    ends = product.shape[is_row : 2 - is_column]
    return ReshapeBackward.call(product, shape=ends) if is_row or is_column else product


def _inner_lengths_differ(matrices: Sequence[Any]) -> bool:
    return any(a.shape[-1] != b.shape[0] for a, b in pairwise(matrices))


def _in_best_order(matrices: Sequence[Any]) -> Any:
    lengths: list[int] = [*(x.shape[0] for x in matrices), matrices[-1].shape[1]]

    @cache
    def cost(first: int, last: int) -> int:
        return min((cost_of_cut(first, cut, last) for cut in range(first, last)), default=0)

    def cost_of_cut(first: int, cut: int, last: int) -> int:
        joining = lengths[first] * lengths[cut + 1] * lengths[last + 1]
        return cost(first, cut) + cost(cut + 1, last) + joining

    def product(first: int, last: int) -> Any:
        if first == last:
            return matrices[first]
        cut = min(range(first, last), key=lambda cut: cost_of_cut(first, cut, last))
        return MatmulBackward.call(product(first, cut), product(cut + 1, last))

    return product(0, len(matrices) - 1)


def _chain(*shapes: tuple[int, ...]) -> Sample:
    return sample([uniform(shape, seed=i) for i, shape in enumerate(shapes)])


def _product_one_by_one(arrays: Sequence[Array]) -> Array:
    product, *others = arrays
    for array in others:
        product = np.dot(product, array)
    return product


OPERATIONS: list[Operation] = [
    Operation(
        multi_dot,
        MatmulBackward,
        torch="linalg.multi_dot",
        numpy={np.linalg.multi_dot: lambda arrays: multi_dot(arrays)},
        samples=lambda: [
            _chain((2, 3), (3, 4)),
            _chain((2, 3), (3, 4), (4, 2)),
            _chain((5, 1), (1, 5), (5, 1)),
            _chain((1, 5), (5, 1), (1, 5), (5, 2)),
            _chain((2, 3), (3, 5), (5, 2), (2, 4), (4, 3)),
            _chain((3,), (3, 4), (4, 2)),
            _chain((2, 3), (3, 4), (4,)),
            _chain((3,), (3, 4), (4,)),
            _chain((3,), (3,)),
            _chain((1,), (1, 1), (1,)),
            _chain((0, 3), (3, 2), (2, 4)),
            _chain((2, 3), (3, 0), (0, 4)),
        ],
        reference=_product_one_by_one,
        bad_inputs=[
            bad(ValueError, r"at least two matrices.*\[\(2, 3\)\]", [uniform((2, 3))]),
            bad(ValueError, "as many rows", [uniform((2, 3)), uniform((2, 3))]),
            bad(ValueError, "as many rows", [uniform((2, 3)), uniform((3,)), uniform((3, 2))]),
            bad(ValueError, "at least two matrices", [uniform(()), uniform((1, 2))]),
            bad(ValueError, "at least two matrices", [uniform((1, 2, 3)), uniform((3, 2))]),
            bad(TypeError, "sequence of at least one", []),
            bad(TypeError, "sequence of at least one", uniform((2, 3))),
        ],
    ),
]
