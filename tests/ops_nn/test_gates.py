"""Gates and smooth curves: far-out values, accuracy, halves."""

from __future__ import annotations

from math import exp, log1p
from typing import Any

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from tinytorch import Tensor

FAR_OUT = np.array([-1e4, -200.0, 0.0, 200.0, 1e4])


def gradient_of(function: Any, x: Any, g: Any) -> Any:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    return leaf.grad


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "values", "slopes"),
    [
        (nn.silu, [0, 0, 0, 200, 1e4], [0, 0, 0.5, 1, 1]),
        (nn.mish, [0, 0, 0, 200, 1e4], [0, 0, 0.6, 1, 1]),
        (nn.softplus, [0, 0, np.log(2), 200, 1e4], [0, 0, 0.5, 1, 1]),
        (nn.logsigmoid, [-1e4, -200, -np.log(2), 0, 0], [1, 1, 0.5, 0, 0]),
        (nn.softsign, [-1, -200 / 201, 0, 200 / 201, 1], [0, 201.0**-2, 1, 201.0**-2, 0]),
        (nn.hardswish, [0, 0, 0, 200, 1e4], [0, 0, 0.5, 1, 1]),
    ],
)
def test_far_out(function: Any, values: Any, slopes: Any, dtype: Any) -> None:
    """Up to 1e4 each curve has its limit, and its slope, in each dtype; NumPy warns of nothing."""
    x = FAR_OUT.astype(dtype)
    y = function(Tensor(x))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, values, rtol=2e-3, atol=1e-4)
    g = np.array([2.0, -3.0, 1.5, -0.5, 4.0])
    np.testing.assert_allclose(gradient_of(function, x, g), g * slopes, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_tails_are_kept(dtype: Any) -> None:
    """Far below zero softplus is e^x, far above it logsigmoid is -e^-x: nothing is rounded off."""
    x = np.linspace(-80, -40, 101).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(nn.softplus(Tensor(x)).data, np.exp(x), rtol=4 * eps)
    np.testing.assert_allclose(nn.logsigmoid(Tensor(-x)).data, -np.exp(x), rtol=4 * eps)
    np.testing.assert_allclose(nn.mish(Tensor(x)).data, x * np.exp(x), rtol=16 * eps)


def test_softplus_above_its_threshold_is_straight() -> None:
    """Where beta x is above the threshold the value is x and the slope 1, as PyTorch has it."""
    x = np.array([0.4, 0.6, -5.0])
    y = nn.softplus(Tensor(x), beta=2.0, threshold=1.0).data
    np.testing.assert_allclose(y, [log1p(exp(0.8)) / 2, 0.6, log1p(exp(-10)) / 2], rtol=1e-12)
    slopes = gradient_of(lambda t: nn.softplus(t, 2.0, 1.0), x, np.array([2.0, 3.0, 5.0]))
    np.testing.assert_allclose(slopes, [2 / (1 + exp(-0.8)), 3, 5 / (1 + exp(10))], rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_glu_gates_the_first_half_by_the_second(axis: int) -> None:
    """The gradient of either half stands in its place, along the axis that was halved."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 2))
    value, gate = np.split(x, 2, axis)
    s = 1 / (1 + np.exp(-gate))
    g = rng.normal(size=value.shape)
    np.testing.assert_allclose(nn.glu(Tensor(x), axis).data, value * s, rtol=1e-12)
    expected = np.concatenate([g * s, g * value * s * (1 - s)], axis)
    np.testing.assert_allclose(gradient_of(lambda t: nn.glu(t, axis), x, g), expected, rtol=1e-12)


def test_glu_of_an_odd_axis() -> None:
    """An axis that cannot be halved is named, with the shape."""
    with pytest.raises(ValueError, match=r"glu: .*even length, but axis 0 of the shape \(3, 4\)"):
        nn.glu(Tensor(np.ones((3, 4))), 0)


@pytest.mark.parametrize(
    "name", ["silu", "mish", "glu", "softplus", "softsign", "logsigmoid", "elu", "hardswish"]
)
def test_each_is_a_method(name: str) -> None:
    """Each activation is a method of tensors, and on plain arrays it gives arrays."""
    x = np.array([[0.5, -1.0]])
    result = getattr(Tensor(x), name)()
    np.testing.assert_array_equal(result.data, getattr(nn, name)(x))
    assert type(getattr(nn, name)(x)) is np.ndarray
