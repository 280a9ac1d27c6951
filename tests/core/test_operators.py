"""Python's operators: what may stand on the other side, which dtype comes out, what is refused."""

from __future__ import annotations

import operator
from decimal import Decimal

import numpy as np
import pytest
from tinytorch import Tensor, ops

TWO_PLACE = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
VALUES = np.array([[1.5, 2.0, 3.0], [0.5, 2.5, 1.0]])


def leaf(data=VALUES, dtype=np.float64):
    """A tensor that requires gradients."""
    return Tensor(np.asarray(data, dtype), requires_grad=True)


@pytest.mark.parametrize("op", TWO_PLACE)
@pytest.mark.parametrize(
    "other",
    [2, 2.5, True, np.float64(2.5), np.int64(2), np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]],
    ids=repr,
)
def test_numbers_arrays_and_lists_on_either_side(op, other):
    """Both `x op other` and `other op x` are Tensors with NumPy's values, and are recorded."""
    plain = np.asarray(other) if isinstance(other, list) else other
    for left, right in ((leaf(), other), (other, leaf())):
        if op is operator.sub and isinstance(other, bool):
            plain = int(other)
        y = op(left, right)
        assert type(y) is Tensor
        assert y.requires_grad
        a, b = (VALUES if isinstance(side, Tensor) else plain for side in (left, right))
        np.testing.assert_allclose(y.data, op(a, b), rtol=1e-6)


@pytest.mark.parametrize("other", [np.ones((3, 2)), np.ones(3)])
def test_matmul_with_an_array_on_either_side(other):
    """`x @ array` and `array @ x` are Tensors."""
    x = leaf()
    y = x @ other
    assert type(y) is Tensor
    np.testing.assert_allclose(y.data, VALUES @ other)
    z = other.T @ Tensor(VALUES.T, requires_grad=True)
    assert type(z) is Tensor
    np.testing.assert_allclose(z.data, other.T @ VALUES.T)


def test_the_gradient_reaches_a_tensor_on_the_right():
    """`number op x` differentiates to x."""
    g = np.random.default_rng(0).normal(size=VALUES.shape)
    for op, derivative in (
        (operator.add, np.ones_like(VALUES)),
        (operator.sub, -np.ones_like(VALUES)),
        (operator.mul, np.full_like(VALUES, 2.0)),
        (operator.truediv, -2.0 / VALUES**2),
        (operator.pow, 2.0**VALUES * np.log(2.0)),
    ):
        x = leaf()
        op(2.0, x).backward(g)
        np.testing.assert_allclose(x.grad, g * derivative)
        y = leaf()
        op(np.full(3, 2.0), y).backward(g)
        np.testing.assert_allclose(y.grad, g * derivative)


def test_one_place_operators():
    """`-x` and `abs(x)` are recorded."""
    x = leaf([-1.0, 2.0])
    (-x + abs(x)).backward(np.array([3.0, 5.0]))
    assert x.grad.tolist() == [-6.0, 0.0]


# Dtypes: NEP 50.


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", TWO_PLACE)
@pytest.mark.parametrize("scalar", [2, 2.5, True])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_python_number_is_weak(dtype, op, scalar, shape):
    """It takes the dtype of the tensor, also where that is 0-d."""
    x = Tensor(np.full(shape, 2, dtype))
    if op is operator.sub:
        scalar = scalar + 0
    assert op(x, scalar).dtype == dtype
    assert op(scalar, x).dtype == dtype


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_numpy_scalar_is_strong(shape):
    """np.float64 promotes, though it is a subclass of float; the gradient comes back cast."""
    x = Tensor(np.full(shape, 2, np.float32), requires_grad=True)
    for y in (x * np.float64(2), np.float64(2) * x, x + np.int64(1) * np.float64(1)):
        assert y.dtype == np.float64
    assert (x * np.float32(2)).dtype == np.float32
    assert (x * np.float16(2)).dtype == np.float32
    (np.float64(0.1) * x).sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.bool_])
