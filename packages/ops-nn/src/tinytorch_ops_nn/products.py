"""Sums of products along axes, without the array of the products."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function


class InnerBackward(Function):
    """Σ a b along axes, which are kept with length 1. Gradients: g b and g a."""

    batched = True

    def forward(self, a: Array, b: Array, *, axes: tuple[int, ...]) -> Array:
        self.save(a, b)
        if axes == (a.ndim - 1,):
            return np.asarray(np.vecdot(a, b))[..., np.newaxis]
        labels = list(range(a.ndim))
        kept = [axis for axis in labels if axis not in axes]
        dtype = np.result_type(a, b)
        wide = np.float32 if dtype == np.float16 else dtype
        total = np.asarray(np.einsum(a, labels, b, labels, kept, dtype=wide), dtype)
        return total.reshape([1 if axis in axes else a.shape[axis] for axis in labels])

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        return grad_output * b if need_a else None, grad_output * a if need_b else None


def inner(a: Any, b: Any, axes: tuple[int, ...]) -> Any:
    """Return Σ a b along axes of arrays or Tensors of one shape; the axes stay, with length 1."""
    return InnerBackward.call(a, b, axes=axes)
