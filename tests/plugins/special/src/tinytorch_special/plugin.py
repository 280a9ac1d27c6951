"""What the entry point of this distribution names."""

import tinytorch

from . import bessel, entropy, error, gamma, normal


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operations of this distribution."""
    families = (bessel, entropy, error, gamma, normal)
    return [operation for family in families for operation in family.OPERATIONS]
