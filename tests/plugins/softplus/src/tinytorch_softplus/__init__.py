"""The softplus operation for tinytorch-core."""

from .operation import SoftplusBackward, softplus

__all__ = ["SoftplusBackward", "softplus"]
