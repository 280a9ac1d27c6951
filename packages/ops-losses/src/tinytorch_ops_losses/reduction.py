"""What all losses share: checks of the operands, the reduction to one number, and its reverse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from tinytorch import Array, Function, at_least_single, one_of

REDUCTIONS = ("mean", "sum", "none")


class Loss(Function):
    """One loss for each prediction, then their mean, their sum, or all of them.

    Gradient of each single loss: an equal share of the mean's, all of the sum's, or its own; times
    its weight, where there are weights.
    """

    name: ClassVar[str]
    """The public function, which messages name."""

    reductions: ClassVar[Iterable[str]] = REDUCTIONS

    weight: Any = None

    def reduce(self, losses: Any, reduction: str, count: float | None = None) -> Array:
        """Return what `forward` returns.

        A mean divides by `count`, or by the number of losses. The mean of none is NaN, as in
        PyTorch.
        """
        one_of(self.name, "reduction", reduction, self.reductions)
        losses = np.asarray(losses)
        if self.weight is not None:
            losses = np.asarray(losses * self.weight)
        self.reduction = reduction
        self.divisor: float = 1
        if reduction == "none":
            return np.asarray(losses)
        total = at_least_single(losses).sum()
        if reduction != "sum":
            count = losses.size if count is None else count
            self.divisor = count or 1
            total = total / count if count else np.nan
        return np.asarray(total, losses.dtype)

    def share(self, grad_output: Any) -> Any:
        """Return the gradient of each single loss, or of all of them where it is the same."""
        share = grad_output
        if self.divisor != 1:
            share = at_least_single(share) / self.divisor  # which may be too large for float16
        return share if self.weight is None else share * self.weight

    def require_floating(self, input: Any, name: str = "input") -> None:
        """Refuse integers as predictions: as a rule they are targets in the wrong place."""
        dtype = np.asarray(input).dtype
        if dtype.kind != "f":
            raise TypeError(
                f"{self.name}: the {name} should be floating, but it has dtype {dtype} and shape "
                f"{np.shape(input)}; predictions come first and targets second, and integers that "
                "are predictions need x.astype(np.float32)"
            )

    def target_for_each(self, input: Any, target: Any) -> Any:
        """Return the target, integers in the dtype of the input; refuse another shape."""
        self.require_floating(input)
        self.require_shape("target", target, np.shape(input))
        dtype = np.asarray(target).dtype
        if dtype.kind in "iub":
            return np.asarray(target, np.result_type(input))
        if dtype.kind != "f":
            raise TypeError(
                f"{self.name}: the target should hold numbers, but it has dtype {dtype} and shape "
                f"{np.shape(target)}; pass an array of floats"
            )
        return target

    def require_shape(self, name: str, value: Any, shape: tuple[int, ...]) -> None:
        """Refuse another shape than the input's: none is broadcast."""
        given = np.shape(value)
        if given != shape:
            raise ValueError(
                f"{self.name}: input and {name} should have equal shapes, but they have shapes "
                f"{shape} and {given}; {way_to_shape(given, shape, name)}"
            )


class ElementwiseLoss(Loss):
    """A loss for each element, of which the rule serves many gradients at once.

    Gradient: as that of every loss; where nothing is reduced, along a further first axis too.
    """

    def reduce(self, losses: Any, reduction: str, count: float | None = None) -> Array:
        """Return what `forward` returns."""
        self.batched = reduction == "none"
        return super().reduce(losses, reduction, count)


def way_to_shape(given: tuple[int, ...], wanted: tuple[int, ...], name: str = "target") -> str:
    """Return what to do with a target of a wrong shape."""
    if [n for n in given if n != 1] == [n for n in wanted if n != 1]:
        return f"they differ in axes of length 1 only, so reshape it: {name}.reshape({wanted})"
    return f"each prediction needs a {name} of its own"


def plain_reduction(losses: Any, reduction: str, count: Any = None) -> Any:
    """Reduce, for the references that the tests compare with."""
    with np.errstate(invalid="ignore"):
        total, count = np.sum(losses), np.size(losses) if count is None else count
        return {"none": losses, "sum": total, "mean": total / np.asarray(count)}[reduction]
