"""A user's program, which `mypy --strict` passes with nothing but the installed packages.

What a type checker shall find fault with stands here too, marked as an error that is expected: an
expectation that is not met is an error under --strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, assert_type

import numpy as np
import tinytorch
from numpy.typing import NDArray
from tinytorch import Array, Function, Operation, Tensor, no_grad
from tinytorch.samples import bad, elementwise
from tinytorch_modules import Linear, Module, Sequential, load
from tinytorch_ops_losses import CrossEntropyLoss, cross_entropy, mse_loss
from tinytorch_ops_nn import GELU, embedding, relu, softmax
from tinytorch_optim import LBFGS, SGD, Adam, Optimizer, clip_grad_norm_
from tinytorch_optim.lr_scheduler import LRScheduler, StepLR


class SoftplusBackward(Function):
    """log(1 + e^x). Gradient: g / (1 + e^-x)."""

    def forward(self, x: Array) -> Array:
        self.save(x)
        result: Array = np.logaddexp(0, x)
        return result

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / (1 + np.exp(-x))


def softplus(x: Tensor) -> Tensor:
    """Smooth rectifier."""
    return SoftplusBackward.call(x)


SOFTPLUS = Operation(
    softplus,
    SoftplusBackward,
    method="softplus",
    torch="nn.functional.softplus",
    samples=elementwise(domain=(-20, 20)),
    bad_inputs=[bad(TypeError, "tensor", None)],
    reference=lambda x: np.log1p(np.exp(x)),
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> Iterable[Operation]:
    """Return the operations of this plugin."""
    return [SOFTPLUS]


class CubeBackward(Function):
    """x³, attached by hand."""

    def apply(self, grad_output: Array) -> tuple[Array]:
        (x,) = self.saved_tensors
        return (grad_output * 3 * x.data**2,)


def arithmetic() -> None:
    x = Tensor([2.0], requires_grad=True)
    y = x * 3 + 1
    assert_type(y, Tensor)
    y.backward()
    assert_type(x.grad, NDArray[Any] | None)
    assert_type(2.0 * x - 1 / x + (-x) ** 2 + abs(x), Tensor)
    assert_type(x @ np.ones((1, 2)), Tensor)
    assert_type(x == y, Tensor)
    assert_type((x > 0) & (x <= 5), Tensor)
    assert_type(x[0], Tensor)
    assert_type(x[..., None, [0, 0]], Tensor)
    assert_type(list(x), list[Tensor])
    assert_type(x.data, NDArray[Any])
    assert_type(x.shape, tuple[int, ...])
    assert_type(len(x), int)
    assert_type(x.T, Tensor)
    assert_type(x.detach().numpy(), NDArray[Any])
    assert_type(x.grad_fn, Function | None)


def by_hand(x: Tensor) -> Tensor:
    y = Tensor(x.data**3)
    y._grad_fn = CubeBackward(x)
    return y


def methods(x: Tensor) -> None:
    assert_type(x.sum(axis=0, keepdims=True).mean(dim=(0, 1), keepdim=True), Tensor)
    assert_type(x.max().min(-1), Tensor)
    assert_type(x.reshape(3, -1).reshape((2, 3)).transpose().transpose(0, 1), Tensor)
    assert_type(x.exp().log().sqrt().abs().clip(0, max=1).clamp(min=x), Tensor)
    assert_type(x.maximum(0).minimum(x).matmul(x).squeeze(0).unsqueeze(-1), Tensor)
    assert_type(x.broadcast_to((2, 3)).clone().astype(np.float64), Tensor)
    assert_type(x.requires_grad_().is_leaf, bool)
    x.zero_grad()
    x.backward(np.ones(3), retain_graph=True)
    x.data -= 0.1 * x.data
    x.data = x.data * 0.9
    x.grad = np.zeros(3)
    x.grad = Tensor(x.data)
    x.grad = None


def creation() -> None:
    tinytorch.manual_seed(0)
    assert_type(tinytorch.zeros(2, 3), Tensor)
    assert_type(tinytorch.ones((2, 3), requires_grad=True, dtype=np.float64), Tensor)
    assert_type(tinytorch.full((2,), 0.5), Tensor)
    assert_type(tinytorch.arange(0, 10, 2), Tensor)
    assert_type(tinytorch.rand(3), Tensor)
    assert_type(tinytorch.randn(2, 2), Tensor)
    assert_type(tinytorch.zeros_like(tinytorch.ones_like(np.ones(2))), Tensor)
    assert_type(tinytorch.from_numpy(np.ones(2)), Tensor)
    assert_type(tinytorch.allclose(np.ones(2), [1, 1]), bool)


def network(x: Tensor, labels: Tensor) -> Tensor:
    tinytorch.enable_autograd(quiet=True)
    hidden = relu(x)
    assert_type(hidden, Tensor)
    assert_type(softmax(hidden, dim=-1), Tensor)
    assert_type(embedding([0, 1], hidden), Tensor)
    assert_type(GELU()(hidden), Tensor)
    assert_type(mse_loss(hidden, x, reduction="sum"), Tensor)
    assert_type(CrossEntropyLoss()(hidden, labels), Tensor)
    return cross_entropy(hidden, labels)


class Network(Module):
    """Layers, and a tensor that is learnt."""

    def __init__(self) -> None:
        self.layers = Sequential(Linear(2, 3), relu, Linear(3, 1))
        self.scale = tinytorch.ones(1, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.scale * self.layers(x)
        return result


def modules(network: Network) -> None:
    assert_type(network.train().eval(), Network)
    assert_type(network.scale, Tensor)
    assert_type(network.parameters(), list[Tensor])
    assert_type(network.state_dict(), dict[str, NDArray[Any]])
    assert_type(Linear(2, 3).bias, Tensor | None)
    assert_type(Linear(2, 3).forward(network.scale), Tensor)
    assert_type(load(network, "weights.safetensors").missing_keys, list[str])


def optimisation(weights: Tensor, named: dict[str, Tensor]) -> None:
    optimizer = SGD([weights], lr=0.1, momentum=0.9)
    Adam(named.values())
    Adam(named.items(), betas=(0.8, 0.9))
    LBFGS([{"params": [weights], "lr": 0.5}]).step(lambda: weights.sum())
    assert_type(clip_grad_norm_([weights], 1.0), Tensor)
    clip_grad_norm_(weights, 1.0)
    assert_type(optimizer.state_dict(), dict[str, Any])
    of_any_kind: tuple[Optimizer, LRScheduler] = (optimizer, StepLR(optimizer, 10))
    of_any_kind[0].step()
    of_any_kind[1].step()
    SGD([weights], rate=0.1)  # type: ignore[call-arg]
    SGD([1.0])  # type: ignore[arg-type]


@no_grad
def count(x: Tensor, times: int = 2) -> int:
    return x.size * times


@no_grad()
def halves(x: Tensor) -> Iterator[Tensor]:
    yield x / 2


@tinytorch.enable_grad()
def recorded(x: Tensor) -> Tensor:
    return x * 2


def modes(x: Tensor) -> None:
    assert_type(count(x, times=3), int)
    assert_type(halves(x), Iterator[Tensor])
    assert_type(recorded(x), Tensor)
    with no_grad(), tinytorch.enable_grad(), tinytorch.set_grad_enabled(False):
        assert_type(tinytorch.is_grad_enabled(), bool)


def mistakes(x: Tensor) -> None:
    x.reluu()  # type: ignore[attr-defined]
    tinytorch.foo()  # type: ignore[attr-defined]
    x.summ()  # type: ignore[attr-defined]
    x.sum(axes=0)  # type: ignore[call-arg]
    x.transpose("rows", "columns")  # type: ignore[arg-type]
    x + {}  # type: ignore[operator]
    count("x")  # type: ignore[arg-type]
    recorded(x, x)  # type: ignore[call-arg]
    relu()  # type: ignore[call-arg]
    mse_loss(x, x, "sum")  # type: ignore[call-arg]
    x.shape = (3,)  # type: ignore[misc]
