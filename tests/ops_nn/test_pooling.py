"""Pooling: by hand, ties, what is not finite, and where windows may reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_nn import (
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
    pad,
)


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def test_maxima_by_hand() -> None:
    """Four windows of four, and the gradient where each has its largest."""
    x = Tensor(np.array([[[1.0, 2, 8, 7], [3, 4, 6, 5], [9, 0, 0, 0], [0, 0, 0, 1]]]))
    x.requires_grad = True
    y = max_pool2d(x, 2)
    assert y.tolist() == [[[4, 8], [9, 1]]]
    y.backward([[[1.0, 20.0], [300.0, 4000.0]]])
    assert x.grad.tolist() == [[[0, 0, 20, 0], [0, 1, 0, 0], [300, 0, 0, 0], [0, 0, 0, 4000]]]


def test_the_first_of_a_tie_gets_all() -> None:
    """As in PyTorch, row by row; also where padding comes before it."""
    x = Tensor(np.ones((1, 2, 2)), requires_grad=True)
    max_pool2d(x, 2).backward([[[5.0]]])
    assert x.grad.tolist() == [[[5, 0], [0, 0]]]
    x.zero_grad()
    max_pool2d(x, 2, 1, 1).backward(2.0 ** np.arange(9).reshape(1, 3, 3))
    assert x.grad.tolist() == [[[1 + 2 + 8 + 16, 4 + 32], [64 + 128, 256]]]


def test_overlapping_windows_add_up() -> None:
    """An element that is the largest of several windows gets all their gradients."""
    x = Tensor([[0.0, 9.0, 0.0]], requires_grad=True)
    max_pool1d(x, 2, 1).backward([[1.0, 20.0]])
    assert x.grad.tolist() == [[0, 21, 0]]


def test_not_a_number_is_the_largest() -> None:
    """NaN is not passed over in silence, and the gradient goes to it."""
    x = Tensor([[1.0, np.nan, 5.0, 2.0]], requires_grad=True)
    y = max_pool1d(x, 2)
    np.testing.assert_array_equal(y.data, [[np.nan, 5]])
    np.testing.assert_array_equal(max_pool1d(x.detach(), 2).data, y.data)
    y.backward([[3.0, 4.0]])
    assert x.grad.tolist() == [[0, 3, 4, 0]]


def test_padding_never_wins() -> None:
    """Minus infinity in the input is an element, what is around it none: it gets no gradient."""
    x = Tensor(np.full((1, 3, 3), -np.inf), requires_grad=True)
    y = max_pool2d(x, 3, 2, 1)
    assert (y.data == -np.inf).all()
    y.backward([[[1.0, 20.0], [300.0, 4000.0]]])
    assert x.grad.tolist() == [[[1, 20, 0], [300, 4000, 0], [0, 0, 0]]]


def test_maxima_of_integers() -> None:
    """Any dtype has maxima, the smallest numbers among them."""
    lowest = np.iinfo(np.int8).min
    y = max_pool1d(np.array([[lowest, lowest, 3]], np.int8), 2, 1, 1)
    assert y.dtype == np.int8
    assert y.tolist() == [[lowest, lowest, 3, 3]]
    assert max_pool1d(np.array([[True, False, False]]), 2, 1, 1).tolist() == [[1, 1, 0, 0]]


def test_averages_by_hand() -> None:
    """Padding counts as zeros, or does not count; what is beyond the padding never counts."""
    x = Tensor(np.full((1, 5), 6.0))
    assert avg_pool1d(x, 3, 2, 1).tolist() == [[4, 6, 4]]
    assert avg_pool1d(x, 3, 2, 1, count_include_pad=False).tolist() == [[6, 6, 6]]
    assert avg_pool1d(x, 2, 3, 0, ceil_mode=True).tolist() == [[6, 6]]
    assert avg_pool1d(Tensor(np.full((1, 4), 6.0)), 3, 2, 1, True).tolist() == [[4, 6, 3]]
    image = Tensor(np.full((1, 2, 2), 6.0))
    assert avg_pool2d(image, 2, divisor_override=3).tolist() == [[[8]]]


def test_averages_of_integers_are_floats() -> None:
    """Means of integers are float32, as everywhere."""
    y = avg_pool2d(np.array([[[1, 2], [3, 4]]]), 2)
    assert (y.dtype, y.tolist()) == (np.float32, [[[2.5]]])
    z = adaptive_avg_pool2d(np.array([[[1, 2], [3, 4]]]), 1)
    assert (z.dtype, z.tolist()) == (np.float32, [[[2.5]]])


def test_a_last_window_begins_before_the_end() -> None:
    """With ceil_mode the last window may reach beyond, but not begin there: PyTorch's rule."""
    x = Tensor(np.arange(1.0, 6.0)[None])
    assert max_pool1d(x, 2, ceil_mode=True).tolist() == [[2, 4, 5]]
    assert max_pool1d(x, 1, 3, ceil_mode=True).tolist() == [[1, 4]]
    assert max_pool1d(x, 2, 6, ceil_mode=True).tolist() == [[2]]


