"""Names of tensors, for pictures, reports and stories."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, NamedTuple, TypeVar

from numpy import ndarray

from ..function import AccumulateGrad, Edge, Function
from ..tensor import Tensor

T = TypeVar("T", bound=Tensor)

_named: dict[int, tuple[weakref.ref[Any], str]] = {}
"""By the id of the tensor, of its place in the graph and of its array, of which any may outlive the
others."""


def name(tensor: T, label: str) -> T:
    """Give a tensor a name, by which pictures, reports and stories call it.

    Parameters
    ----------
    tensor : Tensor
        Any shape. It is not kept alive by its name.
    label : str
        The name. A later one replaces it.

    Returns
    -------
    Tensor
        The tensor itself, so that a name can be given where it is made.

    Raises
    ------
    TypeError
        If it is no Tensor.

    Examples
    --------
    >>> w = tinytorch.inspect.name(Tensor([2.0], requires_grad=True), "w")
    >>> print(tinytorch.inspect.draw(w * 3))
    1  w                 (1,) float32
    2  3                 () float32
    3  multiply(1, 2)    (1,)            tinytorch-core
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"name() is for a Tensor, but it was given a {type(tensor).__name__}")
    for bearer in filter(_is_there, (tensor, tensor._edge, tensor._data)):
        key = id(bearer)
        _named[key] = (weakref.ref(bearer, partial(_forget, key)), label)
    return tensor


def _is_there(value: Any) -> bool:
    return value is not None


def _forget(key: int, _: object) -> None:
    _named.pop(key, None)


class Names(NamedTuple):
    """The names of a moment, by the edge of what has the name, and by the id of its array."""

    of_edges: dict[Edge, str]
    of_arrays: dict[int, str]

    @classmethod
    def now(cls) -> Names:
        """Return the names of all that is alive."""
        alive = [(bearer(), label) for bearer, label in list(_named.values())]
        edges = {x: label for x, label in alive if isinstance(x, Function | AccumulateGrad)}
        arrays = {id(x): label for x, label in alive if isinstance(x, ndarray)}
        for tensor, label in alive:  # whose array may be another by now, and its edge be new
            if isinstance(tensor, Tensor):
                arrays[id(tensor._data)] = label
                if tensor._edge is not None:
                    edges[tensor._edge] = label
        return cls(edges, arrays)
