"""Rectifiers and bounded activations: far-out values, kinks, dtypes, what they keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, grad

FAR_OUT = np.array([-np.inf, -1e4, -100.0, 0.0, 100.0, 1e4, np.inf])
G = np.array([3.0, -2.0, 5.0, 7.0, -1.5, 4.0, 2.0])


def value_and_slope(function: Any, x: Any, *parameters: Any, **names: Any) -> tuple[Any, Any]:
    leaf = Tensor(x, requires_grad=True)
    y = function(leaf, *parameters, **names)
    y.backward(np.broadcast_to(G[: leaf.size], leaf.shape) if leaf.shape else 1.0)
    assert leaf.grad is not None
    return y.data, leaf.grad / (G[: leaf.size] if leaf.shape else 1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "low", "high", "below", "above"),
    [
        (nn.elu, -1.0, None, 0, 1),
        (nn.selu, -1.7580993, None, 0, 1.0507009),
        (nn.celu, -1.0, None, 0, 1),
        (nn.relu6, 0, 6, 0, 0),
        (nn.hardtanh, -1, 1, 0, 0),
        (nn.hardsigmoid, 0, 1, 0, 0),
    ],
)
def test_far_out(
    function: Any, low: float, high: float | None, below: float, above: float, dtype: Any
) -> None:
    """Far out, to infinity, each has its limit and its slope in each dtype; NumPy is silent."""
    x = FAR_OUT.astype(dtype)
    y, slope = value_and_slope(function, x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y[:3], low, rtol=2e-3, atol=1e-7)
    np.testing.assert_allclose(y[4:], x[4:] * above if high is None else high, rtol=2e-3)
    np.testing.assert_allclose(slope[:3], below, atol=1e-6)
    np.testing.assert_allclose(slope[4:], above, rtol=2e-3)


def test_leaky_slopes_are_exact() -> None:
    """A leak multiplies what is below zero by the slope, and leaves the rest to the last bit."""
    x = np.array([-3.0, -0.0, 0.0, 0.1, 7.0], np.float32)
    y, slope = value_and_slope(nn.leaky_relu, x, 0.3)
    np.testing.assert_array_equal(
        y, np.array([np.float32(-3.0) * np.float32(0.3), 0, 0, 0.1, 7.0], np.float32)
    )
    np.testing.assert_allclose(slope, [0.3, 0.3, 0.3, 1, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "kinks", "slopes"),
    [
        (nn.elu, [0.0], [1]),
        (nn.selu, [0.0], [1.7580993408473766]),
        (nn.celu, [0.0], [1]),
        (nn.hardtanh, [-1.0, 1.0], [0, 0]),
        (nn.relu6, [0.0, 6.0], [0, 0]),
        (nn.hardsigmoid, [-3.0, 3.0], [0, 0]),
        (nn.hardswish, [-3.0, 3.0], [0, 1]),
        (lambda x: nn.softplus(x, 1.0, 2.0), [2.0, 2.0], [0.8807970779778823] * 2),
    ],
)
def test_slopes_at_kinks(function: Any, kinks: list[float], slopes: list[float]) -> None:
    """At a kink the slope is that of the side that PyTorch takes."""
    np.testing.assert_allclose(value_and_slope(function, np.array(kinks))[1], slopes, rtol=1e-12)


@pytest.mark.parametrize(
    "function", [nn.leaky_relu, nn.elu, nn.selu, nn.celu, nn.hardtanh, nn.relu6]
)
def test_nan_passes(function: Any) -> None:
    """NaN is not hidden by a comparison: the value is NaN, and the gradient is not zero."""
    y, slope = value_and_slope(function, np.array([np.nan]))
    assert np.isnan(y).all()
    assert not (slope == 0).any()


def test_an_elu_with_a_corner_has_curvature_on_one_side() -> None:
    """The second derivative of elu is alpha e^x below zero, and none at and above zero."""
    x = Tensor(np.array([-1.0, 0.0, 2.0]), requires_grad=True)
    (slope,) = grad(nn.elu(x, 3.0).sum(), x, create_graph=True)
    (curvature,) = grad(slope.sum(), x)
    np.testing.assert_allclose(curvature, [3 * np.exp(-1), 0, 0], rtol=1e-12)


def test_prelu_learns_a_slope_for_each_channel() -> None:
    """Each channel's slope gets the sum of g x over what is negative in that channel."""
    rng = np.random.default_rng(0)
    x, slopes, g = rng.normal(size=(2, 3, 4)), rng.normal(size=3), rng.normal(size=(2, 3, 4))
    weight = Tensor(slopes, requires_grad=True)
    y = nn.prelu(Tensor(x), weight)
    y.backward(g)
    np.testing.assert_allclose(y.data, np.where(x > 0, x, x * slopes[:, None]), rtol=1e-12)
    np.testing.assert_allclose(weight.grad, (g * np.minimum(x, 0)).sum((0, 2)), rtol=1e-12)


@pytest.mark.parametrize("function", [nn.relu6, nn.hardtanh])
def test_clipped_integers_stay_integers(function: Any) -> None:
    """Bounds that are whole numbers leave integers as they are, as in PyTorch."""
    y = function(Tensor(np.array([-9, 9])))
    assert y.dtype == np.int64
    assert y.tolist() == {nn.relu6: [0, 6], nn.hardtanh: [-1, 1]}[function]


@pytest.mark.parametrize(
    "function",
    [nn.leaky_relu, nn.elu, nn.selu, nn.celu, nn.hardsigmoid, nn.hardswish],
)
def test_integers_give_float32(function: Any) -> None:
    """Integers, also unsigned ones, are computed with in float32."""
    for dtype in (np.int64, np.uint8, np.bool_):
        x = np.array([0, 1, 1]).astype(dtype)
        y = function(Tensor(x))
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.data, function(Tensor(x.astype(np.float32))).data)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.floats(0.1, 5))
@settings(deadline=None)
def test_celu_is_a_scaled_elu(values: list[float], alpha: float) -> None:
    """celu(x, a) is a elu(x / a), for any a."""
    x = np.array(values)
    np.testing.assert_allclose(
        nn.celu(Tensor(x), alpha).data,
        alpha * nn.elu(Tensor(x / alpha)).data,
        rtol=1e-9,
        atol=1e-15,
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: nn.celu(x, -1.0), ValueError, "celu: alpha should be positive, but it is -1.0"),
        (lambda x: nn.hardtanh(x, 3, 2), ValueError, "larger than max_val, but they are 3 and 2"),
        (lambda x: nn.leaky_relu(x, Tensor([1.0])), TypeError, "negative_slope should be a number"),
        (lambda x: nn.prelu(x, Tensor(np.ones(4))), ValueError, r"3 channels.*\(4,\).*\(2, 3\)"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    """An error names the op, what was expected, and what was given."""
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((2, 3))))
