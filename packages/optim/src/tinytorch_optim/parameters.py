"""What optimisers work on: tensors, and whatever else has an array and its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from tinytorch import Array, Tensor


class Parameter(Protocol):
    """An array that is changed in place, and the gradient that says where to."""

    grad: Any
    """Of the shape of the data, or None."""

    @property
    def data(self) -> Array:
        """The array, of a floating dtype."""


Parameters = Iterable[Parameter] | Iterable[tuple[str, Parameter]] | Iterable[dict[str, Any]]
"""Parameters, pairs of a name and a parameter, or groups of either with options of their own."""


def listed(op: str, params: Any) -> list[Any]:
    """Return the parameters, or groups of them, that an iterable has, in its order.

    Raises
    ------
    TypeError
        If it is a single parameter, or has no order or no parameters.
    """
    if isinstance(params, set | frozenset):
        raise TypeError(
            f"{op}: parameters need an order that stays, which a {type(params).__name__} has not; "
            "pass a list"
        )
    if looks_like_one(params) or not isinstance(params, Iterable):
        raise TypeError(
            f"{op}: params should be several parameters or groups of them, but one "
            f"{type(params).__name__} was given; pass a list"
        )
    return list(params)


def looks_like_one(given: Any) -> bool:
    """Whether it has what a parameter has. A Tensor is not asked: a computed one would warn."""
    return isinstance(given, Tensor) or (hasattr(given, "data") and hasattr(given, "grad"))


def require_parameter(op: str, given: Any) -> None:
    """Refuse what cannot be changed in place by its gradient.

    Raises
    ------
    TypeError
        If it is no parameter or has no hash, or its data are no array of floats.
    ValueError
        If it was computed from other tensors, or its array is read-only.
    """
    if not looks_like_one(given):
        raise TypeError(
            f"{op}: a parameter should be a Tensor or have data and grad as one has, but "
            f"{given!r} of type {type(given).__name__} was given"
        )
    if type(given).__hash__ is None:
        raise TypeError(
            f"{op}: what is kept of a parameter is found by its hash, but {type(given).__name__} "
            "has none; leave out its __eq__, by eq=False for a dataclass"
        )
    data = given.data
    if not isinstance(data, np.ndarray) or data.dtype.kind != "f":
        dtype = getattr(data, "dtype", type(data).__name__)
        raise TypeError(
            f"{op}: the data of a parameter should be an array of floats, but they are of {dtype} "
            f"and shape {np.shape(data)}"
        )
    if not getattr(given, "is_leaf", True):
        raise ValueError(
            f"{op}: a parameter should be a leaf, but one of shape {data.shape} was computed from "
            "other tensors; pass those, or x.detach().requires_grad_()"
        )
    if not data.flags.writeable:
        raise ValueError(
            f"{op}: a parameter is changed in place, but the array of one of shape {data.shape} is "
            "read-only; pass a copy"
        )


def gradient_of(op: str, parameter: Parameter) -> Array | None:
    """Return the gradient of a parameter as an array to read from, or None if it has none.

    Raises
    ------
    TypeError
        If it is no array of numbers.
    ValueError
        If it does not have the shape of the data.
    """
    gradient = parameter.grad
    if gradient is None:
        return None
    # A Tensor is what backward(create_graph=True) leaves.
    array = np.asarray(gradient.data if isinstance(gradient, Tensor) else gradient)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{op}: a gradient should be an array of real numbers, but it is a "
            f"{type(gradient).__name__} (dtype {array.dtype}, shape {array.shape})"
        )
    if array.shape != parameter.data.shape:
        raise ValueError(
            f"{op}: the gradient of a parameter of shape {parameter.data.shape} should have its "
            f"shape, but it has shape {array.shape}"
        )
    return array


def own_gradients(op: str, parameters: Iterable[Parameter]) -> list[Array]:
    """Return those gradients that there are, as arrays that may be written to.

    Raises
    ------
    TypeError
        If one is a Tensor, whose array other nodes of its graph may need, or otherwise no array.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    for gradient in gradients:
        if not isinstance(gradient, np.ndarray):
            raise TypeError(
                f"{op}: a gradient should be an array, to be changed in place, but it is a "
                f"{type(gradient).__name__} of shape {np.shape(gradient)}, as "
                "backward(create_graph=True) leaves; cut it from its graph first, by "
                "p.grad = p.grad.detach()"
            )
    return gradients
