"""Order, shape and repetition: exact elements, what is shared, and NumPy's own spellings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch_ops_math import (
    flatten,
    flip,
    movedim,
    repeat,
    repeat_interleave,
    roll,
    swapaxes,
    tile,
)

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def numbers(*shape: int) -> Tensor:
    """Return the numbers from 0 on, in a tensor that requires gradients."""
    return Tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)


def check_against_numpy(call: Callable[[Any], Any], plain: Callable[[Any], Any], x: Tensor) -> None:
    """Value and gradient of a function that moves elements: each gradient goes to where it was."""
    y = call(x)
    expected = plain(x.data)
    np.testing.assert_array_equal(y.data, expected)
    assert y.shape == expected.shape
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    origins = plain(np.arange(x.size).reshape(x.shape))
    sums = np.bincount(origins.ravel(), g.ravel(), minlength=x.size)
    np.testing.assert_allclose(x.grad, sums.reshape(x.shape))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_moves_as_numpy_does(data: Any) -> None:
    """flip, roll, movedim and swapaxes put each element, and its gradient, where NumPy does."""
    shape = data.draw(SHAPES)
    axis = st.integers(-len(shape), len(shape) - 1)
    a, b, shift = data.draw(axis), data.draw(axis), data.draw(st.integers(-9, 9))
    for ours, numpys in (
        (partial(flip, dims=a), partial(np.flip, axis=a)),
        (partial(roll, shifts=shift, dims=a), partial(np.roll, shift=shift, axis=a)),
        (partial(roll, shifts=shift), partial(np.roll, shift=shift)),
        (lambda x: movedim(x, a, b), lambda x: np.moveaxis(x, a, b)),
        (lambda x: swapaxes(x, a, b), lambda x: np.swapaxes(x, a, b)),
    ):
        check_against_numpy(ours, numpys, numbers(*shape))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_repeats_as_numpy_does(data: Any) -> None:
    """tile, repeat and repeat_interleave copy each element as NumPy does, and sum its gradients."""
    shape = data.draw(SHAPES)
    times = tuple(data.draw(st.lists(st.integers(0, 3), min_size=0, max_size=5)))
    check_against_numpy(lambda x: tile(x, times), lambda x: np.tile(x, times), numbers(*shape))
    enough = (1,) * (len(shape) - len(times)) + times
    check_against_numpy(lambda x: repeat(x, enough), lambda x: np.tile(x, times), numbers(*shape))
    axis = data.draw(st.integers(0, len(shape) - 1))
    each = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=shape[axis], max_size=shape[axis]))
    )
    each = each.astype(np.int64)
    check_against_numpy(
        lambda x: repeat_interleave(x, each, axis),
        lambda x: np.repeat(x, each, axis),
        numbers(*shape),
    )


CALLS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "flip": (np.flip, (2, 3)),
    "flip along axes": (lambda x: np.flip(x, (0, -1)), (2, 3, 4)),
    "flipud": (np.flipud, (2, 3)),
    "fliplr": (np.fliplr, (2, 3)),
    "roll": (lambda x: np.roll(x, 4), (2, 3)),
    "roll by several": (lambda x: np.roll(x, (1, 2)), (2, 3)),
    "roll along an axis": (lambda x: np.roll(x, -1, axis=1), (2, 3)),
    "roll by one along several": (lambda x: np.roll(x, 1, axis=(0, 1)), (2, 3)),
    "roll by several along one": (lambda x: np.roll(x, (1, 1), axis=1), (2, 3)),
    "tile": (lambda x: np.tile(x, (2, 1, 2)), (2, 3)),
    "tile by an array": (lambda x: np.tile(x, np.array([2, 3])), (2, 3)),
    "repeat": (lambda x: np.repeat(x, 2), (2, 3)),
    "repeat along an axis": (lambda x: np.repeat(x, [2, 0, 1], axis=1), (2, 3)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), (2, 3, 4)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 2), (2, 3, 4)),
    "ravel": (np.ravel, (2, 3)),
    "diagonal": (lambda x: np.diagonal(x, 1, 1, 2), (2, 3, 4)),
    "diag of a matrix": (lambda x: np.diag(x, -1), (3, 3)),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=1), (2, 3, 4)),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpy_functions_are_recorded(name: str) -> None:
    """NumPy's functions on tensors mean what NumPy means by them, and have a gradient."""
    call, shape = CALLS[name]
    check_against_numpy(call, call, numbers(*shape))


def test_numpy_keywords_without_a_meaning_are_refused() -> None:
    """An order of elements other than C's is not silently taken for it."""
    with pytest.raises(TypeError, match=r"np.ravel: the keyword order="):
        np.ravel(numbers(2, 3), order="F")


def test_views_share_the_data() -> None:
    """What can be a view is one, and is a tensor of its own."""
    x = numbers(2, 3)
    for y in (flip(x, 0), movedim(x, 0, 1), swapaxes(x, 0, 1), flatten(x)):
        assert np.shares_memory(y.data, x.data)
        assert y is not x
    assert flatten(numbers(3)).grad_fn is not None


def test_axes_one_by_one_or_together() -> None:
    """As methods, axes and repetitions may be given as several arguments or as a sequence."""
    x: Any = numbers(2, 3)
    assert x.flip(0, 1).tolist() == x.flip((0, 1)).tolist() == x.flip([1, 0]).tolist()
    assert x.repeat(2, 1).tolist() == x.repeat((2, 1)).tolist() == x.tile(2, 1).tolist()
    assert x.flip(dims=(0,)).tolist() == [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]


def test_repeat_is_not_repeat_interleave() -> None:
    """repeat copies the whole, as in PyTorch; repeat_interleave each element, as np.repeat does."""
    x = Tensor([1.0, 2.0])
    assert repeat(x, 2).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert repeat_interleave(x, 2).tolist() == np.repeat(x, 2).tolist() == [1.0, 1.0, 2.0, 2.0]


def test_repetitions_may_be_tensors_and_change_later() -> None:
    """Numbers of repetitions are taken as they are at the call, from a tensor or an array."""
    x, times = numbers(3), np.array([2, 0, 1])
    y = repeat_interleave(x, times)
    times[:] = 1
    y.backward(np.array([1.0, 2.0, 4.0]))
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 0.0, 4.0]
    assert repeat_interleave(x, Tensor([2.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.bool_])
def test_dtypes_are_kept(dtype: Any) -> None:
    """Elements that are only moved keep their dtype, whatever it is."""
    x = Tensor(np.eye(3, dtype=dtype))
    for y in (
        flip(x),
        roll(x, 1),
        tile(x, 2),
        repeat(x, 2, 2),
        repeat_interleave(x, 2),
        flatten(x),
    ):
        assert y.dtype == dtype
