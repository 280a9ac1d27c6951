"""Optimisers, schedules and limits of gradients give PyTorch's numbers over a hundred steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch_optim as ours
import torch
from tinytorch import Tensor
from tinytorch_optim import lr_scheduler

theirs = torch.optim
STEPS = 100
SHAPES = [(), (1,), (3,), (4, 5), (2, 3, 4), (0, 2)]

CONFIGURATIONS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.5, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "weight_decay": 0.05, "maximize": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.01, "betas": (0.0, 0.9)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3, "betas": (0.7, 0.9)}),
    ("AdamW", {"lr": 0.01, "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.001, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.001, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.001, "centered": True, "eps": 1e-4}),
    ("RMSprop", {"lr": 0.001, "momentum": 0.5, "centered": True, "eps": 1e-4, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
]
configurations = pytest.mark.parametrize(
    ("name", "options"), CONFIGURATIONS, ids=[f"{n}-{'-'.join(o)}" for n, o in CONFIGURATIONS]
)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


class Pair:
    """The same parameters twice, ours and PyTorch's."""

    def __init__(self, dtype: Any = np.float32, seed: int = 0, shapes: Any = SHAPES) -> None:
        self.generator = np.random.default_rng(seed)
        arrays = [self.random(shape, dtype) for shape in shapes]
        self.ours = [Tensor(array, requires_grad=True) for array in arrays]
        self.theirs = [torch.tensor(array, requires_grad=True) for array in arrays]

    def random(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.asarray(self.generator.normal(size=shape), dtype)

    def give_gradients(self) -> None:
        """Random gradients; now and then a parameter has none."""
        for p, q in zip(self.ours, self.theirs, strict=True):
            if self.generator.random() < 0.1:
                p.grad = q.grad = None
                continue
            p.grad = self.random(p.shape, p.dtype)
            q.grad = torch.tensor(p.grad)

    def compare(self, tolerance: float | None = None) -> None:
        for p, q in zip(self.ours, self.theirs, strict=True):
            tolerance = tolerance or (2e-5 if p.dtype == np.float32 else 1e-12)
            np.testing.assert_allclose(p.data, q.detach().numpy(), tolerance, tolerance)
            assert p.dtype == q.detach().numpy().dtype


def optimisers(pair: Pair, name: str, options: dict[str, Any]) -> tuple[Any, Any]:
    return (
        getattr(ours, name)(pair.ours, **options),
        getattr(theirs, name)(pair.theirs, **options),
    )


def network(w: Any, b: Any, v: Any, scale: Any, x: Any, y: Any) -> Any:
    """The mean squared error of a small network."""
    return ((((x @ w + b).tanh() @ v) * scale - y) ** 2).mean()


class Learning(Pair):
    """A network that learns from batches, by each engine's own gradients."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(dtype, seed=1, shapes=[(3, 8), (8,), (8, 1), ()])
        self.x = self.random((64, 3), dtype)
        self.y = np.sin(self.x.sum(axis=1, keepdims=True))

    def closures(self, optimiser: Any, other: Any, rows: slice) -> tuple[Any, Any]:
        def closure_of(parameters: Any, optimiser: Any, tensor: Any) -> Callable[[], Any]:
            def closure() -> Any:
                optimiser.zero_grad()
                loss = network(*parameters, tensor(self.x[rows]), tensor(self.y[rows]))
                loss.backward()
                return loss

            return closure

        return (
            closure_of(self.ours, optimiser, Tensor),
            closure_of(self.theirs, other, torch.tensor),
        )


@dtypes
@configurations
def test_given_gradients(name: str, options: dict[str, Any], dtype: Any) -> None:
    """After each of a hundred steps by random gradients, each parameter is what PyTorch's is."""
    pair = Pair(dtype)
    optimiser, other = optimisers(pair, name, options)
    for _ in range(STEPS):
        pair.give_gradients()
        optimiser.step()
        other.step()
        pair.compare()


@dtypes
@configurations
def test_learning(name: str, options: dict[str, Any], dtype: Any) -> None:
    """A network that learns by one has PyTorch's weights after a hundred steps, with closures."""
    if options.get("maximize"):
        options = {**options, "maximize": False}  # what grows without bound says little
    pair = Learning(dtype)
    optimiser, other = optimisers(pair, name, options)
    for step in range(STEPS):
        begin = step % 4 * 16
        closure, closure_of_theirs = pair.closures(optimiser, other, slice(begin, begin + 16))
        loss, loss_of_theirs = optimiser.step(closure), other.step(closure_of_theirs)
        np.testing.assert_allclose(loss.item(), loss_of_theirs.item(), 1e-4)
    pair.compare(1e-4 if dtype == np.float32 else 1e-10)


LBFGS: list[dict[str, Any]] = [
    {"lr": 0.5},
    {"lr": 0.3, "max_iter": 1, "history_size": 10, "tolerance_change": 0},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 1, "tolerance_grad": 0, "tolerance_change": 0},
    {"line_search_fn": "strong_wolfe", "max_iter": 2, "max_eval": 4, "lr": 7.0, "history_size": 3},
]
lbfgs_options = pytest.mark.parametrize("options", LBFGS, ids=lambda o: "-".join(o))


