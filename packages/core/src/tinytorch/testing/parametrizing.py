"""The checks as tests of a pytest suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..operation import Operation
from .check import Check
from .operation_checks import op_checks
from .plugin_checks import plugin_checks

if TYPE_CHECKING:
    import pytest


def parametrize_op_checks(
    *subjects: Operation | str, until: str | None = None
) -> pytest.MarkDecorator:
    """Run a test once for each check of some operations, or of all of a distribution.

    The test takes ``check`` and calls ``check.run()``. Checks that an operation expects to fail are
    marked so, and fail the run where they pass. At the end of the run a table says how many checks
    there were, and on how many cases.

    Parameters
    ----------
    *subjects : Operation or str
        Operations, or names of distributions, which must be installed.
    until : str, optional
        A release of core, such as "0.1": checks that came later are left out.

    Returns
    -------
    pytest.MarkDecorator
        The decorator of the test.

    Raises
    ------
    TypeError
        If a subject is neither, or none is given.

    Examples
    --------
    >>> @parametrize_op_checks("tinytorch-core")
    ... def test_core(check):
    ...     check.run()
    """
    import pytest

    if not subjects:
        raise TypeError(
            "parametrize_op_checks: name at least one Operation or distribution, or no test runs"
        )
    checks: list[Check] = []
    for subject in subjects:
        find = plugin_checks if isinstance(subject, str) else op_checks
        checks += find(subject, until=until)  # type: ignore[arg-type]  # as just asked
    parameters = [
        pytest.param(
            check,
            id=str(check),
            marks=pytest.mark.xfail(reason=check.expected_failure, strict=True)
            if check.expected_failure
            else (),
        )
        for check in checks
    ]
    return pytest.mark.parametrize("check", parameters)
