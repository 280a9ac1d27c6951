"""A course's layers, optimisers, trainer and transformer train on this engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch_ops_losses import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from tinytorch_ops_nn import GELU, ReLU, Sigmoid, Softmax, Tanh

from .course import (
    SGD,
    Adam,
    Attention,
    Block,
    Embedding,
    LayerNorm,
    Linear,
    Optimiser,
    PositionalEncoding,
    Sequential,
    Trainer,
    Transformer,
    clip_gradients,
)

tinytorch.enable_autograd(quiet=True)


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def batches_of(inputs: Any, targets: Any, size: int = 16) -> list[tuple[Tensor, Tensor]]:
    return [
        (Tensor(inputs[i : i + size]), Tensor(targets[i : i + size]))
        for i in range(0, len(inputs), size)
    ]


def regression() -> list[tuple[Tensor, Tensor]]:
    """A smooth function of two numbers."""
    x = generator().uniform(-1, 1, (64, 2))
    return batches_of(x, np.sin(2 * x[:, :1]) * x[:, 1:])


def yes_or_no() -> list[tuple[Tensor, Tensor]]:
    """Whether two numbers have one sign, which no straight line tells."""
    x = generator().uniform(-1, 1, (64, 2))
    return batches_of(x, (x[:, :1] * x[:, 1:] > 0).astype(float))


def classes() -> list[tuple[Tensor, Tensor]]:
    """Three clouds of points; labels are floats, as all numbers of the course are."""
    rng = generator()
    labels = np.arange(60) % 3
    x = np.array([[0, 2], [2, -1], [-2, -1]])[labels] + rng.normal(0, 0.6, (60, 2))
    return batches_of(x, labels.astype(np.float32), size=20)


def sequences() -> list[tuple[Tensor, Tensor]]:
    """Tokens that count up and start again; the next one is asked for at each position."""
    tokens = (np.arange(6) + np.arange(12)[:, None]) % 5
    return [(Tensor(tokens[:, :-1].astype(np.float32)), Tensor(tokens[:, 1:].astype(np.float32)))]


def token_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over all positions of all sequences."""
    return CrossEntropyLoss()(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))


