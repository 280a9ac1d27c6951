"""Schedules give the rates that their formulas give, go on from a state dict, and refuse faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from math import cos, pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_optim import SGD, Adagrad, Adam, Optimizer, lr_scheduler
from tinytorch_optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

Make = Callable[[Optimizer], LRScheduler]
EPOCHS = 30


def two_groups(kind: type[Any] = SGD, **options: Any) -> Optimizer:
    x, y = (Tensor([1.0], requires_grad=True) for _ in range(2))
    optimiser: Optimizer = kind([{"params": x}, {"params": y, "lr": 0.5}], lr=2.0, **options)
    return optimiser


def rates(optimiser: Optimizer) -> list[float]:
    return [group["lr"] for group in optimiser.param_groups]


def history(schedule: LRScheduler, epochs: int = EPOCHS) -> list[list[float]]:
    """Return the rates of each epoch."""
    found = [schedule.get_last_lr()]
    for _ in range(epochs - 1):
        schedule.step()
        found.append(schedule.get_last_lr())
    return found


def restarts(epoch: int) -> float:
    begins = [0, 3, 9, 21, 45]
    begin, end = next((a, b) for a, b in pairwise(begins) if a <= epoch < b)
    return 0.5 + 0.5 * cos(pi * (epoch - begin) / (end - begin))


FACTORS: dict[str, tuple[Make, Callable[[int], float]]] = {
    "StepLR": (lambda o: StepLR(o, 4, 0.5), lambda t: 0.5 ** (t // 4)),
    "MultiStepLR": (
        lambda o: MultiStepLR(o, [10, 3, 10], 0.5),
        lambda t: 0.5 ** ((t >= 3) + 2 * (t >= 10)),
    ),
    "ExponentialLR": (lambda o: ExponentialLR(o, 0.9), lambda t: 0.9**t),
    "ConstantLR": (lambda o: ConstantLR(o, 0.2, 6), lambda t: 0.2 if t < 6 else 1),
    "LinearLR": (lambda o: LinearLR(o, 0.1, total_iters=9), lambda t: 0.1 + 0.1 * min(t, 9)),
    "down": (lambda o: LinearLR(o, 1, 0, 20), lambda t: 1 - min(t, 20) / 20),
    "LambdaLR": (lambda o: LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    "CosineAnnealingLR": (
        lambda o: CosineAnnealingLR(o, 12),
        lambda t: 0.5 + 0.5 * cos(pi * t / 12),
    ),
    "CosineAnnealingWarmRestarts": (lambda o: CosineAnnealingWarmRestarts(o, 3, 2), restarts),
    "SequentialLR": (
        lambda o: SequentialLR(
            o,
            [
                SequentialLR(o, [ConstantLR(o, 0.5, 2), ExponentialLR(o, 0.9)], [5]),
                SequentialLR(o, [LinearLR(o, 0.5, total_iters=2), StepLR(o, 2, 0.5)], [4]),
            ],
            [10],
        ),
        lambda t: (
            (0.5 if t < 2 else 1)
            if t < 5
            else 0.9 ** (t - 5)
            if t < 10
            else 0.5 + 0.25 * min(t - 10, 2)
            if t < 14
            else 0.5 ** ((t - 14) // 2)
        ),
    ),
}
each = pytest.mark.parametrize("name", FACTORS)


@each
def test_factor(name: str) -> None:
    """In each epoch the rate of each group is its initial one times the factor of the formula."""
    make, factor = FACTORS[name]
    optimiser = two_groups()
    expected = [[2 * factor(t), 0.5 * factor(t)] for t in range(EPOCHS)]
    schedule = make(optimiser)
    np.testing.assert_allclose(history(schedule), expected, 1e-10, 1e-12)
    assert rates(optimiser) == schedule.get_last_lr()
    assert all(type(rate) is float for rate in rates(optimiser))
    assert [group["initial_lr"] for group in optimiser.param_groups] == [2, 0.5]


def test_eta_min() -> None:
    """The schedules along a cosine go down to a least rate, and not below."""
    for make in (
        lambda o: CosineAnnealingLR(o, 5, 0.1),
        lambda o: CosineAnnealingWarmRestarts(o, 5, eta_min=0.1),
    ):
        found = np.array(history(make(two_groups())))
        wave = 0.5 + 0.5 * np.cos(pi * np.arange(5) / 5)
        np.testing.assert_allclose(found[:5, 0], 0.1 + 1.9 * wave)
        assert (found > 0.1 - 1e-12).all()


def test_together() -> None:
    """Two schedules of one optimiser multiply their factors."""
    optimiser = two_groups()
    warm_up, decay = LinearLR(optimiser, 0.25, total_iters=3), ExponentialLR(optimiser, 0.5)
    for epoch, factor in enumerate([0.25, 0.5, 0.75, 1, 1]):
        np.testing.assert_allclose(
            rates(optimiser), [2 * factor * 0.5**epoch] * np.array([1, 0.25])
        )
        warm_up.step()
        decay.step()


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_one_cycle(kind: type[Any], strategy: str) -> None:
    """The rate goes up for a share of the batches, then down; the momentum the other way."""
    optimiser = two_groups(kind)
    schedule = OneCycleLR(
        optimiser, [2.0, 1.0], total_steps=20, pct_start=0.25, anneal_strategy=strategy
    )
    found, momentum = [], []
    for _ in range(20):
        found.append(rates(optimiser))
        group = optimiser.param_groups[1]
        momentum.append(group["momentum"] if kind is SGD else group["betas"][0])
        schedule.step()
    first, second = np.transpose(found)
    np.testing.assert_allclose(first, 2 * second)
    np.testing.assert_allclose(second[[0, 4, 19]], [1 / 25, 1, 1 / 25 / 1e4])
    np.testing.assert_allclose([momentum[0], momentum[4], momentum[19]], [0.95, 0.85, 0.95])
    assert (np.diff(second[:5]) > 0).all()
    assert (np.diff(second[4:]) < 0).all()
    steps = np.diff(second[:5])
    assert np.allclose(steps, steps[0]) == (strategy == "linear")
    with pytest.raises(ValueError, match="20 batches, but a step after batch 20 was asked for"):
        schedule.step()


def test_one_cycle_in_three_phases() -> None:
    """The rate comes down as slowly as it went up, and then to almost nothing."""
    schedule = OneCycleLR(two_groups(), 1.0, epochs=2, steps_per_epoch=10, three_phase=True)
    found = np.array(history(schedule, 20))[:, 0]
    np.testing.assert_allclose(found[[0, 5, 10, 19]], [1 / 25, 1, 1 / 25, 1 / 25 / 1e4])
    np.testing.assert_allclose(found[:6], found[10:4:-1])


def test_one_cycle_without_momentum() -> None:
    """The momentum is left alone if asked; an optimiser that has none needs that."""
    optimiser = two_groups(momentum=0.5)
    OneCycleLR(optimiser, 1.0, 10, cycle_momentum=False).step()
    assert optimiser.param_groups[0]["momentum"] == 0.5
    with pytest.raises(ValueError, match="Adagrad has neither momentum nor betas"):
        OneCycleLR(two_groups(Adagrad), 1.0, 10)
    OneCycleLR(two_groups(Adagrad), 1.0, 10, cycle_momentum=False)


def test_plateau() -> None:
    """After more epochs without improvement than patience has, the rate is reduced, to a floor."""
    optimiser = two_groups()
    schedule = ReduceLROnPlateau(
        optimiser, factor=0.5, patience=2, threshold=0.1, cooldown=2, min_lr=[0.1, 0.4]
    )
    found = []
    # Improvement has to be by a tenth; in the two epochs of rest nothing is counted.
    for metric in [10, 8, 7.9, 7.5, 7.4, 7.3, 7.3, 7.3, 7.3, 7.3, 1, 1, 1, 1, 1]:
        schedule.step(metric)
        found.append(rates(optimiser)[0])
    assert found == [2, 2, 2, 2, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert rates(optimiser)[1] == 0.4
    assert isinstance(schedule, LRScheduler)


def test_changes_that_plateau_leaves_out() -> None:
    """A rate that would change by no more than eps stays."""
    schedule = ReduceLROnPlateau(two_groups(), factor=0.5, patience=0, eps=0.3)
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.get_last_lr() == [1, 0.5]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_what_plateau_takes_for_better(mode: str, threshold_mode: str) -> None:
    """Better is by more than the threshold, of the best or from it, in either direction."""
    sign = 1 if mode == "max" else -1
    just = 10 + sign * (2 if threshold_mode == "rel" else 0.2)
    for metric, is_better in ((just + sign * 1e-9, True), (just - sign * 1e-9, False)):
        schedule = ReduceLROnPlateau(
            two_groups(), mode, threshold=0.2, threshold_mode=threshold_mode
        )
        schedule.step(10)
        schedule.step(Tensor(metric, dtype=np.float64))
        assert (schedule.best == metric) == is_better
        schedule.step(np.nan)
        assert schedule.num_bad_epochs == 2 - is_better


SAVED: dict[str, Make] = {name: make for name, (make, _) in FACTORS.items()} | {
    "OneCycleLR": lambda o: OneCycleLR(o, [1.0, 3.0], 40),
}


@pytest.mark.parametrize("name", SAVED)
@given(epoch=st.integers(0, 20))
def test_going_on(name: str, epoch: int) -> None:
    """From its state dict and the optimiser's, in JSON, a schedule goes on with the same rates."""
    optimiser, other = two_groups(), two_groups()
    schedule, schedule_of_other = SAVED[name](optimiser), SAVED[name](other)
    history(schedule, epoch + 1)
    text = json.dumps([optimiser.state_dict(), schedule.state_dict()])
    schedule.step()  # the state dicts are of before
    saved, saved_schedule = json.loads(text)
    other.load_state_dict(saved)
    schedule_of_other.load_state_dict(saved_schedule)
    schedule_of_other.step()
    assert history(schedule_of_other, 15) == history(schedule, 15)
    assert [g.keys() for g in optimiser.param_groups] == [g.keys() for g in other.param_groups]
    assert rates(optimiser) == rates(other)


