"""Write the pictures of these pages, beside this file: ``nox -s pictures -- write``.

Each is of a graph after a backward, as `tinytorch.inspect.draw` lays it out.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import tinytorch
from tinytorch import Tensor, ops
from tinytorch.inspect import draw, name

FOLDER = Path(__file__).parent
sys.path.append(str(FOLDER.parents[1] / "examples" / "transformer"))


def parameter(label: str, *shape: int) -> Tensor:
    """Small random weights with a name."""
    return name((tinytorch.randn(shape) * (2 / shape[0]) ** 0.5).requires_grad_(), label)


def mlp() -> Tensor:
    """The textbook's network, 784-512-256-128-10 at a batch of 64."""
    x = name(tinytorch.randn(64, 784), "images")
    sizes = (784, 512, 256, 128, 10)
    for layer, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        x = x.relu() if layer > 1 else x
        x = x @ parameter(f"W{layer}", inputs, outputs) + parameter(f"b{layer}", outputs)
    return name(ops.cross_entropy(x, np.arange(64) % 10), "loss")


def residual() -> Tensor:
    """A block of a residual network (He et al. 2016)."""
    x = name(tinytorch.randn(8, 16, 8, 8, requires_grad=True), "x")
    hidden = ops.group_norm(ops.conv2d(x, parameter("kernel 1", 16, 16, 3, 3), padding=1), 4)
    hidden = ops.conv2d(hidden.relu(), parameter("kernel 2", 16, 16, 3, 3), padding=1)
    return name((ops.group_norm(hidden, 4) + x).relu(), "y")


def transformer(layers: int = 2) -> Tensor:
    """The example's transformer, which writes character by character."""
    import topics_transformer as example

    example.LAYERS = layers
    model = example.Transformer(90)
    for label, tensor in model.named_parameters():
        name(tensor, label)
    windows = np.random.default_rng(0).integers(90, size=(4, example.CONTEXT + 1))
    return name(example.mean_loss(model, windows), "loss")


def chain() -> Tensor:
    """The chain rule's example in docs/autograd.md."""
    x = name(Tensor(2.0, requires_grad=True), "x")
    y = name(Tensor(3.0, requires_grad=True), "y")
    return name((x * y + 5) ** 2, "L")


def diamond() -> Tensor:
    """A thousand levels, in each of which both inputs are the level before."""
    y = name(Tensor(np.array([1.0]), requires_grad=True), "x")
    for _ in range(1000):
        y = y + y
    return y


GRAPHS = {
    "chain": chain,
    "mlp": mlp,
    "residual": residual,
    "transformer": transformer,
    "diamond": diamond,
}


def after_backward(label: str) -> Tensor:
    """Return one of the graphs when a backward has left its gradients."""
    tinytorch.manual_seed(0)
    result = GRAPHS[label]()
    result = result if result.size == 1 else name(result.mean(), "mean")
    result.backward(retain_graph=True)
    return result


if __name__ == "__main__":
    for label in GRAPHS:
        draw(after_backward(label)).save(FOLDER / f"{label}.svg")
