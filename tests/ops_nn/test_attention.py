"""Attention: masks, rows without anything to attend to, dropout, and that P is kept once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch_ops_nn import dropout, softmax
from tinytorch_ops_nn import scaled_dot_product_attention as attention

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 5, 6))
G = RNG.normal(size=(2, 3, 6))


def leaves() -> list[Tensor]:
    return [Tensor(array, requires_grad=True) for array in (Q, K, V)]


def composed(q: Any, k: Any, v: Any, added: Any = 0.0, scale: float = 0.5) -> Any:
    return softmax(q @ k.transpose(-1, -2) * scale + added, -1) @ v


def check(ours: Any, theirs: Any) -> None:
    """One node gives what softmax between two products gives, in value and gradients."""
    mine, others = leaves(), leaves()
    y, expected = ours(*mine), theirs(*others)
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-9, atol=1e-12)
    y.backward(G)
    expected.backward(G)
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-9, atol=1e-12)


def test_it_is_softmax_between_two_products() -> None:
    """Without a mask, scaled by 1 over the root of the width, or as asked."""
    check(attention, composed)
    check(lambda *x: attention(*x, scale=2.0), lambda *x: composed(*x, scale=2.0))


def test_masks() -> None:
    """A mask of booleans says where to attend, a mask of floats is added, causal is a triangle."""
    seen = RNG.random((3, 5)) > 0.4
    seen[:, 0] = True
    hidden = np.where(seen, 0, -np.inf)
    floats = RNG.normal(size=(1, 5))
    check(lambda *x: attention(*x, seen), lambda *x: composed(*x, hidden))
    check(lambda *x: attention(*x, Tensor(seen)), lambda *x: composed(*x, hidden))
    check(lambda *x: attention(*x, floats), lambda *x: composed(*x, floats))
    triangle = np.where(np.arange(3)[:, None] >= np.arange(5), 0, -np.inf)
    check(lambda *x: attention(*x, is_causal=True), lambda *x: composed(*x, triangle))


def test_a_mask_of_floats_is_learnt() -> None:
    """Its gradient is that of the scores, summed to the shape of the mask."""
    ours, theirs = (Tensor(RNG.normal(size=(3, 1)), requires_grad=True) for _ in range(2))
    theirs.data[:] = ours.data
    q, k, v = leaves()
    weights = Tensor(RNG.normal(size=(1, 5)), requires_grad=True)
    attention(q, k, v, ours * weights).backward(G)
    composed(q, k, v, theirs * weights.detach()).backward(G)
    np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)
    assert weights.grad is not None


@pytest.mark.parametrize("mask", [np.zeros((3, 5), bool), np.full((3, 5), -np.inf)])
def test_rows_that_attend_to_nothing(mask: Any) -> None:
    """Where all is masked the output is zero, and so are the gradients; NumPy warns of nothing."""
    mask[1] = mask[1] == 0 if mask.dtype == bool else 0.0
    mine = leaves()
    y = attention(*mine, mask)
    y.backward(G)
    assert not y.data[:, [0, 2]].any()
    np.testing.assert_allclose(y.data[:, 1], attention(Q[:, 1:2], K, V)[:, 0], rtol=1e-12)
    assert not np.asarray(mine[0].grad)[:, [0, 2]].any()
    for leaf in mine:
        assert np.isfinite(np.asarray(leaf.grad)).all()


def test_scores_of_ten_thousand() -> None:
    """Large scores, in single precision, pick the best key, and overflow nowhere."""
    q = np.array([[1e4, 0.0]], np.float32)
    k = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    v = Tensor(np.array([[1.0], [2.0]], np.float32), requires_grad=True)
    y = attention(Tensor(q, requires_grad=True), Tensor(k), v)
    y.backward(np.array([[3.0]]))
    assert y.tolist() == [[1.0]]
    assert v.grad is not None
    assert v.grad.tolist() == [[3.0], [0.0]]


def test_half_precision() -> None:
    """Scores that half precision cannot hold are computed in single precision."""
    q = (Q * 300).astype(np.float16)
    y = attention(Tensor(q), Tensor(q), Tensor(q))
    assert y.dtype == np.float16
    exact = attention(*(Tensor(q.astype(float)) for _ in range(3)))
    np.testing.assert_allclose(y.data, exact.data, rtol=2e-3)


def test_dropout_leaves_weights_out() -> None:
    """Weights are left out and enlarged as dropout does it, with the same random numbers."""
    drop = 0.3

    def theirs(q: Any, k: Any, v: Any) -> Any:
        weights = softmax(q @ k.transpose(-1, -2) / 2.0, -1)
        return dropout(weights, drop, generator=np.random.default_rng(7)) @ v

    check(lambda *x: attention(*x, dropout_p=drop, generator=np.random.default_rng(7)), theirs)


def test_the_default_generator_is_cores() -> None:
    """`manual_seed` repeats a dropout, and without dropout no random number is drawn."""
    q = Tensor(Q)
    tinytorch.manual_seed(3)
    first = attention(q, q, q, dropout_p=0.5)
    tinytorch.manual_seed(3)
    state = tinytorch.get_rng_state()
    attention(q, q, q)
    assert tinytorch.get_rng_state() == state
    np.testing.assert_array_equal(attention(q, q, q, dropout_p=0.5).data, first.data)


def test_no_weights_left() -> None:
    """With all weights left out the output and the gradients are zero."""
    mine = leaves()
    y = attention(*mine, dropout_p=1.0)
    y.backward(G)
    assert not y.data.any()
    assert not any(np.asarray(leaf.grad).any() for leaf in mine)


def test_fewer_heads_of_keys() -> None:
    """With enable_gqa each head of the keys serves as many of the query's, which lie together."""
    q, k, v = (RNG.normal(size=(2, heads, 3, 4)) for heads in (6, 2, 2))
    keys, values = Tensor(k, requires_grad=True), Tensor(v, requires_grad=True)
    y = attention(Tensor(q), keys, values, enable_gqa=True)
    np.testing.assert_allclose(y.data[:, 4], attention(q[:, 4], k[:, 1], v[:, 1]), rtol=1e-12)
    y.backward(RNG.normal(size=y.shape))
    assert np.asarray(keys.grad).shape == k.shape


def test_scores_are_kept_once() -> None:
    """Of arrays as large as the scores the node keeps one."""
    node = attention(*leaves()).grad_fn
    assert node is not None
    kept = [x for x in node.saved if isinstance(x, np.ndarray) and x.shape == (2, 3, 5)]
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ({"attn_mask": np.ones((5, 3), bool)}, ValueError, r"\(2, 3, 5\).*\(5, 3\)"),
        ({"attn_mask": np.ones((3, 5), int)}, TypeError, r"boolean.*floating.*int64.*\(3, 5\)"),
        ({"attn_mask": np.ones((3, 5), bool), "is_causal": True}, ValueError, "pass one of them"),
        ({"dropout_p": 2}, ValueError, "dropout_p should be from 0 to 1, but it is 2"),
    ],
)
def test_errors(names: Any, error: type[Exception], message: str) -> None:
    """An error names the op, what was expected, and the shapes that were given."""
    with pytest.raises(error, match=f"scaled_dot_product_attention: .*{message}"):
        attention(Tensor(Q), Tensor(K), Tensor(V), **names)
