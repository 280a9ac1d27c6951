"""Slicing: NumPy's semantics, over drawn keys, and a gradient for each of them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import GradientError, Tensor
from tinytorch.testing import gradcheck

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


@st.composite
def index_of_one_axis(draw: Any, size: int, length: int) -> Any:
    """Draw a way to pick from one axis; its arrays and lists pick `length` elements, or one."""
    integers = st.integers(-size, size - 1)
    kinds = [
        integers,
        st.slices(size),
        hnp.arrays(np.int64, length, elements=integers),
        st.lists(integers, min_size=length, max_size=length),
        hnp.arrays(np.float32, (length, 1), elements=integers.map(float)).map(Tensor),
    ]
    if size >= length:
        masks = st.permutations([True] * length + [False] * (size - length))
        kinds += [masks, masks.map(np.array), masks.map(np.array).map(Tensor)]
    return draw(st.one_of(kinds))


@st.composite
def mixed_keys(draw: Any, shape: tuple[int, ...]) -> Any:
    """Draw a key of any mixture: numbers, slices, arrays, lists, masks, Tensors, None, Ellipsis."""
    length = draw(st.integers(1, 3))
    named = draw(st.integers(0, len(shape)))
    from_the_left = draw(st.integers(0, named))
    sides = [*shape[:from_the_left], *shape[len(shape) - named + from_the_left :]]
    key = [draw(index_of_one_axis(size, length)) for size in sides]
    if (named < len(shape) and from_the_left < named) or draw(st.booleans()):
        key.insert(from_the_left, ...)
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    return key[0] if len(key) == 1 and draw(st.booleans()) else tuple(key)


def keys(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    return st.one_of(
        hnp.basic_indices(shape, allow_newaxis=True),
        hnp.integer_array_indices(shape),
        hnp.arrays(np.bool_, shape),
        mixed_keys(shape),
    )


def in_numpy(key: Any) -> Any:
    """The key as NumPy alone would take it."""
    if isinstance(key, tuple):
        return tuple(in_numpy(part) for part in key)
    if isinstance(key, Tensor):
        return key.data if key.dtype == np.bool_ else key.data.astype(np.int64)
    return key


def number_from(shape: tuple[int, ...], first: float = 0.0) -> np.ndarray:
    return first + np.arange(np.prod(shape), dtype=np.float64).reshape(shape)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_any_key_picks_and_scatters_as_in_numpy(data: Any) -> None:
    """The values are NumPy's, and the gradient adds the output's up where they came from."""
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = Tensor(number_from(shape), requires_grad=True)
    picked = x[key]
    expected = np.asarray(x.data[in_numpy(key)])
    assert picked.shape == expected.shape
    np.testing.assert_array_equal(picked.data, expected)
    g = np.random.default_rng(0).normal(size=picked.shape)
    picked.backward(g)
    scattered = np.zeros(shape)
    np.add.at(scattered.reshape(-1), expected.astype(np.int64), g)
    np.testing.assert_allclose(x.grad, scattered, rtol=1e-12, atol=1e-15)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_key_passes_central_differences(data: Any) -> None:
    """Also where the key is one factor of a larger expression."""
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = number_from(shape, first=0.5) / 7
    assert gradcheck(lambda x: x[key] * x[key], [x]) == x.size


@given(st.data())
@settings(deadline=None)
def test_memory_is_shared_where_numpy_shares_it(data: Any) -> None:
    """Slices and numbers give views, also of one element; arrays, lists and masks give copies."""
    shape = data.draw(SHAPES)
    x = Tensor(number_from(shape))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    basic = x[key]
    assert np.shares_memory(basic.data, x.data) == bool(basic.size)
    for key in (np.arange(shape[0]), [0], np.ones(shape, np.bool_), Tensor([0.0])):
        assert not np.shares_memory(x[key].data, x.data)


@pytest.mark.parametrize("key", [1, np.int64(1), np.array(1), Tensor(1.0), Tensor(np.array(1))])
def test_one_number_in_any_clothes(key: Any) -> None:
    """A number is a number as Python's, NumPy's or a 0-d tensor: it drops the axis, and shares."""
    x = Tensor(number_from((3, 2)))
    assert x[key].tolist() == [2, 3]
    assert x[key, key].item() == 3
    assert type(x[key, key].data) is np.ndarray
    assert np.shares_memory(x[key, key].data, x.data)


def test_a_change_of_the_data_shows_in_a_slice() -> None:
    """As a slice shares the data, writing to the one writes to the other."""
    x = Tensor(number_from((3,)))
    row = x[1:]
    x.data[2] = 7
    assert row.tolist() == [1, 7]


def test_repeated_indices_add_up() -> None:
    """An element that is picked twice gets both gradients, in one dimension and in two."""
    x = Tensor(np.zeros(3), requires_grad=True)
    x[[0, 0, 1]].backward([1.0, 20.0, 300.0])
    assert x.grad.tolist() == [21, 300, 0]
    y = Tensor(np.zeros((2, 2)), requires_grad=True)
    y[Tensor([1.0, 1.0, -1.0]), [0, 0, -2]].backward([1.0, 20.0, 300.0])
    assert y.grad.tolist() == [[0, 0], [321, 0]]


def test_integers_beside_an_array_are_numpys_way() -> None:
    """A number counts as an array where there is one: NumPy then puts their axis first."""
    assert Tensor(number_from((2, 3, 4)))[1, :, [0, 0]].shape == (2, 3)


def test_booleans_are_masks_and_not_numbers() -> None:
    """A single boolean adds an axis of length 1 or 0, as a mask of no dimensions does in NumPy."""
    x = Tensor(number_from((3,)))
    for key in (True, np.True_, np.array(True), Tensor(True)):
        assert x[key].shape == (1, 3)
    assert x[False].shape == (0, 3)


def test_a_slice_may_be_bounded_by_tensors() -> None:
    """An integer tensor of one element bounds a slice."""
    assert Tensor(number_from((4,)))[: Tensor(np.array(2))].tolist() == [0, 1]


def test_iteration_and_unpacking_go_over_the_rows() -> None:
    """Python's iteration uses slicing, ends, and sends the gradients back."""
    x = Tensor(number_from((2, 3)), requires_grad=True)
    first, second = x
    (first * 2 + second * 3).backward([1.0, 10.0, 100.0])
    assert x.grad.tolist() == [[2, 20, 200], [3, 30, 300]]


