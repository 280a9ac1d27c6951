"""How data becomes an array: one rule for the constructor and for the operands of operations."""

from __future__ import annotations

import array

import numpy as np
import pytest
from tinytorch import Tensor, from_numpy


class Foreign:
    """An object of another library that knows how to become an array."""

    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype, copy=copy)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.bool_])
def test_what_can_become_an_array_keeps_its_dtype(dtype):
    """An object with __array__ counts as the array that it gives."""
    data = np.ones(2, dtype)
    assert Tensor(Foreign(data)).dtype == dtype
    assert not np.shares_memory(Tensor(Foreign(data)).data, data)


def test_buffers_are_sequences_of_numbers():
    """An array.array or a memoryview is a sequence of Python numbers: float32."""
    for data in (array.array("d", [1.0, 2.0]), memoryview(array.array("i", [1, 2]))):
        assert Tensor(data).dtype == np.float32
        assert Tensor(data).tolist() == [1.0, 2.0]


def test_an_object_that_fails_to_become_an_array_is_named():
    """The error says of what no tensor could be made, and why."""

    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise ValueError("out of order")

    with pytest.raises(ValueError, match=r"Broken.*out of order"):
        Tensor(Broken())


def test_a_list_operand_follows_the_constructors_rule():
    """`x * [1, 2]` is `x * Tensor([1, 2])`: float32, and nothing else may be in it."""
    for x in (Tensor(np.ones(2, np.float16)), Tensor(np.ones(2))):
        for y in (x * [1, 2], [1, 2] * x, x - (1, 2)):
            assert y.dtype == (x * Tensor([1, 2])).dtype
        assert (x * (True, False)).dtype == x.dtype
    with pytest.raises(ValueError, match="ragged"):
        Tensor([1.0, 2.0]) * [[1], [2, 3]]


@pytest.mark.parametrize(
    "layout", ["transposed", "strided", "reversed", "fortran", "readonly", "swapped"]
)
def test_any_layout_of_memory_serves(layout):
    """Views, steps, Fortran and foreign byte order, and read-only arrays compute as in NumPy."""
    base = np.random.default_rng(0).normal(size=(4, 4))
    data = {
        "transposed": base.T,
        "strided": base[::2, 1::2],
        "reversed": base[::-1, ::-1],
        "fortran": np.asfortranarray(base),
        "readonly": np.broadcast_to(base[0], (4, 4)),
        "swapped": base.astype(base.dtype.newbyteorder()),
    }[layout]
    for x in (Tensor(data, requires_grad=True), from_numpy(data).requires_grad_()):
        g = np.random.default_rng(1).normal(size=data.shape)
        y = x * x + x.T
        np.testing.assert_allclose(y.data, data * data + data.T)
        y.backward(g)
        np.testing.assert_allclose(x.grad, g * 2 * data + g.T)
        assert x.grad.flags.writeable


def test_a_copy_can_be_written_to():
    """The tensor of a read-only array has an array that an optimiser can change in place."""
    x = Tensor(np.broadcast_to(np.ones(2), (3, 2)), requires_grad=True)
    x.data -= 1
    assert x.data.sum() == 0


@pytest.mark.parametrize("value", [[1.0], 1.0, np.float64(1), Tensor([1.0]), None, "a"], ids=repr)
def test_from_numpy_takes_arrays_only(value):
    """For anything else the message names what was given and the constructor."""
    with pytest.raises(TypeError, match=rf"{type(value).__name__}.*Tensor\(\.\.\.\)"):
        from_numpy(value)


def test_from_numpy_refuses_what_no_tensor_holds():
    """Text, objects and complex numbers, with the dtype in the message."""
    for bad in (np.array(["a"]), np.array([None]), np.array([1j])):
        with pytest.raises(TypeError, match=str(bad.dtype).replace("<", ".")):
            from_numpy(bad)
