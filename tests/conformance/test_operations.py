"""Every installed operation, whoever it comes from, passes the kit."""

from __future__ import annotations

import tinytorch
from tinytorch.operation import registry
from tinytorch.testing import Check, parametrize_op_checks

tinytorch.enable_autograd(quiet=True)
DISTRIBUTIONS = sorted({report.plugin.distribution for report in registry.reports})


@parametrize_op_checks(*DISTRIBUTIONS)
def test_operation(check: Check) -> None:
    """What the kit checks holds for the operation, on all its samples, and for its distribution."""
    check.run()
