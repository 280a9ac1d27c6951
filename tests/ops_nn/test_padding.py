"""Borders: by hand, against NumPy's, and cut off again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import Tensor
from tinytorch_ops_nn import pad

IN_NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def test_the_last_axis_comes_first() -> None:
    """PyTorch's order: left, right, top, bottom, ..."""
    y = pad(Tensor([[1.0, 2.0]]), (1, 0, 0, 2), value=9.0)
    assert y.tolist() == [[9, 1, 2], [9, 9, 9], [9, 9, 9]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("reflect", [3, 2, 1, 2, 3, 4, 3, 2, 1]),
        ("replicate", [1, 1, 1, 2, 3, 4, 4, 4, 4]),
        ("circular", [3, 4, 1, 2, 3, 4, 1, 2, 3]),
    ],
)
def test_modes_by_hand(mode: str, expected: list[int]) -> None:
    """Two before and three after 1, 2, 3, 4."""
    assert pad(Tensor([1.0, 2.0, 3.0, 4.0]), (2, 3), mode).tolist() == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("reflect", [4 + 256, 2 + 8 + 128, 1 + 16 + 64, 32]),
        ("replicate", [1 + 2 + 4, 8, 16, 32 + 64 + 128 + 256]),
        ("circular", [4 + 64, 8 + 128, 16 + 256 + 1, 32 + 2]),
    ],
)
def test_gradients_by_hand(mode: str, expected: list[int]) -> None:
    """Powers of two as gradients tell which places an element stands at."""
    x = Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    pad(x, (2, 3), mode).backward(2.0 ** np.arange(9))
    assert x.grad.tolist() == expected


@given(st.data())
def test_modes_are_numpys(data: Any) -> None:
    """On any shape, with as much as fits on every side; gradients add up where they belong."""
    shape = data.draw(hnp.array_shapes(max_dims=3, min_side=2, max_side=4))
    mode = data.draw(st.sampled_from([*IN_NUMPY]))
    widths = [(data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))) for n in shape]
    x = Tensor(numbers(*shape), requires_grad=True)
    expected = np.pad(x.data, widths, IN_NUMPY[mode])
    ours = pad(x, [n for pair in widths[::-1] for n in pair], mode)
    through_numpy = np.pad(x, widths, IN_NUMPY[mode])
    weights = numbers(*expected.shape)
    places = np.pad(np.arange(1, x.size + 1).reshape(shape), widths, IN_NUMPY[mode])
    sums = np.bincount(places.reshape(-1), weights.reshape(-1), x.size + 1)[1:].reshape(shape)
    for y in (ours, through_numpy):
        np.testing.assert_array_equal(y.data, expected)
        np.testing.assert_allclose(grad(y, x, weights), sums, rtol=1e-12, atol=1e-12)


@given(st.data())
def test_padding_is_undone_by_its_opposite(data: Any) -> None:
    """Negative lengths cut off what positive ones add."""
    shape = data.draw(hnp.array_shapes(max_dims=3, min_side=0, max_side=4))
    lengths = [data.draw(st.integers(0, 3)) for _ in range(2 * len(shape))]
    x = numbers(*shape)
    again = pad(pad(x, lengths, value=3.0), [-n for n in lengths])
    np.testing.assert_array_equal(again.data, x)


def test_numpys_ways_to_say_how_much() -> None:
    """np.pad takes one number, one pair, or a pair for each axis; and a constant."""
    x = Tensor(numbers(2, 3))
    for widths in (1, (1, 2), ((1, 2),), ((0, 1), (2, 0)), np.array([[1, 1], [0, 0]])):
        np.testing.assert_array_equal(np.pad(x, widths).data, np.pad(x.data, widths))
    assert np.pad(x, 1, constant_values=5.0).data[0].tolist() == [5] * 5
    with pytest.raises(ValueError, match=r"np\.pad: mode of a tensor should be one of"):
        np.pad(x, 1, "symmetric")
    with pytest.raises(TypeError, match="reflect_type"):
        np.pad(x, 1, "reflect", reflect_type="odd")


def test_dtypes_stay() -> None:
    """Zeros are zeros of the dtype, for integers and booleans too; a half makes floats of them."""
    for dtype in (np.float16, np.float32, np.int8, np.bool_):
        assert pad(np.ones(2, dtype), (1, 1)).dtype == dtype
        assert pad(np.ones(2, dtype), (1, 1), "reflect").dtype == dtype
    assert pad(np.ones(2, np.int64), (1, 0), value=0.5).tolist() == [0.5, 1, 1]


def test_not_finite_borders_have_no_part_in_gradients() -> None:
    """A border of minus infinities gets its own gradient lost, whatever that is."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    pad(x, (1, 1), value=-np.inf).backward([np.nan, 3.0, 4.0, np.inf])
    assert x.grad.tolist() == [3, 4]


def test_axes_that_pytorch_does_not_reflect() -> None:
    """Every axis can be continued, the first too, in tensors of any number of dimensions."""
    assert pad(Tensor([1.0, 2.0, 3.0]), (2, 0), "reflect").tolist() == [3, 2, 1, 2, 3]
    assert pad(Tensor([[1.0], [2.0]]), (0, 0, 1, 1), "circular").tolist() == [[2], [1], [2], [1]]
