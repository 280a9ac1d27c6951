"""Elements picked, added up and replaced by index: by hand, by NumPy, and at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch.func import jacobian
from tinytorch.testing import gradcheck, gradgradcheck
from tinytorch_ops_nn import (
    gather,
    index_put,
    index_select,
    masked_fill,
    scatter_add,
    softmax,
    take_along_dim,
)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def test_gather_by_hand() -> None:
    """PyTorch's documented example, and the gradient that counts what is picked repeatedly."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = gather(x, 1, [[0, 0], [1, 0]])
    assert y.tolist() == [[1, 1], [4, 3]]
    y.backward([[1.0, 20.0], [300.0, 4000.0]])
    assert x.grad.tolist() == [[21, 0], [4000, 300]]


def test_scatter_add_by_hand() -> None:
    """PyTorch's documented example: rows of ones, each added where the index says."""
    index = [[0, 1, 2, 0, 0], [0, 1, 2, 2, 2]]
    x, ones = Tensor(np.zeros((3, 5))), Tensor(np.ones((2, 5)), requires_grad=True)
    y = scatter_add(x, 0, index, ones)
    assert y.tolist() == [[2, 0, 0, 1, 1], [0, 2, 0, 0, 0], [0, 0, 2, 1, 1]]
    y.backward(np.arange(15.0).reshape(3, 5))
    assert ones.grad.tolist() == [[0, 6, 12, 3, 4], [0, 6, 12, 13, 14]]


def test_what_is_left_of_the_source_gets_no_gradient() -> None:
    """A source larger than the index is cut to it."""
    source = Tensor(numbers(3, 2), requires_grad=True)
    y = scatter_add(Tensor(np.zeros((2, 2))), 0, [[1], [1]], source)
    np.testing.assert_allclose(y.data, [[0, 0], [source.data[:2, 0].sum(), 0]])
    y.backward([[1.0, 2.0], [3.0, 4.0]])
    assert source.grad.tolist() == [[3, 0], [3, 0], [0, 0]]


@given(st.data())
def test_gather_and_scatter_are_each_others_adjoint(data: Any) -> None:
    """⟨gather(x), y⟩ = ⟨x, scatter_add(0, y)⟩, and each is the other's gradient."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    axis = data.draw(st.integers(0, len(shape) - 1))
    index_shape = [data.draw(st.integers(1, n)) for n in shape]
    index_shape[axis] = data.draw(st.integers(1, 6))
    index = data.draw(
        hnp.arrays(np.int64, tuple(index_shape), elements=st.integers(0, shape[axis] - 1))
    )
    x, y = Tensor(numbers(*shape), requires_grad=True), Tensor(numbers(*index_shape))
    picked, added = gather(x, axis, index), scatter_add(np.zeros(shape), axis, index, y)
    np.testing.assert_allclose((picked.data * y.data).sum(), (x.data * added.data).sum())
    np.testing.assert_allclose(grad(picked, x, y.data), added.data)


def test_numpys_take_along_axis_is_recorded() -> None:
    """np.take_along_axis(x, np.argsort(x)) sorts, also with negative indices and flat."""
    x = Tensor(numbers(3, 4), requires_grad=True)
    order = np.argsort(x.data, axis=-1)
    for index in (order, order - 4):
        y = np.take_along_axis(x, index, -1)
        np.testing.assert_array_equal(y.data, np.sort(x.data))
        weights = numbers(3, 4)
        expected = np.empty((3, 4))
        np.put_along_axis(expected, order, weights, -1)
        np.testing.assert_array_equal(grad(y, x, weights), expected)
    flat = np.take_along_axis(x, np.array([11, -1]), None)
    assert flat.tolist() == [x.data[2, 3]] * 2
    with pytest.raises(IndexError, match="from 0 to 3"):
        np.take_along_axis(x, np.full((3, 1), -5), 1)


@pytest.mark.parametrize(
    ("indices", "axis"), [([0, -1, 0], 0), ([[1, 0], [2, 2]], 1), ([5, -12], None), (1, -1)]
)
def test_numpys_take_is_recorded(indices: Any, axis: int | None) -> None:
    """np.take has indices of any shape, counts negative ones from the end, and is flat without."""
    x = Tensor(numbers(3, 4), requires_grad=True)
    y = np.take(x, indices, axis)
    np.testing.assert_array_equal(y.data, np.take(x.data, indices, axis))
    weights = numbers(*y.shape)
    places = np.take(np.arange(12).reshape(3, 4), indices, axis)
    expected = np.zeros(12)
    np.add.at(expected, places, weights)
    np.testing.assert_allclose(grad(y, x, weights), expected.reshape(3, 4))


def test_indices_may_be_floats_and_tensors() -> None:
    """Whole numbers will do in any clothes, as the course's tensors are all float32."""
    x = Tensor(numbers(3, 2))
    for index in ([2.0, 0.0], Tensor([2.0, 0.0]), np.array([2, 0], np.uint8), (2, 0)):
        np.testing.assert_array_equal(index_select(x, 0, index).data, x.data[[2, 0]])
    for rows in ([[1, 0]], Tensor([[1.0, 0.0]]), np.array([[1.0, 0.0]])):
        assert gather(x, 0, rows).tolist() == [[x.data[1, 0], x.data[0, 1]]]
        assert take_along_dim(x, rows, 0).tolist() == [[x.data[1, 0], x.data[0, 1]]]


