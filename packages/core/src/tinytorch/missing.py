"""What happens when a tensor, or `tinytorch.ops`, is asked for an operation that core lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from .operation import DEFINED_BY_TENSOR, registry
from .plugins import ensure_enabled
from .tensor import Tensor

HINTS: dict[str, tuple[str, ...]] = {
    "tinytorch-ops-nn": (
        "relu",
        "sigmoid",
        "tanh",
        "softmax",
        "log_softmax",
        "gelu",
        "permute",
        "embedding",
        "getitem",
        "__getitem__",
    ),
    "tinytorch-ops-losses": (
        "mse_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
    ),
}
"""Our own op packages and what they provide, for the message when one is not installed."""


def find(name: str) -> Any:
    """Return the function of an operation, enabling autograd if it is not one of core's.

    Raises
    ------
    AttributeError
        Saying which distribution provides it, what went wrong with it, or what is called alike.
    """
    if name not in registry.operations:
        ensure_enabled()
    if name not in registry.operations:
        raise AttributeError(explain(name, "there is no operation", registry.operations))
    return registry.operations[name].function


def explain(name: str, subject: str, known: Iterable[str]) -> str:
    """Return the message for a name that nothing provides."""
    message = f"{subject} {name!r}"
    clash = next((r for r in registry.reports if name in r.clashes), None)
    if clash is not None:
        return f"{message}: {clash.error}"
    provider = next((d for d, names in HINTS.items() if name in names), None)
    out_of_use = [r for r in registry.reports if r.status != "loaded"]
    if provider is not None:
        reports = [r for r in out_of_use if r.plugin.distribution == provider]
        if reports:
            return f"{message}: {reports[0].describe()}"
        return f"{message}; it comes with {provider}: python -m pip install {provider}"
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=3)
    if near:
        message += f"; did you mean {' or '.join(near)}?"
    if out_of_use:
        message += f" (not in use: {'; '.join(r.describe() for r in out_of_use)})"
    return message


def _getattr(self: Tensor, name: str) -> Any:
    """Python calls this for a name that the class does not have."""
    if name.startswith("_"):
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    if name in DEFINED_BY_TENSOR or name in dir(type(self)):
        return object.__getattribute__(self, name)  # a property raised AttributeError: let it speak
    ensure_enabled()
    if hasattr(type(self), name):
        return object.__getattribute__(self, name)
    raise AttributeError(explain(name, "a tensor has no method or attribute", _methods()))


def _methods() -> list[str]:
    return [
        *(name for op in registry.operations.values() for name in op.method_names),
        *(name for name in DEFINED_BY_TENSOR if not name.startswith("_")),
    ]


def _getitem(self: Tensor, key: Any) -> Any:
    """Stand in for slicing, which Python looks up on the class, until a plugin provides it."""
    ensure_enabled()
    if Tensor.__getitem__ is _getitem:
        _refuse("__getitem__")
    return self[key]


def _refuse(name: str) -> NoReturn:
    raise TypeError(explain(name, "a tensor has no method or attribute", ()))


def attach() -> None:
    """Give Tensor its way of asking plugins for what it lacks."""
    setattr(Tensor, "__getattr__", _getattr)  # noqa: B010 - type checkers shall not know it
    setattr(Tensor, "__getitem__", _getitem)  # noqa: B010 - declared in _methods.pyi
