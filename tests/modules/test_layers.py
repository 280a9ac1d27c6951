"""Each layer is its function, with parameters that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
import tinytorch_ops_nn as functions
from tinytorch import Tensor

RNG = np.random.default_rng(0)
IMAGES, ROWS = (RNG.normal(size=s).astype(np.float32) for s in ((3, 4, 6, 5), (3, 4, 8)))

LAYERS: dict[str, tuple[nn.Module, Any, Callable[..., Tensor]]] = {
    "linear": (nn.Linear(8, 3), ROWS, functions.linear),
    "embedding": (
        nn.Embedding(7, 3),
        np.array([[1, 0], [6, 1]]),
        functions.embedding,
    ),
    "embedding, padding": (
        nn.Embedding(7, 3, padding_idx=-1),
        np.array([[1, 0], [6, 1]]),
        lambda x, weight: functions.embedding(x, weight, 6),
    ),
    "conv1d": (
        nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2),
        ROWS,
        lambda x, *parameters: functions.conv1d(x, *parameters, 2, 1, 2, 2),
    ),
    "conv2d": (
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding="valid"),
        IMAGES,
        lambda x, *parameters: functions.conv2d(x, *parameters, (2, 1)),
    ),
    "layer_norm": (
        nn.LayerNorm((6, 5), eps=0.1),
        IMAGES,
        lambda x, *parameters: functions.layer_norm(x, (6, 5), *parameters, 0.1),
    ),
    "batch_norm1d": (
        nn.BatchNorm1d(4, eps=0.1),
        ROWS,
        lambda x, *parameters: functions.batch_norm(x, None, None, *parameters, True, eps=0.1),
    ),
    "batch_norm2d": (
        nn.BatchNorm2d(4).eval(),
        IMAGES,
        lambda x, *parameters: functions.batch_norm(
            x, tinytorch.zeros(4), tinytorch.ones(4), *parameters
        ),
    ),
}


@pytest.mark.parametrize(("layer", "x", "function"), LAYERS.values(), ids=LAYERS.keys())
def test_layer_is_its_function(layer: nn.Module, x: Any, function: Callable[..., Tensor]) -> None:
    """A layer returns what the function does, and its parameters get the same gradients."""
    for parameter in layer.parameters():
        parameter.data += RNG.uniform(0.5, 1.5, parameter.shape)
    copies = [Tensor(parameter, requires_grad=True) for parameter in layer.parameters()]
    y, wanted = layer(x), function(x, *copies)
    np.testing.assert_array_equal(y.data, wanted.data)
    seed = RNG.normal(size=y.shape)
    y.backward(seed)
    wanted.backward(seed)
    assert len(copies) > 0
    for parameter, copy in zip(layer.parameters(), copies, strict=True):
        assert parameter.grad is not None
        np.testing.assert_array_equal(parameter.grad, copy.grad)
        assert parameter.grad.any()


KINDS: list[tuple[Callable[..., nn.Module], tuple[Any, ...]]] = [
    (nn.Linear, (3, 4)),
    (nn.Embedding, (5, 2)),
    (nn.Conv1d, (2, 4, 3)),
    (nn.Conv2d, (2, 4, 3)),
    (nn.MultiheadAttention, (4, 2)),
    (nn.LayerNorm, (3,)),
    (nn.BatchNorm1d, (3,)),
    (nn.BatchNorm2d, (3,)),
]


@pytest.mark.parametrize(("kind", "arguments"), KINDS[:5])
def test_start_is_drawn_from_the_generator(kind: Any, arguments: tuple[Any, ...]) -> None:
    """Parameters are drawn anew each time, and repeat after `manual_seed`."""
    tinytorch.manual_seed(1)
    first, second = (kind(*arguments).state_dict() for _ in range(2))
    tinytorch.manual_seed(1)
    again = kind(*arguments).state_dict()
    drawn = [name for name, array in first.items() if array.any()]
    assert drawn
    for name in drawn:
        np.testing.assert_array_equal(first[name], again[name])
        assert (first[name] != second[name]).all()


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (nn.Linear(50, 80), 50),
        (nn.Conv1d(10, 80, 5, groups=2), 25),
        (nn.Conv2d(10, 80, 3, groups=5), 18),
    ],
)
def test_bounds_of_the_start(layer: nn.Module, inputs: int) -> None:
    """Weights and bias lie within 1 / √n, for n numbers that are summed, and fill that range."""
    for array in layer.state_dict().values():
        assert prod(array.shape) >= 80
        assert 0.9 < np.abs(array).max() * inputs**0.5 < 1.000001


def test_the_padding_of_a_table() -> None:
    """The row for nothing is zero, gets no gradient, and may be counted from the end."""
    table = nn.Embedding(5, 3, padding_idx=-2)
    assert table.padding_idx == 3
    assert not table.weight.data[3].any()
    table([3, 3, 1]).sum().backward()
    np.testing.assert_array_equal(table.weight.grad[:, 0], [0, 1, 0, 0, 0])
    with pytest.raises(IndexError):
        nn.Embedding(5, 3, padding_idx=5)


def test_dropout() -> None:
    """In training elements are left out, by the seed; in evaluation none is."""
    layer, x = nn.Dropout(0.25), tinytorch.ones(1000)
    tinytorch.manual_seed(3)
    first = layer(x).data
    tinytorch.manual_seed(3)
    np.testing.assert_array_equal(layer(x).data, first)
    assert set(first) == {np.float32(0), np.float32(4 / 3)}
    assert 200 < (first == 0).sum() < 300
    np.testing.assert_array_equal(layer.eval()(x).data, x.data)
    with pytest.raises(ValueError, match=r"Dropout: p .* but it is 1\.5"):
        nn.Dropout(1.5)


@pytest.mark.parametrize(
    ("dims", "shape"),
    [((), (2, 60)), ((1, 2), (2, 12, 5)), ((0, -1), (120,)), ((2, 2), (2, 3, 4, 5))],
)
def test_flatten(dims: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """The axes from the first to the last that are named become one, in their order."""
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    y = nn.Flatten(*dims)(Tensor(x))
    assert y.shape == shape
    np.testing.assert_array_equal(y.data.reshape(-1), x.reshape(-1))


def test_flatten_of_what_it_cannot() -> None:
    """Axes that are not there, or in the wrong order, are an error that names the shape."""
    with pytest.raises(IndexError, match="Flatten"):
        nn.Flatten(3)(tinytorch.ones(2, 3))
    with pytest.raises(ValueError, match=r"start_dim=2 and end_dim=1 of shape \(2, 3, 4\)"):
        nn.Flatten(2, 1)(tinytorch.ones(2, 3, 4))


def test_running_statistics() -> None:
    """In training they move and batches are counted; in evaluation they are used and stay."""
    layer = nn.BatchNorm1d(4, momentum=0.5)
    x = ROWS.swapaxes(0, 1).reshape(4, -1).T
    layer(x)
    layer(x)
    mean, variance = x.mean(0), x.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean.data, 0.75 * mean, 1e-5)
    np.testing.assert_allclose(layer.running_var.data, 0.25 + 0.75 * variance, 1e-5)
    assert layer.num_batches_tracked.item() == 2
    before = layer.state_dict()
    y = layer.eval()(x)
    wanted = (x - 0.75 * mean) / np.sqrt(0.25 + 0.75 * variance + 1e-5)
    np.testing.assert_allclose(y.data, wanted, 1e-4, 1e-6)
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_running_statistics_as_means() -> None:
    """Without a momentum they are the mean over all batches."""
    layer = nn.BatchNorm1d(4, momentum=None)
    batches = RNG.normal(size=(3, 8, 4)).astype(np.float32)
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.data, batches.mean((0, 1)), 1e-4, 1e-6)
    np.testing.assert_allclose(layer.running_var.data, batches.var(1, ddof=1).mean(0), 1e-4)


def test_a_batch_that_fails_is_not_counted() -> None:
    """Where a batch has but one element a channel, nothing has changed after the error."""
    layer = nn.BatchNorm1d(4)
    before = layer.state_dict()
    with pytest.raises(ValueError, match="batch_norm"):
        layer(np.ones((1, 4), np.float32))
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_nothing_learnt_or_kept() -> None:
    """Without parameters or running statistics there are none, in the state neither."""
    assert nn.BatchNorm2d(4, affine=False, track_running_stats=False).state_dict() == {}
    assert nn.LayerNorm(3, elementwise_affine=False).state_dict() == {}
    assert list(nn.LayerNorm(3, bias=False).state_dict()) == ["weight"]
    assert list(nn.Linear(3, 2, bias=False).state_dict()) == ["weight"]
    assert list(nn.Conv1d(3, 2, 1, bias=False).state_dict()) == ["weight"]
    layer = nn.BatchNorm1d(4, track_running_stats=False)
    x = ROWS.astype(np.float64)
    np.testing.assert_array_equal(layer(x).data, layer.eval()(x).data)


@pytest.mark.parametrize(
    ("message", "call"),
    {
        r"BatchNorm1d: .*\(N, C, L\), .* \(3, 4, 6, 5\)": lambda: nn.BatchNorm1d(4)(IMAGES),
        r"BatchNorm2d: .*\(N, C, H, W\), .* \(3, 4, 8\)": lambda: nn.BatchNorm2d(4)(ROWS),
        r"Conv2d: kernel_size .* 2 of them, .* \(3, 3, 3\)": lambda: nn.Conv2d(4, 6, (3, 3, 3)),
        r"Conv1d: stride .* 1 of them, .* \(1, 1\)": lambda: nn.Conv1d(4, 6, 3, stride=(1, 1)),
        "groups=3, in_channels=4 and out_channels=6": lambda: nn.Conv1d(4, 6, 3, groups=3),
        "groups=0": lambda: nn.Conv1d(4, 6, 3, groups=0),
    }.items(),
)
def test_what_does_not_fit(message: str, call: Callable[[], Any]) -> None:
    """Shapes and options that do not fit are errors with the layer and what was given."""
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("kind", "arguments"), KINDS)
def test_dtype(kind: Any, arguments: tuple[Any, ...]) -> None:
    """All floating state has the dtype that is asked for; integers are refused."""
    for dtype in (np.float64, np.float16):
        state = kind(*arguments, dtype=dtype).state_dict()
        kept = {name: array.dtype for name, array in state.items() if array.dtype.kind == "f"}
        assert kept == dict.fromkeys(kept, np.dtype(dtype))
        assert set(state) - set(kept) <= {"num_batches_tracked"}
    with pytest.raises(TypeError, match="floating"):
        kind(*arguments, dtype=np.int64)


def test_a_network_learns() -> None:
    """Layers in a row, trained by arithmetic on their arrays, learn what no straight line tells."""
    tinytorch.manual_seed(0)
    x = np.random.default_rng(1).uniform(-1, 1, (128, 2)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:] > 0).astype(np.float32)
    model = nn.Sequential(
        nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid()
    )
    for _ in range(300):
        model.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= 1.0 * parameter.grad
    assert ((model.eval()(x).data > 0.5) == y).mean() > 0.95
