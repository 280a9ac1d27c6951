"""A gradient that is zero almost everywhere, kept as the few entries that are not."""

from __future__ import annotations

from reprlib import repr as short_repr
from typing import Any

import numpy as np

from .arrays import Array


class SparseGradient:
    """The gradient of ``x[key]`` towards x: `values` at `key`, zero elsewhere.

    A rule may return it in place of an array. The engine adds it into one dense buffer, so that a
    thousand slices of one array cost a thousand slices and not a thousand copies of the array.

    Parameters
    ----------
    shape : tuple of int
        The shape of x.
    key : index
        Anything that NumPy takes between brackets. Entries that it names twice add up.
    values : array
        Of the shape of ``x[key]``.

    Examples
    --------
    >>> buffer = np.zeros(3)
    >>> SparseGradient((3,), np.array([0, 0, 2]), np.ones(3)).add_into(buffer)
    >>> buffer
    array([2., 0., 1.])
    """

    __slots__ = ("key", "shape", "values")

    def __init__(self, shape: tuple[int, ...], key: Any, values: Array) -> None:
        self.shape = shape
        self.key = key
        self.values = values

    def add_into(self, buffer: Array) -> None:
        """Add the values to `buffer`, in place.

        Raises
        ------
        ValueError
            If the buffer has no such entries, or not as many as there are values.
        """
        try:
            self._add_into(buffer)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"SparseGradient: values of shape {np.shape(self.values)} cannot be added at "
                f"x[{short_repr(self.key)}] of an x of shape {np.shape(buffer)}: {error}"
            ) from error

    def _add_into(self, buffer: Array) -> None:
        key = self.key
        if (type(key) is int and buffer.ndim > 1) or type(key) is slice:
            part = buffer[key]  # a view; buffer[key] += ... would assign the sum as well
            part += self.values
            return
        if isinstance(key, tuple) and len(key) == 1:
            key = key[0]
        if _names_an_entry_once(key):
            buffer[key] += self.values
        elif isinstance(key, np.ndarray):
            _add_rows(buffer, key, self.values)
        else:
            add_at(buffer, key, self.values)

    def __array__(
        self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
    ) -> Array:
        return np.asarray(self.to_dense(), dtype=dtype)

    def to_dense(self) -> Array:
        """Return the gradient as an array."""
        buffer = np.zeros(self.shape, np.asarray(self.values).dtype)
        self.add_into(buffer)
        return buffer


def _names_an_entry_once(key: Any) -> bool:
    """Whether `key` cannot name one entry twice; only arrays and lists can."""
    parts = key if isinstance(key, tuple) else (key,)
    return not any(
        isinstance(part, list) or (isinstance(part, np.ndarray) and part.dtype.kind in "iu")
        for part in parts
    )


def _add_rows(buffer: Array, indices: Array, values: Array) -> None:
    """Add rows at indices: NumPy's own way for repeated ones is slow, so only those go that way."""
    indices = indices.ravel()
    values = values.reshape(len(indices), *buffer.shape[1:])
    order = np.arange(len(indices))
    last = np.empty(len(buffer), np.intp)
    last[indices] = order
    once = last[indices] == order
    buffer[indices[once]] += values[once]
    if not once.all():
        add_at(buffer, indices[~once], values[~once])


def add_at(x: Array, key: Any, values: Any) -> None:
    """Do what `np.add.at` does, with half precision added up in single precision.

    Parameters
    ----------
    x : array
        What to add to, in place.
    key : index
        Anything that NumPy takes between brackets. Entries that it names twice add up.
    values : array or number
        Of a shape that broadcasts to that of ``x[key]``.

    Examples
    --------
    >>> x = np.zeros(2, np.float16)
    >>> add_at(x, np.zeros(10000, int), 0.1)
    >>> x.tolist()
    [1000.0, 0.0]
    """
    if x.dtype != np.float16:
        np.add.at(x, key, values)
        return
    wide = x.astype(np.float32)
    np.add.at(wide, key, values)
    x[...] = wide