class Minimum(Pair):
    """A problem with one minimum that is not flat, for otherwise rounding decides on the path."""

    def __init__(self, problem: str, dtype: Any) -> None:
        shapes = {"logistic": [(6, 1), ()], "quadratic": [(30,)], "rosenbrock": [(), (1,)]}
        super().__init__(dtype, seed=2, shapes=shapes[problem])
        self.loss = getattr(self, f"_{problem}")
        self.x = self.random((60, 6), dtype)
        self.signs = np.sign(self.x[:, :1] + self.random((60, 1), dtype) / 2)
        rotation, _ = np.linalg.qr(self.random((30, 30), np.float64))
        self.matrix = np.asarray(rotation * np.logspace(0, 2, 30) @ rotation.T, dtype)

    def _logistic(self, tensor: Any, w: Any, b: Any) -> Any:
        margins = tensor(self.signs) * (tensor(self.x) @ w + b)
        return ((-margins).exp() + 1).log().mean() + 0.05 * ((w * w).sum() + b * b)

    def _quadratic(self, tensor: Any, w: Any) -> Any:
        return w @ (tensor(self.matrix) @ w) / 2 - w.sum()

    def _rosenbrock(self, tensor: Any, a: Any, b: Any) -> Any:
        return ((1 - a) ** 2 + 100 * (b - a * a) ** 2).sum()

    def closures(self, optimiser: Any, other: Any) -> tuple[Any, Any]:
        def closure_of(parameters: Any, optimiser: Any, tensor: Any) -> Callable[[], Any]:
            def closure() -> Any:
                optimiser.zero_grad()
                loss = self.loss(tensor, *parameters)
                loss.backward()
                return loss

            return closure

        return (
            closure_of(self.ours, optimiser, Tensor),
            closure_of(self.theirs, other, torch.tensor),
        )


@pytest.mark.parametrize("problem", ["logistic", "quadratic", "rosenbrock"])
@lbfgs_options
def test_lbfgs(options: dict[str, Any], problem: str) -> None:
    """In float64 each of a hundred steps leads where PyTorch's does, by as many evaluations."""
    if problem == "rosenbrock" and "line_search_fn" not in options:
        options = {**options, "lr": 1e-3, "max_iter": 1}  # longer steps are chaotic in its valley
    pair = Minimum(problem, np.float64)
    optimiser, other = optimisers(pair, "LBFGS", options)
    closure, closure_of_theirs = pair.closures(optimiser, other)
    for _ in range(STEPS):
        loss, loss_of_theirs = optimiser.step(closure), other.step(closure_of_theirs)
        np.testing.assert_allclose(loss.item(), loss_of_theirs.item(), 1e-7, 1e-10)
        pair.compare(1e-6)
    counts, of_theirs = optimiser.state[pair.ours[0]], other.state[pair.theirs[0]]
    for name in ("n_iter", "func_evals"):
        assert counts[name] == of_theirs[name]


