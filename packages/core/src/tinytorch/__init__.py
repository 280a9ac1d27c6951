"""Reverse-mode automatic differentiation on NumPy, with PyTorch's way of working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import core_ops, missing, ops, samples
from .arguments import all_axes, as_indices, check_range, either, one_axis, one_of
from .arrays import Array
from .broadcasting import sum_to_shape
from .creation import (
    arange,
    from_numpy,
    full,
    ones,
    ones_like,
    rand,
    randn,
    zeros,
    zeros_like,
)
from .errors import GradientError, PluginConflictError, PluginError, PluginWarning
from .function import Function
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .operation import CORE, Operation, registry
from .plugins import enable_autograd, isolated_registry
from .random import default_generator, get_rng_state, manual_seed, set_rng_state
from .sparse import SparseGradient
from .tensor import Tensor

if TYPE_CHECKING:
    from .hooks import hookimpl

__version__ = "0.1.0"

registry.register(CORE, core_ops.OPERATIONS)
missing.attach()


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether all elements of `x` equal those of `y` within ``atol + rtol * abs(y)``.

    Examples
    --------
    >>> allclose(Tensor([1.0]), [1.0])
    True
    """
    return (x if isinstance(x, Tensor) else Tensor(x)).allclose(y, rtol, atol)


def __getattr__(name: str) -> Any:
    if name == "hookimpl":  # it comes from pluggy, which only plugins need
        from .hooks import hookimpl

        return hookimpl
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
