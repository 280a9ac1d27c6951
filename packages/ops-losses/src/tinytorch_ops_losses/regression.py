"""Losses of predicted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor
from tinytorch.samples import Sample, bad, sample, uniform

from .reduction import REDUCTIONS, Loss, plain_reduction


class MSEBackward(Loss):
    """(x - t)². Gradients: 2 (x - t) g, and its negative towards t."""

    name = "mse_loss"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        floats = self.target_for_each(input, target)
        self.save(input, target)
        return self.reduce((input - floats) ** 2, reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        slope = (input - target) * (2 * self.share(grad_output))
        return slope if need_input else None, -slope if need_target else None


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Squared error ``(input - target)²``, by default its mean.

    Parameters
    ----------
    input : Tensor
        Predictions of any shape, floating.
    target : Tensor, array or number
        Of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". For each single error the
        gradient of `input` is 2 (input - target) times its own, that of `target` the negative.

    Raises
    ------
    ValueError
        If the shapes differ. Shapes (N, 1) and (N,) would broadcast to (N, N), where every
        prediction meets every target.
    TypeError
        If `input` is not floating.

    Examples
    --------
    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(data=2., shape=())
    """
    return MSEBackward.call(input, target, reduction=reduction)


def _samples() -> list[Sample]:
    shapes: list[tuple[int, ...]] = [(), (1,), (4,), (2, 3), (4, 1), (0, 3), (2, 1, 3)]
    return [
        sample(uniform(shape), uniform(shape, seed=1), reduction=reduction)
        for shape in shapes
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((2, 3)), uniform((2, 3), seed=1)),
        sample(uniform((2, 3)), uniform((3, 2), seed=1).T),
        sample(uniform((2, 2)), uniform((2, 2))),
        sample(uniform((2, 3)), np.arange(6).reshape(2, 3)),
    ]


def _reference(input: Any, target: Any, reduction: str = "mean") -> Any:
    return plain_reduction(np.square(np.subtract(input, target)), reduction)


OPERATIONS = [
    Operation(
        mse_loss,
        MSEBackward,
        samples=_samples,
        bad_inputs=[
            bad(ValueError, r"reshape\(\(3, 1\)\)", uniform((3, 1)), uniform(3)),
            bad(ValueError, "target of its own", uniform((2, 3)), uniform((3, 2))),
            bad(ValueError, "reduction should be one of", uniform(3), uniform(3), reduction="max"),
            bad(TypeError, "predictions come first", np.arange(3), uniform(3)),
        ],
        reference=_reference,
        torch="nn.functional.mse_loss",
    ),
]
