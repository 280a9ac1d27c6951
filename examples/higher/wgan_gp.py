"""One step of a Wasserstein critic whose gradient is held near length one.

The penalty is a function of a gradient, so that its own gradient is of second order: the inner one
is taken with ``create_graph=True``.

Gulrajani et al. (2017), Improved training of Wasserstein GANs, arXiv:1704.00028.
"""

from __future__ import annotations

import numpy as np
import tinytorch
from tinytorch import Tensor

PENALTY, RATE = 10.0, 0.01


def critic(parameters: list[Tensor], points: Tensor) -> Tensor:
    """The score of each point, by a network with one hidden layer."""
    w1, b1, w2 = parameters
    return (points @ w1 + b1).tanh() @ w2


def gradient_penalty(parameters: list[Tensor], points: Tensor) -> Tensor:
    """The mean square by which the length of the score's gradient differs from one."""
    scores = critic(parameters, points)
    (slopes,) = tinytorch.grad(scores.sum(), points, create_graph=True)
    lengths = (slopes * slopes).sum(axis=1).sqrt()
    return ((lengths - 1) ** 2).mean()


def critic_loss(
    parameters: list[Tensor], real: np.ndarray, fake: np.ndarray, mix: np.ndarray
) -> Tensor:
    """Low where real points score higher than fake ones, and the slope between them is one."""
    between = Tensor(mix * real + (1 - mix) * fake, requires_grad=True)
    difference = critic(parameters, Tensor(fake)).mean() - critic(parameters, Tensor(real)).mean()
    return difference + PENALTY * gradient_penalty(parameters, between)


def initial(seed: int = 0) -> tuple[list[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The critic's first weights, and real points, fake points and what mixes them."""
    generator = np.random.default_rng(seed)
    weights = [generator.normal(size=shape) for shape in ((2, 16), (16,), (16, 1))]
    real = generator.normal(size=(32, 2)) + np.array([2.0, 0.0])
    fake = generator.normal(size=(32, 2))
    return weights, (real, fake, generator.uniform(size=(32, 1)))


def main() -> None:
    weights, data = initial()
    parameters = [Tensor(array, requires_grad=True) for array in weights]
    loss = critic_loss(parameters, *data)
    loss.backward()

    slope = sum((p.grad**2).sum() for p in parameters) ** 0.5
    for parameter in parameters:
        parameter.data -= RATE * parameter.grad / slope
    after = critic_loss(parameters, *data)
    print(f"loss of the critic: {loss.item():.4f}, after one step {after.item():.4f}")

    # To first order, a step against the gradient lowers the loss by its length times the slope.
    expected = loss.item() - RATE * slope
    print(f"expected of the gradient: {expected:.4f}")
    assert abs(after.item() - expected) < 0.1 * RATE * slope


if __name__ == "__main__":
    main()
