"""Reverse-mode automatic differentiation on NumPy, with PyTorch's way of working."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import core_ops, missing, numpy_protocols, samples
from .arguments import all_axes, as_indices, check_range, either, one_axis, one_of
from .arrays import Array, at_least_single, in_common_dtype
from .broadcasting import sum_to_shape
from .core_ops.arithmetic import AddBackward, DivBackward, MulBackward, SubBackward
from .core_ops.linalg import MatmulBackward
from .core_ops.reductions import SumBackward
from .core_ops.shaping import ReshapeBackward, TransposeBackward
from .errors import AnomalyError, GradientError, PluginConflictError, PluginError, PluginWarning
from .function import Function
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .gradient_hooks import RemovableHandle
from .operation import CORE, Operation, Registry, registry
from .saved_hooks import saved_tensors_hooks
from .sparse import SparseGradient, add_at
from .tensor import Tensor
from .values import allclose

if TYPE_CHECKING:
    from . import func, ops
    from . import inspect as inspect  # not in __all__, where it would hide Python's own
    from .anomaly import detect_anomaly
    from .checkpointing import checkpoint, checkpoint_sequential
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
    from .derivatives import grad
    from .hooks import hookimpl
    from .plugins import enable_autograd, isolated_registry
    from .random import default_generator, get_rng_state, manual_seed, set_rng_state
    from .short_forms import custom_gradient, elementwise

__version__ = "0.1.0"

__all__ = [
    "AddBackward",
    "AnomalyError",
    "Array",
    "DivBackward",
    "Function",
    "GradientError",
    "MatmulBackward",
    "MulBackward",
    "Operation",
    "PluginConflictError",
    "PluginError",
    "PluginWarning",
    "RemovableHandle",
    "ReshapeBackward",
    "SparseGradient",
    "SubBackward",
    "SumBackward",
    "Tensor",
    "TransposeBackward",
    "add_at",
    "all_axes",
    "allclose",
    "arange",
    "as_indices",
    "at_least_single",
    "check_range",
    "checkpoint",
    "checkpoint_sequential",
    "custom_gradient",
    "default_generator",
    "detect_anomaly",
    "either",
    "elementwise",
    "enable_autograd",
    "enable_grad",
    "from_numpy",
    "full",
    "func",
    "get_rng_state",
    "grad",
    "hookimpl",
    "in_common_dtype",
    "is_grad_enabled",
    "isolated_registry",
    "manual_seed",
    "no_grad",
    "one_axis",
    "one_of",
    "ones",
    "ones_like",
    "ops",
    "rand",
    "randn",
    "samples",
    "saved_tensors_hooks",
    "set_grad_enabled",
    "set_rng_state",
    "sum_to_shape",
    "zeros",
    "zeros_like",
]

registry.register(CORE, core_ops.OPERATIONS)
missing.attach()
numpy_protocols.attach()


def _repr_html(value: Any) -> str:
    """Return what a notebook shows of a value of ours."""
    from .inspect.reprs import html_of

    return html_of(value)


for _shown in (Tensor, Function, Registry):
    setattr(_shown, "_repr_html_", _repr_html)  # noqa: B010 - type checkers need not know of it


LATER: dict[str, tuple[str, ...]] = {
    "anomaly": ("detect_anomaly",),
    "checkpointing": ("checkpoint", "checkpoint_sequential"),
    "creation": (
        *("arange", "from_numpy", "full", "ones", "ones_like"),
        *("rand", "randn", "zeros", "zeros_like"),
    ),
    "derivatives": ("grad",),
    "discovery": (),
    "func": (),
    "hooks": ("hookimpl",),
    "inspect": (),
    "ops": (),
    "plugins": ("enable_autograd", "isolated_registry"),
    "random": ("default_generator", "get_rng_state", "manual_seed", "set_rng_state"),
    "short_forms": ("custom_gradient", "elementwise"),
}
"""Modules that wait for the first use, and their public names: many programs need none of them."""

if not TYPE_CHECKING:  # a type checker shall find fault with a name that is not here

    def __getattr__(name: str) -> Any:
        for module, names in LATER.items():
            if name == module or name in names:
                imported = import_module(f".{module}", __name__)
                value = imported if name == module else getattr(imported, name)
                return globals().setdefault(name, value)  # found without this the next time
        hint = "" if name.startswith("_") else "; operations are in tinytorch.ops"
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *LATER})