def test_plateau_going_on() -> None:
    """So does the one that waits for the loss, in the middle of its waiting."""
    optimiser, other = two_groups(), two_groups()
    schedule, schedule_of_other = (
        ReduceLROnPlateau(o, patience=3, cooldown=2) for o in (optimiser, other)
    )
    for metric in (3.0, 2.0, 2.0, 2.0):
        schedule.step(metric)
    other.load_state_dict(json.loads(json.dumps(optimiser.state_dict())))
    schedule_of_other.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    for _ in range(12):
        schedule.step(2.0)
        schedule_of_other.step(2.0)
        assert rates(optimiser) == rates(other)
    assert rates(optimiser)[0] < 2


def test_state_dicts_are_copies() -> None:
    """What was saved does not change as epochs pass, nor does what was returned."""
    schedule = StepLR(two_groups(), 1)
    saved = schedule.state_dict()
    schedule.step()
    assert (saved["last_epoch"], saved["_last_lr"]) == (0, [2, 0.5])
    schedule.get_last_lr().append(1.0)
    assert len(schedule.get_last_lr()) == 2


def test_a_schedule_of_ones_own() -> None:
    """A subclass says which rates an epoch has."""

    class Halving(LRScheduler):
        """The initial rate, divided by the number of the epoch."""

        def get_lr(self) -> list[float]:
            return [base / max(1, self.last_epoch) for base in self.base_lrs]

    assert history(Halving(two_groups()), 4) == [[2, 0.5], [2, 0.5], [1, 0.25], [2 / 3, 0.5 / 3]]


