"""What a course builds on the engine: layers, optimisers, a trainer and a small transformer.

It is a client, and knows of the engine only what the textbook describes: `data`, `grad`, `shape`,
methods, operators, `_grad_fn` and the classes that may be assigned to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from tinytorch import Tensor
from tinytorch_ops_nn import GELU, EmbeddingBackward, Softmax


class Layer:
    """A layer is called on a tensor and knows its parameters."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(self, x: Tensor) -> Tensor:
        return self.forward(x)

    def parameters(self) -> list[Tensor]:
        return []


class Linear(Layer):
    def __init__(self, inputs: int, outputs: int, rng: Any, bias: bool = True) -> None:
        scale = (1.0 / inputs) ** 0.5
        self.weight = Tensor(rng.normal(0, scale, (inputs, outputs)), requires_grad=True)
        self.bias = Tensor(rng.normal(0, 0.1, outputs), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        product = x.matmul(self.weight)
        return product if self.bias is None else product + self.bias

    def parameters(self) -> list[Tensor]:
        return [self.weight] if self.bias is None else [self.weight, self.bias]


class Sequential(Layer):
    """Layers in a row; activations, which are no layers of ours, among them."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def parameters(self) -> list[Tensor]:
        return [parameter for layer in self.layers for parameter in layer.parameters()]


class LayerNorm(Layer):
    """Each row with mean 0 and deviation 1, then scaled and shifted; of plain operations."""

    def __init__(self, width: int) -> None:
        self.gain = Tensor(np.ones(width), requires_grad=True)
        self.shift = Tensor(np.zeros(width), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / (variance + 1e-5).sqrt() * self.gain + self.shift

    def parameters(self) -> list[Tensor]:
        return [self.gain, self.shift]


class Embedding(Layer):
    """Rows of a table, picked in NumPy, with the record of it attached by hand."""

    def __init__(self, rows: int, width: int, rng: Any) -> None:
        self.weight = Tensor(rng.normal(0, 0.5, (rows, width)), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        picked = Tensor(self.weight.data[x.data.astype(int)], requires_grad=True)
        picked._grad_fn = EmbeddingBackward(self.weight, x)
        return picked

    def parameters(self) -> list[Tensor]:
        return [self.weight]


class PositionalEncoding(Layer):
    """Adds a learnt row to each position; they get a batch dimension without being recorded."""

    def __init__(self, longest: int, width: int, rng: Any) -> None:
        self.table = Tensor(rng.normal(0, 0.5, (longest, width)), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.table[: x.shape[1]]
        batched = Tensor(rows.data[np.newaxis], requires_grad=True)
        batched._grad_fn = rows._grad_fn
        return x + batched

    def parameters(self) -> list[Tensor]:
        return [self.table]


class Attention(Layer):
    """Every position looks at itself and those before it, with several heads."""

    def __init__(self, width: int, heads: int, rng: Any) -> None:
        self.heads = heads
        self.projections = [Linear(width, width, rng, bias=False) for _ in range(3)]
        self.out = Linear(width, width, rng)
        self.softmax = Softmax()

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        size = width // self.heads
        query, key, value = (
            projection(x).reshape(batch, length, self.heads, size).transpose(1, 2)
            for projection in self.projections
        )
        scores = query.matmul(key.transpose(-2, -1)) * (1.0 / size**0.5)
        future = np.triu(np.full((length, length), -1e9, dtype=x.dtype), k=1)
        weights = self.softmax(scores + Tensor(future), dim=-1)
        mixed = weights.matmul(value).transpose(1, 2).reshape(batch, length, width)
        return self.out(mixed)

    def parameters(self) -> list[Tensor]:
        layers = [*self.projections, self.out]
        return [parameter for layer in layers for parameter in layer.parameters()]


class Block(Layer):
    def __init__(self, width: int, heads: int, rng: Any) -> None:
        self.first, self.second = LayerNorm(width), LayerNorm(width)
        self.attention = Attention(width, heads, rng)
        self.network = Sequential(
            Linear(width, 2 * width, rng), GELU(), Linear(2 * width, width, rng)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        return x + self.network(self.second(x))

    def parameters(self) -> list[Tensor]:
        layers = [self.first, self.second, self.attention, self.network]
        return [parameter for layer in layers for parameter in layer.parameters()]


class Transformer(Sequential):
    """Scores of the next token, for every position of sequences of tokens."""

    def __init__(self, tokens: int, longest: int, width: int, heads: int, rng: Any) -> None:
        super().__init__(
            Embedding(tokens, width, rng),
            PositionalEncoding(longest, width, rng),
            Block(width, heads, rng),
            LayerNorm(width),
            Linear(width, tokens, rng),
        )


def as_array(gradient: Any) -> Any:
    """A gradient is an array, or a Tensor where somebody has put one."""
    return gradient.data if isinstance(gradient, Tensor) else gradient


class Optimiser:
    def __init__(self, parameters: list[Tensor]) -> None:
        self.parameters = parameters

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.zero_grad()

    def step(self) -> None:
        for number, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                self.update(number, parameter, as_array(parameter.grad))

    def update(self, number: int, parameter: Tensor, gradient: Any) -> None:
        raise NotImplementedError


class SGD(Optimiser):
    """Down the gradient, in place, with momentum."""

    def __init__(self, parameters: list[Tensor], lr: float, momentum: float = 0.0) -> None:
        super().__init__(parameters)
        self.lr, self.momentum = lr, momentum
        self.velocities = [np.zeros_like(parameter.data) for parameter in parameters]

    def update(self, number: int, parameter: Tensor, gradient: Any) -> None:
        self.velocities[number] = self.momentum * self.velocities[number] + gradient
        parameter.data -= self.lr * self.velocities[number]


class Adam(Optimiser):
    """Steps of about one size, whatever the gradient's; the array is replaced by a new one."""

    def __init__(self, parameters: list[Tensor], lr: float) -> None:
        super().__init__(parameters)
        self.lr = lr
        self.means = [np.zeros_like(parameter.data) for parameter in parameters]
        self.squares = [np.zeros_like(parameter.data) for parameter in parameters]
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        super().step()

    def update(self, number: int, parameter: Tensor, gradient: Any) -> None:
        self.means[number] = 0.9 * self.means[number] + 0.1 * gradient
        self.squares[number] = 0.99 * self.squares[number] + 0.01 * gradient**2
        mean = self.means[number] / (1 - 0.9**self.steps)
        square = self.squares[number] / (1 - 0.99**self.steps)
        parameter.data = parameter.data - self.lr * mean / (np.sqrt(square) + 1e-8)


def clip_gradients(parameters: Iterable[Tensor], largest: float) -> None:
    """Shorten the gradients where together they are longer, and give them back as Tensors."""
    held = [parameter for parameter in parameters if parameter.grad is not None]
    norm = float(np.sqrt(sum(np.sum(as_array(p.grad) ** 2) for p in held)))
    for parameter in held if norm > largest else []:
        parameter.grad = Tensor(as_array(parameter.grad) * (largest / norm))


class Trainer:
    """Goes over the batches again and again, and writes down each epoch's loss."""

    def __init__(
        self,
        model: Layer,
        optimiser: Optimiser,
        loss: Callable[[Tensor, Tensor], Tensor],
        clip: float | None = None,
    ) -> None:
        self.model, self.optimiser, self.loss, self.clip = model, optimiser, loss, clip
        self.history: list[float] = []

    def fit(self, batches: list[tuple[Tensor, Tensor]], epochs: int) -> None:
        for _ in range(epochs):
            total = 0.0
            for inputs, targets in batches:
                self.optimiser.zero_grad()
                loss = self.loss(self.model(inputs), targets)
                loss.backward()
                if self.clip is not None:
                    clip_gradients(self.optimiser.parameters, self.clip)
                self.optimiser.step()
                total += float(loss.data)
            self.history.append(total / len(batches))