def test_integers_become_float32_where_the_result_is_not_whole(dtype):
    """Functions that are not closed over integers give float32 for them, as in PyTorch."""
    x = Tensor(np.array([1, 1], dtype))
    results = {
        "x * 2.5": x * 2.5,
        "2.5 * x": 2.5 * x,
        "x + 0.5": x + 0.5,
        "x / x": x / x,
        "x / 2": x / 2,
        "1 / x": 1 / x,
        "mean": x.mean(),
        "mean(axis)": x.mean(axis=0, keepdims=True),
        "exp": x.exp(),
        "log": x.log(),
        "sqrt": x.sqrt(),
        "x ** 0.5": x**0.5,
        "2.5 ** x": 2.5**x,
    }
    assert {name: y.dtype.name for name, y in results.items() if y.dtype != np.float32} == {}


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8])
def test_integers_stay_integers_under_whole_arithmetic(dtype):
    """Sums, products and extremes of integers are integers."""
    x = Tensor(np.array([1, 2], dtype))
    for y in (x + 1, 2 * x, x * x, x**2, x.sum(), x.max(), x - 1):
        assert y.dtype.kind in "iu"


@pytest.mark.parametrize("low", [np.float16, np.float32])
def test_mixed_dtypes_promote_forward_and_are_cast_back(low):
    """The product of two dtypes has the larger; each gradient has the dtype of its tensor."""
    x, y = leaf(dtype=low), leaf()
    z = (x * y + x).sum()
    assert z.dtype == np.float64
    z.backward()
    assert x.grad.dtype == low
    assert y.grad.dtype == np.float64


def test_float64_stays_float64_through_python_numbers():
    """No constant of float32 creeps into a computation in float64."""
    x = Tensor(np.array(0.1))
    for y in (x * 1, 1 - x, x / 3, x**2, -x, x + True, x.mean(), x.exp()):
        assert y.dtype == np.float64
    assert (1 / (x * 3)).item() == 1 / (np.float64(0.1) * 3)


# What is refused.


class Other:
    """An object that knows how to combine with anything."""

    def __radd__(self, other):
        return "radd"

    def __rmatmul__(self, other):
        return "rmatmul"

    def __eq__(self, other):
        return "eq"

    __hash__ = None

    def __gt__(self, other):
        return "gt"


def test_an_unknown_operand_is_asked_itself():
    """For what is no number and no array, Python asks the other side."""
    x = leaf()
    assert x + Other() == "radd"
    assert x @ Other() == "rmatmul"
    assert (x == Other()) == "eq"
    assert (x < Other()) == "gt"


@pytest.mark.parametrize("op", [*TWO_PLACE, operator.matmul])
@pytest.mark.parametrize(
    "other", ["a", None, NotImplemented, 1j, {}, {1}, Decimal(1), slice(1)], ids=repr
)
def test_unknown_operands_are_a_type_error(op, other):
    """Neither side knows the other: a TypeError, on either side."""
    with pytest.raises(TypeError):
        op(leaf(), other)
    with pytest.raises(TypeError):
        op(other, leaf())


@pytest.mark.parametrize(
    "other", [np.array(["a"] * 3), np.array([None] * 3), np.array([1j] * 3), ["a"] * 3]
)
@pytest.mark.parametrize("op", [operator.add, operator.mul])
def test_arrays_that_no_tensor_holds_are_a_type_error(op, other):
    """Strings, objects and complex numbers do not come in through an operand."""
    with pytest.raises(TypeError):
        op(leaf(), other)
    with pytest.raises(TypeError):
        op(other, leaf())


@pytest.mark.parametrize("op", TWO_PLACE)
def test_shapes_that_do_not_broadcast(op):
    """A ValueError with both shapes."""
    with pytest.raises(ValueError, match=r"\(2,3\).*\(2,\)|\(2, 3\).*\(2,\)"):
        op(leaf(), leaf([1.0, 2.0]))


# In place.


@pytest.mark.parametrize(
    "op",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow],
)
def test_in_place_on_a_leaf_with_gradients_is_refused(op):
    """`x += y` would cut the leaf off from its gradient: an error that shows the way."""
    x = leaf()
    with pytest.raises(TypeError, match=r"x\.data"):
        op(x, 2.0)
    np.testing.assert_array_equal(x.data, VALUES)
    square = leaf(np.eye(2))
    with pytest.raises(TypeError, match=r"x\.data @= y"):
        square @= square


