"""Has a bell whose gradient is twice what it should be."""

import numpy as np
import tinytorch

BELL = tinytorch.elementwise(
    "bell",
    forward=lambda x: np.exp(-(x**2) / 2),
    derivative=lambda x: -2 * x * np.exp(-(x**2) / 2),
    doc="Bell curve exp(-x²/2), elementwise.",
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [BELL]
