"""Core's own operations, a file a family."""

from __future__ import annotations

from . import arithmetic, elementwise, linalg, operators, reductions, shaping

OPERATIONS = [
    operation
    for family in (arithmetic, elementwise, linalg, reductions, shaping)
    for operation in family.OPERATIONS
]

__all__ = ["OPERATIONS", "operators"]
