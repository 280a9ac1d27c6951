"""What the conformance kit cannot hold of rounding and remainders: ties, jumps, integers, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_math as math
from hypothesis import assume, given
from hypothesis import strategies as st
from tinytorch import Tensor, grad

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


def test_ties_go_to_even() -> None:
    """Of two equally near whole numbers, or decimals, the even one is taken."""
    assert math.round(Tensor([-1.5, -0.5, 0.5, 1.5, 2.5])).tolist() == [-2, 0, 0, 2, 2]
    assert math.round(Tensor([0.125, 0.375]), decimals=2).tolist() == pytest.approx([0.12, 0.38])
    assert math.round(Tensor([15.0, 25.0, 1234.0]), decimals=-1).tolist() == [20, 20, 1230]


@pytest.mark.parametrize("function", [math.sign, math.floor, math.ceil, math.round])
def test_steps_have_zero_gradient(function: Any) -> None:
    """The gradient is zero, not absent, also where the gradient that comes in is infinite."""
    x = Tensor(np.array([-1.5, 0.0, 2.0, np.nan]), requires_grad=True)
    function(x).backward(np.array([3.0, np.inf, np.nan, 1.0]))
    np.testing.assert_array_equal(x.grad, np.zeros(4))


@pytest.mark.parametrize("function", [math.sign, math.floor, math.ceil, math.round])
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.bool_, np.float16])
def test_steps_keep_the_dtype(function: Any, dtype: Any) -> None:
    """Integers and booleans stay what they are, in memory of their own."""
    x = Tensor(np.array([0, 1, 1], dtype))
    result = function(x)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result.data, x.data)
    assert not np.may_share_memory(result.data, x.data)


def test_isnan_is_a_plain_tensor() -> None:
    """isnan gives booleans, without a gradient, of integers too."""
    result = math.isnan(Tensor([1.0, np.nan, np.inf], requires_grad=True))
    assert (result.tolist(), result.requires_grad) == ([False, True, False], False)
    assert math.isnan(Tensor(np.array([3]))).tolist() == [False]


@given(NUMBERS, NUMBERS)
def test_remainder_is_between_zero_and_the_divisor(a: float, b: float) -> None:
    """The remainder has the divisor's sign, and the gradient is the whole quotient it leaves."""
    assume(abs(b) > 1e-3)
    x, y = Tensor(np.array([a]), requires_grad=True), Tensor(np.array([b]), requires_grad=True)
    result = math.remainder(x, y)
    assert result.item() == a % b
    result.backward(np.array([-2.0]))
    assert x.grad is not None
    assert y.grad is not None
    assert x.grad.item() == -2.0
    assert y.grad.item() == 2.0 * (a // b)


def test_quotient_of_a_remainder_that_division_rounds_up() -> None:
    """1 / 0.1 rounds to 10, but 0.1 goes into 1 only 9 times: the gradient says so."""
    b = Tensor(np.array([0.1]), requires_grad=True)
    math.remainder(1.0, b).backward(np.array([1.0]))
    np.testing.assert_array_equal(b.grad, [-9.0])


def test_derivatives_of_the_quotient() -> None:
    """The gradient of the divisor is constant between jumps: its own derivative is zero."""
    a, b = Tensor(np.array([7.3]), requires_grad=True), Tensor(np.array([2.0]), requires_grad=True)
    (slope,) = grad(math.remainder(a, b), [b], np.array([1.0]), create_graph=True)
    assert slope.tolist() == [-3.0]
    for second in grad(slope, [a, b], np.array([1.0])):
        np.testing.assert_array_equal(np.asarray(second.data), [0.0])


def test_division_by_zero() -> None:
    """An integer modulo zero is an error, a float is NaN with NumPy's warning."""
    with pytest.raises(ValueError, match="remainder: an integer cannot be divided by zero"):
        math.remainder(Tensor(np.array([1, 2])), 0)
    with pytest.warns(RuntimeWarning, match="invalid"):
        assert np.isnan(math.remainder(Tensor([1.0]), 0.0).item())


@pytest.mark.parametrize(
    ("numpys", "ours"),
    [
        (np.sign, math.sign),
        (np.floor, math.floor),
        (np.ceil, math.ceil),
        (np.rint, math.round),
        (np.round, math.round),
        (np.around, math.round),
        (np.isnan, math.isnan),
    ],
)
def test_numpys_functions(numpys: Any, ours: Any) -> None:
    """NumPy's function of the same meaning, called on a Tensor, is the operation."""
    x = Tensor(np.array([0.35, -1.75]), requires_grad=True)
    result, expected = numpys(x), ours(x)
    np.testing.assert_array_equal(result.data, expected.data)
    assert type(result.grad_fn) is type(expected.grad_fn)


def test_numpys_functions_with_arguments() -> None:
    """np.round takes decimals, and np.remainder numbers in either place."""
    x = Tensor(np.array([0.35, -1.75]), requires_grad=True)
    for result, expected in (
        (np.round(x, 1), math.round(x, decimals=1)),
        (np.remainder(x, 0.4), math.remainder(x, 0.4)),
        (np.mod(2.5, x), math.remainder(2.5, x)),
    ):
        np.testing.assert_array_equal(result.data, expected.data)
        assert type(result.grad_fn) is type(expected.grad_fn)


def test_errors_name_the_operation() -> None:
    """Decimals that are no integer are refused."""
    with pytest.raises(TypeError, match="round: decimals should be an integer"):
        math.round(Tensor([1.0]), decimals=0.5)
