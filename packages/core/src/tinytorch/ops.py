"""All operations that are installed, as functions: ``tinytorch.ops.relu(x)``."""

from __future__ import annotations

from typing import Any

from . import missing
from .operation import registry
from .plugins import ensure_enabled


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return missing.find(name)


def __dir__() -> list[str]:
    ensure_enabled()
    return sorted(registry.operations)
