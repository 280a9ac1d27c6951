"""What the operations of this package ask of their arguments, and how they are computed with."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Tensor


def floating(op: str, x: Any, what: str = "input") -> Any:
    """Return x itself, or float32 of integers and booleans, as PyTorch computes with them.

    A Tensor stays a Tensor; everything else becomes an array.
    """
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    if x.dtype.kind == "f":
        return x
    if x.dtype.kind not in "iub":
        raise TypeError(
            f"{op}: {what} should be a tensor of real numbers, but it has dtype {x.dtype} and "
            f"shape {x.shape}"
        )
    return x.astype(np.float32)


def number(op: str, name: str, value: Any) -> float:
    """Return a parameter that is a real number as one of Python's, which changes no dtype."""
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    raise TypeError(f"{op}: {name} should be a number, but it is {value!r}")


def probability(op: str, name: str, value: Any) -> float:
    """Return a parameter that is a number from 0 to 1."""
    given = number(op, name, value)
    if not 0 <= given <= 1:
        raise ValueError(f"{op}: {name} should be from 0 to 1, but it is {value}")
    return given


def common_dtype(*operands: Any) -> np.dtype[Any]:
    """Return the dtype that the operands promote to; None is no operand."""
    return np.result_type(*(x.dtype for x in operands if x is not None))


def in_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return an array or Tensor in a dtype: itself, if it has it."""
    return x if x is None or x.dtype == dtype else x.astype(dtype)


def plus(fresh: Any, addend: Any) -> Any:
    """Return the sum; in place where `fresh`, which nobody else knows, has its dtype."""
    if addend is None:
        return fresh
    if np.result_type(fresh, addend) != fresh.dtype:
        return fresh + addend
    fresh += addend
    return fresh


def times(fresh: Any, factor: Any) -> Any:
    """Return the product; in place where `fresh`, which nobody else knows, has its dtype.

    A factor with a further first axis is a batch of gradients.
    """
    if factor is None:
        return fresh
    if factor.ndim > fresh.ndim or np.result_type(fresh, factor) != fresh.dtype:
        return fresh * factor
    fresh *= factor
    return fresh
