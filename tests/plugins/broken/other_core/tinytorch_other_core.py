"""Was made for another version of core, and would not work with this one."""

import tinytorch
from tinytorch import something_that_comes_later

HALVED = tinytorch.elementwise(
    "halved",
    forward=something_that_comes_later,
    derivative=lambda x: 0.5,
    doc="Half of each element.",
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operation."""
    return [HALVED]
