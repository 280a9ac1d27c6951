"""What the conformance kit cannot hold of all and any: booleans, integers, NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_math import all, any


@given(st.lists(st.booleans(), max_size=6))
def test_of_booleans(flags: list[bool]) -> None:
    """all and any are Python's, of no elements too."""
    x = Tensor(np.array(flags, dtype=bool))
    assert all(x).item() == (False not in flags)
    assert any(x).item() == (True in flags)


def test_of_numbers() -> None:
    """A number is true unless it is zero, of either sign; NaN is true."""
    x = Tensor(np.array([[0.0, -0.0], [np.nan, 2.0], [0.0, 1.0]]))
    assert all(x, dim=1).tolist() == [False, True, False]
    assert any(x, dim=1, keepdim=True).tolist() == [[False], [True], [True]]
    assert all(Tensor(np.array([1, 2], np.uint8))).dtype == np.bool_


def test_without_gradient() -> None:
    """The result is a plain tensor of booleans, whatever it comes of."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    for result in (x.all(), x.any(), all(x > 1), any(x > 1)):
        assert (result.dtype, result.requires_grad) == (np.bool_, False)


def test_numpys_functions() -> None:
    """np.all and np.any of Tensors have axes and keepdims, and give Tensors."""
    x = Tensor([[True, False], [True, True]])
    for function in (np.all, np.any):
        for parameters in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}):
            result = function(x, **parameters)
            np.testing.assert_array_equal(result.data, function(x.data, **parameters))
