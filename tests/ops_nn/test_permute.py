"""Permutation of axes: how they may be given, and that nothing is copied."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_nn import permute


@pytest.mark.parametrize("dims", list(permutations(range(3))))
def test_every_order_of_three_axes(dims: tuple[int, ...]) -> None:
    """Value and gradient are moved to where the order says, and back; the data are shared."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    y = permute(x, *dims)
    np.testing.assert_array_equal(y.data, np.transpose(x.data, dims))
    assert np.shares_memory(y.data, x.data)
    g = rng.normal(size=y.shape)
    y.backward(g)
    there_and_back = np.empty(x.shape)
    np.transpose(there_and_back, dims)[...] = g
    np.testing.assert_array_equal(x.grad, there_and_back)


def test_axes_may_be_given_one_by_one_or_together() -> None:
    """Numbers, one tuple or one list; counted from the front or the end."""
    x = Tensor(np.zeros((2, 3, 4)))
    for y in (x.permute(2, 0, 1), x.permute((2, 0, 1)), x.permute([-1, 0, -2])):
        assert y.shape == (4, 2, 3)
    assert Tensor(1.0).permute().shape == ()
