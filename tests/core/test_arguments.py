"""Checks of arguments that operations share: each error names the op, and what was given."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import Tensor, all_axes, as_indices, check_range, either, one_axis, one_of


def test_either():
    """`axis` and `dim` are two words for one thing; 0 and () count as given."""
    assert either("op", 1, None) == either("op", None, 1) == 1
    assert either("op", 0, None, default=5) == 0
    assert either("op", (), None) == ()
    assert either("op", None, None) is None
    assert either("op", None, None, default=-1) == -1
    with pytest.raises(TypeError, match=r"op.*axis=0.*dim=1"):
        either("op", 0, 1)


@pytest.mark.parametrize("axis", [0, 1, -1, -2, np.int64(1), np.array(0)])
def test_one_axis(axis):
    """Any integer, also from the end, becomes a plain int from 0."""
    result = one_axis("op", axis, 2)
    assert type(result) is int
    assert result == int(axis) % 2


@pytest.mark.parametrize(("axis", "ndim"), [(2, 2), (-3, 2), (0, 0), (-1, 0)])
def test_an_axis_out_of_range(axis, ndim):
    """An IndexError and a ValueError, as NumPy's, with the op and the axis."""
    for kind in (IndexError, ValueError):
        with pytest.raises(kind, match=rf"op.*{axis}"):
            one_axis("op", axis, ndim)


@pytest.mark.parametrize("axis", [1.0, "0", None, [0], (0,)], ids=repr)
def test_an_axis_that_is_no_integer(axis):
    """A TypeError with the op and what was given."""
    with pytest.raises(TypeError, match=r"op.*axis is an integer"):
        one_axis("op", axis, 2)


def test_all_axes():
    """None is all, one is one, a sequence is itself, () is none; a 0-d tensor has its one row."""
    assert all_axes("op", None, 3) == (0, 1, 2)
    assert all_axes("op", -1, 3) == (2,)
    assert all_axes("op", (0, -1), 3) == (0, 2)
    assert all_axes("op", [2, 0], 3) == (2, 0)
    assert all_axes("op", (), 3) == ()
    assert all_axes("op", None, 0) == all_axes("op", 0, 0) == all_axes("op", -1, 0) == ()


def test_all_axes_refuses():
    """Twice the same, out of range, no integer."""
    with pytest.raises(ValueError, match=r"op.*once.*\(0, -2\)"):
        all_axes("op", (0, -2), 2)
    for axis, ndim in (((0, 2), 2), (1, 0), ((1,), 0)):
        with pytest.raises(IndexError, match="op"):
            all_axes("op", axis, ndim)
    with pytest.raises(TypeError, match="op"):
        all_axes("op", (0, 1.0), 2)


@pytest.mark.parametrize(
    "values",
    [[0, 2], np.array([0, 2]), np.array([0, 2], np.uint8), [0.0, 2.0], Tensor([0, 2]), (0, 2)],
    ids=repr,
)
def test_as_indices(values):
    """Integers, and floats that are whole numbers, as an integer array."""
    result = as_indices("op", values)
    assert result.dtype.kind in "iu"
    assert result.tolist() == [0, 2]


def test_as_indices_of_nothing_and_of_one():
    """An empty list names no entries; a number is a 0-d array of indices."""
    assert as_indices("op", []).tolist() == []
    assert as_indices("op", 3).shape == ()
    assert as_indices("op", Tensor(3.0, requires_grad=True)).item() == 3


@pytest.mark.parametrize(
    "values", [[0.5], [np.nan], [np.inf], [True], ["a"], [1j], None, [None], [1e300]], ids=repr
)
def test_as_indices_refuses(values):
    """Fractions, NaN, booleans, text, and what no integer can hold: a TypeError with the op."""
    with pytest.raises((TypeError, IndexError), match=r"op.*labels"):
        as_indices("op", values, "labels")


def test_check_range():
    """From 0 to size - 1; the message has the range and the first index outside."""
    check_range("op", np.array([0, 3]), 4)
    check_range("op", np.array([], np.int64), 0)
    for bad in (-1, 4):
        with pytest.raises(IndexError, match=rf"op: classes.*0 to 3.*{bad}"):
            check_range("op", np.array([0, bad, 9]), 4, "classes")


def test_one_of():
    """The message lists the choices and what was given."""
    one_of("op", "reduction", "sum", iter(["mean", "sum"]))
    with pytest.raises(ValueError, match=r"op: reduction.*'mean', 'sum'.*'max'"):
        one_of("op", "reduction", "max", ["mean", "sum"])