@pytest.mark.parametrize("pool", [max_pool1d, avg_pool1d])
def test_what_no_window_reaches_gets_no_gradient(pool: Any) -> None:
    """Between windows with a stride larger than the kernel, and at the end."""
    x = Tensor(numbers(1, 9), requires_grad=True)
    pool(x, 2, 4).backward([[1.0, 2.0]])
    assert not x.grad[0, [2, 3, 6, 7, 8]].any()
    assert x.grad.sum() == 3


@given(st.data())
@settings(deadline=None)
def test_averages_are_adjoint_to_their_gradients(data: Any) -> None:
    """⟨pool(x), g⟩ = ⟨x, gradient⟩, for any windows."""
    kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    border, ceil_mode = data.draw(st.integers(0, kernel // 2)), data.draw(st.booleans())
    size = data.draw(st.integers(kernel, 9))
    x = Tensor(numbers(2, size, size + 1), requires_grad=True)
    y = avg_pool2d(x, kernel, stride, border, ceil_mode, data.draw(st.booleans()))
    g = numbers(*y.shape, seed=1)
    np.testing.assert_allclose((y.data * g).sum(), (x.data * grad(y, x, g)).sum(), rtol=1e-9)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.integers(0, 12))
@settings(deadline=None)
def test_adaptive_averages_are_adjoint_to_their_gradients(h: int, w: int, m: int, n: int) -> None:
    """⟨pool(x), g⟩ = ⟨x, gradient⟩ for any number of ranges, and a mean is between its elements."""
    x = Tensor(numbers(2, h, w), requires_grad=True)
    y = adaptive_avg_pool2d(x, (m, n))
    g = numbers(*y.shape, seed=1)
    gradient = grad(y, x, g)
    np.testing.assert_allclose((y.data * g).sum(), (x.data * gradient).sum(), rtol=1e-9, atol=1e-9)
    for row in range(m):
        rows = x.data[:, row * h // m : -(-(row + 1) * h // m)]
        for column in range(n):
            block = rows[:, :, column * w // n : -(-(column + 1) * w // n)]
            np.testing.assert_allclose(y.data[:, row, column], block.mean(axis=(1, 2)))


def test_adaptive_averages_keep_to_their_ranges() -> None:
    """What is not finite stays in the ranges that hold it."""
    x = np.ones((1, 5, 5))
    x[0, 0, 0] = np.inf
    y = adaptive_avg_pool2d(x, 3).data[0]
    assert np.isinf(y).sum() == 1
    assert not np.isnan(y).any()


def test_pooling_equal_to_padding_first() -> None:
    """Average pooling with padding is that of a padded image."""
    x = numbers(2, 3, 5, 5)
    padded = pad(x, (1, 1, 1, 1))
    np.testing.assert_allclose(avg_pool2d(x, 3, 2, 1).data, avg_pool2d(padded, 3, 2).data)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtypes_stay(dtype: Any) -> None:
    """Half precision stays half precision, forward and backward."""
    for pool in (max_pool2d, avg_pool2d, adaptive_avg_pool2d):
        x = Tensor(numbers(1, 4, 4).astype(dtype), requires_grad=True)
        y = pool(x, 2)
        y.backward(numbers(1, 2, 2).astype(dtype))
        assert (y.dtype, x.grad.dtype) == (dtype, dtype)


def test_a_window_of_padding_alone_is_refused() -> None:
    """Dilated windows may miss a short input: there is no largest of nothing."""
    with pytest.raises(ValueError, match=r"max_pool1d.*padding alone.*\(1, 1\)"):
        max_pool1d(np.zeros((1, 1)), 2, 1, 2, 3)
