"""What the entry point of this distribution names."""

import tinytorch

from .operation import SOFTRAMP


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operations of this distribution."""
    return [SOFTRAMP]
