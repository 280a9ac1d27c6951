"""The softramp operation for tinytorch-core."""

from .operation import SoftrampBackward, softramp

__all__ = ["SoftrampBackward", "softramp"]
