"""What the conformance kit cannot hold of logarithms, exponentials and powers: extremes, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_ops_math as math
from tinytorch import Tensor, grad

TINY = np.array([-1e-8, -1e-20, 0.0, 1e-20, 1e-8])


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_arguments(dtype: Any) -> None:
    """Near 0, log1p and expm1 are x itself, which log(1 + x) and exp(x) - 1 would round away."""
    x = TINY.astype(dtype)
    for function in (math.log1p, math.expm1):
        np.testing.assert_allclose(function(Tensor(x)).data, x, rtol=1e-6)
        g = np.random.default_rng(0).normal(size=5).astype(dtype)
        np.testing.assert_allclose(gradient_of(function, x, g), g, rtol=1e-6)


def test_expm1_keeps_small_slopes() -> None:
    """Far below 0 the slope of expm1 is e^x, not 1 - 1."""
    slope = gradient_of(math.expm1, np.array([-40.0]), np.array([3.0]))
    np.testing.assert_allclose(slope, 3 * np.exp(-40.0), rtol=1e-15)


def test_exact_powers() -> None:
    """Logarithms of powers of their base are whole numbers, and rsqrt of squares is exact."""
    assert math.log2(Tensor([0.25, 1.0, 1024.0])).tolist() == [-2.0, 0.0, 10.0]
    assert math.log10(Tensor(np.array([0.01, 1.0, 1e5]))).tolist() == [-2.0, 0.0, 5.0]
    assert math.rsqrt(Tensor([0.25, 1.0, 16.0])).tolist() == [2.0, 1.0, 0.25]
    assert math.reciprocal(Tensor([-2.0, 4.0])).tolist() == [-0.5, 0.25]
    assert math.square(Tensor([-1.5, 3.0])).tolist() == [2.25, 9.0]


def test_gradients_by_hand() -> None:
    """At points where they are short numbers, the gradients are those."""
    x, g = np.array([0.25, 4.0]), np.array([3.0, -2.0])
    np.testing.assert_allclose(gradient_of(math.rsqrt, x, g), g * [-4.0, -1 / 16])
    np.testing.assert_allclose(gradient_of(math.reciprocal, x, g), g * [-16.0, -1 / 16])
    np.testing.assert_allclose(gradient_of(math.square, x, g), g * [0.5, 8.0])
    np.testing.assert_allclose(gradient_of(math.log2, x, g), g * [4, 0.25] / np.log(2))
    np.testing.assert_allclose(gradient_of(math.log10, x, g), g * [4, 0.25] / np.log(10))


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.bool_])
def test_integers_are_computed_with_as_float32(dtype: Any) -> None:
    """Integers give float32 of full precision, whatever their size, and squares stay integers."""
    x = Tensor(np.array([0, 1], dtype))
    for function, expected in (
        (math.log1p, np.log1p([0.0, 1.0])),
        (math.expm1, np.expm1([0.0, 1.0])),
    ):
        result = function(x)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, expected, rtol=1e-7)
    assert math.square(x).dtype.kind == "i"
    assert math.reciprocal(Tensor(np.array([4], np.int8))).tolist() == [0.25]


def test_float16() -> None:
    """Half precision stays half precision, in value and gradient."""
    x = Tensor(np.array([0.5, 2.0], np.float16), requires_grad=True)
    for function in (math.log1p, math.rsqrt, math.square, math.erf, math.sin):
        (gradient,) = grad(function(x), [x], np.array([1.0, -2.0]), create_graph=True)
        assert (function(x).dtype, gradient.dtype) == (np.float16, np.float16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logaddexp_far_out(dtype: Any) -> None:
    """Where exponentials overflow the larger operand is the result, and it gets the gradient."""
    a = Tensor(np.array([1e4, -1e4, 800.0, -np.inf, 0.0, -np.inf], dtype), requires_grad=True)
    b = Tensor(np.array([-1e4, 1e4, 800.0, 1.0, -np.inf, -np.inf], dtype), requires_grad=True)
    y = math.logaddexp(a, b)
    expected = [1e4, 1e4, 800 + np.log(2), 1, 0, -np.inf]
    np.testing.assert_allclose(y.data, expected, rtol=1e-6)
    g = np.array([2.0, -3.0, 5.0, 7.0, -11.0, 13.0], dtype)
    y.backward(g)
    np.testing.assert_allclose(a.grad, g * [1, 0, 0.5, 0, 1, 0], rtol=1e-4)
    np.testing.assert_allclose(b.grad, g * [0, 1, 0.5, 1, 0, 0], rtol=1e-4)


@pytest.mark.parametrize(
    ("numpys", "ours"),
    [
        (np.log1p, math.log1p),
        (np.expm1, math.expm1),
        (np.log2, math.log2),
        (np.log10, math.log10),
        (np.square, math.square),
        (np.reciprocal, math.reciprocal),
    ],
)
def test_numpys_functions_are_recorded(numpys: Any, ours: Any) -> None:
    """NumPy's function of the same meaning, called on a Tensor, is the operation."""
    x, g = np.array([0.3, 1.7]), np.array([2.0, -0.7])
    np.testing.assert_array_equal(gradient_of(numpys, x, g), gradient_of(ours, x, g))


def test_numpys_logaddexp_is_recorded() -> None:
    """np.logaddexp of a Tensor and an array, in either order, is the operation."""
    x, array, g = np.array([0.3, 1.7]), np.array([1.0, -1.0]), np.array([2.0, -0.7])
    expected = gradient_of(lambda t: math.logaddexp(t, array), x, g)
    np.testing.assert_array_equal(gradient_of(lambda t: np.logaddexp(t, array), x, g), expected)
    np.testing.assert_array_equal(gradient_of(lambda t: np.logaddexp(array, t), x, g), expected)


def test_methods_and_functions() -> None:
    """The operations are there as methods and under tinytorch.ops."""
    x = Tensor([0.25])
    assert tinytorch.ops.rsqrt is math.rsqrt
    assert x.rsqrt().tolist() == [2.0]


def test_errors_name_the_operation() -> None:
    """What is no array of numbers, or does not broadcast, is refused in the operation's name."""
    with pytest.raises(TypeError, match=r"log2: .*holds real numbers.*complex"):
        math.log2(np.array([1j]))
    with pytest.raises(TypeError, match=r"square: .*NoneType"):
        math.square(None)
    with pytest.raises(ValueError, match=r"logaddexp: .*broadcast, but they are \(2,\), \(3,\)"):
        math.logaddexp(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))
