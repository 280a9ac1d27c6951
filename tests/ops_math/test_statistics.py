"""What the conformance kit cannot hold of variances, norms and sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_math as math
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor, grad

ROWS = np.array([[1.0, 3.0, 5.0], [2.0, 2.0, 8.0]])


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


def test_variance_by_hand() -> None:
    """By default the sum of squares is divided by n - 1, as in PyTorch."""
    assert math.var(Tensor(ROWS), 1).tolist() == [4.0, 12.0]
    assert math.var(Tensor(ROWS), 1, correction=0).tolist() == pytest.approx([8 / 3, 8])
    assert math.std(Tensor(ROWS), 1).tolist() == pytest.approx([2.0, np.sqrt(12)])
    gradient = gradient_of(lambda x: math.var(x, 1), ROWS, np.array([3.0, -1.0]))
    np.testing.assert_allclose(gradient, [[-6, 0, 6], [2, 2, -4]])


@given(st.integers(1, 5), st.integers(0, 2), st.sampled_from([None, 0, 1, (0, 1)]))
def test_numpys_ddof(length: int, ddof: int, axis: Any) -> None:
    """np.var and np.std of Tensors have NumPy's default, its ddof, and its correction."""
    x = np.random.default_rng(length).normal(size=(length + 2, length + 3))
    for function in (np.var, np.std):
        np.testing.assert_allclose(function(Tensor(x), axis).data, function(x, axis))
        expected = function(x, axis, ddof=ddof)
        np.testing.assert_allclose(function(Tensor(x), axis, ddof=ddof).data, expected)
        np.testing.assert_allclose(function(Tensor(x), axis, correction=ddof).data, expected)


@pytest.mark.parametrize("function", [math.var, math.std])
def test_no_degrees_of_freedom(function: Any) -> None:
    """Of one element, or of none, the value is NaN and so is the gradient, without a warning."""
    x = Tensor(np.array([3.0]), requires_grad=True)
    result = function(x)
    result.backward(np.array(2.0))
    assert np.isnan(result.item())
    np.testing.assert_array_equal(x.grad, [np.nan])
    assert np.isnan(function(Tensor(np.zeros((0, 2))), 0).data).all()
    assert np.isnan(function(Tensor(5.0)).item())
    assert function(Tensor([1.0, 2.0]), correction=3).item() == np.inf


def test_deviation_of_equal_elements() -> None:
    """Where the deviation is zero its gradient is zero, not NaN, and so is the second."""
    x = Tensor(np.array([[2.0, 2.0], [1.0, 3.0]]), requires_grad=True)
    (first,) = grad(math.std(x, 1), [x], np.array([5.0, 1.0]), create_graph=True)
    np.testing.assert_allclose(first.data, [[0, 0], [-np.sqrt(0.5), np.sqrt(0.5)]])
    (second,) = grad((first * first).sum(), [x])
    np.testing.assert_allclose(np.asarray(second.data)[0], 0)


def test_variance_of_large_numbers() -> None:
    """The mean is taken off before squaring: 1e8 on top of everything changes nothing."""
    np.testing.assert_allclose(math.var(Tensor(ROWS + 1e8), 1).data, [4.0, 12.0])


def test_integers_are_computed_with_as_float32() -> None:
    """Of integers and booleans, small ones too, there are fractions, in float32."""
    for dtype in (np.int8, np.int64, np.bool_):
        x = Tensor(np.array([0, 1, 1, 0], dtype))
        for function, expected in (
            (math.var, 1 / 3),
            (math.std, np.sqrt(1 / 3)),
            (math.norm, np.sqrt(2)),
            (math.logsumexp, np.log(2 + 2 * np.e)),
        ):
            result = function(x)
            assert result.dtype == np.float32
            np.testing.assert_allclose(result.data, expected, rtol=1e-6)


