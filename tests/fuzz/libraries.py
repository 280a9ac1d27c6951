"""How tinytorch runs a program: recorded, and outside of recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tinytorch
from tinytorch import Tensor, no_grad
from tinytorch.operation import registry

from .programs import Library

tinytorch.enable_autograd(quiet=True, strict=True)


def _copy(part: Any) -> Any:
    """A constant as each run has its own, for an operation may write to running statistics."""
    if isinstance(part, Tensor):
        return Tensor(part.data)
    return part.copy() if isinstance(part, np.ndarray) else part


def _function(name: str) -> Callable[..., Any]:
    return registry.operations[name].function


RECORDED = Library(
    lambda array, requires_grad: Tensor(array, requires_grad=requires_grad),
    _copy,
    _function,
    no_grad,
)
PLAIN = Library(lambda array, requires_grad: Tensor(array), _copy, _function, no_grad)