def test_large_indices_in_a_list_stay_exact() -> None:
    """A list of integers is no list of float32, in which 2²⁴ + 1 does not exist."""
    x = Tensor(np.zeros(2**24 + 2, np.float32))
    x.data[2**24 + 1] = 1
    assert take_along_dim(x, [2**24 + 1], 0).tolist() == [1]
    assert gather(x, 0, [2**24 + 1]).tolist() == [1]


def test_filling_blocks_what_is_not_finite() -> None:
    """Where a mask holds, neither infinities and NaNs of the input nor of the gradient get past."""
    x = Tensor([np.nan, np.inf, 2.0], requires_grad=True)
    y = masked_fill(x, np.array([True, True, False]), 0.0)
    assert y.tolist() == [0, 0, 2]
    y.backward([np.nan, np.inf, 5.0])
    assert x.grad.tolist() == [0, 0, 5]


def test_filling_with_minus_infinity_masks_a_softmax() -> None:
    """The usual mask of attention: probability 0 and gradient 0 where it holds."""
    x = Tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y = softmax(masked_fill(x, np.array([False, False, True]), -np.inf))
    np.testing.assert_allclose(y.data, [[1 / (1 + np.e), np.e / (1 + np.e), 0]], rtol=1e-6)
    y.backward([[1.0, 0.0, 7.0]])
    assert x.grad[0, 2] == 0
    assert np.isfinite(x.grad).all()


def test_the_filling_gets_the_sum() -> None:
    """A value that is a tensor gets the gradient of all the places it was put in."""
    value = Tensor(0.0, requires_grad=True)
    masked_fill(np.zeros(3, np.float32), np.array([True, False, True]), value).backward(
        [1.0, 20.0, 300.0]
    )
    assert value.grad == 301


def test_dtypes_of_filling() -> None:
    """A Python number changes no floating dtype; into integers, a float makes floats."""
    for dtype in (np.float16, np.float32, np.float64, np.int32):
        assert masked_fill(np.zeros(2, dtype), np.array([True, False]), 7).dtype == dtype
    assert masked_fill(np.zeros(2, np.int64), np.array([True, False]), 0.5).tolist() == [0.5, 0]


def test_the_last_of_repeated_values_stays() -> None:
    """Where a place is named again, the last value is put there, and only it has a gradient."""
    x, values = Tensor(np.zeros(3), requires_grad=True), Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = index_put(x, ([1, 1, 0],), values)
    assert y.tolist() == [3, 2, 0]
    y.backward([10.0, 200.0, 3000.0])
    assert values.grad.tolist() == [0, 200, 10]
    assert x.grad.tolist() == [0, 0, 3000]


def test_repeated_values_pass_central_differences() -> None:
    """First and second derivative, of values that broadcast and are partly overwritten."""
    inputs = [numbers(4, 3), numbers(3, 1)]

    def put(x: Tensor, values: Tensor) -> Tensor:
        y = index_put(x, ([2, 0, 2],), values)
        return y * y * y

    assert gradcheck(put, inputs)
    assert gradgradcheck(put, inputs)


def test_repeated_values_add_up_to_accumulate() -> None:
    """With accumulate, all of them count, and what was there too."""
    x, values = Tensor([5.0, 0.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    y = index_put(x, ([0, 0],), values, accumulate=True)
    assert y.tolist() == [8, 0]
    y.backward([10.0, 200.0])
    assert values.grad.tolist() == [10, 10]
    assert x.grad.tolist() == [10, 200]
    assert x.tolist() == [5, 0]


@pytest.mark.parametrize("key", [(0,), (slice(1, 3), 0), (..., [1, 1]), (None, [2]), (True,)])
def test_putting_takes_what_indexing_takes(key: Any) -> None:
    """Numbers, slices, None and Ellipsis stand in the indices as they do between brackets."""
    x = numbers(3, 2)
    expected = x.copy()
    expected[key] = 7
    np.testing.assert_array_equal(index_put(x, key, 7).data, expected)


def test_filling_has_batched_gradients() -> None:
    """A rule that is called batched works with a further first axis: Jacobians agree with rows."""
    mask = np.array([[True], [False]])

    def fill(x: Tensor, value: Tensor) -> Tensor:
        return masked_fill(x, mask, value)

    x, value = numbers(3), np.asarray(1.5)
    by_x, by_value = (jacobian(fill, argnums=i)(x, value) for i in (0, 1))
    np.testing.assert_array_equal(by_x, [np.zeros((3, 3)), np.eye(3)])
    np.testing.assert_array_equal(by_value, np.broadcast_to(mask, (2, 3)))
