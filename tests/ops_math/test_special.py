"""What the conformance kit cannot hold of logit and erf: their accuracy, and far-out values."""

from __future__ import annotations

import math as numbers
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_math import erf, logit


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_is_accurate_to_the_last_places(dtype: Any) -> None:
    """From 1e-30 to 7, on either side of 0, erf is within 4 units in the last place."""
    sizes = np.concatenate([np.logspace(-30, -2, 1000), np.linspace(0.01, 7, 5000)])
    x = np.concatenate([-sizes, [0.0], sizes]).astype(dtype)
    exact = np.array([numbers.erf(float(value)) for value in x])
    error = np.abs(erf(Tensor(x)).data - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error.max() <= 4


@given(st.floats(width=64, allow_nan=False))
def test_erf_is_odd_and_bounded(x: float) -> None:
    """erf(-x) is -erf(x) bit by bit, and neither leaves -1 to 1, whatever the number."""
    plus, minus = erf(Tensor(np.array([x, -x]))).data
    assert plus == -minus
    assert abs(plus) <= 1
    assert np.signbit(plus) == np.signbit(x)


def test_erf_of_special_numbers() -> None:
    """At infinity erf is 1, of NaN it is NaN, and blocks of elements leave no seam."""
    assert erf(Tensor([np.inf, -np.inf])).tolist() == [1.0, -1.0]
    assert np.isnan(erf(Tensor([np.nan])).item())
    x = np.random.default_rng(0).normal(size=(3, 20000))
    whole = erf(Tensor(x)).data
    assert whole.shape == x.shape
    for place in ((0, 16383), (0, 16384), (2, 19999)):
        assert whole[place] == pytest.approx(numbers.erf(x[place]), rel=1e-15)


def test_gradient_of_erf() -> None:
    """The slope is 2/√π e^(-x²): 1.128 at 0, and 0 far out without a warning."""
    x, g = np.array([0.0, 1.0, -1.0, 1e4, -1e4]), np.array([3.0, -2.0, 5.0, 7.0, 1.0])
    top = 2 / np.sqrt(np.pi)
    np.testing.assert_allclose(
        gradient_of(erf, x, g), g * [top, top / np.e, top / np.e, 0, 0], rtol=1e-15
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logit_at_the_ends(dtype: Any) -> None:
    """Small probabilities keep their digits, 0 and 1 are infinite, and beyond there is NaN."""
    small = np.array([1e-30, 1e-7], dtype)
    np.testing.assert_allclose(logit(Tensor(small)).data, np.log(small), rtol=1e-6)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.array([0.0, 1.0, -0.5, 1.5], dtype)
        np.testing.assert_array_equal(logit(Tensor(x)).data, [-np.inf, np.inf, np.nan, np.nan])
        gradient = gradient_of(logit, x, np.ones(4, dtype))
    np.testing.assert_array_equal(gradient, [np.inf, np.inf, np.nan, np.nan])


def test_logit_clips() -> None:
    """With eps the probabilities are kept away from 0 and 1, and no gradient passes beyond."""
    x, g = np.array([-3.0, 0.0, 0.1, 0.5, 0.9, 1.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    low = np.log(0.1 / 0.9)
    np.testing.assert_allclose(
        logit(Tensor(x), 0.1).data, [low, low, low, 0, -low, -low], rtol=1e-14, atol=1e-15
    )
    np.testing.assert_allclose(
        gradient_of(lambda t: logit(t, eps=0.1), x, g), g * [0, 0, 1 / 0.09, 4, 1 / 0.09, 0]
    )


def test_logit_keeps_the_dtype() -> None:
    """An eps that is a NumPy number does not turn float32 into float64."""
    assert logit(Tensor([0.5]), np.float64(0.1)).dtype == np.float32
