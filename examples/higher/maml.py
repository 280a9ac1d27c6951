"""One step of model-agnostic meta-learning, on curves that differ in amplitude and phase.

The weights are sought from which one step of gradient descent on a few points of a new curve leads
furthest. The outer gradient goes through that inner step, and so through the inner gradient.

Finn, Abbeel and Levine (2017), Model-agnostic meta-learning for fast adaptation of deep networks,
arXiv:1703.03400.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Tensor, func

INNER_RATE, OUTER_RATE = 0.1, 0.02

Weights = dict[str, Any]  # of arrays, or of tensors while they are differentiated
Points = tuple[np.ndarray, np.ndarray]


def loss(weights: Weights, points: Points) -> Tensor:
    """The mean squared error of a network with one hidden layer."""
    x, y = points
    hidden = np.tanh(x @ weights["w1"] + weights["b1"])
    return ((hidden @ weights["w2"] + weights["b2"] - y) ** 2).mean()


def adapted(weights: Weights, support: Points) -> Weights:
    """The weights after one inner step."""
    slopes = func.grad(loss)(weights, support)
    return {name: weight - INNER_RATE * slopes[name] for name, weight in weights.items()}


def meta_loss(weights: Weights, tasks: list[tuple[Points, Points]]) -> Tensor:
    """The mean loss on the query points of each task, after one step on its support points."""
    return sum(loss(adapted(weights, support), query) for support, query in tasks) / len(tasks)


def curve(generator: np.random.Generator) -> tuple[Points, Points]:
    """Support and query points of one random sine."""
    amplitude, phase = generator.uniform(0.5, 2.0), generator.uniform(0.0, np.pi)
    x = generator.uniform(-2.0, 2.0, size=(20, 1))
    y = amplitude * np.sin(x + phase)
    return (x[:10], y[:10]), (x[10:], y[10:])


def initial(seed: int = 0) -> tuple[Weights, list[tuple[Points, Points]]]:
    """The first weights, and four tasks."""
    generator = np.random.default_rng(seed)
    shapes = {"w1": (1, 12), "b1": (12,), "w2": (12, 1), "b2": (1,)}
    weights = {name: generator.normal(size=shape) * 0.5 for name, shape in shapes.items()}
    return weights, [curve(generator) for _ in range(4)]


def main() -> None:
    weights, tasks = initial()
    before, slopes = func.value_and_grad(meta_loss)(weights, tasks)
    stepped = {name: weight - OUTER_RATE * slopes[name] for name, weight in weights.items()}
    after, _ = func.value_and_grad(meta_loss)(stepped, tasks)
    print(f"loss after adapting: {before:.4f}; after one outer step {after:.4f}")
    assert after < before

    # The slope along the gradient, by central differences of the loss after adapting.
    nudged = [
        func.value_and_grad(meta_loss)({k: w + h * slopes[k] for k, w in weights.items()}, tasks)[0]
        for h in (1e-5, -1e-5)
    ]
    numeric, square = (nudged[0] - nudged[1]) / 2e-5, sum((s**2).sum() for s in slopes.values())
    print(f"slope along the outer gradient: {square:.6f}, by differences {numeric:.6f}")
    assert abs(numeric - square) < 1e-6 * square


if __name__ == "__main__":
    main()
