"""A step needs no more memory than one parameter, whatever the options are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch_optim import SGD, Adagrad, Adam, AdamW, RMSprop, clip_grad_norm_, clip_grad_value_

SIZES = (1_000_000, 700_000, 3)


def peak(action: Callable[[], object]) -> int:
    """Return how much memory is in use during an action, at most, beyond what was before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.fixture
def parameters() -> list[Tensor]:
    several = [tinytorch.ones(size, requires_grad=True) for size in SIZES]
    several.append(Tensor(np.ones((500, 1000), np.float32).T, requires_grad=True))
    for parameter in several:
        parameter.grad = np.full(parameter.shape, 2, np.float32)
    return several


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
        (Adam, {"amsgrad": True, "weight_decay": 0.1, "maximize": True}),
        (AdamW, {"amsgrad": True, "maximize": True}),
        (RMSprop, {"momentum": 0.9, "centered": True, "weight_decay": 0.1, "maximize": True}),
        (Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1, "maximize": True}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_step(kind: type[Any], options: dict[str, Any], parameters: list[Tensor]) -> None:
    """Beyond what is kept, a step takes less than the largest parameter, a third of it."""
    optimiser = kind(parameters, **options)
    optimiser.step()
    assert peak(optimiser.step) < 4 * SIZES[0] / 3


def test_first_step(parameters: list[Tensor]) -> None:
    """The first step takes what is kept, and no more than later ones beside."""
    optimiser = Adam(parameters)
    kept = 2 * sum(parameter.data.nbytes for parameter in parameters)
    assert kept < peak(optimiser.step) < kept + 4 * SIZES[0] / 3


def test_limits(parameters: list[Tensor]) -> None:
    """Nor does limiting the gradients take more."""
    assert peak(lambda: clip_grad_norm_(parameters, 1.0)) < 4 * SIZES[0] / 3
    assert peak(lambda: clip_grad_norm_(parameters, 1.0, norm_type=3)) < 4 * SIZES[0] / 3
    assert peak(lambda: clip_grad_value_(parameters, 0.1)) < 4 * SIZES[0] / 3
