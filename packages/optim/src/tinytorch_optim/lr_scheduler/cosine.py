"""Schedules along a cosine."""

from __future__ import annotations

from math import cos, pi

from ..checks import number, whole
from ..optimizer import Optimizer
from .scheduler import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """From the initial rate down to a least one, along half a wave of a cosine, and up again.

    In epoch t it is ``eta_min + (initial - eta_min) (1 + cos(π t / T_max)) / 2``, if nothing else
    changes the rate.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    T_max : int
        The epoch with the least rate, 1 or more.
    eta_min : float
        That rate, 0 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
    arXiv:1608.03983, without the restarts.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=4)
    >>> for epoch in range(5):
    ...     print(f"{schedule.get_last_lr()[0]:.3f}")
    ...     schedule.step()
    1.000
    0.854
    0.500
    0.146
    0.000
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = whole(self._name, "T_max", T_max, at_least=1)
        self.eta_min = number(self._name, "eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """Return the rates, from those of the epoch before."""
        self._require_groups(len(self.base_lrs))
        groups, epoch, low = self.optimizer.param_groups, self.last_epoch, self.eta_min
        if epoch == 0:
            return [group["lr"] for group in groups]
        if (epoch - 1) % (2 * self.T_max) == self.T_max:  # nothing to be multiplied is left
            rise = self._height(epoch)
            return [
                group["lr"] + (base - low) * rise
                for group, base in zip(groups, self.base_lrs, strict=True)
            ]
        factor = self._height(epoch) / self._height(epoch - 1)
        return [low + (group["lr"] - low) * factor for group in groups]

    def _height(self, epoch: int) -> float:
        return (1 + cos(pi * epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the initial rate down along half a wave of a cosine, again and again.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    T_0 : int
        The number of epochs up to the first restart, 1 or more.
    T_mult : int
        How many times longer each further one takes, 1 or more.
    eta_min : float
        What the rate goes down to, 0 or more.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
    arXiv:1608.03983.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for epoch in range(4):
    ...     print(f"{schedule.get_last_lr()[0]:.3f}")
    ...     schedule.step()
    1.000
    0.500
    1.000
    0.500
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0
    ) -> None:
        self.T_0 = whole(self._name, "T_0", T_0, at_least=1)
        self.T_mult = whole(self._name, "T_mult", T_mult, at_least=1)
        self.eta_min = number(self._name, "eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """Return the rates, from the initial ones."""
        epoch, period = self.last_epoch, self.T_0
        if self.T_mult == 1:
            epoch %= period
        while epoch >= period:
            epoch, period = epoch - period, period * self.T_mult
        height = (1 + cos(pi * epoch / period)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]
