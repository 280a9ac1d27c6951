"""Resampling: by hand, linear functions, and large axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_nn import interpolate


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def line(*values: float) -> Any:
    return np.array(values)[None, None]


@pytest.mark.parametrize(
    ("mode", "corners", "size", "expected"),
    [
        ("nearest", None, 6, [0, 0, 10, 10, 30, 30]),
        ("nearest", None, 2, [0, 10]),
        ("nearest-exact", None, 2, [0, 30]),
        ("nearest", None, 5, [0, 0, 10, 10, 30]),
        ("nearest-exact", None, 5, [0, 0, 10, 30, 30]),
        ("linear", True, 5, [0, 5, 10, 20, 30]),
        ("linear", False, 6, [0, 2.5, 7.5, 15, 25, 30]),
        ("linear", False, 1, [10]),
        ("linear", True, 1, [0]),
    ],
)
def test_by_hand(mode: str, corners: bool | None, size: int, expected: list[float]) -> None:
    """Three numbers resampled in every mode."""
    y = interpolate(line(0, 10, 30), size, mode=mode, align_corners=corners)
    np.testing.assert_allclose(y.data[0, 0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_factor_is_used_as_it_is_given(dtype: Any) -> None:
    """2.5 times 3 makes 7, and places are counted by 2.5 unless the factor is computed anew."""
    x = line(0, 1, 2).astype(dtype)
    given_factor = interpolate(x, scale_factor=2.5)
    anew = interpolate(x, scale_factor=2.5, recompute_scale_factor=True)
    assert given_factor.tolist() == [[[0, 0, 0, 1, 1, 2, 2]]]
    assert anew.tolist() == interpolate(x, 7).tolist() == [[[0, 0, 0, 1, 1, 2, 2]]]
    smaller = interpolate(x, scale_factor=0.7, mode="linear")
    np.testing.assert_allclose(smaller.data[0, 0], [0.5 / 0.7 - 0.5, 1.5 / 0.7 - 0.5], rtol=1e-6)


@given(st.integers(2, 6), st.integers(2, 6), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_a_plane_stays_a_plane(h: int, w: int, m: int, n: int) -> None:
    """With aligned corners, a linear function of the place is resampled to one."""
    rows, columns = np.linspace(0, 1, h)[:, None], np.linspace(0, 1, w)
    y = interpolate((2 * rows - 3 * columns)[None, None], (m, n), None, "bilinear", True)
    rows, columns = np.linspace(0, 1, m)[:, None], np.linspace(0, 1, n)
    np.testing.assert_allclose(y.data[0, 0], 2 * rows - 3 * columns, atol=1e-12)


@given(st.data())
@settings(deadline=None)
def test_adjoint_to_its_gradient(data: Any) -> None:
    """⟨interpolate(x), g⟩ = ⟨x, gradient⟩, whatever the mode and the lengths."""
    mode = data.draw(st.sampled_from(["nearest", "nearest-exact", "bilinear"]))
    h, w, m, n = (data.draw(st.integers(1, 9)) for _ in range(4))
    corners = data.draw(st.booleans()) if mode == "bilinear" else None
    x = Tensor(numbers(1, 2, h, w), requires_grad=True)
    y = interpolate(x, (m, n), mode=mode, align_corners=corners)
    g = numbers(*y.shape, seed=1)
    np.testing.assert_allclose(
        (y.data * g).sum(), (x.data * grad(y, x, g)).sum(), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(("old", "new"), [(300, 700), (700, 300), (400, 400)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_large_axes(old: int, new: int, mode: str) -> None:
    """Long axes are summed by places rather than by a matrix: the gradients are the same."""
    x = Tensor(numbers(2, 1, old), requires_grad=True)
    y = interpolate(x, new, mode=mode)
    g = numbers(2, 1, new, seed=1)
    gradient = grad(y, x, g)
    unit = interpolate(np.eye(old)[:, None], new, mode=mode).data[:, 0]
    np.testing.assert_allclose(gradient[:, 0], g[:, 0] @ unit.T, rtol=1e-9, atol=1e-12)


def test_what_is_not_finite_stays_where_it_is() -> None:
    """A missing pixel spoils its neighbours and nothing else."""
    image = np.ones((1, 1, 5, 5))
    image[0, 0, 0, 0] = np.nan
    y = interpolate(image, scale_factor=2, mode="bilinear").data[0, 0]
    assert np.isnan(y[:3, :3]).all()
    assert (y[3:] == 1).all()
    assert (y[:, 3:] == 1).all()


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_dtypes(mode: str) -> None:
    """Floats keep their precision; integers stay integers where no mean is taken."""
    for dtype in (np.float16, np.float32):
        x = Tensor(numbers(1, 1, 2, 2).astype(dtype), requires_grad=True)
        y = interpolate(x, 3, mode=mode)
        y.backward(numbers(*y.shape).astype(dtype))
        assert (y.dtype, x.grad.dtype) == (dtype, dtype)
    whole = interpolate(np.ones((1, 1, 2, 2), np.int64), 3, mode=mode)
    assert whole.dtype == (np.int64 if mode == "nearest" else np.float32)
