"""One schedule after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, ClassVar

from ..checks import whole
from ..optimizer import Optimizer
from ..state_dicts import require_keys
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler


class SequentialLR(LRScheduler):
    """Several schedules, each from an epoch of its own on, as if it began there.

    Parameters
    ----------
    optimizer : Optimizer
        That of the schedules.
    schedulers : list of LRScheduler
        In their order; none of them may be `ReduceLROnPlateau`.
    milestones : list of int
        The epochs with which the second and the further ones begin, in ascending order.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or a schedule none.
    ValueError
        If a schedule has another optimiser, or there is not one milestone less than schedules.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> from tinytorch_optim.lr_scheduler import ExponentialLR, LinearLR
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule = SequentialLR(optimizer, [warm_up, ExponentialLR(optimizer, 0.5)], [2])
    >>> for epoch in range(5):
    ...     print(schedule.get_last_lr())
    ...     schedule.step()
    [0.5]
    [0.75]
    [1.0]
    [0.5]
    [0.25]
    """

    _unsaved: ClassVar = ("optimizer", "_schedulers")

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int]
    ) -> None:
        self._attach(optimizer)
        for schedule in schedulers:
            if not isinstance(schedule, LRScheduler) or isinstance(schedule, ReduceLROnPlateau):
                raise TypeError(
                    f"{self._name}: schedulers should be schedules that need no metrics, but one "
                    f"is a {type(schedule).__name__}"
                )
            if schedule.optimizer is not optimizer:
                raise ValueError(
                    f"{self._name}: all schedules should be of the same optimiser, but a "
                    f"{type(schedule).__name__} has another"
                )
        self._schedulers = list(schedulers)
        self._milestones = [whole(self._name, "milestones", m, at_least=1) for m in milestones]
        if len(milestones) != len(schedulers) - 1 or sorted(milestones) != list(milestones):
            raise ValueError(
                f"{self._name}: each of {len(schedulers)} schedules but the first should have a "
                f"milestone, in ascending order, but they are {milestones}"
            )
        self._restart()

    def _restart(self) -> None:
        self.last_epoch = 0
        self._schedulers[0]._restart()
        self._last_lr = self._schedulers[0].get_last_lr()

    @property
    def _current(self) -> LRScheduler:
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def get_lr(self) -> list[float]:
        """Return the rates that the current schedule gives."""
        return self._current.get_lr()

    def step(self) -> None:
        """Begin the next epoch, or the first one of the next schedule."""
        self.last_epoch += 1
        if self.last_epoch in self._milestones:
            self._current._restart()
        else:
            self._current.step()
        self._last_lr = self._current.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return where the schedule is, and the state dicts of its parts under "_schedulers".

        Returns
        -------
        dict
            Numbers, and lists and dicts of them.
        """
        parts = [schedule.state_dict() for schedule in self._schedulers]
        return super().state_dict() | {"_schedulers": parts}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Parameters
        ----------
        state_dict : mapping
            Of as many schedules, of the same kinds.

        Raises
        ------
        TypeError
            If it is no mapping.
        ValueError
            If it lacks a name, or has another number of schedules.
        """
        require_keys(self._name, "the state dict", state_dict, ["_schedulers"])
        parts = state_dict["_schedulers"]
        if len(parts) != len(self._schedulers):
            raise ValueError(
                f"{self._name}: the state dict is of {len(parts)} schedules, but there are "
                f"{len(self._schedulers)}"
            )
        super().load_state_dict(state_dict)
        for schedule, part in zip(self._schedulers, parts, strict=True):
            schedule.load_state_dict(part)
