"""Cannot be imported, as where a requirement is missing."""

import a_library_that_is_not_installed
import tinytorch

HALVED = tinytorch.elementwise(
    "halved",
    forward=a_library_that_is_not_installed.halve,
    derivative=lambda x: 0.5,
    doc="Half of each element.",
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [HALVED]
