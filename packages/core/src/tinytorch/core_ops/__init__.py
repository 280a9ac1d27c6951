"""Core's own operations, a file a family."""

from __future__ import annotations

from . import arithmetic, copies, elementwise, linalg, operators, reductions, selection, shaping

OPERATIONS = [
    operation
    for family in (arithmetic, elementwise, selection, linalg, reductions, shaping, copies)
    for operation in family.OPERATIONS
]

__all__ = ["OPERATIONS", "operators"]
