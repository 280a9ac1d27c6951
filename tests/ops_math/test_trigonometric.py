"""What the conformance kit cannot hold of functions of angles: exact points, extremes, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_ops_math as math
from tinytorch import Tensor, grad


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


def test_gradients_by_hand() -> None:
    """At 0, 1/2 and the like the gradients are short numbers."""
    g = np.array([3.0])
    for function, point, slope in (
        (math.sin, np.pi / 3, 0.5),
        (math.cos, np.pi / 6, -0.5),
        (math.tan, np.pi / 4, 2.0),
        (math.asin, 0.6, 1.25),
        (math.acos, 0.6, -1.25),
        (math.atan, 2.0, 0.2),
        (math.sinh, np.log(2), 1.25),
        (math.cosh, np.log(2), 0.75),
    ):
        np.testing.assert_allclose(gradient_of(function, np.array([point]), g), 3 * slope)


def test_slopes_near_the_ends() -> None:
    """Near ±1 the slope of asin keeps its digits, for 1 - x² is not computed from x²."""
    x = 1 - 1e-12
    exact = 1 / np.sqrt((1 - x) * (1 + x))
    np.testing.assert_allclose(gradient_of(math.asin, np.array([x]), np.ones(1)), exact, 1e-14)


def test_beyond_the_domain() -> None:
    """Beyond ±1 asin and acos are NaN, with NumPy's warning; at ±1 the slope is infinite."""
    with pytest.warns(RuntimeWarning):
        assert np.isnan(math.asin(Tensor([1.5])).item())
    with np.errstate(divide="ignore"):
        assert gradient_of(math.acos, np.array([1.0]), np.ones(1)) == -np.inf


def test_quadrants() -> None:
    """atan2 tells the quadrants apart, and the signs of zeros, as NumPy's does."""
    y = np.array([1.0, 1.0, -1.0, -1.0, 0.0, -0.0, 0.0, -0.0])
    x = np.array([1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 1.0, 1.0])
    quarter = np.pi / 4
    expected = quarter * np.array([1, 3, -3, -1, 4, -4, 0, 0])
    np.testing.assert_allclose(math.atan2(Tensor(y), Tensor(x)).data, expected, rtol=1e-15)
    np.testing.assert_array_equal(math.atan2(Tensor(y), Tensor(x)).data, np.arctan2(y, x))


def test_atan2_at_the_origin() -> None:
    """At the origin, where the angle has no gradient, it is zero, and that without a warning."""
    y, x = Tensor(np.zeros(2), requires_grad=True), Tensor(np.zeros(2), requires_grad=True)
    first = grad(math.atan2(y, x), [y, x], np.array([2.0, -3.0]), create_graph=True)
    for gradient in (*first, *grad(first[0] + first[1], [y, x], np.array([1.0, 1.0]))):
        np.testing.assert_array_equal(np.asarray(gradient.data), [0.0, 0.0])


def test_atan2_of_integers() -> None:
    """Two integers, small ones too, give float32 of full precision."""
    result = math.atan2(Tensor(np.array([1], np.int8)), Tensor(np.array([3], np.int8)))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data, np.arctan(1 / 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("numpys", "ours"),
    [
        (np.sin, math.sin),
        (np.cos, math.cos),
        (np.tan, math.tan),
        (np.arcsin, math.asin),
        (np.arccos, math.acos),
        (np.arctan, math.atan),
        (np.sinh, math.sinh),
        (np.cosh, math.cosh),
    ],
)
def test_numpys_functions_are_recorded(numpys: Any, ours: Any) -> None:
    """NumPy's function of the same meaning, called on a Tensor, is the operation."""
    x, g = np.array([0.3, -0.7]), np.array([2.0, -0.7])
    np.testing.assert_array_equal(gradient_of(numpys, x, g), gradient_of(ours, x, g))


def test_numpys_arctan2_is_recorded() -> None:
    """np.arctan2 takes Tensors in either place."""
    x, array, g = np.array([0.3, -0.7]), np.array([1.0, 2.0]), np.array([2.0, -0.7])
    squared = x**2 + array**2
    np.testing.assert_allclose(
        gradient_of(lambda t: np.arctan2(t, array), x, g), g * array / squared
    )
    np.testing.assert_allclose(
        gradient_of(lambda t: np.arctan2(array, t), x, g), -g * array / squared
    )


def test_aliases() -> None:
    """The inverses have NumPy's names, too, as functions and methods."""
    x = Tensor([0.5])
    for name, alias in (("asin", "arcsin"), ("acos", "arccos"), ("atan", "arctan")):
        assert getattr(tinytorch.ops, alias) is getattr(math, name)
        assert getattr(x, alias)().tolist() == getattr(x, name)().tolist()
    assert x.arctan2(x).tolist() == x.atan2(x).tolist()
