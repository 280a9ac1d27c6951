"""Anomaly mode: an error, a NaN or a write into a saved array is told with the line behind it."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ContextDecorator
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy import ndarray

from . import containers
from .arguments import require_function
from .arrays import FLOATING
from .errors import AnomalyError
from .function import Function, Variable
from .locking import Lock
from .modes import current_mode, set_anomaly
from .operation import registry
from .sparse import SparseGradient

F = TypeVar("F", bound=Callable[..., Any])
Place: TypeAlias = tuple[str, int, str]
"""A line of the program: file, number, function."""


class detect_anomaly(ContextDecorator):  # PyTorch's name
    """Find where a program goes wrong: in a ``with`` block, or in a decorated function.

    An operation that is recorded in the block notes the line of the program that called it. That
    line is named

    - where its rule raises, now or in a later backward;
    - where a NaN or an infinity first appears: in an output of finite inputs, or in a gradient that
      the rule makes of a finite one.

    What the operation saved is locked as long as backward needs it, and so is what it is a view of,
    so that a write into it raises NumPy's ``assignment destination is read-only`` at the line that
    writes. A write through another view, made before, goes unnoticed.

    Parameters
    ----------
    check_nan : bool
        Whether NaN and infinities are looked for.

    Raises
    ------
    AnomalyError
        Where a NaN or an infinity first appears. An AnomalyError is a GradientError.

    Notes
    -----
    Each operation takes several times as long. Outside the block nothing does.

    Examples
    --------
    >>> x = Tensor([4.0, 0.0], requires_grad=True)
    >>> with np.errstate(divide="ignore"), detect_anomaly():
    ...     y = 1 / x
    Traceback (most recent call last):
    tinytorch.errors.AnomalyError: DivBackward: 1 infinite of the 2 elements ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._outer: list[Any] = []

    def __enter__(self) -> Self:
        self._outer.append(current_mode().anomaly)
        set_anomaly(self)
        return self

    def __exit__(self, *_: object) -> None:
        set_anomaly(self._outer.pop())

    def __call__(self, function: F) -> F:
        """Decorate `function`: each call of it is a block."""
        require_function("detect_anomaly", "what it decorates", function)
        return super().__call__(function)

    def _recreate_cm(self) -> detect_anomaly:
        return detect_anomaly(self.check_nan)

    def _check_output(
        self,
        rule: type[Function],
        inputs: Sequence[Any],
        parameters: Mapping[str, Any],
        output: Any,
    ) -> None:
        """Raise where an operation made something that is not finite of what is."""
        found = _faults(output) if self.check_nan else ""
        if found and not any(map(_faults, containers.leaves([*inputs, parameters]))):
            shapes = ", ".join(str(np.shape(value)) for value in inputs)
            raise AnomalyError(
                f"{rule.__name__}: {found} of the output of shape {output.shape}, which was "
                f"computed from finite inputs of shapes {shapes}; {_at(_caller())}"
            )

    def _record(self, node: Function) -> Record:
        """Return what is noted of an operation that has just been recorded."""
        return Record(node, self.check_nan)


class Record:
    """What is known of a node of a graph that was recorded in anomaly mode."""

    def __init__(self, node: Function, check_nan: bool) -> None:
        self.rule = type(node)
        self.place = _caller()
        self.check_nan = check_nan
        kept = containers.leaves([node.saved, vars(node)])
        self._lock: Lock | None = Lock(value for value in kept if isinstance(value, ndarray))

    def __str__(self) -> str:
        return _at(self.place)

    def unlock(self, retain_graph: bool) -> None:
        """Let the arrays of the node be written to again, unless another backward may need them."""
        if not retain_graph:
            self._lock = None

    def check_gradients(self, gradient: Any, results: Any) -> None:
        """Raise where the rule made something that is not finite of a finite gradient."""
        if not self.check_nan or _faults(gradient):
            return
        results = results if isinstance(results, tuple | list) else (results,)
        for position, result in enumerate(results):
            if found := _faults(result):
                raise AnomalyError(
                    f"{self.rule.__name__}: {found} of the gradient of input {position}, of shape "
                    f"{np.shape(_plain(result))}, which the rule computed from a finite gradient "
                    f"of shape {gradient.shape}"
                )


def _at(place: Place | None) -> str:
    if place is None:
        return "the line that recorded it is unknown"
    path, number, function = place
    code = linecache.getline(path, number).strip()
    return f"recorded at {path}, line {number}, in {function}" + (f": {code}" if code else "")


def _caller() -> Place | None:
    """Return the innermost line that is not in a package of operations."""
    operations = registry.operations.values()
    packages = {op.function.__module__.partition(".")[0] for op in operations} - {"__main__"}
    frame: Any = sys._getframe(1)
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in packages and not package.startswith("tinytorch"):
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, SparseGradient):
        return value.values
    return value._data if isinstance(value, Variable) else value


def _faults(value: Any) -> str:
    """Say how many elements are NaN or infinite; nothing where none is."""
    array = np.asarray(_plain(value))
    if array.dtype.kind != FLOATING:
        return ""
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    kinds = " and ".join(f"{n} {what}" for n, what in ((nan, "NaN"), (infinite, "infinite")) if n)
    return f"{kinds} of the {array.size} elements" if kinds else ""
