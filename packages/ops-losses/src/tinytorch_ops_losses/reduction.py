"""What all losses share: checks of the operands, the reduction to one number, and its reverse."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from tinytorch import Array, Function, one_of

REDUCTIONS = ("mean", "sum", "none")


class Loss(Function):
    """One loss for each prediction, then their mean, their sum, or all of them.

    Gradient of each single loss: an equal share of the mean's, all of the sum's, or its own.
    """

    name: ClassVar[str]
    """The public function, which messages name."""

    def reduce(self, losses: Any, reduction: str) -> Array:
        """Return what `forward` returns; the mean of no losses is NaN, as in PyTorch."""
        one_of(self.name, "reduction", reduction, REDUCTIONS)
        losses = np.asarray(losses)
        self.reduction = reduction
        self.count = max(losses.size, 1)
        if reduction == "mean":
            return np.asarray(losses.mean() if losses.size else losses.dtype.type("nan"))
        return np.asarray(losses.sum() if reduction == "sum" else losses)

    def share(self, grad_output: Any) -> Any:
        """Return the gradient of each single loss, or of all of them where it is the same."""
        return grad_output / self.count if self.reduction == "mean" else grad_output

    def require_floating(self, input: Any) -> None:
        """Refuse integers as predictions: as a rule they are targets in the wrong place."""
        dtype = np.result_type(input)
        if dtype.kind != "f":
            raise TypeError(
                f"{self.name}: the input should be floating, but it has dtype {dtype} and shape "
                f"{np.shape(input)}; predictions come first and targets second, and integers that "
                "are predictions need x.astype(np.float32)"
            )

    def target_for_each(self, input: Any, target: Any) -> Any:
        """Return the target, integers in the dtype of the input; refuse another shape."""
        self.require_floating(input)
        shape, given = np.shape(input), np.shape(target)
        if given != shape:
            raise ValueError(
                f"{self.name}: input and target should have equal shapes, but they have shapes "
                f"{shape} and {given}; {way_to_shape(given, shape)}"
            )
        if np.result_type(target).kind != "f":
            return np.asarray(target, np.result_type(input))
        return target


def way_to_shape(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return what to do with a target of a wrong shape."""
    if [n for n in given if n != 1] == [n for n in wanted if n != 1]:
        return f"they differ in axes of length 1 only, so reshape it: target.reshape({wanted})"
    return "each prediction needs a target of its own"


def plain_reduction(losses: Any, reduction: str) -> Any:
    """Reduce, for the references that the tests compare with."""
    with np.errstate(invalid="ignore"):
        total, count = np.sum(losses), np.size(losses)
        return {"none": losses, "sum": total, "mean": total / count}[reduction]
