"""What all schedules have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ..checks import number, plain
from ..optimizer import Optimizer
from ..state_dicts import require_keys


class LRScheduler(ABC):
    """Base class of the schedules: `get_lr` says which rates an epoch has, and `step` sets them.

    An epoch is what passes between two calls of `step`: of the data, or a single batch. Epoch 0
    begins when the schedule is made. What is a subclass's own is set before this is called.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups have the rates, under "lr". What they are when the first schedule is made is kept
        under "initial_lr".

    Attributes
    ----------
    last_epoch : int
        The number of the epoch.
    base_lrs : list of float
        What the groups have as "initial_lr".

    Raises
    ------
    TypeError
        If it is no optimiser.
    """

    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer",)

    def __init__(self, optimizer: Optimizer) -> None:
        self._attach(optimizer)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = -1
        self.step()

    def _attach(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{self._name}: optimizer should be an Optimizer of tinytorch_optim, but it is a "
                f"{type(optimizer).__name__}"
            )
        self.optimizer = optimizer

    @property
    def _name(self) -> str:
        return type(self).__name__

    @abstractmethod
    def get_lr(self) -> list[float]:
        """Return the rates of the groups in the epoch that has begun, `last_epoch`.

        Returns
        -------
        list of float
            One for each group; what the groups have under "lr" are those of the epoch before.
        """

    def get_last_lr(self) -> list[float]:
        """Return the rates that were set last.

        Returns
        -------
        list of float
            One for each group.
        """
        return list(self._last_lr)

    def step(self) -> None:
        """Begin the next epoch, after the steps of the optimiser in this one."""
        self.last_epoch += 1
        self._set(self.get_lr())

    def _restart(self) -> None:
        """Begin epoch 0 anew, from the initial rates."""
        self._set(self.base_lrs)
        self.last_epoch = -1
        self.step()

    def _set(self, rates: list[float]) -> None:
        self._require_groups(len(rates))
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def _require_groups(self, count: int) -> None:
        now = len(self.optimizer.param_groups)
        if count != now:
            raise ValueError(
                f"{self._name}: the schedule was made for {count} groups of parameters, but the "
                f"optimiser has {now}; make it after the last group has been added"
            )

    def _for_each_group(self, name: str, value: Any) -> list[float]:
        """Return an option as a list, which it may be already, with a number for each group."""
        groups = self.optimizer.param_groups
        values = list(value) if isinstance(value, list | tuple) else [value] * len(groups)
        if len(values) != len(groups):
            raise ValueError(
                f"{self._name}: {name} should be one number, or one for each of {len(groups)} "
                f"groups, but there are {len(values)}"
            )
        return [number(self._name, name, one, at_least=0) for one in values]

    def state_dict(self) -> dict[str, Any]:
        """Return where the schedule is, and its options; the optimiser is saved apart from it.

        Returns
        -------
        dict
            Numbers, strings and lists of them, by the names of the attributes.
        """
        return {name: plain(v) for name, v in vars(self).items() if name not in self._unsaved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned. The rates are the optimiser's, and loaded there.

        Parameters
        ----------
        state_dict : mapping
            Of a schedule of this kind. Names that such a schedule does not have are passed over.

        Raises
        ------
        TypeError
            If it is no mapping.
        ValueError
            If it lacks a name.
        """
        own = [name for name in vars(self) if name not in self._unsaved]
        require_keys(self._name, "the state dict", state_dict, own)
        vars(self).update({name: plain(state_dict[name]) for name in own})
