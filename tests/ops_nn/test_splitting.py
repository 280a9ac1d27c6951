"""Parts of tensors: views of the data, one buffer for their gradients, and NumPy's split."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch_ops_nn import cat, chunk, narrow, select, split, stack, unbind

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def test_pieces_by_hand() -> None:
    """Five rows make two pieces of two and one of one, by size as by number."""
    x = Tensor(np.arange(5.0))
    for pieces in (split(x, 2), chunk(x, 3), split(x, [2, 2, 1])):
        assert [piece.tolist() for piece in pieces] == [[0, 1], [2, 3], [4]]


def test_fewer_chunks_than_asked_for() -> None:
    """Six rows in four chunks are three of two, and in nine six of one, as in PyTorch."""
    x = Tensor(np.arange(6.0))
    assert [len(piece) for piece in chunk(x, 4)] == [2, 2, 2]
    assert [len(piece) for piece in chunk(x, 9)] == [1] * 6


def test_pieces_of_nothing() -> None:
    """An empty axis is one empty piece by size, as many as asked for by number, and no slice."""
    x = Tensor(np.zeros((0, 3)))
    assert [piece.shape for piece in split(x, 2)] == [(0, 3)]
    assert [piece.shape for piece in chunk(x, 2)] == [(0, 3), (0, 3)]
    assert unbind(x) == ()


@given(st.data())
def test_pieces_joined_again_are_the_whole(data: Any) -> None:
    """Whatever the shape, axis and size; and every element gets its gradient once."""
    shape = data.draw(SHAPES)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = data.draw(st.integers(1, 6))
    x = Tensor(numbers(*shape), requires_grad=True)
    for again in (
        cat(split(x, size, axis), axis),
        cat(chunk(x, size, axis), axis),
        stack(unbind(x, axis), axis=axis),
        stack([select(x, axis, i) for i in range(-shape[axis], 0)], axis=axis),
        cat([narrow(x, axis, i, 1) for i in range(shape[axis])], axis),
    ):
        weights = np.random.default_rng(1).normal(size=shape)
        np.testing.assert_array_equal(again.data, x.data)
        np.testing.assert_array_equal(grad(again, x, weights), weights)


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(lambda x: split(x, 2)[1], id="split"),
        pytest.param(lambda x: split(x, [1, 3], 1)[0], id="split by sections"),
        pytest.param(lambda x: chunk(x, 2)[0], id="chunk"),
        pytest.param(lambda x: unbind(x)[2], id="unbind"),
        pytest.param(lambda x: narrow(x, 1, 1, 2), id="narrow"),
        pytest.param(lambda x: select(x, 1, -1), id="select"),
    ],
)
def test_parts_are_views(take: Callable[[Tensor], Tensor]) -> None:
    """No part copies the data."""
    x = Tensor(numbers(3, 4))
    assert np.shares_memory(take(x).data, x.data)


def test_methods_do_the_same() -> None:
    """All of them are methods of a tensor, too."""
    x = Tensor(np.arange(6.0).reshape(2, 3))
    assert [piece.shape for piece in x.split(2, 1)] == [(2, 2), (2, 1)]
    assert [piece.shape for piece in x.chunk(3, dim=-1)] == [(2, 1)] * 3
    assert [row.tolist() for row in x.unbind()] == [[0, 1, 2], [3, 4, 5]]
    assert x.narrow(1, -2, 2).tolist() == [[1, 2], [4, 5]]
    assert x.select(1, 1).tolist() == [1, 4]


@pytest.mark.parametrize("argument", [3, [1, 4], [4, 1], [-1], (2, 2), np.array([0, 9])])
def test_numpys_split_is_recorded(argument: Any) -> None:
    """np.split cuts as NumPy does: into equal pieces, or at places; and gradients flow back."""
    x = Tensor(numbers(6, 2), requires_grad=True)
    pieces = np.split(x, argument)
    expected = np.split(x.data, argument)
    for piece, array in zip(pieces, expected, strict=True):
        np.testing.assert_array_equal(piece.data, array)
        assert piece.requires_grad
    weights = numbers(*expected[0].shape)
    first = np.zeros((6, 2))
    np.split(first, argument)[0][...] = weights
    np.testing.assert_array_equal(grad(pieces[0], x, weights), first)


def test_numpys_split_needs_equal_pieces() -> None:
    """Seven rows have no three equal pieces."""
    with pytest.raises(ValueError, match=r"np.split.*\(7,\) has no 3 equal pieces"):
        np.split(Tensor(np.zeros(7)), 3)


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(lambda x: unbind(x, 1), id="unbind"),
        pytest.param(lambda x: split(x, 1, 1), id="split"),
        pytest.param(lambda x: chunk(x, 1000, 1), id="chunk"),
    ],
)
def test_a_thousand_parts_fill_one_buffer(take: Callable[[Tensor], Any]) -> None:
    """The gradients of many parts go into one array, and make no array of its size each."""
    x = Tensor(np.zeros((50, 1000)), requires_grad=True)
    total = sum((part.sum() * i for i, part in enumerate(take(x))), Tensor(0.0))
    tracemalloc.start()
    try:
        total.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(x.grad, np.broadcast_to(np.arange(1000.0), (50, 1000)))
    assert peak < 4 * x.data.nbytes
