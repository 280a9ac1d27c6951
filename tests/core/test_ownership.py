"""Whether an array is held by nobody else, so that a leaf may take it without a copy."""

from __future__ import annotations

import mmap
import sys
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Function, Tensor
from tinytorch.ownership import is_unshared

counted = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="references are not counted exactly"
)


@counted
def test_an_array_of_one_variable():
    """An array that one local variable holds is free to be given away."""
    array = np.zeros(3)
    assert is_unshared(array)


@counted
def test_a_view_of_all_of_an_array_that_nobody_holds():
    """So is a view of a whole array, if the array is held by the view alone."""
    array = np.zeros((3, 2)).T.reshape(2, 3)
    assert is_unshared(array)


def holders(array):
    """What may hold an array besides a local variable."""
    yield [array]
    yield {"held": array}
    yield array[:]
    yield array.reshape(-1)
    yield lambda: array
    yield memoryview(array)
    yield np.asarray(array).T
    yield iter([array])


@pytest.mark.parametrize("number", range(8))
def test_an_array_that_something_else_holds(number):
    """An array that a container, a view, a closure or a buffer holds as well is not."""
    array = np.zeros((3, 2))
    holder = list(holders(array))[number]
    assert not is_unshared(array)
    del holder


def test_a_view_of_what_somebody_holds():
    """A view is not free where its array is held, or is seen by another view."""
    owner = np.zeros(6)
    view = owner.reshape(2, 3)
    assert not is_unshared(view)
    other = view[0]
    del owner
    assert not is_unshared(view)
    del other


def test_what_is_no_array_of_its_own():
    """A part of an array, a subclass, foreign memory and a read-only array are not."""
    part = np.zeros(6)[2:]
    assert not is_unshared(part)
    masked = np.ma.zeros(3)
    assert not is_unshared(masked)
    spread = np.broadcast_to(np.zeros(1), (3,))
    assert not is_unshared(spread)
    with mmap.mmap(-1, 64) as memory:
        foreign = np.frombuffer(memory, np.float64)
        assert not is_unshared(foreign)
        del foreign
    fixed = np.zeros(3)
    fixed.flags.writeable = False
    assert not is_unshared(fixed)
    assert not is_unshared(1.0)


class Keeps(Function):
    """The sum. Gradient: an array that the author of the rule keeps."""

    kept: ClassVar[list] = []

    def forward(self, x):
        self.shape = x.shape
        return x.sum()

    def apply(self, grad_output):
        result = np.full(self.shape, grad_output)
        self.kept.append(result)
        return result


@given(st.integers(1, 5000))
def test_what_a_rule_keeps_is_not_given_away(size):
    """A gradient that a rule holds on to is copied, whatever its size."""
    x = Tensor(np.zeros(size), requires_grad=True)
    Keeps.call(x).backward()
    assert not np.may_share_memory(x.grad, Keeps.kept.pop())


@pytest.mark.parametrize("size", [1, 3, 5000])
def test_gradients_can_be_written_to(size):
    """Whatever a gradient is made of, its owner may change it in place, and nobody else sees it."""
    x, y = (Tensor(np.ones(size), requires_grad=True) for _ in range(2))
    seed = np.ones(size)
    ((x + y) + (x + y)).backward(seed)
    x.grad *= 3
    assert y.grad.tolist() == [2.0] * size
    assert seed.tolist() == [1.0] * size
    z = Tensor(np.ones((size, 2)), requires_grad=True)
    z.sum().backward()
    z.grad += 1
    assert z.grad.tolist() == [[2.0, 2.0]] * size