TASKS: dict[str, tuple[Any, Any, Any]] = {
    "regression": (
        regression,
        lambda rng: Sequential(Linear(2, 8, rng), Tanh(), Linear(8, 1, rng)),
        MSELoss(),
    ),
    "yes_or_no": (
        yes_or_no,
        lambda rng: Sequential(Linear(2, 8, rng), GELU(), Linear(8, 1, rng), Sigmoid()),
        BinaryCrossEntropyLoss(),
    ),
    "classes": (
        classes,
        lambda rng: Sequential(Linear(2, 8, rng), ReLU(), Linear(8, 3, rng)),
        CrossEntropyLoss(),
    ),
    "sequences": (sequences, lambda rng: Transformer(5, 8, 8, 2, rng), token_loss),
}
OPTIMISERS: dict[str, Callable[[list[Tensor]], Optimiser]] = {
    "sgd": lambda parameters: SGD(parameters, lr=0.5),
    "momentum": lambda parameters: SGD(parameters, lr=0.05, momentum=0.9),
    "adam": lambda parameters: Adam(parameters, lr=0.02),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("task", TASKS)
def test_training(task: str, optimiser: str) -> None:
    """A few dozen epochs bring the loss down to less than half, whatever the optimiser."""
    data, build, loss = TASKS[task]
    model = build(generator())
    trainer = Trainer(model, OPTIMISERS[optimiser](model.parameters()), loss)
    trainer.fit(data(), epochs=40)
    assert trainer.history[-1] < trainer.history[0] / 2
    assert all(np.isfinite(trainer.history))


def test_clipped_training() -> None:
    """Gradients that a trainer shortens, and gives back as Tensors, serve the optimiser as well."""
    data, build, loss = TASKS["sequences"]
    model = build(generator())
    trainer = Trainer(model, Adam(model.parameters(), lr=0.02), loss, clip=0.1)
    trainer.fit(data(), epochs=1)
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(isinstance(gradient, np.ndarray) for gradient in gradients)
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    np.testing.assert_allclose(norm, 0.1, rtol=1e-5)
    trainer.fit(data(), epochs=40)
    assert trainer.history[-1] < trainer.history[0] / 2


def test_clipping() -> None:
    """A gradient may be replaced, by an array or a Tensor, and is an array all the same."""
    x = Tensor([3.0, 4.0], requires_grad=True)
    x.grad = np.array([6.0, 8.0])
    clip_gradients([x], 5.0)
    assert isinstance(x.grad, np.ndarray)
    np.testing.assert_allclose(x.grad, [3.0, 4.0])
    clip_gradients([x], 5.1)
    np.testing.assert_allclose(x.grad, [3.0, 4.0])


def check_gradients(model: Any, loss: Callable[[Tensor, Tensor], Tensor], batch: Any) -> None:
    """Every parameter has a gradient, not all zero, that central differences agree with."""
    inputs, targets = (Tensor(tensor.data.astype(np.float64)) for tensor in batch)
    rng = generator()
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(np.float64)
    loss(model(inputs), targets).backward()
    for number, parameter in enumerate(model.parameters()):
        gradient = parameter.grad
        assert gradient is not None, number
        assert gradient.any(), number
        largest = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
        for index in (largest, *(tuple(rng.integers(gradient.shape)) for _ in range(4))):
            numeric = difference(lambda: loss(model(inputs), targets), parameter.data, index)
            np.testing.assert_allclose(gradient[index], numeric, rtol=1e-5, atol=1e-8)


def difference(loss: Callable[[], Tensor], array: Any, index: Any, step: float = 1e-6) -> float:
    """The central difference of the loss towards one element of `array`."""
    original = array[index]
    array[index] = original + step
    above = float(loss().data)
    array[index] = original - step
    below = float(loss().data)
    array[index] = original
    return (above - below) / (2 * step)


@pytest.mark.parametrize("task", TASKS)
def test_gradients(task: str) -> None:
    """Each parameter of each network has the gradient that central differences give."""
    data, build, loss = TASKS[task]
    check_gradients(build(generator()), loss, data()[0])


def weighted_sum(output: Tensor, weights: Tensor) -> Tensor:
    return (output * weights).sum()


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda rng: Sequential(Linear(4, 4, rng), LayerNorm(4)), (3, 4)),
        (lambda rng: PositionalEncoding(6, 4, rng), (2, 3, 4)),
        (lambda rng: Attention(4, 2, rng), (2, 3, 4)),
        (lambda rng: Block(4, 2, rng), (2, 3, 4)),
    ],
    ids=["layer_norm", "positional_encoding", "attention", "block"],
)
def test_layer(build: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    """Each layer by itself gives its parameters, and its input, gradients that are right."""
    rng = generator()
    layer, x, weights = build(rng), Tensor(rng.normal(size=shape)), Tensor(rng.normal(size=shape))
    check_gradients(layer, weighted_sum, (x, weights))
    x.requires_grad = True
    weighted_sum(layer(x), weights).backward()
    assert x.grad is not None
    for index in ((0,) * x.ndim, (-1,) * x.ndim):
        numeric = difference(lambda: weighted_sum(layer(x), weights), x.data, index)
        np.testing.assert_allclose(x.grad[index], numeric, rtol=1e-5, atol=1e-8)


def test_embedding() -> None:
    """A record of a lookup that a client attaches counts a row as often as it was picked."""
    layer = Embedding(4, 2, generator())
    layer(Tensor([[0.0, 2.0, 2.0], [3.0, 2.0, 0.0]])).backward(np.arange(12.0).reshape(2, 3, 2))
    expected = [[0 + 10, 1 + 11], [0, 0], [2 + 4 + 8, 3 + 5 + 9], [6, 7]]
    np.testing.assert_array_equal(layer.weight.grad, expected)


def test_handed_on_record() -> None:
    """A record handed on to a tensor with a leading 1 sends the gradient to the rows it sliced."""
    layer = PositionalEncoding(4, 2, generator())
    gradient = np.arange(12.0).reshape(2, 3, 2)
    layer(Tensor(np.zeros((2, 3, 2)))).backward(gradient)
    np.testing.assert_array_equal(layer.table.grad, [*gradient.sum(axis=0), [0, 0]])


@pytest.mark.parametrize("kind", [ReLU, Sigmoid, Tanh, GELU, Softmax, MSELoss, CrossEntropyLoss])
def test_callables_have_nothing_to_learn(kind: type[Any]) -> None:
    """The course's callables are made without arguments, and have no parameters."""
    assert kind().parameters() == []
    assert BinaryCrossEntropyLoss().parameters() == []


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (ReLU(), lambda x: np.maximum(x, 0)),
        (Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (Tanh(), np.tanh),
        (Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_activations(activation: Any, function: Any) -> None:
    """Calling an activation and its `forward` give the same, which is the function's value."""
    x = generator().normal(size=(2, 3))
    np.testing.assert_allclose(activation(Tensor(x)).data, function(x))
    np.testing.assert_array_equal(activation.forward(Tensor(x)).data, activation(Tensor(x)).data)


def test_softmax_along_an_axis() -> None:
    """The softmax object is told the axis in the call, by name or place, and takes the last."""
    x = Tensor(generator().normal(size=(2, 3)))
    for axis, given in ((0, Softmax()(x, dim=0)), (0, Softmax()(x, 0)), (1, Softmax()(x))):
        np.testing.assert_allclose(given.data.sum(axis), 1)
