"""Many gradients at once: the backward pass with a further first axis, for Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array
from .backward import Pass
from .broadcasting import sum_over, sum_to_shape
from .function import Edge, Function, Variable
from .higher import GatherBackward
from .sparse import SparseGradient


class BatchedPass(Pass):
    """A backward pass of many gradients at once, along a new first axis of each array."""

    plain = False

    def _apply(self, node: Function, gradient: Array) -> Any:
        if node.batched:
            return node.apply(gradient)
        rows = [node.apply(row) for row in gradient]
        columns = zip(
            *(row if isinstance(row, tuple | list) else (row,) for row in rows), strict=True
        )
        return tuple(
            None if column[0] is None else np.stack([_dense(x) for x in column])
            for column in columns
        )

    def _hooked(self, edge: Edge, gradient: Array) -> Any:
        hooked = super()._hooked
        return np.stack([hooked(edge, row) for row in gradient])

    def _reduced(self, gradient: Any, shape: tuple[int, ...]) -> Any:
        further = tuple(range(1, gradient.ndim - len(shape)))
        return sum_to_shape(sum_over(gradient, further), (len(gradient), *shape))


def _dense(value: Any) -> Any:
    if isinstance(value, SparseGradient):
        return value.to_dense()
    return value._data if isinstance(value, Variable) else value


class RowsBackward(Function):
    """Arrays of one shape, stacked along a new first axis. Gradients: the output's rows."""

    def forward(self, *rows: Array) -> Any:
        return np.stack(rows)

    def apply(self, grad_output: Array) -> Any:
        return tuple(
            GatherBackward.call(grad_output, key=row) if needed else None
            for row, needed in enumerate(self.needs_input_grad)
        )
