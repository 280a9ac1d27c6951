"""What is told of one node to those who ask: its rule, what it saved, and its gradient."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from ..function import Function
from .graph import Entry, is_released, operation_of, role_of
from .holdings import Holdings

MOST_NORMS = 100


@dataclass(slots=True)
class Details:
    """Texts on one node."""

    heading: str = ""
    rule: str = ""
    """The formula, and that of the gradient."""
    about: str = ""
    """The docstring of the operation."""
    parameters: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    gradient: list[str] = field(default_factory=list)

    def add_gradient(self, array: Any, norms: Sequence[float]) -> None:
        """Tell of the gradient, and of its norms in each repetition."""
        if array is not None:
            self.gradient.append(shown(array))
        label = "norm" if len(norms) == 1 else f"norms of {len(norms)} repetitions, in order"
        texts = [f"{norm:.3g}" for norm in norms[:MOST_NORMS]]
        more = ["…"] * (len(norms) > MOST_NORMS)
        self.gradient.append(f"{label}: {', '.join([*texts, *more])}")

    def as_dict(self) -> dict[str, Any]:
        """Return the texts by their names."""
        return asdict(self)


def details_of(entry: Entry) -> Details:
    """Tell what there is to be told of an entry."""
    node = entry.source
    if not isinstance(node, Function):
        what = "a leaf that requires a gradient" if entry.kind == "parameter" else "no gradient"
        values = [shown(node)] if isinstance(node, ndarray) else []
        return Details(f"{entry.label} {entry.shape} {entry.dtype}: {what}".strip(), saved=values)
    operation = operation_of(type(node))
    function = "" if operation is None else inspect.getdoc(operation.function) or ""
    parameters = [f"{name} = {value!r:.200}" for name, value in node._parameters.items()]
    heading = f"{type(node).__name__} of {entry.distribution}, result {entry.shape} {entry.dtype}"
    return Details(heading, rule_of(type(node)), function, parameters, _saved(node))


def rule_of(rule: type[Function]) -> str:
    """Return the formula of an operation and of its gradient, as its class states them."""
    return inspect.cleandoc(rule.__doc__ or "") if rule.__doc__ != Function.__doc__ else ""


def _saved(node: Function) -> list[str]:
    if is_released(node):
        return ["released by an earlier backward"]
    pieces, _ = Holdings().of(node)
    return sorted(
        f"{role_of(node, piece)}: {shown(piece)}"
        if isinstance(piece, ndarray)
        else f"packed by a hook: {len(piece):,} bytes"
        for piece in pieces
    )


def shown(array: Any) -> str:
    """Return an array as text, if it is large the elements at its corners."""
    values = array._data if hasattr(array, "_data") else np.asarray(array)
    corner = 2 if values.ndim <= 2 else 1
    text = np.array2string(values, precision=4, threshold=20, edgeitems=corner)
    return f"{values.shape} {values.dtype}\n{text}"
