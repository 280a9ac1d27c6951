"""What this package provides to tinytorch."""

from __future__ import annotations

from tinytorch import Operation, hookimpl

from . import binary, classification, regression


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the losses."""
    return [*regression.OPERATIONS, *binary.OPERATIONS, *classification.OPERATIONS]
