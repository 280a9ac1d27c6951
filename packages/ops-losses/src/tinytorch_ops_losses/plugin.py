"""What this package provides to tinytorch."""

from __future__ import annotations

from tinytorch import Operation, hookimpl

from . import (
    binary,
    classification,
    ctc,
    distributions,
    embeddings,
    gaussian,
    likelihood,
    margins,
    regression,
)

FAMILIES = (
    regression,
    binary,
    classification,
    likelihood,
    distributions,
    gaussian,
    margins,
    embeddings,
    ctc,
)


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the losses."""
    return [operation for family in FAMILIES for operation in family.OPERATIONS]