@pytest.mark.parametrize(
    "op",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow],
)
def test_in_place_elsewhere_rebinds(op):
    """On a computed or plain tensor the name gets a new tensor; the old array stays as it was."""
    x = leaf()
    for old in (x * 1, Tensor(VALUES)):
        before = old.data
        new = op(old, 2.0)
        assert new is not old
        assert old.data is before
        np.testing.assert_array_equal(before, VALUES)
        np.testing.assert_allclose(new.data, op(VALUES.copy(), 2.0))
        assert new.requires_grad == old.requires_grad


def test_an_array_in_place_with_a_tensor_is_refused():
    """`array += x` cannot be recorded, as the array is no tensor: no gradient is dropped."""
    array = VALUES.copy()
    with pytest.raises(TypeError):
        array += leaf()
    np.testing.assert_array_equal(array, VALUES)


# Comparisons.


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize(
    "other",
    [1.5, np.float64(1.5), VALUES[::-1], [1.5, 2.0, 1.0], Tensor(VALUES[::-1])],
    ids=lambda o: type(o).__name__,
)
def test_comparisons_are_plain_boolean_tensors(op, other):
    """They compare elementwise, on either side, and carry no gradient."""
    plain = other.data if isinstance(other, Tensor) else np.asarray(other)
    for result, expected in (
        (op(leaf(), other), op(VALUES, plain)),
        (op(other, leaf()), op(plain, VALUES)),
    ):
        assert type(result) is Tensor
        assert result.dtype == np.bool_
        assert not result.requires_grad
        np.testing.assert_array_equal(result.data, expected)


def test_comparison_with_something_else():
    """Nothing equals a tensor but numbers; order with something else is a TypeError."""
    x = leaf()
    for other in (None, "a", object()):
        assert (x == other) is False
        assert (x != other) is True
        with pytest.raises(TypeError):
            operator.lt(x, other)


def test_masks_combine():
    """Boolean tensors know `&`, `|`, `^` and `~`."""
    a, b = Tensor([True, True, False]), Tensor([True, False, False])
    assert (a & b).tolist() == [True, False, False]
    assert (a | b).tolist() == [True, True, False]
    assert (a ^ b).tolist() == [False, True, False]
    assert (~a).tolist() == [False, False, True]
    assert (np.array([True, True, True]) & a).tolist() == a.tolist()


def test_tensors_are_dict_keys_and_set_members_by_identity():
    """Two tensors of equal values are two keys."""
    a, b = leaf([1.0]), leaf([1.0])
    assert {a: 1, b: 2}[b] == 2
    assert len({a, b, a}) == 2
    several = [leaf(), leaf()]
    assert {p: i for i, p in enumerate(several)}[several[1]] == 1


def test_membership_in_a_list():
    """Identity is found without comparing; a comparison of several elements is ambiguous."""
    a, b = leaf(), leaf(VALUES + 1)
    assert a in [a, b]
    assert [a, b].index(a) == 0
    with pytest.raises(ValueError, match="ambiguous"):
        [a].index(b)


def test_membership_in_a_tensor():
    """`value in x` asks whether some element equals the value; what is no number equals none."""
    x = leaf()
    assert 2.5 in x
    assert 7.0 not in x
    assert None not in x
    assert "a" not in x


def test_an_operator_does_what_the_operation_does():
    """The operator, the method and the function are one operation."""
    x, y = leaf(), leaf(VALUES + 1)
    for op, name in (
        (operator.add, "add"),
        (operator.sub, "subtract"),
        (operator.mul, "multiply"),
        (operator.truediv, "divide"),
        (operator.pow, "power"),
    ):
        by_operator, by_function = op(x, y), getattr(ops, name)(x, y)
        assert type(by_operator.grad_fn) is type(by_function.grad_fn)
        np.testing.assert_array_equal(by_operator.data, by_function.data)
        np.testing.assert_array_equal(by_operator.data, getattr(x, name)(y).data)
