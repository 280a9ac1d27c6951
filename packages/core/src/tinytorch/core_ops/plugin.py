"""The plugin of core, found and loaded as any other is."""

from __future__ import annotations

from ..hooks import hookimpl
from ..operation import Operation
from . import OPERATIONS


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return core's own operations."""
    return OPERATIONS
