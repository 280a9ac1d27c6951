"""What this package provides to tinytorch."""

from __future__ import annotations

from tinytorch import Operation, hookimpl

from . import (
    combining,
    contraction,
    cumulative,
    diagonals,
    elementary,
    linalg,
    products,
    rounding,
    shaping,
    sorting,
    statistics,
    trigonometric,
)


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the operations of this package."""
    families = (
        elementary,
        trigonometric,
        rounding,
        combining,
        statistics,
        cumulative,
        sorting,
        shaping,
        diagonals,
        products,
        contraction,
        linalg,
    )
    return [operation for family in families for operation in family.OPERATIONS]
