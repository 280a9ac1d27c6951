"""Trading time for memory: what operations save is computed again when backward needs it."""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from . import containers
from .arguments import described, require_function
from .arrays import Array
from .errors import GradientError
from .function import AccumulateGrad, Variable
from .grad_mode import enable_grad, is_grad_enabled
from .modes import current_mode
from .random import get_rng_state, set_rng_state
from .saved_hooks import computed_again, saved_tensors_hooks

_generator_lock = RLock()
"""Held while the one generator draws again: two threads at once would draw each other's numbers."""


def checkpoint(function: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """Call a function so that only its inputs are kept for backward, which then runs it again.

    The gradients are the same, towards the inputs and towards every tensor that the function
    refers to, and can be differentiated again. Memory is saved for what lies between; the price is
    one more forward. Random numbers are drawn again as they were, from `default_generator`.

    Parameters
    ----------
    function : callable
        Takes tensors and returns tensors. It must do the same each time it is called.
    *inputs
        Tensors, containers of them, or anything else.
    **kwargs
        Passed on as they are.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    GradientError
        By backward, if the function saved arrays of other shapes or dtypes when it was run again.
        Other values go unnoticed.

    References
    ----------
    Chen, Xu, Zhang and Guestrin (2016), Training deep nets with sublinear memory cost,
    arXiv:1604.06174.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: x * x * x, x).sum().backward()
    >>> x.grad
    array([ 3., 12.], dtype=float32)
    """
    require_function("checkpoint", "function", function)
    if not is_grad_enabled():
        return function(*inputs, **kwargs)
    segment = _Segment(function, inputs, kwargs)
    with saved_tensors_hooks(segment.pack, segment.unpack):
        result = function(*inputs, **kwargs)
    segment.is_complete = True
    return result


def checkpoint_sequential(functions: Sequence[Callable[[Any], Any]], segments: int, x: Any) -> Any:
    """Call functions one after another, in checkpointed segments of about equal length.

    About the square root of the number of functions is the best number of segments.

    Parameters
    ----------
    functions : sequence of callable
        Each takes what the one before returned.
    segments : int
        How many segments, from 1 to the number of functions.
    x : object
        What the first function takes.

    Returns
    -------
    object
        What the last function returns.

    Raises
    ------
    TypeError
        If what should be a function is none, or `segments` no integer.
    ValueError
        If there cannot be so many segments.

    Examples
    --------
    >>> x = Tensor([3.0], requires_grad=True)
    >>> checkpoint_sequential([lambda x: x * 2] * 4, 2, x)
    Tensor(data=[48.], shape=(1,), requires_grad=True)
    """
    if not isinstance(functions, Sequence):
        raise TypeError(
            "checkpoint_sequential: functions should be a sequence of functions, but it is "
            f"{described(functions)}"
        )
    for position, function in enumerate(functions):
        require_function("checkpoint_sequential", f"function {position}", function)
    if not isinstance(segments, int | np.integer):
        raise TypeError(
            f"checkpoint_sequential: segments should be an integer, but it is {described(segments)}"
        )
    if not 1 <= segments <= len(functions):
        raise ValueError(
            f"checkpoint_sequential: {len(functions)} functions make from 1 to {len(functions)} "
            f"segments, but {segments} were asked for"
        )
    bounds = [len(functions) * i // segments for i in range(segments + 1)]
    for first, last in pairwise(bounds):
        x = checkpoint(_in_turn(functions[first:last]), x)
    return x


def _in_turn(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


class _Segment:
    """One checkpointed call: what it takes to run it again, and what that gave."""

    def __init__(
        self, function: Callable[..., Any], inputs: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.function = function
        self.kwargs = kwargs
        # Inside another checkpoint, the inputs are saved, or not saved, as that one does it.
        keep, self._give_back = current_mode().saved_hooks or (_same, _same)
        self.inputs = containers.apply(lambda x: _Held(x, keep), inputs)
        self.random_state = get_rng_state()
        self.kinds: list[str] = []
        self.is_complete = False

    def pack(self, array: Array) -> int:
        """Note that an array was saved, and keep but its number."""
        self.kinds.append(_kind(array))
        return len(self.kinds) - 1

    def unpack(self, number: int) -> Array:
        """Return an array by its number, from another run of the function if it is not at hand."""
        of_this_pass = computed_again.get()
        arrays: dict[int, Array] = {} if of_this_pass is None else of_this_pass.setdefault(self, {})
        if number not in arrays:
            arrays |= dict(enumerate(self._run_again()))
        return arrays.pop(number)

    def _run_again(self) -> list[Array]:
        arrays: list[Array] = []
        with _generator_lock:
            before = get_rng_state()
            try:
                set_rng_state(self.random_state)
                inputs = containers.apply(lambda held: held.restore(self._give_back), self.inputs)
                with enable_grad(), saved_tensors_hooks(_keeping(arrays), _same):
                    self.function(*inputs, **self.kwargs)
            finally:
                set_rng_state(before)
        kinds = [_kind(array) for array in arrays]
        if not self.is_complete:  # the function takes a gradient inside
            kinds = kinds[: len(self.kinds)]
        if kinds != self.kinds:
            raise GradientError(
                f"checkpoint: the function saved {', '.join(self.kinds)}, but {', '.join(kinds)} "
                "when it was run again for backward; it should do the same each time"
            )
        return arrays


class _Held:
    """An input of a segment: a tensor's array, packed, or anything else as it is."""

    def __init__(self, value: Any, keep: Callable[[Any], Any]) -> None:
        self.is_tensor = isinstance(value, Variable)
        self.requires_grad = self.is_tensor and value._edge is not None
        self.value = keep(value._data) if self.is_tensor else value

    def restore(self, give_back: Callable[[Any], Any]) -> Any:
        if not self.is_tensor:
            return self.value
        array = give_back(self.value)
        edge = AccumulateGrad(array.shape, array.dtype) if self.requires_grad else None
        return Variable._make(array, edge)


def _keeping(arrays: list[Array]) -> Callable[[Array], Array]:
    """Return what packs an array as it is, and keeps it."""

    def pack(array: Array) -> Array:
        arrays.append(array)
        return array

    return pack


def _kind(array: Array) -> str:
    return f"{array.dtype} {array.shape}"


def _same(value: Any) -> Any:
    return value
