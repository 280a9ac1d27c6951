"""The same elements with their axes in another order."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, all_axes
from tinytorch.samples import bad, sample, uniform


class PermuteBackward(Function):
    """x with its axes in another order. Gradient: the output's, with the axes put back."""

    def forward(self, x: Array, *, dims: Any) -> Array:
        order = all_axes("permute", dims, x.ndim)
        if len(order) != x.ndim:
            raise ValueError(
                f"permute: each axis is named once, but the shape is {x.shape} and the order given "
                f"is {dims}; {x.ndim} axes are needed"
            )
        self.back = tuple(order.index(axis) for axis in range(x.ndim))
        return np.transpose(x, order)

    def apply(self, grad_output: Array) -> Any:
        return np.transpose(grad_output, self.back)


def permute(x: Any, *dims: Any) -> Tensor:
    """Put the axes of a tensor in another order.

    Parameters
    ----------
    x : Tensor
        Any shape.
    *dims : int, or one tuple of int
        All axes of `x`, in their new order. Negative ones count from the last.

    Returns
    -------
    Tensor
        Its axis i is the axis ``dims[i]`` of `x`; of the dtype of `x`, whose data it shares. The
        gradient is the output's with the axes put back.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If an axis is not an integer.
    ValueError
        If an axis is missing or named twice.

    Examples
    --------
    >>> permute(Tensor([[[1.0, 2.0, 3.0]]]), 2, 0, 1).shape
    (3, 1, 1)
    """
    given = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
    return PermuteBackward.call(x, dims=given)


def _numpy_transpose(a: Any, axes: Any = None) -> Tensor:
    return permute(a, tuple(reversed(range(np.ndim(a)))) if axes is None else tuple(axes))


OPERATIONS = [
    Operation(
        permute,
        PermuteBackward,
        method="permute",
        torch="Tensor.permute",
        numpy={np.transpose: _numpy_transpose},
        samples=lambda: [
            sample(uniform((2, 3, 4)), 2, 0, 1),
            sample(uniform((2, 3, 4)), (0, -1, 1)),
            sample(uniform((2, 3)), 0, 1),
            sample(uniform((2, 1, 3, 2)), [3, 1, 0, 2]),
            sample(uniform(()), ()),
            sample(uniform((3,)), 0),
            sample(uniform((1,)), -1),
            sample(uniform((0, 3)), 1, 0),
            sample(uniform((3, 3)), -1, 0),
            sample(uniform((2, 1, 3)), (0, 1, 2)),
        ],
        reference=lambda x, *dims: np.transpose(
            x, dims[0] if isinstance(dims[0], tuple | list) else dims
        ),
        bad_inputs=[
            bad(IndexError, "axes of the tensor are", uniform((2, 3)), 0, 2),
            bad(ValueError, "named once", uniform((2, 3)), 0, 0),
            bad(ValueError, r"\(2, 3\).*2 axes are needed", uniform((2, 3)), 0),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), 0, 1.0),
        ],
    ),
]
