"""What the entry point in pyproject.toml names: it lists the operations."""

import tinytorch

from .operations import SQUAREPLUS


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operations of this distribution."""
    return [SQUAREPLUS]