@pytest.mark.parametrize("function", [math.var, math.std, math.logsumexp])
def test_float16_is_summed_in_float32(function: Any) -> None:
    """The sum over 70,000 elements of half precision does not overflow."""
    x = np.tile(np.array([0.0, 4.0], np.float16), 35000)
    result = function(Tensor(x))
    assert result.dtype == np.float16
    expected = function(Tensor(x.astype(np.float64))).item()
    np.testing.assert_allclose(result.data, expected, rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logsumexp_far_out(dtype: Any) -> None:
    """At 1e4, and of minus infinity, the value is right, and the gradient is the softmax."""
    x = np.array([[1e4, -1e4], [-1e4, -1e4], [-np.inf, 2.0], [-np.inf, -np.inf]], dtype)
    expected = [1e4, -1e4 + np.log(2), 2, -np.inf]
    np.testing.assert_allclose(math.logsumexp(Tensor(x), 1).data, expected, rtol=1e-6)
    g = np.array([2.0, 3.0, 5.0, 7.0], dtype)
    gradient = gradient_of(lambda t: math.logsumexp(t, 1), x, g)
    np.testing.assert_allclose(gradient, [[2, 0], [1.5, 1.5], [0, 5], [0, 0]], rtol=1e-3)


def test_logsumexp_of_nothing() -> None:
    """Of no elements the sum is 0, whose logarithm is minus infinity."""
    assert math.logsumexp(Tensor(np.zeros((0, 2))), 0).tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize(
    ("p", "value", "slopes"),
    [
        (2, 5.0, [0.6, -0.8, 0.0]),
        ("fro", 5.0, [0.6, -0.8, 0.0]),
        (1, 7.0, [1, -1, 0]),
        (np.inf, 4.0, [0, -1, 0]),
        (-np.inf, 0.0, [0, 0, 0]),
        (3, 91 ** (1 / 3), [9 / 91 ** (2 / 3), -16 / 91 ** (2 / 3), 0]),
    ],
)
def test_norms_by_hand(p: Any, value: float, slopes: Any) -> None:
    """Each order has its value, and its gradient, at a point with a zero in it."""
    x = Tensor(np.array([3.0, -4.0, 0.0]), requires_grad=True)
    y = math.norm(x, p)
    assert y.item() == pytest.approx(value)
    y.backward(np.array(2.0))
    np.testing.assert_allclose(x.grad, 2 * np.array(slopes), atol=1e-15)


def test_norm_of_order_zero() -> None:
    """Order 0 counts what is not zero, and sends no gradient, as in PyTorch."""
    x = Tensor(np.array([3.0, -4.0, 0.0]), requires_grad=True)
    y = math.norm(x, 0)
    y.backward(np.array(2.0))
    assert y.item() == 2.0
    assert x.grad is None or not x.grad.any()


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, np.inf, -np.inf, -1])
def test_norm_at_the_origin(p: float) -> None:
    """At the origin the gradient is zero, not NaN, and so are those of zero rows among others."""
    x = Tensor(np.array([[0.0, 0.0], [3.0, 4.0]]), requires_grad=True)
    math.norm(x, p, dim=1).backward(np.array([5.0, 7.0]))
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad[0], [0.0, 0.0])
    assert np.isfinite(x.grad).all()
    assert x.grad[1].any()


def test_norm_of_high_order() -> None:
    """The gradient is made of ratios, so that no power of a large number overflows."""
    x = np.array([1e3, 5e2], np.float32)
    y = math.norm(Tensor(x), 12)
    assert np.isfinite(y.item())
    gradient = gradient_of(lambda t: math.norm(t, 12), x, np.array(1.0, np.float32))
    np.testing.assert_allclose(gradient, [1.0, 0.5**11], rtol=1e-3)


def test_numpys_norm() -> None:
    """np.linalg.norm is recorded for vectors and Frobenius, and refused for norms of matrices."""
    x = Tensor(ROWS, requires_grad=True)
    for parameters in ({}, {"ord": "fro"}, {"ord": 3, "axis": 1}, {"axis": 0, "keepdims": True}):
        result = np.linalg.norm(x, **parameters)
        assert result.requires_grad
        np.testing.assert_allclose(result.data, np.linalg.norm(ROWS, **parameters))
    with pytest.raises(TypeError, match="norm of matrices"):
        np.linalg.norm(x, 2)


def test_words_for_norms() -> None:
    """A word other than 'fro' is refused, with what may be given."""
    with pytest.raises(ValueError, match="norm: p should be a number or 'fro', but it is 'nuc'"):
        math.norm(Tensor([1.0]), "nuc")
