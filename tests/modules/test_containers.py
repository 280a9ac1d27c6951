"""Layers in a row."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch_modules as nn
import tinytorch_ops_nn as functions
from tinytorch import Tensor

X = np.random.default_rng(0).normal(size=(2, 3))


def row() -> list[nn.Module]:
    return [nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)]


def test_sequential() -> None:
    """Each layer is called on what the one before returned; an empty row returns its input."""
    first, second, third = row()
    model = nn.Sequential(first, functions.silu, second, nn.Softmax(dim=1), third)
    wanted = third(functions.softmax(second(functions.silu(first(X))), 1))
    np.testing.assert_array_equal(model(X).data, wanted.data)
    assert nn.Sequential()(X) is X


@pytest.mark.parametrize("make", [lambda layers: nn.Sequential(*layers), nn.ModuleList])
def test_row(make: type[nn.ModuleList]) -> None:
    """Rows have a length, are gone over, indexed and sliced; slices share the layers."""
    layers = row()
    container = make(layers)
    assert len(container) == 3
    assert list(container) == layers
    assert container[0] is layers[0]
    assert container[-1] is layers[2]
    assert type(container[1:]) is type(container)
    assert list(container[1:]) == layers[1:]
    with pytest.raises(IndexError):
        container[3]


def test_append() -> None:
    """A layer that is added at the end is one of the row, and so are its parameters."""
    model = nn.Sequential(nn.Linear(3, 4))
    assert model.append(nn.Linear(4, 2)) is model
    assert model(X).shape == (2, 2)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_more_than_ten_layers() -> None:
    """They come in the order of their numbers, not of the digits."""
    layers = [nn.Linear(1, 1) for _ in range(12)]
    assert list(nn.ModuleList(layers)) == layers


def test_what_is_no_layer() -> None:
    """What cannot be called is refused, with its place and its type."""
    with pytest.raises(TypeError, match=r"Sequential: layer 1 should be a Module .* is a Tensor"):
        nn.Sequential(nn.ReLU(), Tensor([1.0]))
    with pytest.raises(TypeError, match=r"ModuleList: layer 0 should be a Module .* is a int"):
        nn.ModuleList([3])
