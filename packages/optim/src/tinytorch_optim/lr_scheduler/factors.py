"""Schedules that multiply the rate with a factor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from ..checks import number, whole
from ..optimizer import Optimizer
from .scheduler import LRScheduler

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The initial rate, times a function of the epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    lr_lambda : callable or list of callable
        Gives the factor for the number of an epoch; one, or one for each group. A state dict does
        not have it.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser.
    ValueError
        If there is not one function for each group.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> schedule.step()
    >>> optimizer.param_groups[0]["lr"]
    0.5
    """

    _unsaved: ClassVar = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor]) -> None:
        self._attach(optimizer)
        groups = optimizer.param_groups
        self.lr_lambdas: list[Factor] = (
            [lr_lambda] * len(groups) if callable(lr_lambda) else list(lr_lambda)
        )
        if len(self.lr_lambdas) != len(groups):
            raise ValueError(
                f"{self._name}: lr_lambda should be one function, or one for each of {len(groups)} "
                f"groups, but there are {len(self.lr_lambdas)}"
            )
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """Return the initial rates, times the functions' values."""
        return [
            float(base * factor(self.last_epoch))
            for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]


class _MultiplyingLR(LRScheduler):
    """Base class of those that multiply the rate of the epoch before."""

    def get_lr(self) -> list[float]:
        """Return the rates of the epoch before, times a factor."""
        factor = self._factor(self.last_epoch)
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    @abstractmethod
    def _factor(self, epoch: int) -> float:
        """Return what the rate is multiplied with when an epoch begins."""


class StepLR(_MultiplyingLR):
    """The rate times gamma, every `step_size` epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    step_size : int
        The number of epochs with the same rate, 1 or more.
    gamma : float
        The factor, 0 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4):
    ...     print(schedule.get_last_lr())
    ...     schedule.step()
    [1.0]
    [1.0]
    [0.5]
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = whole(self._name, "step_size", step_size, at_least=1)
        self.gamma = number(self._name, "gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def _factor(self, epoch: int) -> float:
        return self.gamma if epoch and epoch % self.step_size == 0 else 1.0


class MultiStepLR(_MultiplyingLR):
    """The rate times gamma, at the beginning of certain epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    milestones : iterable of int
        The numbers of those epochs, 0 or more. If one is there twice, so is its factor.
    gamma : float
        The factor, 0 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for epoch in range(4):
    ...     print(schedule.get_last_lr())
    ...     schedule.step()
    [1.0]
    [0.5]
    [0.5]
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones = [whole(self._name, "milestones", m, at_least=0) for m in milestones]
        self.gamma = number(self._name, "gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def _factor(self, epoch: int) -> float:
        return self.gamma ** self.milestones.count(epoch)


class ExponentialLR(_MultiplyingLR):
    """The rate times gamma, in every epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    gamma : float
        The factor, 0 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or `gamma` no number.
    ValueError
        If `gamma` is negative.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ExponentialLR(optimizer, gamma=0.5)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = number(self._name, "gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def _factor(self, epoch: int) -> float:
        return self.gamma if epoch else 1.0


class ConstantLR(_MultiplyingLR):
    """A smaller rate in the first epochs: the initial one times a factor.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    factor : float
        The factor, above 0 and at most 1.
    total_iters : int
        The number of those epochs, 1 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> for epoch in range(4):
    ...     print(schedule.get_last_lr())
    ...     schedule.step()
    [0.5]
    [0.5]
    [1.0]
    [1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = number(self._name, "factor", factor, above=0, at_most=1)
        self.total_iters = whole(self._name, "total_iters", total_iters, at_least=1)
        super().__init__(optimizer)

    def _factor(self, epoch: int) -> float:
        return {0: self.factor, self.total_iters: 1 / self.factor}.get(epoch, 1.0)


class LinearLR(_MultiplyingLR):
    """The initial rate, times a factor that goes evenly from one number to another: a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    start_factor : float
        The factor in epoch 0, above 0 and at most 1.
    end_factor : float
        The factor in epoch `total_iters` and from there on, at least 0 and at most 1.
    total_iters : int
        The number of epochs on the way, 1 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> for epoch in range(5):
    ...     print(schedule.get_last_lr())
    ...     schedule.step()
    [0.25]
    [0.5]
    [0.75]
    [1.0]
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = number(self._name, "start_factor", start_factor, above=0, at_most=1)
        self.end_factor = number(self._name, "end_factor", end_factor, at_least=0, at_most=1)
        self.total_iters = whole(self._name, "total_iters", total_iters, at_least=1)
        super().__init__(optimizer)

    def _factor(self, epoch: int) -> float:
        if epoch == 0:
            return self.start_factor
        if epoch > self.total_iters:
            return 1.0
        # What the factor of this epoch is, divided by that of the one before.
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_iters * self.start_factor + (epoch - 1) * rise)