@lbfgs_options
def test_lbfgs_in_float32(options: dict[str, Any]) -> None:
    """In float32 a hundred steps lead to PyTorch's minimum.

    That of the loss is the same to rounding; where it is, is known to the root of that only.
    """
    pair = Minimum("logistic", np.float32)
    optimiser, other = optimisers(pair, "LBFGS", options)
    closure, closure_of_theirs = pair.closures(optimiser, other)
    for _ in range(STEPS):
        loss, loss_of_theirs = optimiser.step(closure), other.step(closure_of_theirs)
    np.testing.assert_allclose(loss.item(), loss_of_theirs.item(), 1e-6)
    pair.compare(1e-3)


def converted(value: Any, convert: Callable[[Any], Any]) -> Any:
    """A state dict with its arrays converted, in lists and dicts too."""
    if isinstance(value, dict):
        return {key: converted(entry, convert) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(converted(entry, convert) for entry in value)
    return convert(value) if isinstance(value, np.ndarray | torch.Tensor) else value


@configurations
def test_state_dicts(name: str, options: dict[str, Any]) -> None:
    """Half way ours goes on from PyTorch's state dict, and PyTorch's from ours, to the same end."""
    pair = Pair()
    optimiser, other = optimisers(pair, name, options)
    for step in range(STEPS):
        pair.give_gradients()
        optimiser.step()
        other.step()
        if step == STEPS // 2:
            state, state_of_theirs = optimiser.state_dict(), other.state_dict()
            optimiser, other = optimisers(pair, name, {})
            optimiser.load_state_dict(converted(state_of_theirs, torch.Tensor.numpy))
            other.load_state_dict(converted(state, torch.tensor))
    pair.compare()


@lbfgs_options
def test_state_dict_of_lbfgs(options: dict[str, Any]) -> None:
    """The same for LBFGS, in the middle of its history."""
    pair = Minimum("quadratic", np.float64)
    optimiser, other = optimisers(pair, "LBFGS", {**options, "max_iter": 2})
    for step in range(20):
        closure, closure_of_theirs = pair.closures(optimiser, other)
        optimiser.step(closure)
        other.step(closure_of_theirs)
        pair.compare(1e-8)
        if step == 5:
            state, state_of_theirs = optimiser.state_dict(), other.state_dict()
            optimiser, other = optimisers(pair, "LBFGS", {})
            optimiser.load_state_dict(converted(state_of_theirs, torch.Tensor.numpy))
            other.load_state_dict(converted(state, torch.tensor))


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.7}),
    ("StepLR", {"step_size": 1}),
    ("MultiStepLR", {"milestones": [80, 3, 20, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.95}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.1, "total_iters": 40}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "total_iters": 50}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 100}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: epoch % 3]}),
    ("CosineAnnealingLR", {"T_max": 100}),
    ("CosineAnnealingLR", {"T_max": 13, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 10, "eta_min": 1e-3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 3}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 120}),
    ("OneCycleLR", {"max_lr": [0.5, 0.1], "epochs": 6, "steps_per_epoch": 20, "pct_start": 0.45}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 130, "three_phase": True}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 120, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 120, "pct_start": 0.0, "div_factor": 3.0}),
    (
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 125, "base_momentum": [0.5, 0.6], "final_div_factor": 2.0},
    ),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 125, "cycle_momentum": False}),
]
schedules = pytest.mark.parametrize(
    ("name", "options"), SCHEDULES, ids=[f"{i}-{name}" for i, (name, _) in enumerate(SCHEDULES)]
)
of_momentum = pytest.mark.parametrize("optimiser", ["SGD", "Adam"])


