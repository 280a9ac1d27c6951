"""What can be read of a tensor: its shape, its elements as plain values, and how it looks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .arguments import described
from .arrays import FLOATING, Array, as_array
from .function import Variable

OPERANDS = (Variable, ndarray, np.generic, int, float, list, tuple)
"""What an operator takes on its other side; Python asks the other object about anything else."""


class Values(Variable):
    """The part of Tensor that has no gradient."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements, NumPy's."""
        return self._data.dtype

    def numpy(self) -> Array:
        """Return the array itself, `data`."""
        return self._data

    def item(self) -> Any:
        """Return the one element as a Python number.

        Raises
        ------
        ValueError
            If there are more elements, or none.
        """
        if self._data.size != 1:
            raise ValueError(
                f"item() is for tensors of one element, but this one has shape {self.shape}; "
                "use tolist()"
            )
        return self._data.item()

    def tolist(self) -> Any:
        """Return the elements as Python numbers in nested lists."""
        return self._data.tolist()

    def allclose(self, other: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
        """Whether all elements equal the other's within ``atol + rtol * abs(other)``."""
        return allclose(self, other, rtol, atol)

    def __array__(
        self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None
    ) -> Array:
        self._refuse_to_drop_gradient("an array", "x.detach()")
        return np.array(self._data, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        self._refuse_to_drop_gradient("a float", "x.item()")
        return float(self.item())

    def __int__(self) -> int:
        self._refuse_to_drop_gradient("an int", "x.item()")
        return int(self.item())

    def __index__(self) -> int:
        self._refuse_to_drop_gradient("an index", "x.item()")
        return operator.index(self.item())

    def _refuse_to_drop_gradient(self, what: str, way_out: str) -> None:
        if self._edge is not None:
            raise TypeError(
                f"this tensor requires gradients, and {what} made of it would not carry them; "
                f"use {way_out} if that is what you want"
            )

    def __invert__(self) -> Any:
        if self._data.dtype.kind == FLOATING:
            raise TypeError(
                f"~x is for booleans and integers, but x has dtype {self.dtype} and shape "
                f"{self.shape}; compare first, as in ~(x > 0)"
            )
        return Variable._make(np.asarray(~self._data), None)

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ValueError(
                f"the truth of a tensor of shape {self.shape} is ambiguous; "
                "use (x.data > 0).all() or .any()"
            )
        return bool(self._data.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("a 0-d tensor has no len(); use x.item() for its value")
        return len(self._data)

    def __contains__(self, value: Any) -> bool:
        found = self == value
        return bool(found._data.any()) if isinstance(found, Variable) else False

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        many_axes = self._data.ndim > 4
        data = np.array2string(
            self._data.reshape(-1) if many_axes else self._data,
            threshold=100,
            edgeitems=3 if self._data.ndim <= 2 or many_axes else 1,
            prefix="Tensor(data=",
        )
        grad = ", requires_grad=True" if self._edge is not None else ""
        return f"Tensor(data={data}, shape={self.shape}{grad})"


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether all elements of `x` equal those of `y` within ``atol + rtol * abs(y)``.

    Parameters
    ----------
    x, y : Tensor, array, sequence or number
        Of shapes that broadcast.
    rtol, atol : float
        The tolerance, relative to y and absolute.

    Returns
    -------
    bool
        NaN equals nothing.

    Raises
    ------
    TypeError
        If one of them does not hold numbers or booleans.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> allclose(Tensor([1.0]), [1.0])
    True
    """
    a, b = _compared(x), _compared(y)
    try:
        return bool(np.allclose(a, b, rtol=rtol, atol=atol))
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"allclose: arrays of shapes {a.shape} and {b.shape} cannot be compared with "
            f"rtol={rtol!r} and atol={atol!r}: {str(error).strip()}"
        ) from error


def _compared(value: Any) -> Array:
    """Return what is compared as an array; Python numbers lose no digits on the way."""
    if isinstance(value, Variable):
        return value._data
    try:
        return as_array(value, None if hasattr(value, "__array__") else np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"allclose: {error}") from error


def _comparison(symbol: str, compare: Callable[[Any, Any], Any]) -> Callable[[Values, Any], Any]:
    def method(self: Values, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        plain = other._data if isinstance(other, Variable) else other
        try:
            result = compare(self._data, plain)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"x {symbol} y, where x has shape {self.shape} and dtype {self.dtype}, and y is "
                f"{described(plain)}: {str(error).strip()}"
            ) from error
        return Variable._make(np.asarray(result), None)

    return method


for _name, _symbol in {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
}.items():
    setattr(Values, f"__{_name}__", _comparison(_symbol, getattr(operator, _name)))
for _name, _symbol in {"and": "&", "or": "|", "xor": "^"}.items():
    for _method in (f"__{_name}__", f"__r{_name}__"):  # either order: they are symmetric
        setattr(Values, _method, _comparison(_symbol, getattr(operator, f"__{_name}__")))
