"""The kit on the collectives of several ranks, and on an operation that is not ours.

The kit runs the same on each rank: the inputs are the same everywhere, and so is what central
differences change in them. What it finds is the derivative by the inputs of all ranks at once. So
each operation is checked between two means over the ranks, which change no value that is the same
everywhere, and whose rules make the mean over the ranks of the gradients.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tinytorch
from mpi4py import MPI
from tinytorch import Operation
from tinytorch.operation import registry
from tinytorch.testing import Check, op_checks, parametrize_op_checks
from tinytorch_ops_mpi import all_reduce

tinytorch.enable_autograd(quiet=True, strict=True)
NAMES = ("all_gather", "all_reduce", "broadcast", "reduce_scatter")


def between_means(operation: Operation) -> Operation:
    function, reference = operation.function, operation.reference
    assert reference is not None

    @functools.wraps(function)
    def averaged(x, *options, **named):
        return all_reduce(function(all_reduce(x, "mean"), *options, **named), "mean")

    def plain(x, *options, **named):
        return np.mean(MPI.COMM_WORLD.allgather(reference(x, *options, **named)), axis=0)

    return Operation(
        averaged,
        operation.backward,
        samples=operation.samples,
        bad_inputs=operation.bad_inputs,
        reference=plain,
    )


CHECKS = [check for name in NAMES for check in op_checks(between_means(registry.operations[name]))]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_collective(check: Check) -> None:
    """What the kit checks holds for the operation between two means over the ranks."""
    check.run()


@parametrize_op_checks("tinytorch-softramp")
def test_an_operation_that_is_not_ours(check: Check) -> None:
    """A third party's plugin passes the kit on each rank as it does on one."""
    check.run()