def test_integer_tensors_are_sliced_without_a_gradient() -> None:
    """Any dtype can be sliced, and keeps it."""
    x = Tensor(np.array([3, 4, 5]))
    assert x[1:].dtype == np.int64
    assert not x[1:].requires_grad


def test_a_key_that_requires_gradients_gets_none() -> None:
    """Indices have no gradient, also where they come as a floating tensor that asks for one."""
    x, key = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 1.0], requires_grad=True)
    x[key].backward([1.0, 2.0])
    assert x.grad.tolist() == [0, 3]
    assert key.grad is None


def test_a_second_backward_needs_what_was_saved() -> None:
    """Slices save nothing, so that backward may run again; arrays of indices are let go of."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    basic, advanced = x[1:], x[[1]]
    for _ in range(2):
        basic.backward([1.0])
    assert x.grad.tolist() == [0, 2]
    advanced.backward([1.0])
    with pytest.raises(GradientError, match="retain_graph"):
        advanced.backward([1.0])


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (3, IndexError, r"getitem.*\(3, 4\).*x\[3\].*index 3 is out of bounds for axis 0"),
        ((0, -5), IndexError, r"\(3, 4\).*\(0, -5\).*index -5 is out of bounds for axis 1"),
        (Tensor([0.0, 7.0]), IndexError, r"\(3, 4\).*index 7 is out of bounds"),
        ((0, 0, 0), IndexError, r"\(3, 4\).*too many indices"),
        (np.ones((3, 5), bool), IndexError, r"\(3, 4\).*boolean index did not match"),
        (([0, 1], [0, 1, 2]), IndexError, r"\(3, 4\).*shape mismatch"),
        ((..., ...), IndexError, r"\(3, 4\).*[Ee]llipsis"),
        (slice(0, 2, 0), ValueError, r"\(3, 4\).*step cannot be zero"),
        (slice(0.5), TypeError, r"\(3, 4\).*slice indices must be integers"),
        (Tensor([0.5]), TypeError, "getitem.*whole numbers.*float32 and are not whole"),
        (Tensor([np.nan]), TypeError, "not whole"),
        ((slice(None), 1.5), TypeError, "float64 and are not whole"),
        ([0, "a"], TypeError, "getitem.*integers"),
    ],
)
def test_bad_keys(key: Any, error: type[Exception], message: str) -> None:
    """An error names the op, the shape and the index, whatever the key is."""
    with pytest.raises(error, match=message):
        Tensor(number_from((3, 4)))[key]


def test_a_long_key_makes_a_short_message() -> None:
    """A key of a million indices is not printed."""
    key = np.zeros(1_000_000, np.int64)
    key[-1] = 9
    with pytest.raises(IndexError, match="index 9") as caught:
        Tensor(number_from((3,)))[key]
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", [slice(0, 2), [0, 0]])
def test_a_thousand_slices_fill_one_buffer(key: Any) -> None:
    """The gradients of many slices go into one array, and make no array of its size each."""
    x = Tensor(np.zeros((2, 50_000)), requires_grad=True)
    total = sum((x[key, i].sum() * i for i in range(1000)), Tensor(0.0))
    tracemalloc.start()
    try:
        total.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    expected = np.zeros_like(x.data)
    np.add.at(expected, key, np.pad(np.arange(1000.0), (0, 49_000)))
    np.testing.assert_array_equal(x.grad, expected)
    assert peak < 3 * x.data.nbytes
