"""What the collectives have in common: what the ranks compare, and in which dtype they add."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tinytorch import Array, Function, at_least_single


def described(node: Function, x: Array) -> tuple[str, ...]:
    """Return what has to be the same on all ranks of an operand, and of the record of its use."""
    (requires_grad,) = node.needs_input_grad
    return f"dtype {x.dtype}", f"shape {x.shape}", f"requires_grad={requires_grad}"


def total_of(x: Array, add: Callable[[Array], Array]) -> Array:
    """Return what a sum over ranks gives, in the dtype in which NumPy's sum gives it."""
    dtype = np.add.reduce(np.empty(0, x.dtype)).dtype  # of small integers, a large one
    total = add(np.asarray(at_least_single(x.astype(dtype, copy=False)), order="C"))
    return total.astype(dtype, copy=False)
