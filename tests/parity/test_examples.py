"""The examples of higher derivatives give PyTorch's numbers."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from tinytorch import Tensor, func

EXAMPLES = Path(__file__).parents[2] / "examples" / "higher"


def example(name: str) -> Any:
    """The functions and constants of an example, as attributes."""
    return SimpleNamespace(**runpy.run_path(str(EXAMPLES / f"{name}.py")))


def equal(ours: Any, theirs: torch.Tensor, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), tolerance, tolerance)


def test_wgan_gp() -> None:
    """The loss of the critic with its gradient penalty, and the gradients of the weights."""
    wgan = example("wgan_gp")
    weights, data = wgan.initial(seed=1)

    ours = [Tensor(array, requires_grad=True) for array in weights]
    loss = wgan.critic_loss(ours, *data)
    loss.backward()

    theirs = [torch.tensor(array, requires_grad=True) for array in weights]
    real, fake, mix = map(torch.tensor, data)

    def critic(points: torch.Tensor) -> torch.Tensor:
        w1, b1, w2 = theirs
        return torch.tanh(points @ w1 + b1) @ w2

    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = ((slopes.norm(dim=1) - 1) ** 2).mean()
    expected = critic(fake).mean() - critic(real).mean() + wgan.PENALTY * penalty
    expected.backward()

    equal(loss.data, expected)
    for leaf, other in zip(ours, theirs, strict=True):
        assert other.grad is not None
        equal(leaf.grad, other.grad)


def test_maml() -> None:
    """The loss after an inner step, and its gradient through that step."""
    maml = example("maml")
    weights, tasks = maml.initial(seed=1)
    loss, slopes = func.value_and_grad(maml.meta_loss)(weights, tasks)

    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}

    def error(p: dict[str, torch.Tensor], points: Any) -> torch.Tensor:
        x, y = map(torch.tensor, points)
        predicted = torch.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
        return torch.nn.functional.mse_loss(predicted, y)

    total = torch.zeros(())
    for support, query in tasks:
        inner = torch.autograd.grad(
            error(theirs, support), list(theirs.values()), create_graph=True
        )
        steps = zip(theirs.items(), inner, strict=True)
        adapted = {name: p - maml.INNER_RATE * slope for (name, p), slope in steps}
        total = total + error(adapted, query) / len(tasks)
    total.backward()

    equal(loss, total)
    for name, parameter in theirs.items():
        assert parameter.grad is not None
        equal(slopes[name], parameter.grad)


def test_lanczos() -> None:
    """Products with the Hessian, and its largest eigenvalue."""
    lanczos = example("lanczos")
    weights, x, y = lanczos.initial(seed=1)
    vector = np.random.default_rng(0).normal(size=lanczos.SIZE)

    def product(v: Any) -> Any:
        return func.hvp(lambda w: lanczos.loss(w, x, y), (weights,), (v,))[1]

    def loss(w: torch.Tensor) -> torch.Tensor:
        split = lanczos.INPUTS * lanczos.HIDDEN
        w1, w2 = w[:split].reshape(lanczos.INPUTS, lanczos.HIDDEN), w[split:]
        return torch.mean((torch.tanh(torch.tensor(x) @ w1) @ w2 - torch.tensor(y)) ** 2)

    hessian = torch.autograd.functional.hessian(loss, torch.tensor(weights))
    equal(product(vector), hessian @ torch.tensor(vector))
    equal(
        lanczos.largest_eigenvalue(product, lanczos.SIZE),
        torch.linalg.eigvalsh(hessian)[-1],
    )


def test_implicit() -> None:
    """The gradients of a fixed point and of an argmin are those of going back through all steps."""
    implicit = example("implicit")
    v = np.random.default_rng(0).normal(size=5)
    data, targets, coupling = map(
        torch.tensor, (implicit.DATA, implicit.TARGETS, implicit.COUPLING)
    )

    def equilibrium(p: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z @ coupling + p)

    def descent(p: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return z - 0.1 * (2 / len(data) * data.T @ (data @ z - targets) + 2 * p * z)

    for step, ours, parameters in (
        (equilibrium, implicit.equilibrium, np.linspace(-0.5, 1.5, 5)),
        (descent, implicit.descent, np.linspace(0.1, 0.3, 5)),
    ):
        solution = implicit.solve(ours, parameters, np.zeros(5))
        p, z = torch.tensor(parameters, requires_grad=True), torch.zeros(5).double()
        for _ in range(1000):
            z = step(p, z)
        (expected,) = torch.autograd.grad(z, p, torch.tensor(v))
        equal(solution, z)
        equal(implicit.gradient(ours, parameters, solution, v), expected)
