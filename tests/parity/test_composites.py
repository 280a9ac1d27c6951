"""Networks put together from operations agree with PyTorch, in value and in every gradient.

Each is written once, for tensors of either kind; `F` holds the functions that are not methods.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import tinytorch
import torch
from tinytorch import Tensor
from torch.nn import functional

from . import higher

tinytorch.enable_autograd(quiet=True, strict=True)

LABELS = np.array([2, 0, 1, 2])


def normal(*shapes: tuple[int, ...]) -> list[Any]:
    generator = np.random.default_rng(len(shapes))
    return [generator.normal(size=shape) for shape in shapes]


def linear(F: Any, x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight + bias


def mlp(F: Any, x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return F.gelu(x @ w1 + b1, approximate="tanh").tanh() @ w2 + b2


def classifier(F: Any, x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden = F.relu(x @ w1 + b1)
    # Two losses of one network, of which the second looks into its middle.
    loss = F.cross_entropy(hidden @ w2 + b2, LABELS if F is tinytorch.ops else torch.tensor(LABELS))
    return loss + F.mse_loss(hidden, hidden.detach() * 0.5) * 0.1


def layer_norm(F: Any, x: Any, gain: Any, shift: Any) -> Any:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / (variance + 1e-5).sqrt() * gain + shift


def attention(F: Any, x: Any, to_query: Any, to_key: Any, to_value: Any, out: Any) -> Any:
    batch, length, width = x.shape
    heads = [
        (x @ weight).reshape(batch, length, 2, width // 2).permute(0, 2, 1, 3)
        for weight in (to_query, to_key, to_value)
    ]
    query, key, value = heads
    scores = query @ key.transpose(-1, -2) / (width // 2) ** 0.5
    mixed = F.softmax(scores, dim=-1) @ value
    return x + mixed.permute(0, 2, 1, 3).reshape(batch, length, width) @ out


def shared(F: Any, x: Any, y: Any) -> Any:
    a = x * y
    b = a.exp() - a
    c = b * a + b / (1 + x * x)
    return c * c + c + a.sigmoid() * c.amax(dim=0)


def doubled(F: Any, x: Any) -> Any:
    y = x
    for _ in range(20):
        y = y + y * 0.05
    return y * x


def broadcast(F: Any, x: Any, row: Any, column: Any, number: Any) -> Any:
    return (x * row + column) / (2 + number * number) - row * column * number


def pieces(F: Any, x: Any) -> Any:
    return x[0] * x[:, 2:3] + x[[0, 0, 1]] * x[:, None, ::2].sum() + x[..., -1:].abs()


def recurrent(F: Any, x: Any, state: Any, w_in: Any, w_state: Any) -> Any:
    for step in range(x.shape[0]):
        state = (x[step] @ w_in + state @ w_state).tanh()
    return state


NETWORKS: dict[Callable[..., Any], list[Any]] = {
    linear: normal((3, 4), (4, 2), (2,)),
    mlp: normal((3, 4), (4, 5), (5,), (5, 2), (2,)),
    classifier: normal((4, 4), (4, 5), (5,), (5, 3), (3,)),
    layer_norm: normal((2, 3, 5), (5,), (5,)),
    attention: normal((2, 3, 4), (4, 4), (4, 4), (4, 4), (4, 4)),
    shared: normal((3, 2), (2,)),
    doubled: normal((3,)),
    broadcast: normal((2, 3, 4), (4,), (3, 1), ()),
    pieces: normal((3, 4)),
    recurrent: normal((5, 2, 3), (2, 4), (3, 4), (4, 4)),
}

parametrized = pytest.mark.parametrize(
    ("network", "arrays"), [pytest.param(f, xs, id=f.__name__) for f, xs in NETWORKS.items()]
)


class Run:
    """One network on fresh tensors, ours and PyTorch's, and the comparisons between them."""

    def __init__(self, network: Callable[..., Any], arrays: list[Any], dtype: Any) -> None:
        arrays = [array.astype(dtype) for array in arrays]
        self.ours = [Tensor(array, requires_grad=True) for array in arrays]
        self.theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
        self.outputs = network(tinytorch.ops, *self.ours), network(functional, *self.theirs)
        self.tolerance = 1e-10 if dtype == np.float64 else 2e-4

    def backward(self, seed: int = 0, **options: Any) -> None:
        ours, theirs = self.outputs
        gradient = np.random.default_rng(seed).normal(size=ours.shape).astype(ours.dtype)
        ours.backward(gradient, **options)
        theirs.backward(torch.tensor(gradient), **options)

    def compare(self) -> None:
        ours, theirs = self.outputs
        self._equal(ours.data, theirs.detach().numpy())
        for leaf, other in zip(self.ours, self.theirs, strict=True):
            assert leaf.grad is not None
            assert other.grad is not None
            self._equal(leaf.grad, other.grad.numpy())

    def _equal(self, ours: Any, theirs: Any) -> None:
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, self.tolerance, self.tolerance)


