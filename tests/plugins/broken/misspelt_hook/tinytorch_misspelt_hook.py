"""Misspells its hook: it is called tinytorch_register_ops."""

import tinytorch

HALVED = tinytorch.elementwise(
    "halved",
    forward=lambda x: x / 2,
    derivative=lambda x: 0.5,
    doc="Half of each element.",
)


@tinytorch.hookimpl
def tinytorch_register_op() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [HALVED]
