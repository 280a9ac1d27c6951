"""normalize and cosine_similarity: zeros, tiny and huge vectors, and the range from -1 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, grad
from tinytorch_ops_nn import cosine_similarity, normalize

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("p", [1, 2, 3, np.inf])
def test_vectors_have_length_one(p: float) -> None:
    """Along the axis the p-norm is 1, and the gradient has no part along the vector."""
    x = Tensor(RNG.normal(size=(3, 4, 2)), requires_grad=True)
    y = normalize(x, p, 1)
    np.testing.assert_allclose(np.linalg.norm(y.data, p, axis=1), 1, rtol=1e-12)
    y.backward(RNG.normal(size=y.shape))
    np.testing.assert_allclose((np.asarray(x.grad) * x.data).sum(1), 0, atol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 3, 4.5, np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_stay_zeros(p: float, dtype: Any) -> None:
    """A vector of zeros is divided by eps: no NaN, in the first derivative or the second."""
    x = Tensor(np.zeros((2, 3), dtype), requires_grad=True)
    y = normalize(x, p, eps=0.25)
    (first,) = grad(y, x, RNG.normal(size=(2, 3)).astype(dtype), create_graph=True)
    assert not y.data.any()
    assert np.isfinite(first.data).all()
    (second,) = grad(first, x, np.ones((2, 3), dtype), allow_unused=True)
    assert second is None or np.isfinite(second).all()


def test_short_vectors_are_divided_by_eps() -> None:
    """Below eps the function is x / eps, and its gradient g / eps."""
    x = Tensor(np.array([[3e-3, 4e-3]]), requires_grad=True)
    y = normalize(x, eps=0.5)
    y.backward(np.array([[2.0, -3.0]]))
    np.testing.assert_allclose(y.data, [[6e-3, 8e-3]], rtol=1e-12)
    np.testing.assert_allclose(x.grad, [[4.0, -6.0]], rtol=1e-12)


def test_half_precision() -> None:
    """The squares of 300, which half precision cannot hold, are summed in single precision."""
    y = normalize(Tensor(np.array([[300.0, 400.0]], np.float16)))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, [[0.6, 0.8]], rtol=1e-3)


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=3), st.floats(0.01, 100))
@settings(deadline=None)
def test_cosines(values: list[float], factor: float) -> None:
    """A cosine lies between -1 and 1, is 1 with a multiple, -1 with the opposite, and symmetric."""
    x, other = np.array([values]), np.array([[1.0, -2.0, 0.5]])
    cosine = cosine_similarity(Tensor(x), Tensor(other)).data
    assert (np.abs(cosine) <= 1 + 1e-12).all()
    np.testing.assert_array_equal(cosine_similarity(Tensor(other), Tensor(x)).data, cosine)
    if np.linalg.norm(x) > 1e-3:
        np.testing.assert_allclose(cosine_similarity(Tensor(x), Tensor(x * factor)).data, 1)
        np.testing.assert_allclose(cosine_similarity(Tensor(x), Tensor(-x)).data, -1)


def test_cosine_with_zero() -> None:
    """With a vector of zeros the cosine is 0, and its gradient b / eps."""
    x = Tensor(np.zeros((1, 2)), requires_grad=True)
    y = cosine_similarity(x, Tensor(np.array([[3.0, 4.0]])), eps=0.5)
    y.backward(np.array([2.0]))
    assert y.tolist() == [0.0]
    np.testing.assert_allclose(x.grad, [[2.4, 3.2]], rtol=1e-12)


def test_all_pairs_by_broadcasting() -> None:
    """Rows against columns give a table of cosines, and gradients of the shapes of the inputs."""
    a, b = (Tensor(RNG.normal(size=(n, 3)), requires_grad=True) for n in (4, 5))
    table = cosine_similarity(a.reshape(4, 1, 3), b, dim=-1)
    assert table.shape == (4, 5)
    np.testing.assert_allclose(
        table.data[2, 3], cosine_similarity(a.data[2], b.data[3], dim=0), rtol=1e-12
    )
    table.backward(RNG.normal(size=(4, 5)))
    assert (np.asarray(a.grad).shape, np.asarray(b.grad).shape) == ((4, 3), (5, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: normalize(Tensor([1.0, 2.0])), IndexError, "normalize: .* from -1 to 0, but 1"),
        (lambda: normalize(Tensor([1.0]), 0, 0), ValueError, "p is 0 and eps is 1e-12"),
        (
            lambda: cosine_similarity(np.ones((2, 3)), np.ones((4, 3))),
            ValueError,
            r"should broadcast, but they are \(2, 3\) and \(4, 3\)",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    """An error names what was expected, and what was given."""
    with pytest.raises(error, match=message):
        call()
