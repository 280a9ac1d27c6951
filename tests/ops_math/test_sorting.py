"""What the conformance kit cannot hold of sorting: stability, NaN, integers, NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_math as math
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor

ROWS = st.lists(st.sampled_from([-2.0, 0.0, 1.0, 1.0, 3.5]), min_size=1, max_size=12)


def gradient_of(function: Any, x: Any, g: Any) -> np.ndarray:
    leaf = Tensor(x, requires_grad=True)
    function(leaf).backward(g)
    assert leaf.grad is not None
    return leaf.grad


@given(ROWS, st.booleans())
def test_order_is_stable(row: list[float], descending: bool) -> None:
    """Equal elements keep their order, upwards and downwards, as in Python's sorted."""
    expected = sorted(range(len(row)), key=row.__getitem__, reverse=descending)
    assert math.argsort(Tensor(row), descending=descending).tolist() == expected
    values, indices = math.sort(Tensor(row), descending=descending)
    assert indices.tolist() == expected
    assert values.tolist() == [row[i] for i in expected]


@given(ROWS, st.booleans(), st.data())
def test_topk_is_the_beginning_of_the_order(row: list[float], largest: bool, data: Any) -> None:
    """The k largest or smallest are the first of the sorted ones, and are where they are said."""
    k = data.draw(st.integers(0, len(row)))
    values, indices = math.topk(Tensor(row), k, largest=largest)
    assert values.tolist() == sorted(row, reverse=largest)[:k]
    assert [row[i] for i in indices.tolist()] == values.tolist()
    assert len(set(indices.tolist())) == k
    for value in set(values.tolist()):
        ties = indices.data[values.data == value]
        np.testing.assert_array_equal(ties, np.sort(ties))


def test_gradient_goes_back_to_its_place() -> None:
    """The gradient of a sorted element arrives where the element was, zero elsewhere."""
    x, g = (
        np.array([[3.0, 1.0, 2.0], [0.0, 9.0, 5.0]]),
        np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    )
    gradient = gradient_of(lambda t: math.sort(t).values, x, g)
    np.testing.assert_array_equal(gradient, [[3, 1, 2], [4, 6, 5]])
    gradient = gradient_of(lambda t: math.topk(t, 1, dim=0).values, x, g[:1])
    np.testing.assert_array_equal(gradient, [[1, 0, 0], [0, 2, 3]])


def test_nan_is_the_largest() -> None:
    """NaN comes last upwards and first downwards, as in PyTorch, and argmax finds it."""
    x = Tensor([1.0, np.nan, 3.0])
    assert math.argsort(x).tolist() == [0, 2, 1]
    assert math.argsort(x, descending=True).tolist() == [1, 2, 0]
    assert math.topk(x, 2).indices.tolist() == [1, 2]
    assert math.topk(x, 2, largest=False).indices.tolist() == [0, 2]
    assert math.argmax(x).item() == math.argmin(x).item() == 1


def test_integers_and_booleans() -> None:
    """Integers, the least ones too, and booleans are sorted, without a gradient."""
    x = Tensor(np.array([3, -128, 127], np.int8))
    assert math.sort(x, descending=True).values.tolist() == [127, 3, -128]
    assert math.topk(x, 1, largest=False).indices.tolist() == [1]
    assert math.argsort(Tensor([True, False, True])).tolist() == [1, 0, 2]
    assert not math.sort(x).values.requires_grad


def test_results_have_names() -> None:
    """What is returned unpacks as a pair, and has names; indices are integers of 64 bits."""
    result = math.topk(Tensor([1.0, 2.0], requires_grad=True), 1)
    assert (result.values is result[0], result.indices is result[1]) == (True, True)
    assert result.indices.dtype == np.int64
    assert (result.values.requires_grad, result.indices.requires_grad) == (True, False)


def test_the_first_of_ties() -> None:
    """argmax and argmin give the first of those that tie, along an axis or of all in a row."""
    x = Tensor([[1.0, 5.0, 5.0], [5.0, 1.0, 1.0]])
    assert (math.argmax(x).item(), math.argmin(x).item()) == (1, 0)
    assert math.argmax(x, 1).tolist() == [1, 0]
    assert math.argmin(x, dim=1, keepdim=True).tolist() == [[0], [1]]
    assert math.argmax(x, keepdim=True).shape == (1, 1)


def test_numpys_functions() -> None:
    """np.sort gives the values and records them; np.argsort and np.argmin give Tensors."""
    x = np.array([[3.0, 1.0], [0.0, 2.0]])
    t = Tensor(x, requires_grad=True)
    for parameters in ({}, {"axis": 0}, {"axis": None}, {"kind": "stable"}, {"stable": True}):
        result = np.sort(t, **parameters)
        assert result.requires_grad
        np.testing.assert_array_equal(result.data, np.sort(x, **parameters))
        order = np.argsort(t, **parameters)
        np.testing.assert_array_equal(order.data, np.argsort(x, **parameters))
    np.testing.assert_array_equal(np.argmin(t, axis=1).data, [1, 0])


def test_errors_say_what_was_given() -> None:
    """Too many, and none at all, are refused, with the shape."""
    with pytest.raises(ValueError, match=r"topk: k should be from 0 to 2, .*\(2,\), but it is 3"):
        math.topk(Tensor([1.0, 2.0]), 3)
    with pytest.raises(ValueError, match=r"argmax: .*no elements, and the shape is \(0, 2\)"):
        math.argmax(Tensor(np.zeros((0, 2))), 0)
