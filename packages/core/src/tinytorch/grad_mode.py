"""Whether operations are being recorded: a switch of each thread and each asyncio task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from typing import Any, Self, TypeVar, overload

from .modes import current_mode, set_recording

F = TypeVar("F", bound=Callable[..., Any])

_outer_modes: ContextVar[tuple[bool, ...]] = ContextVar("tinytorch_outer_modes", default=())
"""What the blocks that have been entered go back to, in the order in which they were entered."""


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread.

    Returns
    -------
    bool
        True unless something has switched it off.

    Examples
    --------
    >>> is_grad_enabled()
    True
    """
    return current_mode().recording


class GradMode:
    """A grad mode as a context manager and as a decorator; one object may be entered repeatedly."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> Self:
        self._enter(is_grad_enabled())
        return self

    def _enter(self, before: bool) -> None:
        _outer_modes.set((*_outer_modes.get(), before))
        set_recording(self.mode)

    def __exit__(self, *_: object) -> None:
        *others, before = _outer_modes.get()
        _outer_modes.set(tuple(others))
        set_recording(before)

    def __call__(self, function: F) -> F:
        """Decorate `function`: it runs in the mode."""
        mode = self.mode

        def plain(*args: Any, **kwargs: Any) -> Any:
            with GradMode(mode):
                return function(*args, **kwargs)

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with GradMode(mode):
                return await function(*args, **kwargs)

        def generator(*args: Any, **kwargs: Any) -> Any:
            return (yield from _in_mode_at_every_step(mode, function(*args, **kwargs)))

        if not callable(function):
            raise TypeError(
                f"a grad mode decorates a function, but {function!r} was given; "
                "in a with block, it is called without arguments"
            )
        if inspect.isasyncgenfunction(function):
            raise TypeError(
                f"a grad mode cannot decorate the asynchronous generator {function.__name__}; "
                "use it in a with block inside"
            )
        wrapper: Callable[..., Any] = plain
        if inspect.isgeneratorfunction(function):
            wrapper = generator
        elif inspect.iscoroutinefunction(function):
            wrapper = coroutine
        return wraps(function)(wrapper)  # type: ignore[return-value]  # wraps keeps the signature


def _in_mode_at_every_step(
    mode: bool, generator: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """Run `generator` in `mode`, and the code between its steps in the mode of its caller."""
    resume: Callable[[Any], Any] = generator.send
    value = None
    while True:
        try:
            with GradMode(mode):
                item = resume(value)
        except StopIteration as stop:
            return stop.value
        try:
            value = yield item
            resume = generator.send
        except GeneratorExit:
            with GradMode(mode):
                generator.close()
            raise
        except BaseException as error:  # whatever the caller throws in is the generator's to handle
            value = error
            resume = generator.throw


@overload
def no_grad() -> GradMode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Record no operations inside a ``with`` block or a decorated function.

    Parameters
    ----------
    function : callable, optional
        What ``@no_grad`` decorates; ``with no_grad():`` and ``@no_grad()`` work as well.

    Returns
    -------
    GradMode or callable
        A context manager and decorator, or the function decorated.

    Raises
    ------
    TypeError
        If it is no function, or an asynchronous generator.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """
    return GradMode(False) if function is None else GradMode(False)(function)


@overload
def enable_grad() -> GradMode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Record operations, also inside a `no_grad` block.

    Parameters
    ----------
    function : callable, optional
        What ``@enable_grad`` decorates; ``with enable_grad():`` and ``@enable_grad()`` work, too.

    Returns
    -------
    GradMode or callable
        A context manager and decorator, or the function decorated.

    Raises
    ------
    TypeError
        If it is no function, or an asynchronous generator.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """
    return GradMode(True) if function is None else GradMode(True)(function)


class set_grad_enabled(GradMode):
    """Switch recording on or off: at once, or for a ``with`` block or a decorated function.

    Parameters
    ----------
    mode : bool
        Whether operations are recorded.

    Examples
    --------
    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._before: bool | None = is_grad_enabled()
        set_recording(self.mode)

    def __enter__(self) -> Self:
        before, self._before = self._before, None  # the mode was set when the object was made
        self._enter(is_grad_enabled() if before is None else before)
        return self

    def __call__(self, function: F) -> F:
        """Decorate `function`, and leave the mode outside it as it was."""
        if self._before is not None:
            set_recording(self._before)
        return super().__call__(function)
