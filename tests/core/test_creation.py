"""Tensors out of nothing, and out of arrays."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import (
    Tensor,
    arange,
    from_numpy,
    full,
    ones,
    ones_like,
    rand,
    randn,
    zeros,
    zeros_like,
)

MAKERS = [zeros, ones, rand, randn]
SHAPES = [
    ((), ()),
    ((2, 3), (2, 3)),
    (((2, 3),), (2, 3)),
    (([2, 3],), (2, 3)),
    ((0,), (0,)),
    (((),), ()),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("arguments", "shape"), SHAPES, ids=repr)
def test_the_shape_as_integers_or_as_one_sequence(make, arguments, shape):
    """`zeros(2, 3)`, `zeros((2, 3))`, `zeros([2, 3])`, and `zeros()` in 0-d."""
    x = make(*arguments)
    assert x.shape == shape
    assert x.dtype == np.float32
    assert type(x.data) is np.ndarray
    assert not x.requires_grad


@pytest.mark.parametrize("make", MAKERS)
def test_dtype_and_requires_grad(make):
    """Both may be given; integers cannot require gradients."""
    x = make(2, dtype=np.float64, requires_grad=True)
    assert x.dtype == np.float64
    assert x.is_leaf
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="floating"):
        make(2, dtype=np.int64, requires_grad=True)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("shape", [(2.5,), (-1,), ("a",)], ids=repr)
def test_a_shape_that_is_none(make, shape):
    """Fractions, negative lengths and text are errors."""
    with pytest.raises((TypeError, ValueError)):
        make(*shape)


def test_zeros_and_ones():
    """They hold what they say, and can be changed in place."""
    assert zeros(2).tolist() == [0.0, 0.0]
    assert ones(2).tolist() == [1.0, 1.0]
    x = zeros(2)
    x.data += 1
    assert x.tolist() == [1.0, 1.0]


def test_full():
    """One value everywhere; its dtype is that of a tensor of the value, unless one is given."""
    assert full((2, 2), 7).tolist() == [[7.0, 7.0], [7.0, 7.0]]
    assert full((2,), 7).dtype == np.float32
    assert full(3, 1.5).shape == (3,)
    assert full((), True).dtype == np.bool_
    assert full((2,), np.float64(1)).dtype == np.float64
    assert full((2,), Tensor(np.array(2))).tolist() == [2, 2]
    assert full((2,), 7, dtype=np.int64).dtype == np.int64
    assert full((2,), 7, requires_grad=True).requires_grad
    x = full((2, 2), 1)
    x.data[0, 0] = 5
    assert x.data.sum() == 8


def test_arange():
    """Integers give int64, anything else float32, as in PyTorch."""
    assert arange(3).tolist() == [0, 1, 2]
    assert arange(3).dtype == np.int64
    assert arange(1, 7, 2).tolist() == [1, 3, 5]
    assert arange(3, 0, -1).tolist() == [3, 2, 1]
    assert arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert arange(3.0).dtype == np.float32
    assert arange(0).shape == (0,)
    assert arange(3, dtype=np.float64).dtype == np.float64
    assert arange(3, dtype=np.float32, requires_grad=True).requires_grad
    with pytest.raises(TypeError, match="floating"):
        arange(3, requires_grad=True)


@pytest.mark.parametrize(("make", "value"), [(zeros_like, 0.0), (ones_like, 1.0)])
def test_like_another(make, value):
    """Shape and dtype of a tensor or array, in memory of its own, without its gradient."""
    for x in (
        Tensor(np.full((2, 3), 5.0), requires_grad=True),
        np.full((2, 3), 5, np.float16),
        Tensor(np.full((), 5)),
        np.broadcast_to(np.float32(5), (2, 2)),
    ):
        y = make(x)
        data = x.data if isinstance(x, Tensor) else x
        assert isinstance(y, Tensor)
        assert (y.shape, y.dtype) == (data.shape, data.dtype)
        assert (y.data == value).all()
        assert not y.requires_grad
        assert not np.shares_memory(y.data, data)
        y.data += 1
    assert make([[1, 2]]).dtype == np.float32
    assert make(np.ones(2), dtype=np.int64).dtype == np.int64
    assert make(np.ones(2), requires_grad=True).requires_grad


def test_from_numpy_requires_no_gradient():
    """It shares memory, and requires gradients only when asked."""
    array = np.ones(2)
    x = from_numpy(array)
    assert not x.requires_grad
    assert np.shares_memory(x.data, array)
    x.requires_grad_().sum().backward()
    assert array.tolist() == [1.0, 1.0]
