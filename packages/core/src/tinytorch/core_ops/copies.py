"""The same elements in memory of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, require_real
from ..function import Function
from ..operation import Operation
from ..samples import elementwise, sample, uniform
from ..tensor import Tensor


class AstypeBackward(Function):
    """x in another dtype. Gradient: the output's, which the engine turns back into x's dtype."""

    batched = True

    def forward(self, x: Array, *, dtype: Any) -> Array:
        return x.astype(dtype)

    def apply(self, grad_output: Array) -> Any:
        return grad_output


def astype(x: Tensor, dtype: np.typing.DTypeLike) -> Tensor:
    """Copy in another dtype.

    Parameters
    ----------
    x : Tensor
        Any shape.
    dtype : dtype
        What to convert to.

    Returns
    -------
    Tensor
        The shape of `x`. The gradient is the output's in the dtype of `x`; to integers and
        booleans there is none, and the result does not require gradients.

    Raises
    ------
    TypeError
        If the dtype is not one of real numbers or booleans.

    Examples
    --------
    >>> astype(Tensor([1.5]), np.float64).dtype
    dtype('float64')
    """
    require_real(np.dtype(dtype))
    return AstypeBackward.call(x, dtype=dtype)


class CloneBackward(Function):
    """A copy of x. Gradient: the output's."""

    batched = True

    def forward(self, x: Array) -> Array:
        return x.copy()

    def apply(self, grad_output: Array) -> Any:
        return grad_output


def clone(x: Tensor) -> Tensor:
    """Copy of a tensor, through which gradients flow.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, in memory of its own. The gradient is the output's.

    Examples
    --------
    >>> clone(Tensor([1.0]))
    Tensor(data=[1.], shape=(1,))
    """
    return CloneBackward.call(x)


OPERATIONS = [
    Operation(
        astype,
        AstypeBackward,
        method="astype",
        samples=lambda: [
            *elementwise(dtype=np.float32)(),
            sample(uniform((2, 3)), dtype=np.float64),
            sample(uniform((2, 3)), dtype=np.int64),
        ],
        reference=lambda x, dtype: x.astype(dtype),
    ),
    Operation(
        clone,
        CloneBackward,
        method="clone",
        torch="clone",
        numpy=[np.copy],
        reference=np.copy,
        samples=elementwise(),
    ),
]
