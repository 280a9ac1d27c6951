"""Whether operations are being recorded: a switch of each thread and each asyncio task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from typing import Any, Self, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

recording: ContextVar[bool] = ContextVar("tinytorch_recording", default=True)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread.

    Examples
    --------
    >>> is_grad_enabled()
    True
    """
    return recording.get()


class _GradMode:
    """A grad mode as a context manager and as a decorator; one object may be entered repeatedly."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._outer: list[bool] = []

    def __enter__(self) -> Self:
        self._outer.append(recording.get())
        recording.set(self.mode)
        return self

    def __exit__(self, *_: object) -> None:
        recording.set(self._outer.pop())

    def __call__(self, function: F) -> F:
        mode = self.mode

        def plain(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(mode):
                return function(*args, **kwargs)

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(mode):
                return await function(*args, **kwargs)

        def generator(*args: Any, **kwargs: Any) -> Any:
            return (yield from _in_mode_at_every_step(mode, function(*args, **kwargs)))

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
            with _GradMode(mode):
                item = resume(value)
        except StopIteration as stop:
            return stop.value
        try:
            value = yield item
            resume = generator.send
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # whatever the caller throws in is the generator's to handle
            value = error
            resume = generator.throw


class no_grad(_GradMode):
    """Record no operations inside a ``with`` block or a decorated function.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """``@no_grad`` decorates at once; ``no_grad()`` makes the context manager."""
        return super().__new__(cls) if function is None else _GradMode(False)(function)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Record operations, also inside a `no_grad` block.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """``@enable_grad`` decorates at once; ``enable_grad()`` makes the context manager."""
        return super().__new__(cls) if function is None else _GradMode(True)(function)

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_GradMode):
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
        self._before = recording.get()
        recording.set(self.mode)

    def __enter__(self) -> Self:
        self._outer.append(self._before)
        recording.set(self.mode)
        return self

    def __call__(self, function: F) -> F:
        """Decorate `function`, and leave the mode outside it as it was."""
        recording.set(self._before)
        return super().__call__(function)
