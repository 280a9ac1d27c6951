"""linear and bilinear: by hand, any leading axes, and that nothing needless is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_nn import bilinear, linear

RNG = np.random.default_rng(0)


@given(st.lists(st.integers(0, 3), max_size=3), st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_linear_is_a_product(leading: list[int], n: int, m: int) -> None:
    """For any leading axes, and no elements, value and gradients are those of the product."""
    rng = np.random.default_rng(1)
    x, weight, bias = (
        Tensor(rng.normal(size=shape), requires_grad=True)
        for shape in ((*leading, n), (m, n), (m,))
    )
    y = linear(x, weight, bias)
    np.testing.assert_allclose(y.data, x.data @ weight.data.T + bias.data, rtol=1e-9, atol=1e-12)
    g = rng.normal(size=y.shape)
    y.backward(g)
    rows = g.reshape(-1, m) if m else np.zeros((int(np.prod(leading)), 0))
    np.testing.assert_allclose(x.grad, g @ weight.data, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(bias.grad, rows.sum(0), rtol=1e-9, atol=1e-12)
    flat = x.data.reshape(len(rows), n)
    np.testing.assert_allclose(weight.grad, rows.T @ flat, rtol=1e-9, atol=1e-12)


def test_linear_keeps_only_what_is_asked_for() -> None:
    """The input is kept for the gradient of the weight only, and the weight for the input's."""
    x, weight = np.ones((2, 3)), np.ones((4, 3))
    first = linear(Tensor(x, requires_grad=True), Tensor(weight)).grad_fn
    second = linear(Tensor(x), Tensor(weight, requires_grad=True)).grad_fn
    assert first is not None
    assert second is not None
    assert (first.saved[0] is None, second.saved[1] is None) == (True, True)


def test_linear_promotes() -> None:
    """Of single and double precision the result is double, and each gradient of its own kind."""
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    bias = Tensor(np.full(4, 1e-12), requires_grad=True)
    y = linear(x, Tensor(np.zeros((4, 3), np.float32)), bias)
    assert y.dtype == np.float64
    assert y.data[0, 0] == 1e-12
    y.backward(RNG.normal(size=y.shape))
    assert x.grad is not None
    assert x.grad.dtype == np.float32


def test_bilinear_by_hand() -> None:
    """Each output is x W_k y, and the gradient of W_k is the outer product, times the output's."""
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    weight = Tensor(RNG.normal(size=(4, 3, 2)), requires_grad=True)
    out = bilinear(Tensor(x), Tensor(y), weight)
    np.testing.assert_allclose(out.data[2, 1], x[2] @ weight.data[1] @ y[2], rtol=1e-12)
    g = RNG.normal(size=(5, 4))
    out.backward(g)
    np.testing.assert_allclose(
        weight.grad, np.einsum("nk,ni,nj->kij", g, x, y), rtol=1e-9, atol=1e-12
    )


def test_bilinear_of_no_features() -> None:
    """Inputs without elements give the bias."""
    y = bilinear(
        np.ones((2, 0)), Tensor(np.ones((2, 3))), np.ones((4, 0, 3)), Tensor(np.arange(4.0))
    )
    assert y.tolist() == [[0, 1, 2, 3]] * 2


def test_a_transposed_weight_is_named() -> None:
    """The error gives both shapes, and says that the weight is used transposed."""
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 4\); the weight is used transposed"):
        linear(Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4))))
