"""What the conformance kit cannot hold of running sums and products: zeros, extremes, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, grad
from tinytorch_ops_math import cumprod, cumsum, prod

FACTORS = st.lists(st.sampled_from([0.0, 0.0, 0.5, -1.5, 2.0, 3.0]), min_size=1, max_size=9)


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


@given(FACTORS)
def test_gradient_of_a_product(factors: list[float]) -> None:
    """Each factor's gradient is the product of the others, however many zeros there are."""
    x = np.array(factors)
    others = [np.prod(np.delete(x, i)) for i in range(len(x))]
    np.testing.assert_allclose(gradient_of(prod, x, np.array(-3.0)), -3.0 * np.array(others))


@given(FACTORS)
def test_gradient_of_running_products(factors: list[float]) -> None:
    """The gradient of running products is the sum over those that an element is a factor of."""
    x = np.array(factors)
    g = np.random.default_rng(len(x)).normal(size=len(x))
    expected = [
        sum(g[i] * np.prod(np.delete(x[: i + 1], k)) for i in range(k, len(x)))
        for k in range(len(x))
    ]
    gradient = gradient_of(lambda t: cumprod(t, 0), x, g)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


@given(FACTORS)
@settings(max_examples=30)
def test_second_derivative_of_a_product(factors: list[float]) -> None:
    """The mixed second derivatives are the products of all but two, also with zeros among them."""
    x = Tensor(np.array(factors), requires_grad=True)
    (first,) = grad(prod(x), [x], create_graph=True)
    v = np.random.default_rng(0).normal(size=len(factors))
    (second,) = grad((first * v).sum(), [x], allow_unused=True)
    expected = [
        sum(v[j] * np.prod(np.delete(x.data, [i, j])) for j in range(len(v)) if j != i)
        for i in range(len(v))
    ]
    got = np.zeros(len(v)) if second is None else np.asarray(second.data)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_products_out_of_range(size: float) -> None:
    """Where a product under- or overflows, the gradient is still the product of the others."""
    x = np.array([size, size], np.float32)
    with np.errstate(over="ignore"):
        of_product = gradient_of(prod, x, np.array(2.0))
        of_last = gradient_of(lambda t: cumprod(t, 0), x, np.array([0.0, 2.0]))
    np.testing.assert_allclose(of_product, [2 * size, 2 * size], rtol=1e-6)
    np.testing.assert_allclose(of_last, [2 * size, 2 * size], rtol=1e-6)


def test_long_products() -> None:
    """Thousands of factors, a zero in the midst of them, take no loop over the places."""
    x = np.random.default_rng(0).choice([0.5, 1.0, 2.0], size=5001)
    x[2500] = 0.0
    gradient = gradient_of(lambda t: cumprod(t, 0), x, np.ones(5001))
    before, after = np.cumprod(x[:2500]), np.cumprod(x[2501:])
    np.testing.assert_allclose(gradient[2500], before[-1] * (1 + after.sum()), rtol=1e-10)
    np.testing.assert_array_equal(gradient[2501:], 0)
    np.testing.assert_allclose(gradient[0], before.sum() / x[0], rtol=1e-10)


def test_running_sums_by_hand() -> None:
    """The gradient of running sums is the running sum from the other end."""
    x, g = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 0]])
    assert cumsum(Tensor(x), 1).tolist() == [[1, 3, 6], [4, 9, 15]]
    np.testing.assert_array_equal(gradient_of(lambda t: cumsum(t, 1), x, g), [[7, 6, 4], [1, 1, 0]])


def test_without_an_axis() -> None:
    """Without an axis the elements count as one row, as in NumPy."""
    x, g = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    assert cumsum(Tensor(x)).tolist() == [1, 3, 6, 10]
    assert cumprod(Tensor(x)).tolist() == [1, 2, 6, 24]
    np.testing.assert_array_equal(gradient_of(cumsum, x, g), [[10, 9], [7, 4]])


@pytest.mark.parametrize("numpys", [np.cumsum, np.cumprod, np.prod])
def test_numpys_functions(numpys: Any) -> None:
    """NumPy's function, called on a Tensor, is recorded, along an axis or not."""
    x = np.array([[1.0, 2.0, -3.0], [0.0, 5.0, 6.0]])
    for parameters in ({}, {"axis": 1}, {"axis": -2}):
        result = numpys(Tensor(x, requires_grad=True), **parameters)
        assert result.requires_grad
        np.testing.assert_array_equal(result.data, numpys(x, **parameters))
    with pytest.raises(TypeError, match="keyword dtype= has no meaning"):
        numpys(Tensor(x), dtype=np.float32)


def test_integers_and_booleans() -> None:
    """Integers and booleans are summed and multiplied in 64 bits, as in NumPy and PyTorch."""
    for dtype in (np.int32, np.bool_):
        x = Tensor(np.array([1, 0, 1], dtype))
        for function in (cumsum, cumprod, prod):
            assert function(x).dtype == np.int64


def test_product_over_no_axes() -> None:
    """A product over an empty tuple of axes is the tensor itself, and over all of none it is 1."""
    x = Tensor(np.array([2.0, 3.0]), requires_grad=True)
    assert prod(x, ()).tolist() == [2.0, 3.0]
    assert prod(x, ()) is not x
    assert prod(Tensor(np.zeros((0, 2))), keepdims=True).tolist() == [[1.0]]
