"""All operations that are installed, as functions: ``tinytorch.ops.relu(x)``."""

# Whatever is public in here would hide an operation of its name.
from typing import Any as _Any

from . import missing as _missing
from .operation import registry as _registry
from .plugins import ensure_enabled as _ensure_enabled


def __getattr__(name: str) -> _Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _missing.find(name)


def __dir__() -> list[str]:
    _ensure_enabled()
    return sorted(_registry.operations)
