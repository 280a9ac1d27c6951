"""Has the name of another distribution's entry point, and an operation of its own."""

import numpy as np
import tinytorch

SOFTRAMP_INVERSE = tinytorch.elementwise(
    "softramp_inverse",
    forward=lambda y: np.log(np.exp(y) - 1),
    derivative=lambda y: 1 / (1 - np.exp(-y)),
    doc="Inverse of softramp, log(e^y - 1), elementwise.",
    domain=(0.2, 3.0),
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [SOFTRAMP_INVERSE]
