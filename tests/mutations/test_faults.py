"""Faults are planted in every rule of every installed package, and the kit finds them all."""

from __future__ import annotations

from typing import Any

import pytest
import tinytorch
from tinytorch import Operation
from tinytorch.operation import registry
from tinytorch.testing import op_checks

from .faults import FAULTS, Fault

tinytorch.enable_autograd(quiet=True, strict=True)
OPERATIONS = [
    operation
    for name, operation in registry.operations.items()
    if name == operation.name and operation.backward is not None
]

CONSTANT = "constant where the gradient is differentiated"
PIECEWISE_LINEAR = [
    *("abs", "amax", "amin", "clip", "maximum", "minimum", "remainder"),
    *("relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid"),
    *("l1_loss", "hinge_loss", "hinge_embedding_loss", "margin_ranking_loss"),
]
BY_KEY = [
    ("getitem", "another array saved"),
    ("getitem", "saved arrays exchanged"),
    ("index_select", "another array saved"),
]
HARMLESS = {
    **dict.fromkeys([(name, CONSTANT) for name in PIECEWISE_LINEAR], "its second derivative is 0"),
    **dict.fromkeys(BY_KEY, "the rule goes by the key; indices are saved for saved_tensors_hooks"),
    ("scaled_dot_product_attention", "another dtype"): "its function casts to the common dtype",
}
"""Faults that change nothing, by operation, and why."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_fault_is_caught(operation: Operation, fault: Fault, record_property: Any) -> None:
    """A fault that shows, in any operation, fails a check of the kit."""
    assert operation.backward is not None
    with fault.planted(operation.backward) as shown:
        caught_by = first_failure(operation)
    reason = HARMLESS.get((operation.name, fault.name))
    distribution = registry.owners[operation.name].distribution
    if caught_by:
        assert reason is None, f"it is caught by {caught_by}, though listed as harmless: {reason}"
        record_property("caught", (distribution, operation.name, fault.name, caught_by))
    elif shown:
        assert reason is not None, "it shows, and no check fails"
        record_property("harmless", (distribution, operation.name, fault.name, reason))


def first_failure(operation: Operation) -> str:
    """The name of the first check that fails, if one does; the one that takes longest is last."""
    for check in sorted(op_checks(operation), key=lambda check: check.name == "second_derivative"):
        try:
            check.run()
        except Exception:  # whatever a fault leads to
            return check.name
    return ""


def test_what_is_harmless_exists() -> None:
    """What is listed as harmless names operations and faults that there are."""
    names = {operation.name for operation in OPERATIONS}
    assert {operation for operation, _ in HARMLESS} <= names
    assert {name for _, name in HARMLESS} <= {fault.name for fault in FAULTS}
