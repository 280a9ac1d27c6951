"""Checks and conversions of what a loss takes beside its predictions."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from tinytorch import Array, Tensor


def dtype_of(predictions: Any) -> np.dtype[Any]:
    """Return the dtype that a loss of these predictions has; float32 if they are no floats yet."""
    dtype = getattr(predictions, "dtype", None)
    return dtype if dtype is not None and dtype.kind == "f" else np.dtype(np.float32)


def floats(target: Any, predictions: Any) -> Any:
    """Return integers, booleans and Python numbers in the dtype of the predictions.

    Other targets are returned as they are.
    """
    if type(target) in (bool, int, float):
        return np.asarray(target, dtype_of(predictions))
    dtype = getattr(target, "dtype", None)
    if dtype is None or dtype.kind not in "iub":
        return target
    return target.astype(dtype_of(predictions))


def constant(op: str, name: str, value: Any, predictions: Any) -> Array | None:
    """Return weights as an array in the dtype of the predictions, None as None.

    Raises
    ------
    TypeError
        If they are no real numbers, or a Tensor that requires gradients: there are none for it.
    """
    if value is None:
        return None
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise TypeError(
                f"{op}: {name} counts as constant and gets no gradient, but the given one requires "
                f"gradients (shape {value.shape}); pass {name}.detach()"
            )
        value = value.data
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{op}: {name} should hold real numbers, but it has dtype {array.dtype} and shape "
            f"{array.shape}; pass an array of floats"
        )
    return array.astype(dtype_of(predictions), copy=False)


def number(op: str, name: str, value: Any, *, above: float = -inf, at_least: float = -inf) -> float:
    """Return a parameter as a Python number, which leaves the dtype to the arrays.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is below its bound, or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(
            f"{op}: {name} should be a number, but it is {value!r} of type {type(value).__name__}"
        )
    if not (value > above and value >= at_least):
        bound = f"of {at_least:g} or more" if at_least > -inf else f"above {above:g}"
        raise ValueError(f"{op}: {name} should be a number {bound}, but it is {value!r}")
    return float(value)


def require_shape_within(op: str, name: str, value: Array, shape: tuple[int, ...]) -> None:
    """Refuse weights whose shape does not broadcast to that of the predictions."""
    try:
        fits = np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{op}: {name} should have a shape that broadcasts to the input's, {shape}, but it has "
            f"shape {value.shape}; each length must be equal or 1, counted from the last"
        )


def require_signs(op: str, target: Any) -> None:
    """Refuse labels that are not 1 or -1; 0 is as a rule a label of another convention."""
    array = np.asarray(target)
    wrong = np.abs(array) != 1
    if wrong.any():
        raise ValueError(
            f"{op}: the target should hold 1 and -1 only, but {array[wrong].flat[0]:g} was given "
            f"(dtype {array.dtype}, shape {array.shape}); labels of 0 and 1 become 2 * target - 1"
        )


def product(weights: Any, logs: Any) -> Any:
    """Return the product, where nothing of anything, of minus infinity too, is nothing."""
    with np.errstate(invalid="ignore"):
        return np.where(weights == 0, 0, weights * logs)