@parametrized
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_network(network: Callable[..., Any], arrays: list[Any], dtype: Any) -> None:
    """The network gives PyTorch's output and gradients."""
    run = Run(network, arrays, dtype)
    run.backward()
    run.compare()


@parametrized
def test_accumulation(network: Callable[..., Any], arrays: list[Any]) -> None:
    """Backward through a retained graph, with another gradient, adds what PyTorch adds."""
    run = Run(network, arrays, np.float64)
    run.backward(1, retain_graph=True)
    run.backward(2)
    run.compare()


@parametrized
def test_inner_gradients(network: Callable[..., Any], arrays: list[Any]) -> None:
    """What the output is multiplied with later, and a kept inner gradient, do as in PyTorch."""
    run = Run(network, arrays, np.float64)
    ours, theirs = run.outputs
    ours.retain_grad()
    theirs.retain_grad()
    run.outputs = (ours * ours).mean(), (theirs * theirs).mean()
    run.backward()
    run.compare()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), 1e-10)


@parametrized
def test_mixed_dtypes(network: Callable[..., Any], arrays: list[Any]) -> None:
    """Leaves of float32 among float64 ones get gradients of their own dtype, and of the value."""
    expected = Run(network, arrays, np.float64)
    expected.backward()
    leaves = [
        Tensor(array, requires_grad=True, dtype=(np.float64, np.float32)[number % 2])
        for number, array in enumerate(arrays)
    ]
    output = network(tinytorch.ops, *leaves)
    output.backward(np.random.default_rng(0).normal(size=output.shape))
    for leaf, other in zip(leaves, expected.theirs, strict=True):
        assert leaf.grad is not None
        assert leaf.grad.dtype == leaf.dtype
        np.testing.assert_allclose(leaf.grad, other.grad.numpy(), 1e-4, 1e-5)


def derivatives(engine: higher.Engine, function: Any, arrays: list[Any]) -> higher.Derivatives:
    leaves = [engine.leaf(array.copy()) for array in arrays]
    return higher.Derivatives(engine, lambda: function(*leaves), leaves)


@parametrized
def test_higher_derivatives(network: Callable[..., Any], arrays: list[Any]) -> None:
    """The derivatives of the first three orders are PyTorch's, those with two inputs among them."""
    ours = derivatives(higher.OURS, partial(network, tinytorch.ops), arrays)
    theirs = derivatives(higher.THEIRS, partial(network, functional), arrays)
    higher.compare(ours.orders, theirs.orders)


def test_layer_norm_of_pytorch() -> None:
    """The third derivative of PyTorch's own layer_norm is another, and differences say it is wrong.

    That is why ours is compared with a composition, here and wherever layer_norm is an operation.
    """
    arrays = NETWORKS[layer_norm]
    ours = derivatives(higher.OURS, partial(layer_norm, tinytorch.ops), arrays)
    fused = derivatives(
        higher.THEIRS,
        lambda x, gain, shift: functional.layer_norm(x, (5,), gain, shift, 1e-5),
        arrays,
    )
    higher.compare(ours.orders, ours.by_differences(), 1e-6)
    higher.compare(ours.orders[:2], fused.orders[:2])
    with pytest.raises(AssertionError, match="towards input 0"):
        higher.compare(ours.orders[2:], fused.orders[2:], 1e-2)
