"""What the entry point of this distribution names."""

import tinytorch

from .products import SAMPLED_MATMUL, SPARSE_MATMUL


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[tinytorch.Operation]:
    """Return the operations of this distribution."""
    return [SAMPLED_MATMUL, SPARSE_MATMUL]
