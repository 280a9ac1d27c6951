"""What the conformance kit cannot hold of the activations: far-out values, accuracy, dtypes."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch.testing import gradcheck
from tinytorch_ops_nn import gelu, log_softmax, relu, sigmoid, softmax, tanh
from tinytorch_ops_nn.gaussian import NormalCDFBackward

FAR_OUT = np.array([-1e4, -90.0, -20.0, 0.0, 20.0, 90.0, 1e4])


def tanh_gelu(x: Any) -> Tensor:
    return gelu(x, "tanh")


def gradient_of(function: Callable[[Tensor], Tensor], x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "values", "slopes"),
    [
        (relu, [0, 0, 0, 0, 20, 90, 1e4], [0, 0, 0, 0, 1, 1, 1]),
        (sigmoid, [0, 0, 0, 0.5, 1, 1, 1], [0, 0, 0, 0.25, 0, 0, 0]),
        (tanh, [-1, -1, -1, 0, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0]),
        (gelu, [0, 0, 0, 0, 20, 90, 1e4], [0, 0, 0, 0.5, 1, 1, 1]),
        (tanh_gelu, [0, 0, 0, 0, 20, 90, 1e4], [0, 0, 0, 0.5, 1, 1, 1]),
        (softmax, [0, 0, 0, 0, 0, 0, 1], None),
        (log_softmax, FAR_OUT - 1e4, None),
    ],
)
def test_far_out(function: Any, values: Any, slopes: Any, dtype: Any) -> None:
    """Up to 1e4 each activation has its limit, and its gradient, and NumPy warns of nothing."""
    x = FAR_OUT.astype(dtype)
    np.testing.assert_allclose(function(Tensor(x)).data, values, rtol=1e-6, atol=1e-8)
    g = np.random.default_rng(0).normal(size=x.shape)
    gradient = gradient_of(function, x, g)
    if slopes is None:
        share = np.eye(7)[6]
        slopes_of_g = {softmax: share * (g - g[6]), log_softmax: g - share * g.sum()}
        np.testing.assert_allclose(gradient, slopes_of_g[function], atol=1e-6)
    else:
        np.testing.assert_allclose(gradient, g * slopes, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_keeps_small_values(dtype: Any) -> None:
    """Far below zero the sigmoid is e^x to rounding, not what is left of 1 - 1."""
    x = np.linspace(-80, -40, 101).astype(dtype)
    np.testing.assert_allclose(
        sigmoid(Tensor(x)).data, np.exp(x), rtol=4 * float(np.finfo(dtype).eps)
    )


def test_relu_at_its_kink_and_at_nan() -> None:
    """The gradient at 0 and -0 is 0, and NaN is not hidden: value and gradient pass."""
    x = np.array([0.0, -0.0, np.nan, 1e-45], np.float32)
    g = np.array([2.0, 3.0, 4.0, 5.0], np.float32)
    np.testing.assert_array_equal(relu(Tensor(x)).data, [0, 0, np.nan, np.float32(1e-45)])
    np.testing.assert_array_equal(gradient_of(relu, x, g), [0, 0, 4, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_distribution_is_accurate(dtype: Any) -> None:
    """Φ is right to 2 units in the last place of 1/2, and its tail as far as x² is exact."""
    x = np.linspace(-12, 12, 4801).astype(dtype)
    exact = np.array([erfc(-value / sqrt(2)) / 2 for value in x.astype(float)])
    cdf = NormalCDFBackward.call(x)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(cdf, exact, rtol=0, atol=eps)
    assert (np.abs(cdf - exact) <= (4 + x**2) * eps * exact)[x < 0].all()


@pytest.mark.parametrize(("x", "value"), [(-np.inf, 0), (np.inf, 1), (np.nan, np.nan), (0.0, 0.5)])
def test_normal_distribution_at_the_ends(x: float, value: float) -> None:
    """Φ is 0 and 1 at the infinities, 1/2 at 0, and NaN at NaN."""
    np.testing.assert_equal(NormalCDFBackward.call(np.array([x])), [value])


def test_normal_distribution_has_a_gradient() -> None:
    """The rule of Φ is its density, so that a second derivative of gelu can rest on it."""
    assert gradcheck(NormalCDFBackward.call, [np.linspace(-5, 5, 21)]) == 21


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gelu_of_a_long_array(dtype: Any) -> None:
    """More elements than are computed at a time, not in line, give what each gives by itself."""
    x = np.random.default_rng(0).normal(size=(3, 20_001)).astype(dtype)[:, ::-1]
    whole = gelu(Tensor(x))
    assert whole.dtype == dtype
    few = np.s_[1, ::1000]
    alone = [gelu(Tensor(value)).item() for value in x[few]]
    np.testing.assert_allclose(whole.data[few], alone, rtol=4 * float(np.finfo(dtype).eps))


def test_gelu_of_both_kinds() -> None:
    """The two forms are the ones that were asked for, by name or by place, and they differ."""
    x = Tensor(np.array([-2.0, 0.5, 1.0]))
    inner = np.sqrt(2 / np.pi) * (x.data + 0.044715 * x.data**3)
    np.testing.assert_allclose(gelu(x, "tanh").data, x.data / 2 * (1 + np.tanh(inner)), rtol=1e-12)
    np.testing.assert_array_equal(gelu(x, approximate="tanh").data, gelu(x, "tanh").data)
    np.testing.assert_array_equal(gelu(x).data, gelu(x, "none").data)
    assert 1e-5 < np.abs(gelu(x).data - gelu(x, "tanh").data).max() < 1e-3


@pytest.mark.parametrize("function", [sigmoid, tanh, softmax, log_softmax, gelu, tanh_gelu])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int64])
def test_integers_give_float32(function: Any, dtype: Any) -> None:
    """Integers and booleans, also small unsigned ones, are computed with in float32."""
    x = np.array([0, 1, 1]).astype(dtype)
    result = function(Tensor(x))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result.data, function(Tensor(x.astype(np.float32))).data)


def test_relu_of_integers_stays_integer() -> None:
    """relu is closed over the integers, as in PyTorch."""
    result = relu(Tensor(np.array([-3, 3])))
    assert result.dtype == np.int64
    assert result.tolist() == [0, 3]


@pytest.mark.parametrize("function", [relu, sigmoid, tanh, softmax, log_softmax, gelu, tanh_gelu])
def test_arrays_give_arrays(function: Any) -> None:
    """Given an array or a number, a function computes without recording, as rules rely on."""
    x = np.array([0.5, -1.0])
    result = function(x)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, function(Tensor(x)).data)
    np.testing.assert_allclose(function(0.5), function(Tensor(0.5)).data, rtol=1e-6)


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=6),
    st.floats(-1e3, 1e3),
)
@settings(deadline=None)
def test_softmax_is_a_distribution(values: list[float], shift: float) -> None:
    """A softmax is positive, sums to 1, takes no notice of a shift, and log_softmax is its log."""
    x = np.array(values)
    y = softmax(Tensor(x)).data
    assert (y > 0).all()
    assert y.sum() == pytest.approx(1)
    np.testing.assert_allclose(softmax(Tensor(x + shift)).data, y, rtol=1e-9)
    np.testing.assert_allclose(log_softmax(Tensor(x)).data, np.log(y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_softmax_runs_along_the_last_axis(function: Any) -> None:
    """Left out, the axis is the last; dim and axis are two names for it."""
    x = Tensor(np.random.default_rng(0).normal(size=(2, 3, 4)))
    for other in (function(x, -1), function(x, dim=2), function(x, axis=2)):
        np.testing.assert_array_equal(function(x).data, other.data)
    assert not np.array_equal(function(x).data, function(x, 1).data)


def test_softmax_leaves_out_what_is_masked() -> None:
    """A score of minus infinity gets no weight and no gradient, and NumPy warns of nothing."""
    x = np.array([[-np.inf, 0.0, 0.0]])
    np.testing.assert_allclose(softmax(Tensor(x)).data, [[0, 0.5, 0.5]])
    gradient = gradient_of(softmax, x, np.array([[5.0, 1.0, 2.0]]))
    np.testing.assert_allclose(gradient, [[0, -0.25, 0.25]])


@pytest.mark.parametrize(("function", "value"), [(softmax, 1), (log_softmax, 0)])
@pytest.mark.parametrize("dim", [0, -1])
def test_softmax_of_one_number(function: Any, value: float, dim: int) -> None:
    """A 0-d tensor is its own row: its softmax is 1 whatever it is, and the gradient 0."""
    x = Tensor(3.0, requires_grad=True)
    y = function(x, dim)
    y.backward(2.0)
    assert (y.shape, y.item()) == ((), value)
    assert x.grad is not None
    assert (x.grad.shape, x.grad.item()) == ((), 0)


def test_attention_weights_have_the_gradient_of_their_definition() -> None:
    """A softmax within a larger expression, over an inner axis, passes central differences."""
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    assert gradcheck(lambda q, k: softmax(q @ k.transpose(-2, -1) / 2.0, dim=1), [q, k]) == 64