class Rates:
    """Optimisers of two groups with rates of their own, ours and PyTorch's, and what they are."""

    def __init__(self, optimiser: str = "SGD") -> None:
        pair = Pair(shapes=[(2,), ()])
        self.ours, self.theirs = (
            getattr(library, optimiser)([{"params": p}, {"params": q, "lr": 0.03}], lr=0.1)
            for library, (p, q) in ((ours, pair.ours), (theirs, pair.theirs))
        )

    def compare(self, schedule: Any, other: Any) -> None:
        np.testing.assert_allclose(schedule.get_last_lr(), other.get_last_lr(), 1e-12, 1e-15)
        for group, group_of_theirs in zip(
            self.ours.param_groups, self.theirs.param_groups, strict=True
        ):
            for name in {"lr", "momentum", "betas"} & group.keys():
                np.testing.assert_allclose(group[name], group_of_theirs[name], 1e-12, 1e-15)

    def run(self, schedule: Any, other: Any, steps: int = 120) -> None:
        self.compare(schedule, other)
        for _ in range(steps):
            self.theirs.step()
            schedule.step()
            other.step()
            self.compare(schedule, other)


@of_momentum
@schedules
def test_schedule(name: str, options: dict[str, Any], optimiser: str) -> None:
    """In each of 120 epochs the rate of each group is PyTorch's, and so is the momentum."""
    rates = Rates(optimiser)
    rates.run(
        getattr(lr_scheduler, name)(rates.ours, **options),
        getattr(theirs.lr_scheduler, name)(rates.theirs, **options),
    )


def test_two_schedules_of_one_optimiser() -> None:
    """Schedules that multiply the rate act together, as in PyTorch."""
    rates = Rates()
    several = [
        [
            library.LinearLR(optimiser, total_iters=30),
            library.ExponentialLR(optimiser, 0.97),
            library.CosineAnnealingLR(optimiser, 50, eta_min=1e-4),
            library.StepLR(optimiser, 11, 0.8),
        ]
        for library, optimiser in (
            (lr_scheduler, rates.ours),
            (theirs.lr_scheduler, rates.theirs),
        )
    ]
    for _ in range(120):
        rates.theirs.step()
        for schedule, other in zip(*several, strict=True):
            schedule.step()
            other.step()
            rates.compare(schedule, other)


def test_sequence() -> None:
    """One schedule after the other gives PyTorch's rates."""
    rates = Rates()
    schedule, other = (
        library.SequentialLR(
            optimiser,
            [
                library.LinearLR(optimiser, 0.1, total_iters=10),
                library.ConstantLR(optimiser, 0.5, 3),
                library.ExponentialLR(optimiser, 0.9),
                library.CosineAnnealingWarmRestarts(optimiser, 7, 2),
                library.CosineAnnealingLR(optimiser, 30),
                library.LambdaLR(optimiser, lambda epoch: 1 / (2 + epoch)),
            ],
            milestones=[10, 22, 40, 70, 100],
        )
        for library, optimiser in ((lr_scheduler, rates.ours), (theirs.lr_scheduler, rates.theirs))
    )
    rates.run(schedule, other)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2, "factor": 0.5, "cooldown": 4},
        {"mode": "max", "patience": 3, "threshold": 0.05, "factor": 0.6},
        {"threshold_mode": "abs", "threshold": 0.3, "patience": 1, "factor": 0.7, "eps": 1e-3},
        {"mode": "max", "threshold_mode": "abs", "patience": 0, "factor": 0.9, "min_lr": 0.02},
        {"patience": 0, "factor": 0.5, "min_lr": [0.01, 0.02]},
    ],
    ids=lambda o: "-".join(o) or "default",
)
def test_plateau(options: dict[str, Any]) -> None:
    """A metric that wanders, with a NaN in it, reduces the rate when it does in PyTorch."""
    rates = Rates()
    schedule = lr_scheduler.ReduceLROnPlateau(rates.ours, **options)
    other = theirs.lr_scheduler.ReduceLROnPlateau(rates.theirs, **options)
    metrics = np.cumsum(np.random.default_rng(3).normal(size=STEPS)) + 3
    metrics[40] = np.nan
    for metric in metrics:
        schedule.step(metric)
        other.step(metric)
        rates.compare(schedule, other)
        assert schedule.num_bad_epochs == other.num_bad_epochs
        assert schedule.best == other.best
    assert rates.ours.param_groups[0]["lr"] < 0.1


