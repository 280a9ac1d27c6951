"""Python's operators on tensors, by the operations of the same meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from ..values import OPERANDS
from .arithmetic import add, divide, multiply, negative, power, subtract
from .elementwise import abs
from .linalg import matmul

_TWO_PLACE = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "pow": power,
    "matmul": matmul,
}
_ONE_PLACE = {"neg": negative, "abs": abs}


def _forward(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        return function(other, self) if isinstance(other, OPERANDS) else NotImplemented

    return operator


for _name, _function in _TWO_PLACE.items():
    setattr(Tensor, f"__{_name}__", _forward(_function))
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
for _name, _one_place in _ONE_PLACE.items():
    setattr(Tensor, f"__{_name}__", _one_place)
