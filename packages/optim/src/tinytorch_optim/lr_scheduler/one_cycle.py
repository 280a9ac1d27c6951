"""One cycle: the rate up and down, and the momentum against it."""

from __future__ import annotations

from math import cos, pi

from tinytorch import one_of

from ..checks import number, whole
from ..optimizer import Optimizer
from .scheduler import LRScheduler


class OneCycleLR(LRScheduler):
    """The rate from a small one up to the largest and down to almost nothing, batch by batch.

    The momentum, or the first of `betas`, goes the other way. An epoch, in the terms of
    `LRScheduler`, is a batch here.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates are set.
    max_lr : float or list of float
        The largest rate, 0 or more: one, or one for each group.
    total_steps : int, optional
        The number of batches, 1 or more; it may be left out where the next two are given.
    epochs, steps_per_epoch : int, optional
        Multiplied with each other they are the number of batches; each 1 or more.
    pct_start : float
        The share of the batches in which the rate goes up, from 0 to 1.
    anneal_strategy : {"cos", "linear"}
        How it goes from one rate to another.
    cycle_momentum : bool
        Whether the momentum changes, too.
    base_momentum, max_momentum : float or list of float
        What the momentum is where the rate is largest, and at both ends; one number, or one for
        each group.
    div_factor : float
        The first rate is `max_lr` divided by this, above 0.
    final_div_factor : float
        The last rate is the first one divided by this, above 0.
    three_phase : bool
        Go down to the first rate in as many batches as up to the largest, and then to the last one.

    Raises
    ------
    TypeError
        If `optimizer` is no optimiser, or an option no number.
    ValueError
        If an option is out of its bounds, if the number of batches is not given, or if there is no
        momentum to be changed. By `step`, if it is called more often than there are batches.

    References
    ----------
    Smith and Topin (2018), Super-convergence: very fast training of neural networks using large
    learning rates, arXiv:1708.07120.

    Examples
    --------
    >>> from tinytorch_optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6)
    >>> for batch in range(5):
    ...     print(f"{schedule.get_last_lr()[0]:.3f}, {optimizer.param_groups[0]['momentum']:.3f}")
    ...     schedule.step()
    0.040, 0.950
    0.520, 0.900
    1.000, 0.850
    0.500, 0.900
    0.000, 0.950
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self._attach(optimizer)
        op = self._name
        one_of(op, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        if total_steps is not None:
            self.total_steps = whole(op, "total_steps", total_steps, at_least=1)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = whole(op, "epochs", epochs, at_least=1) * whole(
                op, "steps_per_epoch", steps_per_epoch, at_least=1
            )
        else:
            raise ValueError(
                f"{op}: the number of batches should be given, by total_steps or by both epochs "
                "and steps_per_epoch"
            )
        self.pct_start = number(op, "pct_start", pct_start, at_least=0, at_most=1)
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = bool(cycle_momentum)
        self.three_phase = bool(three_phase)
        self.max_lrs = self._for_each_group("max_lr", max_lr)
        div_factor = number(op, "div_factor", div_factor, above=0)
        self.final_div_factor = number(op, "final_div_factor", final_div_factor, above=0)
        self.base_momentums = self._for_each_group("base_momentum", base_momentum)
        self.max_momentums = self._for_each_group("max_momentum", max_momentum)
        if self.cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"{op}: the momentum should be changed, but {type(optimizer).__name__} has neither "
                "momentum nor betas; pass cycle_momentum=False"
            )
        for group, largest in zip(optimizer.param_groups, self.max_lrs, strict=True):
            group["initial_lr"] = largest / div_factor
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """Return the rates of the batch that comes next."""
        return [
            self._level(initial=base, highest=largest, final=base / self.final_div_factor)
            for base, largest in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def step(self) -> None:
        """Set the rates, and the momentum, for the next batch."""
        if self.last_epoch >= self.total_steps:
            raise ValueError(
                f"{self._name}: the cycle has {self.total_steps} batches, but a step after batch "
                f"{self.last_epoch} was asked for; pass a larger total_steps"
            )
        super().step()
        if not self.cycle_momentum:
            return
        bounds = zip(self.base_momentums, self.max_momentums, strict=True)
        for group, (least, largest) in zip(self.optimizer.param_groups, bounds, strict=True):
            momentum = self._level(initial=largest, highest=least, final=largest)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _level(self, initial: float, highest: float, final: float) -> float:
        """Return where a number is on its way, whose value is given for each turn of the rate."""
        peak, end = self.pct_start * self.total_steps - 1, float(self.total_steps - 1)
        phases = [(0.0, peak, initial, highest)]
        if self.three_phase:
            bottom = 2 * self.pct_start * self.total_steps - 2
            phases += [(peak, bottom, highest, initial), (bottom, end, initial, final)]
        else:
            phases += [(peak, end, highest, final)]
        *earlier, last = phases
        begin, end, start, goal = next((p for p in earlier if self.last_epoch <= p[1]), last)
        share = (self.last_epoch - begin) / (end - begin) if end != begin else 1.0
        if self.anneal_strategy == "cos":
            return goal + (start - goal) / 2 * (1 + cos(pi * share))
        return start + (goal - start) * share
