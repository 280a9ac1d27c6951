"""The state of a module: what is in it, and what it can be loaded from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_modules as nn
from tinytorch import Tensor


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_names_and_order() -> None:
    """The state has PyTorch's names, in its order: parameters, then buffers, layer by layer."""
    assert list(model().state_dict()) == [
        *("0.weight", "0.bias"),
        *("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"),
    ]
    assert list(nn.MultiheadAttention(4, 2).state_dict()) == [
        *("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    ]


def test_state_is_a_copy() -> None:
    """What is trained on does not change a state that was taken before, nor the reverse."""
    layers = model()
    state = layers.state_dict()
    layers[0].weight.data += 1
    layers[1](np.random.default_rng(0).normal(size=(4, 2)))
    assert (state["0.weight"] != layers[0].weight.data).all()
    assert not state["1.running_mean"].any()
    assert state["1.num_batches_tracked"] == 0
    layers.load_state_dict(state)
    state["0.weight"][:] = 9
    assert (layers[0].weight.data != 9).all()


def test_loading() -> None:
    """Loaded state is that of the other module; values are converted to the dtypes here."""
    one, other = model(), model()
    one[1](np.random.default_rng(0).normal(size=(4, 2)))
    tensors = [*other.parameters(), *other.buffers()]
    state = {name: np.asarray(array, np.float64) for name, array in one.state_dict().items()}
    assert other.load_state_dict(state) == ([], [])
    for name, array in one.state_dict().items():
        loaded = other.state_dict()[name]
        np.testing.assert_array_equal(loaded, array)
        assert loaded.dtype == array.dtype
    kept = [*other.parameters(), *other.buffers()]
    assert all(x is y for x, y in zip(tensors, kept, strict=True)), "tensors stay the same objects"


def test_loading_tensors() -> None:
    """The values may be tensors, those that require gradients too."""
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    other.load_state_dict(dict(one.named_parameters()))
    np.testing.assert_array_equal(other.weight.data, one.weight.data)
    assert not np.shares_memory(other.weight.data, one.weight.data)


def test_memory_order() -> None:
    """Arrays lie in the order of their axes, whatever they were made of: files need that."""
    layer = nn.Linear(3, 2)
    layer.weight.data = np.asfortranarray(layer.weight.data)
    assert layer.state_dict()["weight"].flags.c_contiguous
    layer.load_state_dict({name: x.T.copy().T for name, x in layer.state_dict().items()})
    assert layer.weight.data.flags.c_contiguous


FAULTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"0.weight": None}, ["missing: 0.weight;"]),
    ({"2.weight": np.ones(2)}, ["unexpected: 2.weight;"]),
    ({"0.weight": np.ones((3, 2))}, [r"mis-shaped: 0.weight of shape (3, 2) in place of (2, 3);"]),
    (
        {"0.bias": None, "1.bias": None, "bias": np.ones(2), "1.weight": np.ones(3)},
        [
            "missing: 0.bias, 1.bias; unexpected: bias; mis-shaped: 1.weight of shape (3,) in ",
            "of this Sequential",
            "strict=False",
        ],
    ),
]


@pytest.mark.parametrize(("changes", "messages"), FAULTS)
def test_what_does_not_fit(changes: dict[str, Any], messages: list[str]) -> None:
    """All that is missing, unexpected or of another shape is named, and nothing has changed."""
    layers = model()
    before = layers.state_dict()
    changed = {name: array + 1 for name, array in before.items()} | changes
    with pytest.raises(ValueError, match="load_state_dict") as raised:
        layers.load_state_dict({name: x for name, x in changed.items() if x is not None})
    assert all(message in str(raised.value) for message in messages)
    for name, array in layers.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_not_strict() -> None:
    """What fits is loaded, what does not is returned; another shape is an error all the same."""
    layers = model()
    found = layers.load_state_dict({"0.bias": [5, 6], "other": [1]}, strict=False)
    assert layers[0].bias.data.tolist() == [5, 6]
    assert found.unexpected_keys == ["other"]
    assert "0.weight" in found.missing_keys
    assert "0.bias" not in found.missing_keys
    with pytest.raises(ValueError, match="mis-shaped"):
        layers.load_state_dict({"0.bias": [5]}, strict=False)


def test_a_value_that_cannot_be_converted() -> None:
    """Where the last of several values is no number, none of them has been loaded."""
    layer = nn.Linear(1, 1)
    before = layer.state_dict()
    with pytest.raises(ValueError, match="could not convert"):
        layer.load_state_dict({"weight": [[7.0]], "bias": ["seven"]})
    np.testing.assert_array_equal(layer.weight.data, before["weight"])


def test_shared_tensors() -> None:
    """One of the names of a shared tensor is enough, and any will do."""
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    both = nn.Sequential(first, second)
    state = both.state_dict()
    for name in ("0.weight", "1.weight"):
        assert both.load_state_dict({n: x + 1 for n, x in state.items() if n != name}) == ([], [])
        np.testing.assert_array_equal(first.weight.data, state["0.weight"] + 1)
        both.load_state_dict(state)
    found = both.load_state_dict({}, strict=False)
    assert found.missing_keys == list(state)


def test_gradients_and_freezing_stay() -> None:
    """Loading changes values only: what is frozen stays so, and gradients stay where they are."""
    layer = nn.Linear(2, 2)
    layer.weight.requires_grad = False
    layer.bias.grad = np.ones(2)
    layer.load_state_dict(nn.Linear(2, 2).state_dict())
    assert not layer.weight.requires_grad
    assert layer.bias.grad.tolist() == [1, 1]


def test_a_graph_from_before() -> None:
    """A graph that was recorded before the loading keeps the values that it was recorded with."""
    layer = nn.Linear(2, 1, bias=False)
    weight = layer.weight.data.copy()
    x = Tensor([[1.0, 1.0]], requires_grad=True)
    y = layer(x)
    layer.load_state_dict({"weight": [[7.0, 7.0]]})
    y.backward()
    np.testing.assert_array_equal(x.grad, weight)
