"""The textbook's way: Backward classes made by hand from their inputs, and attached to a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from tinytorch import SparseGradient, Tensor

X = np.random.default_rng(0).normal(size=(3, 4))
WEIGHT = np.random.default_rng(1).normal(size=(5, 2))

CASES = [
    (nn.ReLUBackward, (X,), nn.relu, {}),
    (nn.SigmoidBackward, (X,), nn.sigmoid, {}),
    (nn.TanhBackward, (X,), nn.tanh, {}),
    (nn.GELUBackward, (X,), nn.gelu, {}),
    (nn.GELUBackward, (X, "tanh"), lambda x: nn.gelu(x, "tanh"), {}),
    (nn.SoftmaxBackward, (X,), nn.softmax, {}),
    (nn.SoftmaxBackward, (X, 0), lambda x: nn.softmax(x, 0), {}),
    (nn.SoftmaxBackward, (X,), lambda x: nn.softmax(x, 0), {"dim": 0}),
    (nn.LogSoftmaxBackward, (X, 0), lambda x: nn.log_softmax(x, 0), {}),
    (nn.LeakyReLUBackward, (X, 0.2), lambda x: nn.leaky_relu(x, 0.2), {}),
    (nn.ELUBackward, (X,), lambda x: nn.elu(x, 3), {"alpha": 3.0}),
    (nn.SiLUBackward, (X,), nn.silu, {}),
    (nn.SoftplusBackward, (X, 2.0), lambda x: nn.softplus(x, 2.0), {}),
    (nn.GLUBackward, (X, 1), nn.glu, {}),
    (nn.LayerNormBackward, (X, None, None), lambda x: nn.layer_norm(x, 4), {}),
    (nn.RMSNormBackward, (X, None), lambda x: nn.rms_norm(x, 4, eps=0.1), {"eps": 0.1}),
    (nn.LinearBackward, (X, X[:2], None), lambda x: nn.linear(x, X[:2]), {}),
    (nn.PermuteBackward, (X, (1, 0)), lambda x: nn.permute(x, 1, 0), {}),
    (nn.SliceBackward, (X, (slice(None), [0, 0, 3])), lambda x: x[:, [0, 0, 3]], {}),
    (nn.SliceBackward, (X, 1), lambda x: x[1], {}),
    (nn.SliceBackward, (X, Tensor([1.0, 1.0])), lambda x: x[[1, 1]], {}),
    (nn.EmbeddingBackward, (WEIGHT, Tensor([[4.0], [0.0]])), lambda w: w[[[4], [0]]], {}),
    (nn.EmbeddingBackward, (WEIGHT, np.array([1, 1])), lambda w: w[[1, 1]], {}),
]  # fmt: skip


def dense(gradient: Any) -> Any:
    return gradient.to_dense() if isinstance(gradient, SparseGradient) else gradient


@pytest.mark.parametrize(("backward", "arguments", "function", "parameters"), CASES)
def test_a_rule_can_be_asked(
    backward: Any, arguments: tuple[Any, ...], function: Any, parameters: dict[str, Any]
) -> None:
    """Made from a tensor and the rest, ``apply`` gives the gradient that the function has."""
    array, *rest = arguments
    x = Tensor(array, requires_grad=True)
    y = function(x)
    g = np.random.default_rng(2).normal(size=y.shape)
    y.backward(g)
    node = backward(Tensor(array, requires_grad=True), *rest, **parameters)
    gradients = node.apply(g)
    first = gradients[0] if isinstance(gradients, tuple) else gradients
    np.testing.assert_allclose(dense(first), x.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("backward", "arguments", "function", "parameters"), CASES)
def test_a_rule_can_be_attached(
    backward: Any, arguments: tuple[Any, ...], function: Any, parameters: dict[str, Any]
) -> None:
    """A result that was computed apart gets its gradients through a node assigned afterwards."""
    array, *rest = arguments
    x, leaf = Tensor(array, requires_grad=True), Tensor(array, requires_grad=True)
    y = function(x)
    result = Tensor(y.data)
    result._grad_fn = backward(leaf, *rest, **parameters)
    assert result.requires_grad
    g = np.random.default_rng(2).normal(size=y.shape)
    y.backward(g)
    (result * 2).backward(g)
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad, 2 * np.asarray(x.grad), rtol=1e-12, atol=1e-15)


def test_a_positional_encoding_of_the_course() -> None:
    """A slice's node may be handed on to a tensor whose shape has extra leading ones."""
    table = Tensor(np.zeros((5, 2)), requires_grad=True)
    positions = table[:3]
    batched = Tensor(positions.data[np.newaxis])
    batched._grad_fn = positions._grad_fn
    g = np.random.default_rng(0).normal(size=(4, 3, 2))
    (Tensor(np.zeros((4, 3, 2))) + batched).backward(g)
    assert table.grad is not None
    np.testing.assert_allclose(table.grad[:3], g.sum(axis=0), rtol=1e-12)
    assert not table.grad[3:].any()
