"""Limits for gradients, of each number or of all together."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

import numpy as np
from tinytorch import Array, Tensor

from .blocks import SIZE
from .checks import number
from .parameters import Parameter, listed, own_gradients


def clip_grad_norm_(
    parameters: Parameter | Iterable[Parameter],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients together, in place, so that their norm as one vector is no larger.

    They are multiplied with max_norm / (norm + 1e-6), where that is less than 1.

    Parameters
    ----------
    parameters : parameter or iterable of parameters
        Tensors, or what has `data` and `grad` as one has, of any shapes. Those without a gradient
        are passed over.
    max_norm : float
        What the norm may be, 0 or more.
    norm_type : float
        The order p of the norm (Σ |g|ᵖ)^(1/p), above 0; infinity for the largest absolute value.
    error_if_nonfinite : bool
        Refuse gradients whose norm is infinite or NaN. Otherwise they are scaled by it, to zeros
        and NaNs.

    Returns
    -------
    Tensor
        The norm that there was, of shape (), in the dtype of the gradients.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite`; no gradient has changed then.
    TypeError
        If a gradient is a Tensor, as backward(create_graph=True) leaves, or otherwise no array.
    ValueError
        If `max_norm` or `norm_type` is out of its bounds.

    Examples
    --------
    >>> x = Tensor([1.0, 1.0], requires_grad=True)
    >>> x.grad = np.array([3.0, 4.0])
    >>> clip_grad_norm_([x], max_norm=1.0)
    Tensor(data=5., shape=())
    >>> print(x.grad.round(3))
    [0.6 0.8]
    """
    op = "clip_grad_norm_"
    limit = number(op, "max_norm", max_norm, at_least=0)
    order = number(op, "norm_type", norm_type, above=0)
    gradients = _gradients(op, parameters)
    norm = _norm(gradients, order)
    if error_if_nonfinite and not isfinite(norm):
        raise RuntimeError(
            f"{op}: the norm of the gradients should be finite, but it is {norm}, of shapes "
            f"{[gradient.shape for gradient in gradients]}; look for the operation that made them "
            "so, or scale them all the same with error_if_nonfinite=False"
        )
    factor = min(limit / (norm + 1e-6), 1.0)
    with np.errstate(invalid="ignore", over="ignore"):  # 0 times infinity is NaN, as in PyTorch
        for gradient in gradients:
            gradient *= factor
        dtype = np.result_type(*gradients) if gradients else np.float32
        return Tensor(np.array(norm, dtype))


def _norm(gradients: list[Array], order: float) -> float:
    """Return the norm of arrays as one vector, computed in float64, block by block."""
    total = 0.0
    for gradient in gradients:
        with np.nditer(
            gradient,
            flags=["buffered", "external_loop", "zerosize_ok"],
            op_dtypes=[np.float64],
            buffersize=SIZE,
        ) as parts:
            for part in parts:
                sizes = np.abs(part)
                if order == inf:
                    total = float(np.maximum(total, sizes.max()))  # which keeps a NaN
                else:
                    sizes **= order
                    total += float(sizes.sum())
    return total ** (1 / order) if order < inf else total


def clip_grad_value_(parameters: Parameter | Iterable[Parameter], clip_value: float) -> None:
    """Limit each number of each gradient to ±clip_value, in place.

    Parameters
    ----------
    parameters : parameter or iterable of parameters
        Tensors, or what has `data` and `grad` as one has, of any shapes. Those without a gradient
        are passed over.
    clip_value : float
        The largest absolute value, 0 or more. NaN stays NaN.

    Raises
    ------
    TypeError
        If a gradient is a Tensor, as backward(create_graph=True) leaves, or otherwise no array.
    ValueError
        If `clip_value` is negative.

    Examples
    --------
    >>> x = Tensor([1.0, 1.0], requires_grad=True)
    >>> x.grad = np.array([3.0, -0.5])
    >>> clip_grad_value_([x], 1.0)
    >>> print(x.grad)
    [ 1.  -0.5]
    """
    op = "clip_grad_value_"
    limit = number(op, "clip_value", clip_value, at_least=0)
    for gradient in _gradients(op, parameters):
        np.clip(gradient, -limit, limit, out=gradient)


def _gradients(op: str, parameters: Any) -> list[Array]:
    several = [parameters] if hasattr(parameters, "grad") else listed(op, parameters)
    return own_gradients(op, several)
