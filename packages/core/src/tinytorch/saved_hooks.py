"""Packing what operations save: compressed, on disk, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from . import containers
from .modes import Hooks, current_mode, set_saved_hooks

computed_again: ContextVar[dict[Any, dict[int, Any]] | None] = ContextVar(
    "tinytorch_computed_again", default=None
)
"""What checkpoints have computed again in this backward pass, and has not been asked for yet."""


class saved_tensors_hooks:  # PyTorch's name
    """Pack every array that an operation saves in a ``with`` block, and unpack it in backward.

    Parameters
    ----------
    pack : callable
        Takes an array that is about to be saved, and returns anything.
    unpack : callable
        Takes what `pack` returned, and returns an array of the same shape and dtype.

    Raises
    ------
    TypeError
        If one of them cannot be called.

    Notes
    -----
    Only the innermost block's hooks are called. An operation that saves a number, or nothing, calls
    none.

    Examples
    --------
    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> with saved_tensors_hooks(
    ...     lambda array: array.astype(np.float16), lambda packed: packed.astype(np.float64)
    ... ):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    def __init__(self, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        for name, hook in (("pack", pack), ("unpack", unpack)):
            if not callable(hook):
                raise TypeError(
                    f"saved_tensors_hooks: {name} should be a function, but it is {hook!r}"
                )
        self.hooks = (pack, unpack)
        self._outer: list[Hooks | None] = []

    def __enter__(self) -> Self:
        self._outer.append(current_mode().saved_hooks)
        set_saved_hooks(self.hooks)
        return self

    def __exit__(self, *_: object) -> None:
        set_saved_hooks(self._outer.pop())


class Packed:
    """What the hooks made of the arrays that a node keeps, and what each of them was tied to."""

    def __init__(self, node: Any, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        self.unpack = unpack
        self.ties = tuple([node._tie_of(value) for value in node.saved])
        self.saved = _Pieces(node.saved, pack)
        self.inputs = None if node._inputs is None else _Pieces(node._inputs, pack)
        # Packed arrays may die now, and others come to have their ids: note those that stay.
        stay = [v for name, v in vars(node).items() if name not in ("saved", "_inputs")]
        stay += [value for value in node.saved if isinstance(value, np.generic)]
        node._ties = {
            id(value): node._tie_of(value)
            for value in containers.leaves(stay)
            if isinstance(value, np.ndarray | np.generic)
        }
        node.saved, node._inputs = self.saved.values, self.inputs and self.inputs.values

    def unpacked(self, node: Any, with_inputs: bool = False) -> Any:
        """Return a copy of the node with its arrays as they were, tied where they were tied."""
        twin: Any = node._copy()
        twin._stands_for, twin._packed = node, None
        twin.saved = tuple(self.saved.restore(self.unpack))
        ties = dict(zip(map(id, twin.saved), self.ties, strict=True))
        if self.inputs is not None and with_inputs:
            twin._inputs = self.inputs.restore(self.unpack)
            ties |= {id(value): place for place, value in enumerate(twin._inputs)}
        twin._ties = {**node._ties, **ties}
        return twin


class _Pieces:
    """Values of which the arrays are packed."""

    def __init__(self, values: Iterable[Any], pack: Callable[[Any], Any]) -> None:
        values = tuple(values)
        self.are_packed = tuple([isinstance(value, np.ndarray) for value in values])
        self.values = tuple([pack(v) if isinstance(v, np.ndarray) else v for v in values])

    def restore(self, unpack: Callable[[Any], Any]) -> list[Any]:
        pairs = zip(self.values, self.are_packed, strict=True)
        return [unpack(value) if is_packed else value for value, is_packed in pairs]