EXCHANGED = {"StepLR", "ExponentialLR", "ConstantLR", "LinearLR", "CosineAnnealingLR"}


@pytest.mark.parametrize(
    ("name", "options"), [(n, o) for n, o in SCHEDULES if n in EXCHANGED], ids=str
)
def test_state_dicts_of_schedules(name: str, options: dict[str, Any]) -> None:
    """Half way each goes on from the other's state dict, where both have the same attributes."""
    rates = Rates()
    schedule, other = (
        getattr(library, name)(optimiser, **options)
        for library, optimiser in ((lr_scheduler, rates.ours), (theirs.lr_scheduler, rates.theirs))
    )
    rates.run(schedule, other, 60)
    state, state_of_theirs = schedule.state_dict(), other.state_dict()
    schedule.load_state_dict(state_of_theirs)
    other.load_state_dict(state)
    rates.run(schedule, other, 60)


@dtypes
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.5, float("inf")])
@pytest.mark.parametrize("max_norm", [0.0, 0.1, 5.0, 1e6])
def test_clip_grad_norm(max_norm: float, norm_type: float, dtype: Any) -> None:
    """The norm is PyTorch's, and so are the gradients after it."""
    pair = Pair(dtype, shapes=[shape for shape in SHAPES if 0 not in shape])
    for _ in range(20):
        pair.give_gradients()
        norm = ours.clip_grad_norm_(pair.ours, max_norm, norm_type)
        other = torch.nn.utils.clip_grad_norm_(pair.theirs, max_norm, norm_type)
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(norm.data, other.numpy(), tolerance)
        assert norm.dtype == dtype
        compare_gradients(pair, tolerance)


def compare_gradients(pair: Pair, tolerance: float = 0) -> None:
    for p, q in zip(pair.ours, pair.theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad.numpy(), tolerance, tolerance)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_grad_norm_that_is_not_finite(bad: float) -> None:
    """Gradients with a NaN or an infinity are scaled to what PyTorch scales them to, or refused."""
    pair = Pair(shapes=[(2,), (2, 2)])
    for p, q in zip(pair.ours, pair.theirs, strict=True):
        p.grad = np.ones(p.shape)
        q.grad = torch.ones(p.shape)
    pair.ours[0].grad[1] = pair.theirs[0].grad[1] = bad
    for clip, parameters in (
        (ours.clip_grad_norm_, pair.ours),
        (torch.nn.utils.clip_grad_norm_, pair.theirs),
    ):
        with pytest.raises(RuntimeError, match="finite"):
            clip(parameters, 1.0, error_if_nonfinite=True)
        clip(parameters, 1.0)
    compare_gradients(pair)


def test_clip_grad_value() -> None:
    """Each number is limited as by PyTorch, NaN and infinities too."""
    values = np.array([-np.inf, -2.0, -0.5, 0.0, 0.3, 2.0, np.inf, np.nan], np.float32)
    for limit in (0.0, 0.5, 100.0):
        pair = Pair(shapes=[values.shape])
        pair.ours[0].grad, pair.theirs[0].grad = values, torch.tensor(values)
        ours.clip_grad_value_(pair.ours, limit)
        torch.nn.utils.clip_grad_value_(pair.theirs, limit)
        compare_gradients(pair)
