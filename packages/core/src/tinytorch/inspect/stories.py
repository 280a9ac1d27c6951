"""Backward as a story, step by step, with the numbers in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backward import _leading_to
from ..broadcasting import sum_to_shape
from ..errors import GradientError
from ..function import AccumulateGrad, Edge, Function
from ..tensor import Tensor
from .details import rule_of
from .gradients import WatchedPass, dense, norm_of
from .graph import edge_of, entries, is_released
from .symbols import listed, written_out

SMALL = 8
"""Elements of a tensor whose values are told."""


@dataclass(slots=True)
class Step:
    """What happened at one operation, or at a leaf, where nothing goes out.

    Parameters
    ----------
    title : str
        The operation or leaf, with its number in the list that `draw` prints.
    rule : str
        The formula of the operation and its gradient; of a leaf nothing.
    incoming : str
        The gradient that came in, and what it was added up from.
    outgoing : list of str
        For each input where the gradient went, by which formula, and its value.
    gradient : array
        What came in.
    """

    title: str
    rule: str
    incoming: str
    outgoing: list[str]
    gradient: Any = field(repr=False)

    def __str__(self) -> str:
        lines = [self.title, *self.rule.splitlines(), f"comes in: {self.incoming}", *self.outgoing]
        return "\n    ".join(line for line in lines if line.strip())


class Story:
    """What `explain` tells; printed, a text.

    Attributes
    ----------
    steps : tuple of Step
        The operations in the order of backward, then the leaves.
    """

    def __init__(self, title: str, steps: Sequence[Step]) -> None:
        self.title = title
        self.steps = tuple(steps)

    def __str__(self) -> str:
        return "\n\n".join([self.title, *map(str, self.steps)])

    __repr__ = __str__


def explain(tensor: Tensor, gradient: Any = None, *, to: Tensor | None = None) -> Story:
    """Tell how the gradient flows back from a tensor: what each rule got, made of it, and sent on.

    A backward pass is made for it, which leaves every `grad` and all that is saved as it is. The
    rules are told as their classes state them, and, where they can be written out, as formulas with
    the numbers of small tensors: g is the gradient that came in.

    Parameters
    ----------
    tensor : Tensor
        Any shape. It must require gradients.
    gradient : array, Tensor, sequence or number, optional
        What backward begins with, as for `Tensor.backward`.
    to : Tensor, optional
        Tell only of the ways that lead to this tensor.

    Returns
    -------
    Story
        Its `steps`; it can be printed.

    Raises
    ------
    GradientError
        If the tensor has no graph, if an earlier backward has released it, if it has several
        elements and no gradient is given, or if no way leads to `to`.

    Examples
    --------
    >>> x = tinytorch.inspect.name(Tensor([2.0], requires_grad=True), "x")
    >>> print(tinytorch.inspect.explain(x * 3))
    backward from multiply 3, which is 6
    <BLANKLINE>
    multiply 3
        a b. Gradients: g b and g a.
        comes in: 1, with which backward begins
        to x 1: g × b = 1 × 3 = 3
    <BLANKLINE>
    x 1
        comes in: 3 from multiply 3
    """
    edge_of(tensor, "explain")
    return _Teller(tensor, to).story(tensor._seed(gradient))


class _Teller:
    """A story, while it is being found out."""

    def __init__(self, tensor: Tensor, to: Tensor | None) -> None:
        root: Any = tensor._edge
        listed = entries(tensor, "explain")
        self.tensor, self.root = tensor, root
        self.titles = {
            e.source: f"{e.name or e.label or e.kind} {number}"
            for number, e in enumerate(listed, 1)
            if e.kind != "data"
        }
        if any(isinstance(edge, Function) and is_released(edge) for edge in self.titles):
            raise GradientError(
                "explain() needs what the operations saved, and an earlier backward has released "
                "it; pass retain_graph=True to that backward, or compute the result again"
            )
        self.through: set[Edge] = {*self.titles}
        if to is not None:
            end = edge_of(to, "explain")
            if end not in self.through:
                raise GradientError("explain() found no way from the tensor to the one in `to`")
            self.through = _leading_to([end], [root])
        self.arrived: dict[Edge, list[tuple[str, Any]]] = defaultdict(list)
        self.steps: list[Step] = []

    def story(self, seed: Any) -> Story:
        leaves = WatchedPass(self._at_node).run(self.root, seed)
        for leaf in self.titles:
            if isinstance(leaf, AccumulateGrad) and leaf in self.through and leaf in leaves:
                self.steps.append(self._step(leaf, "", leaves[leaf], []))
        title = f"backward from {self.titles[self.root]}, which is {told(self.tensor._data)}"
        return Story(title, self.steps)

    def _at_node(self, node: Function, gradient: Any, results: Sequence[Any]) -> None:
        if node not in self.through:
            return
        formulas = [[] for _ in results] if node._packed else written_out(node, gradient, results)
        outgoing = []
        for edge, result, known in zip(node.next_functions, results, formulas, strict=True):
            if edge is None or result is None or edge not in self.through:
                continue
            part = _fitted(dense(result), edge)
            self.arrived[edge].append((self.titles[node], part))
            equals = " = ".join(dict.fromkeys([*known, told(part)]))
            shape = np.shape(dense(result))
            summed = f", summed from {shape}" if shape != part.shape else ""
            outgoing.append(f"to {self.titles[edge]}: {equals}{summed}")
        self.steps.append(self._step(node, rule_of(type(node)), gradient, outgoing))

    def _step(self, edge: Edge, rule: str, gradient: Any, outgoing: list[str]) -> Step:
        return Step(self.titles[edge], rule, self._incoming(edge, gradient), outgoing, gradient)

    def _incoming(self, edge: Edge, gradient: Any) -> str:
        """Say what came in, and from where."""
        parts = self.arrived.pop(edge, [])
        if not parts:
            return f"{told(gradient)}, with which backward begins"
        origins = " and ".join(dict.fromkeys(origin for origin, _ in parts))
        if len(parts) == 1:
            text = f"{told(gradient)} from {origins}"
        else:
            sum_of = " + ".join(told(part) for _, part in parts)
            text = f"{sum_of} = {told(gradient)}, added up from {origins}"
        held = edge.grad if isinstance(edge, AccumulateGrad) else None
        return text if held is None else f"{text}; its grad, {told(held)}, is from before"


def _fitted(gradient: Any, edge: Edge) -> Any:
    """Return a gradient as the engine adds it up: in the shape of what it is for."""
    array = np.asarray(gradient._data if isinstance(gradient, Tensor) else gradient)
    return array if array.shape == edge._shape else sum_to_shape(array, edge._shape)


def told(array: Any) -> str:
    """Return the values of a small array, and of a larger one the shape and the norm."""
    values = array._data if isinstance(array, Tensor) else np.asarray(array)
    if values.size == 1:
        return f"{values.item():.6g}"
    if 0 < values.size <= SMALL:
        return listed(values.tolist())
    return f"{values.shape} {values.dtype} of norm {norm_of(values):.4g}"
