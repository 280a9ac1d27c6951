"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..function import Function
from ..operation import Operation
from ..samples import bad, sample, uniform
from ..tensor import Tensor


class MatmulBackward(Function):
    """A B, over the last two axes; a vector is a row or a column. Gradients: G Bᵀ and Aᵀ G."""

    def forward(self, a: Array, b: Array) -> Any:
        _check_shapes(np.shape(a), np.shape(b))
        to_a, to_b = self.next_functions
        self.save(None if to_b is None else a, None if to_a is None else b)
        self.a_ndim, self.b_ndim = a.ndim, b.ndim
        self.batched = self.a_ndim <= 2 or self.b_ndim > 2
        return np.matmul(a, b)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        if self.a_ndim == self.b_ndim == 2:
            return (
                None if b is None else np.matmul(grad_output, b.T),
                None if a is None else np.matmul(a.T, grad_output),
            )
        need_a, need_b = b is not None, a is not None
        if self.b_ndim == 1:
            grad_output = np.expand_dims(grad_output, -1)
        if self.a_ndim == 1:
            grad_output = np.expand_dims(grad_output, -2)
        return (
            self._grad_a(grad_output, b) if need_a else None,
            self._grad_b(grad_output, a) if need_b else None,
        )

    def _grad_a(self, grad_output: Array, b: Array) -> Any:
        columns = np.expand_dims(b, -1) if self.b_ndim == 1 else b
        grad_a = np.matmul(grad_output, np.swapaxes(columns, -1, -2))
        return np.squeeze(grad_a, -2) if self.a_ndim == 1 else grad_a

    def _grad_b(self, grad_output: Array, a: Array) -> Any:
        rows = np.expand_dims(a, 0) if self.a_ndim == 1 else a
        if self.b_ndim <= 2 < self.a_ndim:
            # One product over all rows, rather than one a batch and a sum.
            rows = rows.reshape(-1, rows.shape[-1])
            grad_output = grad_output.reshape(-1, grad_output.shape[-1])
        grad_b = np.matmul(np.swapaxes(rows, -1, -2), grad_output)
        return np.squeeze(grad_b, -1) if self.b_ndim == 1 else grad_b


def _check_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if not a or not b:
        raise ValueError(
            f"matmul: both operands need at least one dimension, but their shapes are {a} and {b}; "
            "use * for a product with a number"
        )
    inner_b = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner_b:
        raise ValueError(
            f"matmul: Inner dimensions must match, but the shapes are {a} and {b}: "
            f"{a[-1]} ≠ {inner_b}; transpose or reshape one of them"
        )


def matmul(x: Any, y: Any) -> Tensor:
    """Matrix product, ``x @ y``.

    Parameters
    ----------
    x : Tensor or array
        Of shape (..., n, k), or (k,) for one row.
    y : Tensor or array
        Of shape (..., k, m), or (k,) for one column. Leading dimensions broadcast, and
        dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (..., n, m), without n where x is one row and without m where y is one column. The
        gradients are G Yᵀ and Xᵀ G, summed over the dimensions that were broadcast.

    Raises
    ------
    ValueError
        If the inner dimensions differ, the leading ones do not broadcast, or an operand is 0-d.

    Examples
    --------
    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]))
    Tensor(data=[[11.]], shape=(1, 1))
    """
    return MatmulBackward.call(x, y)


_SHAPES = (
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3, 3), (3, 3)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((4, 1, 2, 3), (5, 3, 2)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((1, 1), (1, 1)),
    ((2, 4, 2, 3), (3,)),
)

OPERATIONS = [
    Operation(
        matmul,
        MatmulBackward,
        method="matmul",
        torch="matmul",
        numpy=[np.matmul],
        reference=np.matmul,
        samples=lambda: [sample(uniform(a), uniform(b, seed=1)) for a, b in _SHAPES],
        bad_inputs=[
            bad(
                ValueError, "Inner dimensions must match.*2 ≠ 3", np.zeros((4, 2)), np.zeros((3, 2))
            ),
            bad(ValueError, "at least one dimension", np.zeros(()), np.zeros((3, 2))),
        ],
    ),
]
