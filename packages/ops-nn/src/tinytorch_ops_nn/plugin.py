"""The plugin: what `tinytorch.enable_autograd` finds."""

from __future__ import annotations

import tinytorch
from tinytorch import Operation

from . import activations, indexing, shaping


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the operations of this package."""
    return [*activations.OPERATIONS, *indexing.OPERATIONS, *shaping.OPERATIONS]
