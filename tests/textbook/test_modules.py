"""The course's layers and optimisers train together with the layers and optimisers of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
import tinytorch_optim as optim
from tinytorch_ops_losses import CrossEntropyLoss

from . import course
from .test_course import classes, generator


def ours_in_theirs() -> course.Sequential:
    return course.Sequential(
        course.Linear(2, 16, generator()),
        nn.ReLU(),
        nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16)),
        nn.Tanh(),
        course.Linear(16, 3, generator()),
    )


def theirs_in_ours() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 16),
        course.LayerNorm(16),
        nn.ReLU(),
        nn.Sequential(course.Linear(16, 16, generator()), nn.Tanh(), nn.Linear(16, 3)),
    )


MODELS = [ours_in_theirs, theirs_in_ours]
OPTIMISERS: dict[str, Any] = {
    "their SGD": lambda parameters: course.SGD(parameters, lr=0.1, momentum=0.5),
    "their Adam": lambda parameters: course.Adam(parameters, lr=0.02),
    "our SGD": lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.5),
    "our Adam": lambda parameters: optim.Adam(parameters, lr=0.02),
}


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_training(make: Any, optimiser: str) -> None:
    """Whoever's layers, optimiser and trainer: all parameters change, and classes are learnt."""
    tinytorch.manual_seed(0)
    model = make()
    before = [parameter.data.copy() for parameter in model.parameters()]
    assert len(before) == 8
    trainer = course.Trainer(model, OPTIMISERS[optimiser](model.parameters()), CrossEntropyLoss())
    batches = classes()
    trainer.fit(batches, 40)
    assert trainer.history[-1] < 0.1 * trainer.history[0]
    right = [(model(x).data.argmax(axis=1) == y.data).mean() for x, y in batches]
    assert np.mean(right) > 0.95
    for parameter, start in zip(model.parameters(), before, strict=True):
        assert (parameter.data != start).any()


def test_state() -> None:
    """What layers of the course have learnt is in the state of a module of ours."""
    model, other = theirs_in_ours(), theirs_in_ours()
    state = {name: array + 1 for name, array in model.state_dict().items()}
    assert {name for name in state if name.startswith(("1.", "3.0."))} == {
        *("1.0", "1.1", "3.0.0", "3.0.1")
    }
    other.load_state_dict(state)
    for parameter, start in zip(other.parameters(), model.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.data, start.data + 1)
