"""Gradients that have graphs of their own: the backward pass on Tensors.

A rule is written once, in NumPy. Where it is given Tensors in place of arrays, NumPy's protocols
send each of its steps to the recorded operation of that name, so that the gradient it returns can
be differentiated in its turn. What a rule has saved is tied to the graph for that: an array that is
an input or the output becomes that Tensor again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from . import containers
from .arrays import FLOATING, Array
from .backward import Pass
from .errors import GradientError
from .function import Edge, Function, Variable
from .sparse import SparseGradient


class RecordedPass(Pass):
    """A backward pass on Tensors, in which every step is recorded."""

    recorded, plain = True, False
    operand = Variable

    def _apply(self, node: Function, gradient: Any) -> Any:
        if node.once_differentiable:
            return _undifferentiable(node, gradient)
        return _on_tensors(node).apply(gradient)

    def _operand(self, gradient: Any) -> Any:
        if isinstance(gradient, Variable):
            return gradient
        return Variable._make(super()._operand(gradient), None)

    def _to_dense(self, gradient: SparseGradient) -> Any:
        return ScatterBackward.call(gradient.values, key=gradient.key, shape=gradient.shape)

    def _copy(self, gradient: Any) -> Any:
        return gradient.clone()


class GatherBackward(Function):
    """x[key]. Gradient: the output's at the key, zero elsewhere."""

    def forward(self, x: Array, *, key: Any) -> Any:
        self.shape, self.key = x.shape, key
        return x[key]

    def apply(self, grad_output: Array) -> Any:
        return SparseGradient(self.shape, self.key, grad_output)


class ScatterBackward(Function):
    """Values added at a key into zeros. Gradient: the output's, gathered at the key."""

    def forward(self, values: Array, *, key: Any, shape: tuple[int, ...]) -> Any:
        self.key = key
        return SparseGradient(shape, key, values).to_dense()

    def apply(self, grad_output: Array) -> Any:
        return GatherBackward.call(grad_output, key=self.key)


def _on_tensors(node: Function) -> Function:
    """Return a copy of `node` whose saved arrays are Tensors, tied to the graph."""
    twin = type(node).__new__(type(node))
    if node._inputs is not None:
        twin.next_functions = node.next_functions
        twin.forward(*(_tensor(node, value) for value in node._inputs), **node._parameters)
        return twin
    twin.next_functions = node.next_functions
    twin.saved = _tied(node, node.saved)
    for name, value in node.__dict__.items():
        setattr(twin, name, value if name in _OF_THE_ENGINE else _tied(node, value))
    return twin


_OF_THE_ENGINE = frozenset({"_retained", "_ties"})
"""What of a node's attributes is no array that its rule keeps."""


_ARRAYS = (ndarray, np.generic, Variable)


def _tied(node: Function, value: Any) -> Any:
    """Return what `node` keeps for its rule with Tensors for the floating arrays."""
    if isinstance(value, tuple | list | dict):
        holds_arrays = any(isinstance(x, _ARRAYS) for x in containers.leaves(value))
        return containers.apply(partial(_tied, node), value) if holds_arrays else value
    if isinstance(value, Variable):
        return Variable._make_stand_in(value._data, value._edge)
    if not isinstance(value, ndarray | np.generic) or value.dtype.kind != FLOATING:
        return value
    if any(value is parameter for parameter in node._parameters.values()):
        return value
    if node._tie_of(value) is None:
        raise GradientError(
            f"{type(node).__name__}: a derivative of its gradient was asked for, but its rule "
            f"keeps a floating array of shape {np.shape(value)} that is neither an input nor the "
            "output, and would count as constant; set rerun_forward = True in the class, or "
            "compute the array anew in apply"
        )
    return _tensor(node, value)


def _tensor(node: Function, value: Any) -> Any:
    """Return an input or the output of `node` as the Tensor that it was."""
    if not isinstance(value, ndarray | np.generic):
        return value
    return Variable._make(np.asarray(value), node._edge_of(value))


class _UndifferentiableBackward(Function):
    """A gradient whose own derivative does not exist. Gradient: an error."""

    def forward(self, gradient: Array, *inputs: Array, result: Array, name: str) -> Any:
        self.name = name
        return result

    def apply(self, grad_output: Array) -> Any:
        raise GradientError(
            f"{self.name} is once differentiable: the derivative of its gradient was asked for, "
            "and it has none"
        )


def _undifferentiable(node: Function, gradient: Any) -> Any:
    """Run the rule on arrays, and return its gradients as Tensors that raise in a backward."""
    results = node.apply(gradient._data)
    if not isinstance(results, tuple | list):
        results = (results,)
    behind = [_nothing(edge) for edge in node.next_functions if edge is not None]
    return tuple(
        result
        if result is None
        else _UndifferentiableBackward.call(
            gradient,
            *behind,
            result=_plain(result),
            name=type(node).__name__,
        )
        for result in results
    )


def _plain(result: Any) -> Any:
    if isinstance(result, SparseGradient):
        return result.to_dense()
    return result._data if isinstance(result, Variable) else result


def _nothing(edge: Edge) -> Any:
    """Return a tensor at an edge, of which only the place in the graph matters."""
    return Variable._make(np.broadcast_to(np.zeros((), edge._dtype), edge._shape), edge)
