"""The course's callables: activations as objects that a network can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from tinytorch import Tensor

X = Tensor(np.random.default_rng(0).normal(size=(2, 3)))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.ReLU(), nn.relu),
        (nn.Sigmoid(), nn.sigmoid),
        (nn.Tanh(), nn.tanh),
        (nn.GELU(), nn.gelu),
        (nn.GELU("tanh"), lambda x: nn.gelu(x, "tanh")),
        (nn.Softmax(), nn.softmax),
    ],
)
def test_a_layer_is_its_function(layer: Any, function: Any) -> None:
    """Called, or by forward, it computes what the function does, and it has nothing to learn."""
    np.testing.assert_array_equal(layer(X).data, function(X).data)
    np.testing.assert_array_equal(layer.forward(X).data, function(X).data)
    assert layer.parameters() == []
    assert repr(layer) == f"{type(layer).__name__}()"


def test_softmax_is_told_the_axis() -> None:
    """The axis goes with the call, by place or by name, to ``forward`` as well; or it is set."""
    expected = nn.softmax(X, 0).data
    layer = nn.Softmax()
    for y in (layer(X, 0), layer(X, dim=0), layer.forward(X, dim=0), nn.Softmax(dim=0)(X)):
        np.testing.assert_array_equal(y.data, expected)


def test_gradients_flow_through_a_stack_of_layers() -> None:
    """A network in the course's form, layers called one after the other, reaches its weights."""
    weights = Tensor(np.random.default_rng(1).normal(size=(3, 3)), requires_grad=True)
    x = X @ weights
    for layer in (nn.Tanh(), nn.GELU(), nn.Sigmoid(), nn.ReLU(), nn.Softmax()):
        x = layer(x)
    x[:, 0].sum().backward()
    assert weights.grad is not None
    assert np.abs(weights.grad).min() > 0
