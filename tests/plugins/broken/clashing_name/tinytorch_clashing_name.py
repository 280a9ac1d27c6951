"""Has an operation of a name that tinytorch-softramp has taken."""

import numpy as np
import tinytorch

SOFTRAMP = tinytorch.elementwise(
    "softramp",
    forward=lambda x: np.logaddexp(0, x),
    derivative=lambda x: 1 / (1 + np.exp(-x)),
    doc="Smooth rectifier log(1 + e^x), elementwise.",
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [SOFTRAMP]
