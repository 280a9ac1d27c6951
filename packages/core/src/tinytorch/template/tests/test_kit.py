"""What holds for every operation that this distribution registers."""

import doctest

from tinytorch.testing import Check, parametrize_op_checks

from tinytorch_example import operations


@parametrize_op_checks("tinytorch-example")
def test_kit(check: Check) -> None:
    """Each check of tinytorch.testing passes, on every sample."""
    check.run()


def test_examples() -> None:
    """The examples in docstrings print what stands below them."""
    assert doctest.testmod(operations).failed == 0
