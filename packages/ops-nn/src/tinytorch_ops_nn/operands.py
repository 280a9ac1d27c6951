"""What the operations of this package ask of their arguments, and how they are computed with."""

from __future__ import annotations

from collections.abc import Callable
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


def in_blocks(function: Callable[..., Any], *operands: Any) -> Any:
    """Return an elementwise function of arrays of one shape and dtype, computed block by block.

    What it makes on the way stays in the processor's cache, and no large array is made but the
    result. The function returns new memory. Of Tensors it is computed as it is.
    """
    x = operands[0]
    if isinstance(x, Tensor) or x.size <= _BLOCK:
        return function(*operands)
    flat = [operand.reshape(-1) for operand in operands]
    result = np.empty_like(flat[0])
    for start in range(0, x.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        result[block] = function(*(operand[block] for operand in flat))
    return result.reshape(x.shape)


_BLOCK = 32768


def exp_in_place(fresh: Any) -> Any:
    """Return e to what nobody else knows, in its memory if it is an array."""
    if isinstance(fresh, Tensor):
        return np.exp(fresh)
    fresh = np.asarray(fresh)
    return np.exp(fresh, out=fresh)


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
