"""Every registered operation, whoever it comes from, passes the kit."""

from __future__ import annotations

import pytest
import tinytorch
from tinytorch.operation import registry
from tinytorch.testing import Check, operation_checks

tinytorch.enable_autograd(quiet=True)
OPERATIONS = [op for name, op in registry.operations.items() if name == op.name]


@pytest.mark.parametrize("check", [c for op in OPERATIONS for c in operation_checks(op)], ids=repr)
def test_operation(check: Check, record_property: pytest.FixtureRequest) -> None:
    """What the kit checks holds for the operation, on all its samples."""
    record_property("distribution", registry.owners[check.operation.name].distribution)
    record_property("operation", check.operation.name)
    record_property("second", check.operation.twice_differentiable)
    record_property("cases", check.run())
