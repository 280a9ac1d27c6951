"""The kit that tests operations: gradients against central differences, and the rules of the house.

Every operation that is registered, ours or anybody's, runs the same checks on the samples that its
author wrote beside it.
"""

from __future__ import annotations

from .checks import Check, check_operation, operation_checks
from .gradients import gradcheck, gradgradcheck

__all__ = ["Check", "check_operation", "gradcheck", "gradgradcheck", "operation_checks"]
