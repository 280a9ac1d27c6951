"""Faults that can be planted in the rule of any operation, while a test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from tinytorch import Function, SparseGradient, Tensor

FAULTS: list[Fault] = []


@dataclass(frozen=True)
class Fault:
    """A fault: the method of a Function that it is in, and what makes it of the right one."""

    name: str
    method: str
    spoil: Callable[[Callable[..., Any], Callable[[], None]], Callable[..., Any]]

    @contextmanager
    def planted(self, rule: type[Function]) -> Iterator[list[None]]:
        """Plant the fault for the length of a ``with`` block; the list grows where it shows."""
        shown: list[None] = []
        right, own = getattr(rule, self.method), vars(rule).get(self.method)
        setattr(rule, self.method, self.spoil(right, lambda: shown.append(None)))
        try:
            yield shown
        finally:
            if own is None:
                delattr(rule, self.method)
            else:
                setattr(rule, self.method, own)


def fault(method: str) -> Callable[[Any], Any]:
    """Decorate what spoils a method; the fault is called like it."""

    def add(spoil: Any) -> Any:
        FAULTS.append(Fault(spoil.__name__.replace("_", " "), method, spoil))
        return spoil

    return add


def fault_in_each_gradient(change: Callable[[Any, int, Function], Any]) -> Any:
    """Decorate what changes one gradient, given its position among the inputs and the node."""

    def spoil(apply: Callable[..., Any], shows: Callable[[], None]) -> Callable[..., Any]:
        def changed(gradient: Any, position: int, node: Function) -> Any:
            if gradient is None:
                return None
            if isinstance(gradient, SparseGradient):
                values = changed(gradient.values, position, node)
                return SparseGradient(gradient.shape, gradient.key, values)
            if isinstance(gradient, Tensor):
                return change(gradient, position, node)
            result = change(np.asarray(gradient), position, node)
            if not np.array_equal(result, gradient, equal_nan=True):
                shows()
            return result

        def faulty(self: Function, grad_output: Any) -> Any:
            result = apply(self, grad_output)
            gradients = result if isinstance(result, tuple | list) else (result,)
            return tuple(changed(gradient, i, self) for i, gradient in enumerate(gradients))

        return faulty

    FAULTS.append(Fault(change.__name__.replace("_", " "), "apply", spoil))
    return change


@fault_in_each_gradient
def wrong_sign(gradient: Any, position: int, node: Function) -> Any:
    return -gradient


@fault_in_each_gradient
def wrong_sign_towards_the_last_input(gradient: Any, position: int, node: Function) -> Any:
    return -gradient if position == len(node.next_functions) - 1 else gradient


@fault_in_each_gradient
def off_by_a_factor(gradient: Any, position: int, node: Function) -> Any:
    return gradient * 1.0001


@fault_in_each_gradient
def elements_in_another_order(gradient: Any, position: int, node: Function) -> Any:
    return gradient if isinstance(gradient, Tensor) else np.flip(gradient)


@fault_in_each_gradient
def wrong_axis(gradient: Any, position: int, node: Function) -> Any:
    """The gradient of a matrix, or of each in a stack, is taken for that of its transpose."""
    return gradient.reshape(gradient.shape[::-1]).T if gradient.ndim > 1 else gradient


@fault_in_each_gradient
def not_summed_where_it_was_broadcast(gradient: Any, position: int, node: Function) -> Any:
    """Of what is to be summed down to the input's shape, one part is returned."""
    edge = node.next_functions[position]
    if isinstance(gradient, Tensor) or edge is None:
        return gradient
    shape = edge._shape
    narrow = [slice(0, 1) if size == 1 else slice(None) for size in shape]
    first = gradient[(0,) * (gradient.ndim - len(shape))] if gradient.size else gradient
    return first[tuple(narrow)]


@fault("apply")
def no_gradient_for_the_last_input(apply: Any, shows: Any) -> Any:
    def faulty(self: Function, grad_output: Any) -> Any:
        result = apply(self, grad_output)
        gradients = result if isinstance(result, tuple | list) else (result,)
        if gradients[-1] is not None and np.any(np.asarray(_plain(gradients[-1]))):
            shows()
        return (*gradients[:-1], None)

    return faulty


def _plain(gradient: Any) -> Any:
    return gradient.data if isinstance(gradient, Tensor) else gradient


@fault("save")
def another_array_saved(save: Any, shows: Any) -> Any:
    def faulty(self: Function, *arrays: Any) -> None:
        others = [_another(array) for array in arrays]
        if any(other is not array for other, array in zip(others, arrays, strict=True)):
            shows()
        save(self, *others)

    return faulty


def _another(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or not value.size:
        return value
    if value.dtype.kind == "b":
        return ~value
    return np.roll(value, 1) if value.dtype.kind in "iu" else value * 0.9 + 0.05


@fault("save")
def saved_arrays_exchanged(save: Any, shows: Any) -> Any:
    def faulty(self: Function, *arrays: Any) -> None:
        if len(arrays) > 1 and _exchangeable(*arrays[:2]):
            shows()
            arrays = (arrays[1], arrays[0], *arrays[2:])
        save(self, *arrays)

    return faulty


def _exchangeable(a: Any, b: Any) -> bool:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    return a.shape == b.shape and a.dtype == b.dtype and not np.array_equal(a, b)


@fault("forward")
def input_written_to(forward: Any, shows: Any) -> Any:
    def faulty(self: Function, *inputs: Any, **parameters: Any) -> Any:
        result = forward(self, *inputs, **parameters)
        for array in inputs:
            if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                shows()
                array *= 1.0
                break
        return result

    return faulty


@fault("apply")
def saved_array_written_to(apply: Any, shows: Any) -> Any:
    def faulty(self: Function, grad_output: Any) -> Any:
        result = apply(self, grad_output)
        for array in self.saved:
            if isinstance(array, np.ndarray):
                shows()
                array[...] = array
        return result

    return faulty


@fault("apply")
def gradient_written_to(apply: Any, shows: Any) -> Any:
    def faulty(self: Function, grad_output: Any) -> Any:
        result = apply(self, grad_output)
        if isinstance(grad_output, np.ndarray):
            shows()
            grad_output *= 1.0
        return result

    return faulty


@fault("forward")
def another_dtype(forward: Any, shows: Any) -> Any:
    def faulty(self: Function, *inputs: Any, **parameters: Any) -> Any:
        result = forward(self, *inputs, **parameters)
        if getattr(result, "dtype", None) != np.float32:
            return result
        shows()
        return result.astype(np.float64)

    return faulty


@fault("apply")
def constant_where_the_gradient_is_differentiated(apply: Any, shows: Any) -> Any:
    def faulty(self: Function, grad_output: Any) -> Any:
        if any(isinstance(value, Tensor) and value.requires_grad for value in self.saved):
            shows()
        self.saved = tuple(x.detach() if isinstance(x, Tensor) else x for x in self.saved)
        return apply(self, grad_output)

    return faulty
