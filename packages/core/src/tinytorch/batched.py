"""Many gradients at once: the backward pass with a further first axis, for Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array
from .backward import Pass
from .function import Function
from .higher import GatherBackward
from .sparse import SparseGradient


class BatchedPass(Pass):
    """A backward pass of many gradients at once, along a new first axis of each array."""

    def _apply(self, node: Function, gradient: Array) -> Any:
        if node.batched:
            return node.apply(gradient)
        rows = [node.apply(row) for row in gradient]
        columns = zip(*(row if isinstance(row, tuple) else (row,) for row in rows), strict=True)
        return tuple(
            None if column[0] is None else np.stack([_dense(x) for x in column])
            for column in columns
        )

    def _reduced(self, gradient: Any, shape: tuple[int, ...]) -> Any:
        extra = gradient.ndim - 1 - len(shape)
        stretched = (
            1 + extra + axis
            for axis, size in enumerate(shape)
            if size == 1 != gradient.shape[1 + extra + axis]
        )
        summed = gradient.sum(axis=(*range(1, 1 + extra), *stretched), keepdims=True)
        return summed.reshape(len(gradient), *shape)


def _dense(value: Any) -> Any:
    return value.to_dense() if isinstance(value, SparseGradient) else value


class RowsBackward(Function):
    """Arrays of one shape, stacked along a new first axis. Gradients: the output's rows."""

    def forward(self, *rows: Array) -> Any:
        return np.stack(rows)

    def apply(self, grad_output: Array) -> Any:
        return tuple(
            GatherBackward.call(grad_output, key=row) if needed else None
            for row, needed in enumerate(self.needs_input_grad)
        )
