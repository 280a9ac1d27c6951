"""Diagonals and triangles: exact elements, and gradients that stay where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch_ops_math import diag, diagonal, trace, tril, triu


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_diagonals_of_any_shape(data: Any) -> None:
    """The diagonal is NumPy's, and its gradient lies on it, for all axes and distances."""
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4))
    first, second = data.draw(st.permutations(range(len(shape))))[:2]
    offset = data.draw(st.integers(-5, 5))
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=shape), requires_grad=True)
    y = diagonal(x, offset, first, second)
    np.testing.assert_array_equal(y.data, np.diagonal(x.data, offset, first, second))
    g = rng.normal(size=y.shape)
    y.backward(g)
    assert x.grad is not None
    np.testing.assert_array_equal(np.diagonal(x.grad, offset, first, second), g)
    assert np.count_nonzero(x.grad) == g.size


@pytest.mark.parametrize("offset", range(-4, 5))
def test_triangles_make_up_the_matrix(offset: int) -> None:
    """What is kept on and below a diagonal and what is kept above it are all elements, once."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    below, above = tril(Tensor(x), offset), triu(Tensor(x), offset + 1)
    np.testing.assert_array_equal(below.data + above.data, x)
    np.testing.assert_array_equal(below.data, np.tril(x, offset))


def test_what_is_left_out_does_not_count() -> None:
    """NaN and infinity outside the triangle leave no trace, neither forward nor backward."""
    x = Tensor([[1.0, np.nan], [2.0, 3.0]], requires_grad=True)
    y = tril(x)
    assert y.tolist() == [[1.0, 0.0], [2.0, 3.0]]
    y.backward([[1.0, np.inf], [2.0, 3.0]])
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 0.0], [2.0, 3.0]]


def test_diag_of_diag() -> None:
    """A vector made a diagonal, and the diagonal taken, is the vector again."""
    v = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    matrix = diag(v, -2)
    assert matrix.shape == (5, 5)
    again = diag(matrix, -2)
    assert again.tolist() == v.tolist()
    again.backward([1.0, 10.0, 100.0])
    assert v.grad is not None
    assert v.grad.tolist() == [1.0, 10.0, 100.0]


def test_diagonal_shares_the_data() -> None:
    """The diagonal is a view."""
    x = Tensor(np.eye(3))
    assert np.shares_memory(diagonal(x).data, x.data)


def test_numpy_functions_are_recorded() -> None:
    """np.trace, np.tril, np.triu and np.diag on tensors are these operations."""
    array = np.random.default_rng(0).normal(size=(3, 4, 4))
    calls: list[Any] = [
        lambda x: np.trace(x, 1, 1, 2),
        lambda x: np.trace(x),
        lambda x: np.linalg.trace(x, offset=-1),
        lambda x: np.tril(x, 1),
        lambda x: np.triu(x, k=-1),
    ]
    for call in calls:
        y = call(Tensor(array, requires_grad=True))
        np.testing.assert_allclose(y.data, call(array))
        assert y.requires_grad
    v = Tensor([1.0, 2.0], requires_grad=True)
    assert np.diag(v, k=1).shape == (3, 3)


def test_trace_of_integers() -> None:
    """Small integers are summed in a larger type, as NumPy does."""
    x = np.full((200, 200), 100, np.int8)
    assert trace(Tensor(x)).item() == 20_000


def test_numpys_triangle_of_a_vector_is_refused() -> None:
    """np.tril repeats a vector to a matrix; PyTorch, and we, ask for a matrix."""
    with pytest.raises(ValueError, match=r"tril: matrices are needed.*\(3,\)"):
        np.tril(Tensor([1.0, 2.0, 3.0]))
