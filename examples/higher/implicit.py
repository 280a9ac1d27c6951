"""The gradient of a solution, without going back through the steps that found it.

Where z = step(p, z), the implicit function theorem gives dz/dp = (1 - J)⁻¹ d step/dp, with J the
Jacobian of the step towards z. A gradient v at z thus becomes u d step/dp, where u = v + u J; and u
is found as z was, by going round. Nothing is kept but z, however long it took.

Bai, Kolter and Koltun (2019), Deep equilibrium models, arXiv:1909.01377.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tinytorch import Tensor, func, no_grad

Step = Callable[[Any, Any], Any]


def fixed_point(function: Callable[[Any], Any], start: np.ndarray) -> np.ndarray:
    """Where the function, applied again and again, ends up."""
    for _ in range(10_000):
        following = function(start)
        if abs(following - start).max() < 1e-13:
            return following
        start = following
    raise ArithmeticError("it goes on moving")


def solve(step: Step, parameters: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The z where z = step(parameters, z)."""
    with no_grad():
        return fixed_point(lambda z: step(Tensor(parameters), Tensor(z)).data, start)


def gradient(step: Step, parameters: np.ndarray, solution: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The gradient of v · z towards the parameters, at the solution z."""
    _, pull_back = func.vjp(step, parameters, solution)
    u = fixed_point(lambda u: v + pull_back(u)[1], np.zeros_like(v))
    return pull_back(u)[0]


DATA = np.random.default_rng(0).normal(size=(20, 5))
TARGETS = DATA @ np.arange(1.0, 6.0) + np.random.default_rng(1).normal(size=20)
COUPLING = np.random.default_rng(2).normal(size=(5, 5)) * 0.2


def equilibrium(p: Any, z: Any) -> Any:
    """A layer of a network that is fed its own output."""
    return np.tanh(z @ COUPLING + p)


def ridge(weights: Any, penalties: Any) -> Any:
    """The loss of a linear model that pays for the square of each weight."""
    return ((DATA @ weights - TARGETS) ** 2).mean() + (penalties * weights**2).sum()


def descent(penalties: Any, weights: Any) -> Any:
    """A step down this loss. Its fixed point is the minimum, whose gradient is found so too."""
    return weights - 0.1 * func.grad(ridge)(weights, penalties)


def main() -> None:
    v = np.random.default_rng(3).normal(size=5)
    for step, parameters in ((equilibrium, np.linspace(-1, 1, 5)), (descent, np.full(5, 0.1))):
        z = solve(step, parameters, np.zeros(5))
        found = gradient(step, parameters, z, v)
        nudges = 1e-5 * np.eye(5)
        expected = [
            v @ (solve(step, parameters + n, z) - solve(step, parameters - n, z)) / 2e-5
            for n in nudges
        ]
        print(f"{step.__name__}: gradient {found.round(5)}, by differences {np.round(expected, 5)}")
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


if __name__ == "__main__":
    main()
