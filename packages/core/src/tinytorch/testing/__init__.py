"""The kit that tests operations: gradients against differences, and the rules of the house.

Every operation that is registered, ours or anybody's, runs the same checks on the samples that its
author wrote beside it. `parametrize_op_checks` runs them in a test suite, and
``python -m tinytorch check`` on an installed distribution.
"""

from __future__ import annotations

from .check import Check
from .gradients import gradcheck, gradgradcheck
from .operation_checks import check_op, op_checks
from .parametrizing import parametrize_op_checks
from .plugin_checks import plugin_checks

__all__ = [
    "Check",
    "check_op",
    "gradcheck",
    "gradgradcheck",
    "op_checks",
    "parametrize_op_checks",
    "plugin_checks",
]
