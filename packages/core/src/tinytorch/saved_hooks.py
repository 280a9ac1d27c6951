"""Packing what operations save: compressed, on disk, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self

Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]

active: ContextVar[Hooks | None] = ContextVar("tinytorch_saved_hooks", default=None)

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
        self.hooks = (pack, unpack)
        self._outer: list[Hooks | None] = []

    def __enter__(self) -> Self:
        self._outer.append(active.get())
        active.set(self.hooks)
        return self

    def __exit__(self, *_: object) -> None:
        active.set(self._outer.pop())
