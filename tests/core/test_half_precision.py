"""Sums of half precision are computed in single precision, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import SparseGradient, Tensor, add_at, func, in_common_dtype, ops, sum_to_shape

from ..half import errors

RNG = np.random.default_rng(0)
TALL, ROW, NUMBER = RNG.uniform(0.5, 1.5, (5000, 2)), RNG.uniform(0.5, 1.5, 2), 0.75
WIDE = TALL.T / 50


def test_numpy_adds_half_precision_in_half_precision():
    """What all this is for: NumPy's own sum along the first of two axes stops at 2048."""
    assert np.ones((10000, 2), np.float16).sum(axis=0).tolist() == [2048, 2048]


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("function", [ops.sum, ops.mean])
def test_sums_and_means(function, axis):
    """Along either axis, 10,000 elements are added up without loss."""
    assert max(errors(lambda x: function(x, axis=axis), TALL)) < 1


@pytest.mark.parametrize(
    "function",
    [ops.add, ops.subtract, ops.multiply, ops.divide, ops.power, ops.maximum, ops.minimum],
)
@pytest.mark.parametrize("small", [ROW, NUMBER], ids=["row", "number"])
def test_gradients_of_what_was_broadcast(function, small):
    """The gradient of what met 5000 rows is their sum, and so is that of a number."""
    assert max(errors(function, TALL, small)) < 3


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.broadcast_to(x, (5000, 2)),
        lambda x: ops.where(TALL > 1, x, 0.0),
        lambda x: ops.clip(Tensor(TALL.astype(x.dtype)), x, None),
    ],
    ids=["broadcast_to", "where", "clip"],
)
def test_gradients_of_a_row(function):
    """So is the gradient of a row that was repeated, chosen or a bound."""
    assert max(errors(function, ROW)) < 1


def test_matrix_products():
    """Products over 5000 elements, and the gradients that are such products."""
    assert max(errors(ops.matmul, WIDE, TALL)) < 1
    assert max(errors(ops.matmul, TALL, WIDE[:, :3])) < 1
    assert max(errors(ops.matmul, RNG.uniform(size=(3000, 2, 3)), RNG.uniform(size=(3, 2)))) < 1


def test_the_mean_of_more_than_half_precision_can_count():
    """The gradient of the mean of 70,000 elements is a 70,000th, a number that float16 lacks."""
    x = Tensor(np.ones(70000, np.float16), requires_grad=True)
    y = x.mean()
    y.backward(np.float16(100.0))
    assert y.item() == 1
    np.testing.assert_allclose(x.grad, 100 / 70000, rtol=1e-3)


def test_entries_of_a_sparse_gradient_that_are_named_often():
    """Ten thousand gradients at one place add up, by one array of indices and by two."""
    rows, values = np.zeros(10000, int), np.full(10000, 0.1, np.float16)
    assert SparseGradient((2,), rows, values).to_dense().tolist() == [1000, 0]
    pairs = SparseGradient((2, 2), (rows, rows + 1), values).to_dense()
    assert pairs.tolist() == [[0, 1000], [0, 0]]
    buffer = np.ones(2, np.float16)
    add_at(buffer, rows, values)
    assert buffer.tolist() == [1001, 1]


def test_sum_to_shape():
    """Summing down to a shape loses nothing, along new axes and stretched ones, and keeps float16.

    A Tensor, whose sum is recorded, is no exception.
    """
    ones = np.ones((10000, 2, 3), np.float16)
    for gradient in (ones, Tensor(ones)):
        assert sum_to_shape(gradient, (3,)).tolist() == [20000] * 3
        assert sum_to_shape(gradient, (2, 1)).tolist() == [[30000], [30000]]
        assert sum_to_shape(gradient, (2, 3)).dtype == np.float16


def test_a_batch_of_gradients_of_a_row():
    """A Jacobian, whose rows are computed together, is a sum over what the row met."""
    tall = np.asarray(TALL, np.float16)
    jacobian = func.jacobian(lambda x: (x * tall).mean(axis=0, keepdims=True) * 100)
    rows = jacobian(Tensor(np.asarray(ROW, np.float16)))
    np.testing.assert_allclose(
        rows.data[0], np.diag(100 * tall.mean(axis=0, dtype=np.float64)), rtol=2e-3
    )


def test_the_power_of_a_coarser_base():
    """The gradient of an exponent in float64 is exact, though the base is float16."""
    base = np.array([0.7, 1.9], np.float16)
    exponent = Tensor(np.array([1.3, -0.4]), requires_grad=True)
    (Tensor(base) ** exponent).sum().backward()
    wide = base.astype(np.float64)
    np.testing.assert_allclose(exponent.grad, wide**exponent.data * np.log(wide), rtol=1e-14)


def test_the_common_dtype():
    """Floating operands come in the dtype of all, once there are two; integers do not count."""
    half, double = np.ones(2, np.float16), Tensor(np.ones(2))
    assert in_common_dtype(half, 2, None)[0] is half
    x, y, n, number = in_common_dtype(half, double, np.arange(2), 3.0)
    assert (x.dtype, y.dtype, n.dtype, number) == (np.float64, np.float64, np.int64, 3.0)
    assert y is double
