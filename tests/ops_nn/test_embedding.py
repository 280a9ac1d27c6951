"""Embedding: which indices it takes, and that the rows' gradients add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch_ops_nn import embedding, one_hot

INDICES = hnp.arrays(
    np.int64,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.integers(0, 4),
)


@given(INDICES)
@settings(deadline=None)
def test_rows_are_picked_and_their_gradients_add_up(indices: np.ndarray) -> None:
    """The values are the rows, in a copy; each row's gradient is the sum over its uses."""
    rng = np.random.default_rng(0)
    weight = Tensor(rng.normal(size=(5, 3)), requires_grad=True)
    rows = embedding(indices, weight)
    np.testing.assert_array_equal(rows.data, weight.data[indices])
    assert not np.shares_memory(rows.data, weight.data)
    g = rng.normal(size=rows.shape)
    rows.backward(g)
    chosen = np.eye(5)[indices.reshape(-1)]
    np.testing.assert_allclose(weight.grad, chosen.T @ g.reshape(-1, 3), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "indices",
    [
        [[2, 0], [2, 1]],
        np.array([[2, 0], [2, 1]], np.uint8),
        np.array([[2, 0], [2, 1]], np.uint64),
        np.array([[2.0, 0.0], [2.0, 1.0]]),
        Tensor([[2, 0], [2, 1]]),
        Tensor(np.array([[2, 0], [2, 1]])),
        Tensor([[2.0, 0.0], [2.0, 1.0]], requires_grad=True),
    ],
)
def test_indices_of_any_kind(indices: Any) -> None:
    """Integers of any width and whole-number floats, as list, array or Tensor, are the same."""
    weight = Tensor([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]], requires_grad=True)
    rows = embedding(indices, weight)
    assert rows.tolist() == [[[20, 21], [0, 1]], [[20, 21], [10, 11]]]
    rows.backward(np.arange(8.0).reshape(2, 2, 2))
    assert weight.grad.tolist() == [[2, 3], [6, 7], [4, 6]]


def test_large_indices_are_not_rounded() -> None:
    """An index beyond what float32 can tell apart stays itself, also in a list."""
    with pytest.raises(IndexError, match="16777217"):
        embedding([16777217], Tensor([[0.0]]))


def test_two_uses_of_one_table() -> None:
    """A table that is looked up twice and multiplied as well gets the sum of all gradients."""
    weight = Tensor(np.ones((2, 2)), requires_grad=True)
    total = embedding([0, 0], weight) + embedding([1, 0], weight) + weight
    total.backward(np.array([[1.0, 2.0], [30.0, 40.0]]))
    assert weight.grad.tolist() == [[1 + 30 + 30 + 1, 2 + 40 + 40 + 2], [1 + 30, 2 + 40]]


def test_it_is_no_method() -> None:
    """Embedding is a function, here and in tinytorch.ops; its first argument is the indices."""
    assert tinytorch.ops.embedding is embedding
    assert not hasattr(Tensor([1.0]), "embedding")


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([3], IndexError, "embedding: indices should be from 0 to 2, but 3 was given"),
        (Tensor([0.0, -1.0]), IndexError, "from 0 to 2, but -1 was given"),
        ([0.5], TypeError, "embedding: indices.*not whole"),
        ([np.nan], TypeError, "not whole"),
        ([True, False], TypeError, "dtype bool"),
        (["a"], TypeError, "should be integers"),
    ],
)
def test_bad_indices(indices: Any, error: type[Exception], message: str) -> None:
    """What is no row of the table is refused, with the range and what was given."""
    with pytest.raises(error, match=message):
        embedding(indices, Tensor(np.zeros((3, 2))))


def test_arguments_in_the_wrong_order() -> None:
    """The table in place of the indices, which are in place of the table, does not go unnoticed."""
    with pytest.raises(ValueError, match=r"should be a table.*\(2,\)"):
        embedding(Tensor(np.zeros((3, 2))), Tensor([0.0, 1.0]))


@pytest.mark.parametrize("rows", [7, 1000])
def test_many_uses_of_few_rows_and_few_of_many(rows: int) -> None:
    """However often rows repeat, next to what is there already, each gets the sum of its uses."""
    rng = np.random.default_rng(rows)
    indices = np.minimum(rng.pareto(1, size=(40, 10)) * rows / 50, rows - 1).astype(int)
    weight = Tensor(np.zeros((rows, 3)), requires_grad=True)
    g, h = rng.normal(size=(40, 10, 3)), rng.normal(size=(2, 3))
    (embedding(indices, weight) * g).sum().backward()
    (embedding(indices[::-1, :1], weight).sum(axis=(0, 1)) + embedding([0, 1], weight)).backward(h)
    expected = np.zeros((rows, 3))
    np.add.at(expected, indices, g)
    np.add.at(expected, indices[:, :1], h.sum(0))
    np.add.at(expected, [0, 1], h)
    np.testing.assert_allclose(weight.grad, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding_idx", [1, -2])
def test_padding_is_not_learnt(padding_idx: int) -> None:
    """The row that stands for nothing is looked up, and gets no gradient, not even NaN."""
    weight = Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    rows = embedding([[1, 0], [1, 2]], weight, padding_idx)
    assert rows.tolist() == [[[2, 3], [0, 1]], [[2, 3], [4, 5]]]
    rows.backward(np.array([[[np.nan, 1.0], [2.0, 3.0]], [[4.0, np.inf], [5.0, 6.0]]]))
    assert weight.grad is not None
    assert weight.grad.tolist() == [[2, 3], [0, 0], [5, 6]]


def test_padding_holds_in_second_derivatives() -> None:
    """A gradient that is differentiated again leaves the padding out as well."""
    weight = Tensor(np.array([[1.0], [2.0]]), requires_grad=True)
    rows = embedding([0, 1, 1], weight, 0)
    (first,) = tinytorch.grad((rows**3).sum(), weight, create_graph=True)
    (second,) = tinytorch.grad(first.sum(), weight)
    assert first.tolist() == [[0], [24]]
    assert second.tolist() == [[0], [24]]


def test_one_hot_rows() -> None:
    """Each row is 1 at its index; the number of classes follows from the largest if not given."""
    rows = one_hot([[0, 2], [1, 0]])
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows.data, np.eye(3, dtype=int)[[[0, 2], [1, 0]]])
    assert one_hot(Tensor([1.0]), 4).tolist() == [[0, 1, 0, 0]]
    assert one_hot(np.zeros((0, 2), int), 3).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("indices", "classes", "error", "message"),
    [
        ([3], 3, IndexError, "one_hot: indices should be from 0 to 2, but 3 was given"),
        ([-1], -1, IndexError, "but -1 was given"),
        ([], -1, ValueError, r"number of classes.*it is -1.*\(0,\)"),
    ],
)
def test_bad_classes(indices: Any, classes: int, error: type[Exception], message: str) -> None:
    """An index beyond the classes is refused, and so is a number of classes that is unknown."""
    with pytest.raises(error, match=message):
        one_hot(np.array(indices, int), classes)
