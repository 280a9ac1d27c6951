"""What this package provides to tinytorch."""

from __future__ import annotations

from tinytorch import Operation, hookimpl

from . import gathering, reductions


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the collective operations."""
    return [*reductions.OPERATIONS, *gathering.OPERATIONS]