OPTIMISER = two_groups()
MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda: StepLR(None, 1), TypeError, "StepLR: optimizer should be .* a NoneType"),
    (lambda: ReduceLROnPlateau(1), TypeError, "optimizer should be an Optimizer"),
    (lambda: StepLR(OPTIMISER, 0), ValueError, "StepLR: step_size should be a number at least 1"),
    (lambda: StepLR(OPTIMISER, 1, -1), ValueError, "gamma .* at least 0"),
    (lambda: MultiStepLR(OPTIMISER, [1.5]), ValueError, "milestones should be a whole number"),
    (lambda: ConstantLR(OPTIMISER, 0), ValueError, "factor .* above 0 and at most 1"),
    (lambda: ConstantLR(OPTIMISER, total_iters=0), ValueError, "total_iters .* at least 1"),
    (lambda: LinearLR(OPTIMISER, 0), ValueError, "start_factor .* above 0 and at most 1"),
    (lambda: LinearLR(OPTIMISER, 1, 2), ValueError, "end_factor .* at least 0 and at most 1"),
    (lambda: LambdaLR(OPTIMISER, [abs]), ValueError, "one for each of 2 groups, but there are 1"),
    (lambda: CosineAnnealingLR(OPTIMISER, 0), ValueError, "T_max .* at least 1"),
    (lambda: CosineAnnealingWarmRestarts(OPTIMISER, 1, 0), ValueError, "T_mult .* at least 1"),
    (lambda: OneCycleLR(OPTIMISER, 1), ValueError, "by total_steps or by both epochs and"),
    (
        lambda: OneCycleLR(OPTIMISER, 1, epochs=3),
        ValueError,
        "by total_steps or by both epochs and",
    ),
    (
        lambda: OneCycleLR(OPTIMISER, [1], 5),
        ValueError,
        "max_lr .* each of 2 groups, but there are 1",
    ),
    (
        lambda: OneCycleLR(OPTIMISER, 1, 5, anneal_strategy="sin"),
        ValueError,
        "one of 'cos', 'linear'",
    ),
    (lambda: OneCycleLR(OPTIMISER, 1, 5, pct_start=2), ValueError, "pct_start .* at most 1"),
    (
        lambda: ReduceLROnPlateau(OPTIMISER, "least"),
        ValueError,
        "mode should be one of 'min', 'max'",
    ),
    (
        lambda: ReduceLROnPlateau(OPTIMISER, factor=1),
        ValueError,
        "factor .* at least 0 and below 1",
    ),
    (lambda: ReduceLROnPlateau(OPTIMISER, min_lr=[0]), ValueError, "min_lr .* each of 2 groups"),
    (lambda: SequentialLR(OPTIMISER, [], []), ValueError, "each of 0 schedules but the first"),
    (
        lambda: SequentialLR(OPTIMISER, [StepLR(OPTIMISER, 1)], [1]),
        ValueError,
        "each of 1 schedules",
    ),
    (
        lambda: SequentialLR(OPTIMISER, [StepLR(OPTIMISER, 1)] * 3, [2, 1]),
        ValueError,
        "in ascending order",
    ),
    (lambda: SequentialLR(OPTIMISER, [None], []), TypeError, "one is a NoneType"),
    (
        lambda: SequentialLR(OPTIMISER, [ReduceLROnPlateau(OPTIMISER)], []),
        TypeError,
        "one is a ReduceLROnPlat",
    ),
    (
        lambda: SequentialLR(OPTIMISER, [StepLR(two_groups(), 1)], []),
        ValueError,
        "StepLR has another",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(call: Any, error: type[Exception], message: str) -> None:
    """What makes no sense is refused, in words that say what was given."""
    with pytest.raises(error, match=message):
        call()


def late_group(optimiser: Optimizer) -> None:
    optimiser.add_param_group({"params": Tensor([1.0], requires_grad=True)})


@pytest.mark.parametrize(
    "make",
    [
        lambda o: LambdaLR(o, abs),
        lambda o: CosineAnnealingLR(o, 5),
        lambda o: OneCycleLR(o, 1.0, 5),
        ReduceLROnPlateau,
    ],
    ids=["LambdaLR", "CosineAnnealingLR", "OneCycleLR", "ReduceLROnPlateau"],
)
def test_a_group_that_comes_too_late(make: Make) -> None:
    """A schedule that has something for each group says so if it does not know of one."""
    optimiser = two_groups()
    schedule: Any = make(optimiser)
    late_group(optimiser)
    metrics = [1.0] if isinstance(schedule, ReduceLROnPlateau) else []
    with pytest.raises(ValueError, match=r"made for 2 groups .*, but the optimiser has 3"):
        schedule.step(*metrics)


def test_a_group_that_comes_late() -> None:
    """One that multiplies the rates does so with those of later groups."""
    optimiser = two_groups()
    schedule = StepLR(optimiser, 1, 0.5)
    late_group(optimiser)
    schedule.step()
    assert rates(optimiser) == [1, 0.25, 1]


def test_state_dicts_that_do_not_fit() -> None:
    """A state dict of another schedule, or of fewer in a sequence, is refused."""
    step, sequence = (
        StepLR(OPTIMISER, 1),
        SequentialLR(OPTIMISER, [StepLR(OPTIMISER, 1), StepLR(OPTIMISER, 1)], [3]),
    )
    with pytest.raises(ValueError, match="StepLR: the state dict should have 'step_size'"):
        step.load_state_dict(ExponentialLR(OPTIMISER, 0.5).state_dict())
    with pytest.raises(ValueError, match="is of 1 schedules, but there are 2"):
        sequence.load_state_dict(SequentialLR(OPTIMISER, [StepLR(OPTIMISER, 1)], []).state_dict())
    with pytest.raises(TypeError, match="should be a dict, but it is a list"):
        step.load_state_dict([])  # type: ignore[arg-type]


def test_every_schedule_is_tested() -> None:
    """Each public name of the module appears in the tests of going on."""
    tested = {"down", "LRScheduler", "ReduceLROnPlateau", *SAVED}
    assert tested == {"down", *lr_scheduler.__all__}
