"""Sums and products of half precision are computed in single precision, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch_ops_math as math
from tinytorch import Tensor

from ..half import errors

RNG = np.random.default_rng(0)


def numbers(*shape, low=0.5, high=1.5):
    return RNG.uniform(low, high, shape)


TALL, ROW, FLAT = numbers(5000, 2), numbers(2), numbers(10000)
WIDE = TALL.T / 50
NEAR_ONE = 1 + RNG.normal(size=(5000, 2)) / 1000


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("function", [math.var, math.std])
def test_spreads(function, axis):
    """Variance and deviation, by the deviations from a mean that is not rounded."""
    assert max(errors(lambda x: function(x, axis=axis), TALL)) < 3


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "function", [math.norm, math.vector_norm], ids=lambda function: function.__name__
)
def test_norms(function, order, axis):
    """Norms of 5000 and of 10,000 numbers, by either name."""
    assert max(errors(lambda x: function(x, order, axis), TALL / 20)) < 3


def test_the_norm_of_what_half_precision_cannot_square():
    """The norm of 300 and 400 is 500, though their squares are too large for float16."""
    assert math.vector_norm(Tensor(np.array([300, 400], np.float16))).item() == 500


def test_the_deviation_of_more_than_half_precision_can_count():
    """The gradient of the deviation of 70,000 elements is not 0."""
    x = Tensor(np.tile(np.array([0.0, 4.0], np.float16), 35000), requires_grad=True)
    y = math.std(x, correction=0)
    y.backward(np.float16(100))
    assert y.item() == 2
    np.testing.assert_allclose(x.grad[:2], [-100 / 70000, 100 / 70000], rtol=1e-3)


@pytest.mark.parametrize("axis", [None, 0])
def test_logsumexp(axis):
    """The value is rounded once; the gradient exp(x - y) has the rounding of y, which is near 9."""
    value, gradient = errors(lambda x: math.logsumexp(x, axis=axis), TALL)
    assert value < 1
    assert gradient < 9


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: math.prod(x, 0), NEAR_ONE),
        (lambda x: math.cumprod(x, 0), NEAR_ONE),
        (lambda x: math.cumsum(x, 0), TALL / 10),
        (lambda x: math.cumsum(x, -1), FLAT / 10),
    ],
    ids=["prod", "cumprod", "cumsum", "cumsum in a row"],
)
def test_products_and_running_sums(function, x):
    """Products, and sums up to each place, of thousands of numbers."""
    assert max(errors(function, x)) < 3


@pytest.mark.parametrize(
    ("function", "operands"),
    [
        (math.inner, (WIDE, TALL.T)),
        (math.dot, (FLAT / 100, FLAT)),
        (math.mm, (WIDE, TALL)),
        (math.bmm, (numbers(3, 2, 3000) / 50, numbers(3, 3000, 2))),
        (math.mv, (WIDE, numbers(5000))),
        (math.addmm, (ROW, TALL / 50, numbers(2, 2))),
        (math.outer, (ROW, numbers(5000))),
        (lambda a, b: math.tensordot(a, b, 1), (WIDE, TALL)),
        (lambda a, b: math.einsum("ij,ik->jk", a, b), (TALL / 50, TALL)),
        (lambda a, b: math.einsum("ij,j->ij", a, b), (TALL, ROW)),
        (lambda a: math.einsum("ij->j", a), (TALL / 50,)),
        (lambda a, b, c: math.multi_dot([a, b, c]), (WIDE, TALL, numbers(2, 2))),
        (math.trace, (numbers(100, 100) / 20,)),
    ],
    ids=[
        "inner",
        "dot",
        "mm",
        "bmm",
        "mv",
        "addmm",
        "outer",
        "tensordot",
        "einsum",
        "einsum-row",
        "einsum-sum",
        "multi_dot",
        "trace",
    ],
)
def test_sums_of_products(function, operands):
    """Products of matrices, and their gradients towards rows that are repeated."""
    assert max(errors(function, *operands)) < 3


@pytest.mark.parametrize(
    "function",
    [
        lambda x: math.repeat(x, (5000, 1)),
        lambda x: math.tile(x, (5000, 1)),
        lambda x: math.repeat_interleave(x, 5000, 0),
        lambda x: math.repeat_interleave(x, np.array([5000, 3]), 0),
    ],
    ids=["repeat", "tile", "repeat_interleave", "repeat_interleave by lengths"],
)
def test_gradients_of_repetitions(function):
    """The gradient of what was repeated 5000 times is the sum over the repetitions."""
    assert max(errors(function, numbers(2, 2))) < 1


@pytest.mark.parametrize("function", [math.atan2, math.logaddexp, math.lerp, math.addcmul])
def test_gradients_of_what_was_broadcast(function):
    """The gradient of a row that met 5000 others is a sum, too."""
    others = [numbers(5000, 2)] * (function in (math.lerp, math.addcmul))
    assert max(errors(function, ROW, TALL, *others)) < 3


@pytest.mark.parametrize(("wide", "narrow"), [(np.float64, np.float16), (np.float16, np.float64)])
def test_solve_takes_unlike_dtypes(wide, narrow):
    """LAPACK has no half precision, of either operand; the solution has the larger dtype."""
    a = Tensor(np.array([[2, 1], [1, 3]], wide), requires_grad=True)
    b = Tensor(np.array([[1], [2]], narrow), requires_grad=True)
    x = math.solve(a, b)
    x.sum().backward()
    assert (x.dtype, a.grad.dtype, b.grad.dtype) == (np.float64, wide, narrow)
    np.testing.assert_allclose(a.data @ x.data, b.data.astype(np.float64), rtol=1e-14)
    assert math.solve(a, Tensor(np.zeros((2, 0), narrow))).shape == (2, 0)
