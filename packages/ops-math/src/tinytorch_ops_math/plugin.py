"""What this package provides to tinytorch."""

from __future__ import annotations

from tinytorch import Operation, hookimpl

from . import (
    chains,
    combining,
    contraction,
    cumulative,
    determinants,
    diagonals,
    elementary,
    linalg,
    logic,
    norms,
    notation,
    products,
    repeating,
    rounding,
    shaping,
    sorting,
    special,
    statistics,
    trigonometric,
)


@hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the operations of this package."""
    families = (
        elementary,
        special,
        trigonometric,
        rounding,
        combining,
        statistics,
        logic,
        cumulative,
        sorting,
        shaping,
        repeating,
        diagonals,
        products,
        contraction,
        notation,
        chains,
        linalg,
        determinants,
        norms,
    )
    return [operation for family in families for operation in family.OPERATIONS]
