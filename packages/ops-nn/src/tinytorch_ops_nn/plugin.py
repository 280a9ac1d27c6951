"""The plugin: what `tinytorch.enable_autograd` finds."""

from __future__ import annotations

import tinytorch
from tinytorch import Operation

from . import activations, indexing, joining, shaping


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the operations of this package."""
    families = (activations, indexing, joining, shaping)
    return [operation for family in families for operation in family.OPERATIONS]
