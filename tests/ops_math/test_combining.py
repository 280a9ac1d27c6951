"""What the conformance kit cannot hold of addcmul and lerp: dtypes, and what is skipped."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch_ops_math import addcmul, lerp


def test_by_hand() -> None:
    """A point half-way, one beyond the end, and a sum with half a product."""
    assert lerp(Tensor([0.0, 10.0]), Tensor([4.0, 20.0]), 0.5).tolist() == [2.0, 15.0]
    assert lerp(Tensor([0.0]), Tensor([4.0]), Tensor([1.5])).tolist() == [6.0]
    assert addcmul(Tensor([1.0]), Tensor([2.0]), Tensor([3.0]), value=0.5).tolist() == [4.0]


def test_numbers_take_the_dtype_of_the_tensors() -> None:
    """Numbers of Python, and a value of NumPy's, leave float32 and float16 as they are."""
    x = Tensor(np.array([1.0, 2.0], np.float16))
    assert lerp(x, 2.0, 0.5).dtype == np.float16
    assert addcmul(x, 2.0, x, value=np.float64(0.5)).dtype == np.float16


def test_gradients_of_all_three() -> None:
    """Each operand gets its gradient, summed down to its shape."""
    a = Tensor(np.zeros((2, 1)), requires_grad=True)
    b = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    w = Tensor(np.array(0.25), requires_grad=True)
    g = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
    lerp(a, b, w).backward(g)
    np.testing.assert_allclose(a.grad, 0.75 * g.sum(1, keepdims=True))
    np.testing.assert_allclose(b.grad, 0.25 * g.sum(0))
    np.testing.assert_allclose(w.grad, (g * [1.0, 2.0, 3.0]).sum())


def test_only_what_is_needed_is_kept() -> None:
    """A node keeps no array whose gradient nobody asks for."""
    a, b = Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(3))
    assert addcmul(a, b, b).grad_fn.saved == (None, None)
    start, end, weight = lerp(a, b, 0.5).grad_fn.saved
    assert (start, end, weight) == (None, None, 0.5)


def test_errors_name_the_operation() -> None:
    """A value that is no number, and shapes that do not broadcast, are refused."""
    with pytest.raises(TypeError, match="addcmul: value should be a real number"):
        addcmul(Tensor([1.0]), 1.0, 1.0, value=None)
    with pytest.raises(ValueError, match=r"lerp: .*\(2,\), \(3,\), \(\)"):
        lerp(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]), 0.5)
