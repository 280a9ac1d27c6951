"""Time and bytes of each operation, forward and backward.

While a profile runs, the methods by which operations run are replaced by ones that take the time;
afterwards the first ones are back. So nothing is paid for where no profile runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import wraps
from threading import Lock, get_ident
from time import perf_counter_ns
from typing import Any, Self

from numpy import ndarray

from ..function import Function, Variable
from ..sparse import SparseGradient
from ..tensor import Tensor
from .graph import Labels
from .holdings import address_of, owner_of
from .profile_report import Event, Phase, Report

_listening: ContextVar[Profile | None] = ContextVar("tinytorch_profile", default=None)
"""The profile that runs, in the thread or task that it measures; None inside an operation."""
_running = Lock()
_clock = perf_counter_ns
OPERATORS = ("add", "sub", "mul", "truediv", "pow", "matmul")


class Profile(Report):
    """What operations took inside a ``with`` block; printed, a table."""

    def __init__(self) -> None:
        super().__init__()
        self._replaced: dict[tuple[type, str], Any] = {}
        self._labels = Labels()

    def __enter__(self) -> Self:
        if not _running.acquire(blocking=False):
            raise RuntimeError("a profile is running already, here or in another thread")
        self._replace(Function, "call", _call)
        for rule in _subclasses(Function):
            self._watch(rule)
        for name in OPERATORS:
            for method in (f"__{name}__", f"__r{name}__"):
                self._replace(Tensor, method, _operator)
        self._token = _listening.set(self)
        self.begin = _clock()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = (_clock() - self.begin) / 1e9
        _listening.reset(self._token)
        for (owner, name), method in self._replaced.items():
            setattr(owner, name, method)
        self._replaced.clear()
        _running.release()

    def _watch(self, rule: type[Function]) -> None:
        if "apply" in vars(rule) and (rule, "apply") not in self._replaced:
            self._replace(rule, "apply", _apply)

    def _replace(self, owner: type, name: str, by: Callable[[Any], Any]) -> None:
        self._replaced[owner, name] = vars(owner)[name]
        setattr(owner, name, by(vars(owner)[name]))

    def _note(
        self, rule: type[Function], phase: Phase, begin: int, results: Any, given: Iterable[Any]
    ) -> None:
        end = _clock()
        name, distribution = self._labels[rule]
        size, shapes = _new_bytes(results, given), [str(x.shape) for x in _arrays(results)]
        event = Event(name, distribution, phase, begin, end - begin, size, shapes, get_ident())
        self.events.append(event)


def profile() -> Profile:
    """Measure what operations take inside a ``with`` block, forward and backward apart.

    Measured are the operations of the thread, or asyncio task, that opens the block, on the clock
    on the wall. Forward is the call of an operation, with what the engine does to record it;
    backward is its rule, without the sums that the engine makes of gradients. An operation that is
    called by another, or by a rule, counts as a part of that; one that a checkpoint runs again in
    backward counts as forward. Bytes are those of the results that are not views of what was given.
    The measurement itself adds some microseconds to each operation.

    Returns
    -------
    Profile
        Entered, it measures; afterwards it has the results as text, `rows` and, through `save`, CSV
        and a trace for Chrome and Perfetto.

    Raises
    ------
    RuntimeError
        On entering, if another profile is running.

    Examples
    --------
    >>> x = tinytorch.ones(100, 100, requires_grad=True)
    >>> with tinytorch.inspect.profile() as measured:
    ...     (x @ x).sum().backward()
    >>> sorted((row.operation, row.calls, row.forward_bytes) for row in measured.rows)
    [('matmul', 1, 40000), ('sum', 1, 4)]
    """
    return Profile()


def _subclasses(of: type) -> Iterator[type]:
    waiting = [of]
    seen = {of}
    while waiting:
        found = waiting.pop()
        yield found
        waiting += {*found.__subclasses__()} - seen
        seen |= {*found.__subclasses__()}


def _call(original: Any) -> Any:
    function = original.__func__

    @wraps(function)
    def call(cls: type[Function], *inputs: Any, **parameters: Any) -> Any:
        running = _listening.get()
        if running is None:
            return function(cls, *inputs, **parameters)
        running._watch(cls)  # it may have been defined just now
        token = _listening.set(None)
        begin = _clock()
        try:
            result = function(cls, *inputs, **parameters)
            running._note(cls, "forward", begin, result, inputs)
        finally:
            _listening.reset(token)
        return result

    return classmethod(call)


def _apply(function: Any) -> Any:
    @wraps(function)
    def apply(self: Function, grad_output: Any) -> Any:
        running = _listening.get()
        if running is None:
            return function(self, grad_output)
        token = _listening.set(None)
        begin = _clock()
        try:
            results = function(self, grad_output)
            running._note(type(self), "backward", begin, results, [grad_output])
        finally:
            _listening.reset(token)
        return results

    return apply


def _operator(function: Any) -> Any:
    """Take the time of operators that go without `Function.call`; where they do not, it does."""

    @wraps(function)
    def operator(self: Tensor, other: Any) -> Any:
        running = _listening.get()
        if running is None:
            return function(self, other)
        noted = len(running.events)
        begin = _clock()
        result = function(self, other)
        if len(running.events) == noted and isinstance(result, Tensor) and result.grad_fn:
            running._note(type(result.grad_fn), "forward", begin, result, [self, other])
        return result

    return operator


def _arrays(values: Any) -> list[Any]:
    """Return the arrays of what an operation or a rule returned."""
    several = values if isinstance(values, tuple | list) else [values]
    bare = [x.values if isinstance(x, SparseGradient) else x for x in several]
    bare = [x._data if isinstance(x, Variable) else x for x in bare]
    return [x for x in bare if isinstance(x, ndarray)]


def _new_bytes(results: Any, given: Iterable[Any]) -> int:
    old = {address_of(array) for array in _arrays(list(given))}
    owners = [owner_of(array) for array in _arrays(results)]
    return sum(x.nbytes for x in {id(x): x for x in owners}.values() if address_of(x) not in old)
