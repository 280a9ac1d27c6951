"""Attention: who attends to whom, in which shapes, and how heads are put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
from tinytorch import Tensor

X = Tensor(np.random.default_rng(0).normal(size=(3, 4, 6)))
FUTURE = np.triu(np.ones((4, 4), bool), 1)


def attention(**options: Any) -> nn.MultiheadAttention:
    """Two heads over six features, with biases that are not zero, in float64."""
    layer = nn.MultiheadAttention(6, 2, dtype=np.float64, **{"batch_first": True} | options)
    for parameter in layer.parameters():
        parameter.data += np.random.default_rng(1).normal(size=parameter.shape)
    return layer


def softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_by_hand() -> None:
    """The layer is the formula, head by head, in plain NumPy."""
    layer = attention()
    x = X.data
    projected = x @ layer.in_proj_weight.data.T + layer.in_proj_bias.data
    query, key, value = np.split(projected, 3, axis=-1)
    mixed, weights = [], []
    for features in (slice(0, 3), slice(3, 6)):
        q, k, v = (part[..., features] for part in (query, key, value))
        weights.append(softmax(q @ k.swapaxes(-1, -2) / 3**0.5))
        mixed.append(weights[-1] @ v)
    out = layer.out_proj
    wanted = np.concatenate(mixed, axis=-1) @ out.weight.data.T + out.bias.data
    output, found = layer(X, X, X)
    np.testing.assert_allclose(output.data, wanted)
    np.testing.assert_allclose(found.data, np.mean(weights, axis=0))
    each = layer(X, X, X, average_attn_weights=False)[1]
    np.testing.assert_allclose(each.data, np.stack(weights, axis=1))


def test_shapes() -> None:
    """Batch first, last or not there: the numbers are the same, in the shape of the query."""
    layer = attention()
    wanted, weights = layer(X, X, X)
    layer.batch_first = False
    turned = X.transpose(0, 1)
    output, same = layer(turned, turned, turned)
    assert output.shape == (4, 3, 6)
    np.testing.assert_allclose(output.data.swapaxes(0, 1), wanted.data)
    np.testing.assert_allclose(same.data, weights.data)
    output, same = layer(X[1], X[1], X[1])
    np.testing.assert_allclose(output.data, wanted.data[1])
    np.testing.assert_allclose(same.data, weights.data[1])


@pytest.mark.parametrize(
    "masks",
    [
        {},
        {"attn_mask": FUTURE},
        {"attn_mask": np.where(FUTURE, -np.inf, 0.5)},
        {"is_causal": True},
        {"key_padding_mask": np.array([[0, 0, 1, 1], [0, 1, 0, 0], [0] * 4], bool)},
        {"attn_mask": FUTURE, "key_padding_mask": np.eye(3, 4, 1) > 0},
    ],
)
def test_without_weights(masks: dict[str, Any]) -> None:
    """The weights do not change the output: it and all gradients are the same without them."""
    layer = attention()
    seed = np.random.default_rng(2).normal(size=X.shape)
    found = []
    for need_weights in (True, False):
        layer.zero_grad()
        output, weights = layer(X, X, X, need_weights=need_weights, **masks)
        assert (weights is not None) == need_weights
        output.backward(seed)
        found.append([output.data, *(parameter.grad for parameter in layer.parameters())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, 1e-9, 1e-12)


def test_masks() -> None:
    """Where a mask is true there is no weight, and the others sum to 1."""
    layer = attention()
    padding = np.array([[False, False, True, True], [False, True, False, False], [False] * 4])
    weights = layer(X, X, X, padding, attn_mask=FUTURE)[1].data
    left_out = FUTURE | padding[:, np.newaxis]
    assert (weights[left_out] == 0).all()
    assert (weights[~left_out] > 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1)
    causal = layer(X, X, X, padding, is_causal=True)[1].data
    np.testing.assert_array_equal(causal, weights)


def test_a_mask_for_each_head() -> None:
    """With a mask for each head of each element of the batch, every head goes by its own."""
    layer = attention()
    masks = np.random.default_rng(4).random((6, 4, 4)) < 0.4
    weights = layer(X, X, X, attn_mask=masks, average_attn_weights=False)[1].data
    np.testing.assert_array_equal(weights == 0, masks.reshape(3, 2, 4, 4))


def test_a_mask_as_a_tensor() -> None:
    """Masks may be tensors; one of numbers gets a gradient, as a learnt bias of positions does."""
    layer = attention()
    wanted = layer(X, X, X, attn_mask=FUTURE)[0]
    np.testing.assert_array_equal(layer(X, X, X, attn_mask=Tensor(FUTURE))[0].data, wanted.data)
    bias = tinytorch.zeros(4, 4, requires_grad=True, dtype=np.float64)
    layer(X, X, X, attn_mask=bias)[0].sum().backward()
    assert bias.grad is not None
    assert bias.grad.any()


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_query_that_attends_to_nothing(need_weights: bool) -> None:
    """It gets zeros from all heads, and with them the bias; no gradient is NaN."""
    layer = attention()
    mask = np.zeros((4, 4), bool)
    mask[2] = True
    output, _ = layer(X, X, X, attn_mask=mask, need_weights=need_weights)
    np.testing.assert_array_equal(output.data[:, 2], np.tile(layer.out_proj.bias.data, (3, 1)))
    output.sum().backward()
    assert all(np.isfinite(parameter.grad).all() for parameter in layer.parameters())


@pytest.mark.parametrize("need_weights", [True, False])
def test_dropout(need_weights: bool) -> None:
    """In training weights are left out, by the seed; in evaluation none is."""
    layer = attention(dropout=0.5)
    tinytorch.manual_seed(0)
    first, weights = layer(X, X, X, need_weights=need_weights)
    tinytorch.manual_seed(0)
    np.testing.assert_array_equal(layer(X, X, X, need_weights=need_weights)[0].data, first.data)
    layer.eval()
    plain, _ = layer(X, X, X, need_weights=need_weights)
    np.testing.assert_array_equal(layer(X, X, X, need_weights=need_weights)[0].data, plain.data)
    assert (plain.data != first.data).any()
    if need_weights:
        assert (weights.data == 0).any()


def test_lengths_of_their_own() -> None:
    """Keys and values may be longer or shorter than queries, with maps of their own."""
    layer = attention(kdim=5, vdim=7)
    rng = np.random.default_rng(3)
    key, value = (Tensor(rng.normal(size=(3, 2, size))) for size in (5, 7))
    output, weights = layer(X, key, value)
    assert (output.shape, weights.shape) == ((3, 4, 6), (3, 4, 2))
    assert list(layer.state_dict())[:3] == ["q_proj_weight", "k_proj_weight", "v_proj_weight"]


def test_heads_that_do_not_divide() -> None:
    """The features have to be divided evenly among the heads."""
    with pytest.raises(ValueError, match="num_heads=4 and embed_dim=6"):
        nn.MultiheadAttention(6, 4)


def test_both_spellings() -> None:
    """PyTorch's spelling and the usual one are one class."""
    assert nn.MultiHeadAttention is nn.MultiheadAttention
