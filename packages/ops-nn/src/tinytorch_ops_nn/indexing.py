"""Picking elements out by position, or by a mask."""

from __future__ import annotations

import reprlib
from types import EllipsisType, NoneType
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, SparseGradient, Tensor, as_indices
from tinytorch.samples import Sample, bad, sample, uniform


class SliceBackward(Function):
    """x[key]. Gradient: the output's at the places that were picked, 0 at the others."""

    def forward(self, x: Array, *, key: Any) -> Array:
        self.shape = x.shape
        if type(key) in _PLAIN:
            self.key = key
        else:
            self.key = key = as_key("getitem", key)
            self.save(*[p for p in key if isinstance(p, np.ndarray)])
        try:
            picked: Array = x[key]
            if not isinstance(picked, np.ndarray):  # NumPy copies one element,
                picked = x[(*key, ...) if isinstance(key, tuple) else (key, ...)]  # but not so
        except (IndexError, TypeError, ValueError) as error:
            raise type(error)(
                f"getitem: a tensor of shape {x.shape} has no x[{reprlib.repr(key)}]: {error}"
            ) from None
        return picked

    def apply(self, grad_output: Array) -> Any:
        return SparseGradient(self.shape, self.key, grad_output)


_PLAIN = frozenset({int, slice})
_BASIC = (int, slice, EllipsisType, NoneType)
"""What NumPy takes in a key as it is."""


def as_key(op: str, key: Any) -> tuple[Any, ...]:
    """Return a key as NumPy takes it, a tuple.

    Arrays, tensors and sequences in it become arrays of integers or booleans; one of no dimensions
    becomes a number, for which NumPy makes no copy.
    """
    parts = key if isinstance(key, tuple) else (key,)
    return tuple([p if isinstance(p, _BASIC) else _indices(op, p) for p in parts])


def _indices(op: str, part: Any) -> Any:
    array = np.asarray(part.data if isinstance(part, Tensor) else part)
    indices = array if array.dtype.kind == "b" else as_indices(op, array)
    return indices if indices.ndim else indices.item()


def getitem(x: Tensor, key: Any) -> Tensor:
    """Elements of a tensor, picked by position or by a mask: ``x[key]``.

    Parameters
    ----------
    x : Tensor
        Any shape.
    key : int, slice, None, Ellipsis, array, Tensor, list, or a tuple of these
        As in NumPy. Arrays, Tensors and lists hold booleans, or integers, which may be repeated;
        floats that are whole numbers will do.

    Returns
    -------
    Tensor
        The shape that NumPy gives, the dtype of `x`. It shares the data of `x` unless an array, a
        Tensor, a list or a boolean is in the key. The gradient of `x` is the output's at the places
        that were picked, summed where one was picked repeatedly, and zero elsewhere.

    Raises
    ------
    IndexError
        If an index is out of range, if there are more of them than dimensions, or if a mask is of
        another shape.
    TypeError
        If an index is of another kind, or a float that is not a whole number.

    Examples
    --------
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> getitem(x, (slice(None), 0))
    Tensor(data=[1. 3.], shape=(2,))
    >>> getitem(x, [1, 1])
    Tensor(data=[[3. 4.]
                 [3. 4.]], shape=(2, 2))
    """
    return SliceBackward.call(x, key=key)


def _keys() -> list[Sample]:
    x, mask = uniform((3, 4)), uniform((3, 4)) > 0
    every, some = slice(None), slice(1, 9)
    basic = [0, -1, (1, 2), some, (every, slice(0, 4, 2)), None, ..., (), (..., 1), (None, 2, None)]
    lists = [[0, 0, 2], [-1, 0], [], (every, [1, 1]), ([0, 2, 0], [1, 1, 1]), (some, None, [3, 3])]
    arrays = [np.array([2, 2, 0, 2]), np.array([[0, 1], [2, 2]]), mask, mask[:, 0]]
    return [
        *(sample(x, key) for key in (*basic, *lists, *arrays, (slice(0, 0), 1), True)),
        sample(uniform((2, 3, 4)), (..., [0, 0], 1)),
        sample(uniform((2, 3, 4)), ([0, 1, 0], some, [1, 1, 1])),
        sample(uniform(()), ()),
        sample(uniform(()), ...),
        sample(uniform(()), None),
        sample(uniform((1,)), 0),
        sample(uniform((4,)), 2),
        sample(uniform((0, 3)), every),
    ]


OPERATIONS = [
    Operation(
        getitem,
        SliceBackward,
        method="__getitem__",
        torch="Tensor.__getitem__",
        samples=_keys,
        reference=lambda x, key: x[key],
        bad_inputs=[
            bad(IndexError, r"getitem.*\(3, 4\).*x\[3\].*index 3", uniform((3, 4)), 3),
            bad(IndexError, r"getitem.*\(3, 4\).*index -4", uniform((3, 4)), [0, -4]),
            bad(IndexError, "too many indices", uniform((3,)), (0, 0)),
            bad(IndexError, "boolean index", uniform((3,)), np.array([True, False])),
            bad(TypeError, "not whole", uniform((3,)), np.array([0.5])),
            bad(TypeError, "not whole", uniform((3,)), 1.5),
            bad(TypeError, "should be integers", uniform((3,)), "a"),
        ],
    ),
]
