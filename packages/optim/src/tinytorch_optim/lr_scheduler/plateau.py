"""A schedule that waits for the loss."""

from __future__ import annotations

from math import inf
from typing import Any

from tinytorch import one_of

from ..checks import number, whole
from ..optimizer import Optimizer
from .scheduler import LRScheduler


class ReduceLROnPlateau(LRScheduler):
    """The rate times a factor, when a metric has not improved for some epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    mode : {"min", "max"}
        Whether the metric, which `step` is given, should become small or large.
    factor : float
        At least 0 and below 1.
    patience : int
        For how many epochs it may not improve before the rate is reduced, 0 or more.
    threshold : float
        By how much it has to be better than the best, 0 or more.
    threshold_mode : {"rel", "abs"}
        Whether that is a share of the best, or a difference.
    cooldown : int
        How many epochs pass after a reduction before others are counted, 0 or more.
    min_lr : float or list of float
        The least rate, 0 or more: one, or one for each group.
    eps : float
        A rate that would change by no more stays, 0 or more.

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
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     schedule.step(loss)
    ...     print(schedule.get_last_lr())
    [1.0]
    [1.0]
    [1.0]
    [0.5]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        op = self._name
        self._attach(optimizer)
        one_of(op, "mode", mode, ("min", "max"))
        one_of(op, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = number(op, "factor", factor, at_least=0, below=1)
        self.patience = whole(op, "patience", patience, at_least=0)
        self.threshold = number(op, "threshold", threshold, at_least=0)
        self.cooldown = whole(op, "cooldown", cooldown, at_least=0)
        self.min_lrs = self._for_each_group("min_lr", min_lr)
        self.eps = number(op, "eps", eps, at_least=0)
        self.last_epoch = 0
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self._set(self.get_lr())

    def get_lr(self) -> list[float]:
        """Return the rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def step(self, metrics: Any) -> None:  # type: ignore[override]  # as in PyTorch
        """Take note of the metric, after each epoch, and reduce the rate if it is time to.

        Parameters
        ----------
        metrics : number or Tensor
            The loss, for example; NaN is no improvement.

        Raises
        ------
        TypeError
            If it is no number, or a Tensor that requires gradients.
        """
        self._require_groups(len(self.min_lrs))
        metric = float(metrics)
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = self.get_lr()
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            lower = [
                max(rate * self.factor, least)
                for rate, least in zip(rates, self.min_lrs, strict=True)
            ]
            rates = [
                low if rate - low > self.eps else rate
                for rate, low in zip(rates, lower, strict=True)
            ]
        self._set(rates)

    def _is_better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * metric > sign * self.best * (1 + sign * self.threshold)
        return sign * metric > sign * self.best + self.threshold
