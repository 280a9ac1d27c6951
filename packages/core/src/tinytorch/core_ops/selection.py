"""Choices between elements: the larger, the smaller, within bounds, where a condition holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..function import Function, Variable
from ..operation import Operation
from ..samples import Sample, bad, broadcasting, elementwise, kink, sample, uniform
from ..tensor import Tensor


class MaximumBackward(Function):
    """max(a, b). Gradient: the output's, to the larger one; half to each in a tie."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a, b)
        return np.maximum(a, b)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        return _share(grad_output, a, b, a < b), _share(grad_output, a, b, b < a)


class MinimumBackward(Function):
    """min(a, b). Gradient: the output's, to the smaller one; half to each in a tie."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        self.save(a, b)
        return np.minimum(a, b)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        return _share(grad_output, a, b, a > b), _share(grad_output, a, b, b > a)


def _share(grad_output: Array, a: Array, b: Array, passed_over: Array) -> Array:
    """The gradient of one of two candidates: none of it if passed over, half of it in a tie."""
    return np.where(a == b, grad_output / 2, grad_output * np.logical_not(passed_over))


def maximum(x: Any, y: Any) -> Tensor:
    """Larger of two tensors, elementwise; NaN where either is.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient goes to the larger one, and by halves where both are
        equal, as in PyTorch.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> maximum(Tensor([1.0, 5.0]), 3)
    Tensor(data=[3. 5.], shape=(2,))
    """
    return MaximumBackward.call(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """Smaller of two tensors, elementwise; NaN where either is.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient goes to the smaller one, and by halves where both are
        equal, as in PyTorch.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> minimum(Tensor([1.0, 5.0]), 3)
    Tensor(data=[1. 3.], shape=(2,))
    """
    return MinimumBackward.call(x, y)


class ClipBackward(Function):
    """min(max(x, low), high). Gradient: to x where it lies within, to a bound where x is beyond."""

    batched = True

    def forward(self, x: Array, low: Array, high: Array) -> Array:
        self.save(x, low, high)
        return np.clip(x, low, high)

    def apply(self, grad_output: Array) -> Any:
        x, low, high = self.saved
        _, need_low, need_high = self.needs_input_grad
        within = (low is None or x >= low) & (high is None or x <= high)
        grad_low = grad_high = None
        if need_low:
            grad_low = grad_output * ((x < low) & (high is None or low < high))
        if need_high:
            grad_high = grad_output * ((x > high) | (low is not None and low > high))
        return grad_output * within, grad_low, grad_high


def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Limit the elements to the range from `min` to `max`.

    Parameters
    ----------
    x : Tensor
        Any shape.
    min, max : Tensor, array or number, optional
        The bounds, of shapes that broadcast with x's; at least one of them. Dtypes promote as in
        NumPy.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient goes to x where it lies within the bounds or on one,
        and to a bound where x lies beyond it.

    Raises
    ------
    TypeError
        If both bounds are missing.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> clip(Tensor([-1.0, 0.5, 3.0]), 0, 1)
    Tensor(data=[0.  0.5 1. ], shape=(3,))
    """
    if min is None and max is None:
        raise TypeError("clip: at least one of min and max should be given, but both are None")
    return ClipBackward.call(x, min, max)


class WhereBackward(Function):
    """x where the condition holds, y elsewhere. Gradient: to whichever was taken."""

    batched = True

    def forward(self, condition: Array, x: Array, y: Array) -> Array:
        self.save(condition)
        return np.where(condition, x, y)

    def apply(self, grad_output: Array) -> Any:
        (condition,) = self.saved
        return None, np.where(condition, grad_output, 0), np.where(condition, 0, grad_output)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """Elements of `x` where the condition holds, of `y` elsewhere.

    Parameters
    ----------
    condition : Tensor or array
        Boolean.
    x, y : Tensor, array or number
        Of shapes that broadcast with the condition's. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient goes to the one that was taken, and zero to the other.

    Raises
    ------
    TypeError
        If the condition is not boolean.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> x = Tensor([-1.0, 2.0])
    >>> where(x > 0, x, 0)
    Tensor(data=[0. 2.], shape=(2,))
    """
    dtype = np.asarray(condition._data if isinstance(condition, Variable) else condition).dtype
    if dtype.kind != "b":
        raise TypeError(
            f"where: the condition should be boolean, but it has dtype {dtype}; "
            "compare first, as in where(c != 0, x, y)"
        )
    return WhereBackward.call(condition, x, y)


def _numpy_clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Tensor:
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise TypeError("np.clip: a_min and min mean the same, as do a_max and max; pass one each")
    return clip(a, a_min if min is None else min, a_max if max is None else max)


def _pairs() -> list[Sample]:
    tie = np.array([1.0, 2.0, -1.0])
    return [
        *broadcasting()(),
        sample(uniform((2, 3)), 0.5),
        sample(-0.25, uniform((2, 3))),
        kink(tie, np.array([1.0, 0.0, -1.0])),
        kink(np.zeros((2, 2)), np.zeros(2)),
    ]


def _clips() -> list[Sample]:
    x = uniform((2, 3), avoid=(-1.0, 1.0))
    low, high = uniform((3,), -1.5, -0.5, seed=1), uniform((2, 1), 0.5, 1.5, seed=2)
    return [
        *elementwise(avoid=(-1.0, 1.0), min=-1.0, max=1.0)(),
        sample(x, -1.0),
        sample(x, None, 1.0),
        sample(x, max=1.0),
        sample(x, low, high),
        sample(x, low),
        sample(x, None, high),
        sample(x, 1.0, -1.0),
        sample(uniform((2,)), uniform((3, 1), -1.0, -0.5), 1.0),
    ]


def _choices() -> list[Sample]:
    mask = uniform((2, 3)) > 0
    return [
        *(
            sample(uniform(shape, seed=2) > 0, uniform(shape), uniform(shape, seed=1))
            for shape in ((), (1,), (2, 3), (0, 3))
        ),
        sample(mask, uniform((3,)), uniform((2, 1))),
        sample(mask[0], uniform((2, 3)), 0.0),
        sample(mask, 1.0, uniform(())),
        sample(uniform((4, 1)) > 0, uniform((1, 3)), uniform((3,), seed=1)),
    ]


OPERATIONS = [
    Operation(
        maximum,
        MaximumBackward,
        method="maximum",
        torch="maximum",
        numpy=[np.maximum],
        reference=np.maximum,
        samples=_pairs,
    ),
    Operation(
        minimum,
        MinimumBackward,
        method="minimum",
        torch="minimum",
        numpy=[np.minimum],
        reference=np.minimum,
        samples=_pairs,
    ),
    Operation(
        clip,
        ClipBackward,
        method="clip",
        aliases=("clamp",),
        torch="clamp",
        numpy={np.clip: _numpy_clip},
        samples=_clips,
        reference=lambda x, min=None, max=None: np.clip(x, min, max),
        bad_inputs=[bad(TypeError, "at least one of min and max", np.zeros(3))],
    ),
    Operation(
        where,
        WhereBackward,
        torch="where",
        numpy=[np.where],
        reference=np.where,
        samples=_choices,
        bad_inputs=[bad(TypeError, "boolean", np.zeros(3), np.zeros(3), 0.0)],
    ),
]
