"""Forgets the marker of its hook, @tinytorch.hookimpl."""

import tinytorch

HALVED = tinytorch.elementwise(
    "halved",
    forward=lambda x: x / 2,
    derivative=lambda x: 0.5,
    doc="Half of each element.",
)


def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [HALVED]
