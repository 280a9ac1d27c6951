"""Rows of a table, picked by index; and the rows of the identity."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    SparseGradient,
    Tensor,
    as_indices,
    check_range,
    from_numpy,
)
from tinytorch.samples import Sample, bad, kink, sample, uniform


class RowsGradient(SparseGradient):
    """The gradient of rows of a table that were picked by integers, possibly repeated."""

    __slots__ = ()

    def add_into(self, buffer: Array) -> None:
        """Add the values to their rows of `buffer`, in place.

        The last use of each row is found by writing the places of all uses into one array: where
        another place than its own is read back, a use was not the last. These are sorted by row and
        summed before they are added, several times as fast as `numpy.add.at`.
        """
        rows = self.key.reshape(-1)
        values = self.values.reshape(len(rows), buffer.shape[1])
        places = np.arange(len(rows))
        last = np.empty(len(buffer), places.dtype)
        last[rows] = places
        earlier = last[rows] != places
        if earlier.any():
            add_sorted(buffer, rows[earlier], values[earlier])
            rows, values = rows[~earlier], values[~earlier]
        buffer[rows] += values


def add_sorted(buffer: Array, rows: Array, values: Array) -> None:
    """Add values to rows of `buffer` in place, those of one row summed beforehand."""
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    buffer[rows[starts]] += np.add.reduceat(values[order], starts, axis=0)


class EmbeddingBackward(Function):
    """Rows of a table, picked by index. Gradient: the output's, added up in the rows picked.

    The row at `padding_idx`, if there is one, gets none.
    """

    def forward(self, weight: Array, indices: Array, *, padding_idx: int | None = None) -> Array:
        if weight.ndim != 2:
            raise ValueError(
                "embedding: the weight should be a table, of shape (rows, features), but its shape "
                f"is {weight.shape}"
            )
        indices = as_indices("embedding", indices).astype(np.intp, copy=False)
        check_range("embedding", indices, len(weight))
        self.shape = weight.shape
        self.padding = padding_idx
        self.save(indices)
        return np.take(weight, indices, axis=0)

    def apply(self, grad_output: Array) -> Any:
        (indices,) = self.saved
        learnt = indices != self.padding  # all of them, where it is None
        if not learnt.all():
            indices, grad_output = indices[learnt], grad_output[learnt]
        return RowsGradient(self.shape, indices, grad_output), None


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """Rows of a table, one for each index.

    Parameters
    ----------
    input : Tensor, array or sequence
        Any shape: integers from 0 to n - 1, or floats that are whole numbers.
    weight : Tensor
        The table, of shape (n, d).
    padding_idx : int, optional
        The row that stands for nothing, and is not learnt; from -n to n - 1.

    Returns
    -------
    Tensor
        The shape of `input`, followed by d; the dtype of `weight`. The gradient of a row is the sum
        of the output's wherever the row was picked, and zero for the one at `padding_idx`.

    Raises
    ------
    IndexError
        If an index is negative, or n or more; or if `padding_idx` is out of range.
    TypeError
        If the indices are booleans, or floats that are not whole numbers; or if `padding_idx` is
        not an integer.
    ValueError
        If `weight` is not a table.

    Examples
    --------
    >>> embedding([1, 0, 1], Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=[[3. 4.]
                 [1. 2.]
                 [3. 4.]], shape=(3, 2))
    """
    indices = as_indices("embedding", input)
    padding = None if padding_idx is None else _padding(padding_idx, np.shape(weight))
    return EmbeddingBackward.call(weight, indices, padding_idx=padding)


def _padding(index: Any, shape: tuple[int, ...]) -> int | None:
    """Return the row at `padding_idx`, counted from the first; None if there is no table."""
    try:
        row = operator.index(index)
    except TypeError:
        raise TypeError(
            f"embedding: padding_idx should be an integer, but it is {index!r}"
        ) from None
    if len(shape) != 2:
        return None
    if not -shape[0] <= row < shape[0]:
        raise IndexError(
            f"embedding: padding_idx should be from {-shape[0]} to {shape[0] - 1}, as the weight "
            f"has the shape {shape}, but it is {row}"
        )
    return row % shape[0]


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """Rows that are 1 at an index, and 0 elsewhere.

    Parameters
    ----------
    tensor : Tensor, array or sequence
        Any shape: integers from 0 to `num_classes` - 1, or floats that are whole numbers.
    num_classes : int
        The length of the rows; -1 for the largest index, and 1 more.

    Returns
    -------
    Tensor
        The shape of `tensor`, followed by `num_classes`, of dtype int64. There is no gradient.

    Raises
    ------
    IndexError
        If an index is negative, or `num_classes` or more.
    TypeError
        If the indices are booleans, or floats that are not whole numbers; or if `num_classes` is
        not an integer.
    ValueError
        If `num_classes` is less than -1, or if there are no indices to find it from.

    Examples
    --------
    >>> one_hot([0, 2])
    Tensor(data=[[1 0 0]
                 [0 0 1]], shape=(2, 3))
    """
    indices = as_indices("one_hot", tensor)
    try:
        classes = operator.index(num_classes)
    except TypeError:
        raise TypeError(
            f"one_hot: num_classes should be an integer, but it is {num_classes!r}"
        ) from None
    if classes < -1 or (classes == -1 and not indices.size):
        raise ValueError(
            "one_hot: num_classes should be the number of classes, or -1 where it follows from the "
            f"largest index, but it is {classes} and the shape of the indices is {indices.shape}"
        )
    if classes == -1:
        classes = int(indices.max()) + 1
    check_range("one_hot", indices, classes)
    return from_numpy((indices[..., np.newaxis] == np.arange(classes)).astype(np.int64))


def _tables() -> list[Sample]:
    places: list[Any] = [[0, 4, 2], [[1, 1], [1, 0]], 3, [], [[[2]]], [4, 4, 4, 0, 4], [0]]
    return [
        *(sample(np.array(indices, dtype=np.int64), uniform((5, 3))) for indices in places),
        # The gradient at padding_idx is no derivative.
        kink(np.array([1, 0, 1]), uniform((5, 3)), 1),
        kink(np.array([[4, 0], [4, 4]]), uniform((5, 3)), padding_idx=-1),
        kink(np.array([2, 2]), uniform((5, 3)), padding_idx=2),
        sample(np.array([1, 2]), uniform((5, 3)), padding_idx=0),
        sample(np.array([0, 0]), uniform((1, 1))),
        sample(np.array([1, 0]), uniform((2, 0))),
    ]


def _classes() -> list[Sample]:
    return [
        sample(np.array([0, 2, 1])),
        sample(np.array([0, 2, 1]), 3),
        sample(np.array([0, 2, 1]), num_classes=5),
        sample(np.array([[1, 0], [1, 1]])),
        sample(np.array([[1, 0], [1, 1]]), 2),
        sample(np.array(2)),
        sample(np.array(0), 1),
        sample(np.array([], np.int64), 3),
        sample(np.zeros((0, 2), np.int64), 1),
        sample(np.array([3, 3, 3])),
        sample(np.array([2.0, 0.0])),
        sample(np.array(1.0), 4),
        sample(np.array([]), 4),
    ]


def _plain_one_hot(tensor: Any, num_classes: int = -1) -> Any:
    indices = tensor.astype(int)
    return np.eye(num_classes if num_classes > -1 else indices.max() + 1, dtype=int)[indices]


OPERATIONS: list[Operation] = [
    Operation(
        embedding,
        EmbeddingBackward,
        torch="nn.functional.embedding",
        samples=_tables,
        reference=lambda input, weight, padding_idx=None: weight[input],
        bad_inputs=[
            bad(IndexError, "from 0 to 4, but 5", np.array([0, 5]), uniform((5, 3))),
            bad(IndexError, "from 0 to 4, but -1", np.array([[-1]]), uniform((5, 3))),
            bad(TypeError, "not whole", np.array([0.5]), uniform((5, 3))),
            bad(TypeError, "not whole", np.array(0.5), uniform((5, 3))),
            bad(TypeError, "dtype bool", np.array([True]), uniform((5, 3))),
            bad(ValueError, r"of shape \(rows, features\)", np.array([0]), uniform((5,))),
            bad(ValueError, r"of shape \(rows, features\)", np.array([0]), uniform(()), 0),
            bad(IndexError, "from 0 to -1, but 0", np.array([0]), uniform((0, 3))),
            bad(IndexError, r"-5 to 4.*\(5, 3\), but it is 5", np.array([0]), uniform((5, 3)), 5),
            bad(IndexError, "but it is -6", np.array([0]), uniform((5, 3)), -6),
            bad(TypeError, "padding_idx should be an integer", [0], uniform((5, 3)), 1.0),
        ],
    ),
    Operation(
        one_hot,
        torch="nn.functional.one_hot",
        samples=_classes,
        reference=_plain_one_hot,
        bad_inputs=[
            bad(IndexError, "from 0 to 1, but 2", np.array([0, 2]), 2),
            bad(IndexError, "from 0 to 2, but -1", np.array([-1, 2])),
            bad(TypeError, "not whole", np.array([0.5])),
            bad(TypeError, "dtype bool", np.array([True])),
            bad(TypeError, "num_classes should be an integer", np.array([0]), 2.0),
            bad(ValueError, "it is -2", np.array([0]), -2),
            bad(ValueError, r"it is -1 and the shape of the indices is \(0,\)", np.array([], int)),
        ],
    ),
]
