"""Python's operators on tensors, by the operations of the same meaning."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays import Array
from ..function import Function, next_sequence_number
from ..modes import USUAL, current_mode
from ..tensor import Tensor
from ..values import OPERANDS
from .arithmetic import (
    AddBackward,
    MulBackward,
    SubBackward,
    add,
    divide,
    multiply,
    negative,
    power,
    subtract,
)
from .elementwise import abs
from .linalg import matmul

_new = object.__new__
_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def _forward(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return method


def _reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        return function(other, self) if isinstance(other, OPERANDS) else NotImplemented

    return method


def _written_out(
    rule: type[Function], combine: Callable[[Any, Any], Any], function: Callable[..., Tensor]
) -> Callable[[Tensor, Any], Any]:
    """Return what `_forward` does, with `Function.call` written out for the commonest operands.

    Small networks spend their time in sums and products of two tensors, or of a tensor and a
    number: so they take a third of what the general way takes. What is unusual goes that way.
    """
    saves = rule is MulBackward

    def method(self: Tensor, other: Any) -> Any:
        if type(other) is Tensor:
            a, to_a, to_b = self._data, self._edge, other._edge
            b: Array | None = other._data
        elif type(other) is float or type(other) is int:
            a, to_a, to_b = self._data, self._edge, None
            b = _zero_dim(other, a.dtype)
        else:
            return function(self, other) if isinstance(other, OPERANDS) else NotImplemented
        if b is None or a is b or (to_a is None and to_b is None):
            return function(self, other)
        if current_mode() is not USUAL:
            return function(self, other)
        try:
            output = combine(a, b)
        except ValueError:
            return function(self, other)  # where the error has the name of the operation
        if type(output) is not ndarray:
            output = np.asarray(output)
        node = _new(rule)
        node.saved = (None if to_b is None else a, None if to_a is None else b) if saves else ()
        node.next_functions = (to_a, to_b)
        node._sequence = next_sequence_number()
        node._shape = output.shape
        node._dtype = output.dtype
        node._unusual = False
        tensor = _new(Tensor)
        tensor._data = output
        tensor._edge = node
        tensor._accumulator = None
        return tensor

    return method


_constants: dict[tuple[float, np.dtype[Any]], Array] = {}


def _zero_dim(number: float, dtype: np.dtype[Any]) -> Array | None:
    """Return a number as an array of a dtype, which NumPy combines in half the time.

    None for what means something else as an array: -0.0 counts as the same key as 0.0, and what
    float32 cannot hold gives a warning of NumPy's.
    """
    constant = _constants.get((number, dtype))
    if constant is None and 1e-30 < operator.abs(number) < 1e30 and dtype in (_FLOAT32, _FLOAT64):
        if len(_constants) == 1000:
            _constants.clear()
        constant = _constants[number, dtype] = np.array(number, dtype)
        constant.flags.writeable = False
    return constant


_OPERATORS = {"add": add, "sub": subtract, "mul": multiply, "truediv": divide}
_OPERATORS |= {"pow": power, "matmul": matmul}
_methods: dict[str, Callable[..., Any]]
_methods = {f"__{name}__": _forward(function) for name, function in _OPERATORS.items()}
_methods |= {f"__r{name}__": _reflected(function) for name, function in _OPERATORS.items()}
_methods |= {"__neg__": negative, "__abs__": abs}
_methods["__add__"] = _methods["__radd__"] = _written_out(AddBackward, operator.add, add)
_methods["__mul__"] = _methods["__rmul__"] = _written_out(MulBackward, operator.mul, multiply)
_methods["__sub__"] = _written_out(SubBackward, operator.sub, subtract)
for _name, _method in _methods.items():
    setattr(Tensor, _name, _method)
