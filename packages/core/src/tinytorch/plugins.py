"""Putting the operations of the installed plugins to use, and what a failure or clash leads to."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .arguments import described, one_of
from .discovery import PluginReport, examine, examine_each, in_turn
from .environment import ALLOW_VARIABLE, Choice, choose, is_strict
from .errors import PluginConflictError, PluginError, PluginWarning
from .metadata import is_named
from .operation import CORE, Registry, registry

__all__ = ["PluginReport", "enable_autograd", "ensure_enabled", "examine", "isolated_registry"]


def enable_autograd(
    quiet: bool = False, *, strict: bool | None = None, block: Iterable[str] = ()
) -> None:
    """Find the installed op packages and put their operations to use.

    It happens by itself at the first use of an operation that core does not have. A second call
    does nothing.

    Parameters
    ----------
    quiet : bool
        Print nothing; otherwise one line says how many operations each distribution gave.
    strict : bool, optional
        Make it an error if a plugin fails, instead of a warning. By default what the environment
        variable ``TINYTORCH_STRICT_PLUGINS`` says.
    block : iterable of str
        Distributions or entry points to leave out, besides those that the environment variable
        ``TINYTORCH_BLOCK_PLUGINS`` names, separated by commas.

    Raises
    ------
    PluginConflictError
        If two plugins register one name. Nothing is put to use then; or, if that happened by
        itself before, everything but these plugins is in use.
    TypeError, ValueError
        If `block` is no name, or `strict` neither true nor false.
    PluginError
        If a plugin fails and `strict`; if `strict` or `block` come too late to be obeyed; or if a
        plugin calls this while it is being imported.

    Examples
    --------
    >>> enable_autograd(quiet=True)
    """
    one_of("enable_autograd", "strict", strict, (None, True, False))
    names = _names(block)
    if not _enable(strict, names, explicit=True):
        _refuse_if_too_late(bool(strict), names)
        _warn_of_unknown(Choice(tuple(names), allowed=None))
    elif not quiet:
        counts = (f"{len(r.operations)} of {r.plugin}" for r in registry.reports if r.operations)
        print(f"tinytorch: operations in use: {', '.join(counts)}")  # noqa: T201 - not quiet


def _names(block: Any) -> list[str]:
    """Return one name, or several, as a list."""
    names = [block] if isinstance(block, str) or not isinstance(block, Iterable) else list(block)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                "enable_autograd: block should be names of distributions or entry points, but "
                f"{described(name)}, was given"
            )
    return names


def ensure_enabled() -> None:
    """Enable autograd if that has not happened: a clash leaves the clashing plugins out."""
    if not registry.enabled:
        _enable(None, [], explicit=False)


@contextmanager
def isolated_registry(*, fresh: bool = False) -> Iterator[Registry]:
    """Undo at the end of a ``with`` block what was registered or enabled inside; for tests.

    Parameters
    ----------
    fresh : bool
        Begin the block with core's operations alone, as a program does.

    Examples
    --------
    >>> with isolated_registry(fresh=True):
    ...     enable_autograd(quiet=True)
    """
    with registry.isolated():
        if fresh:
            registry.restart()
        yield registry


def _enable(strict: bool | None, names: list[str], *, explicit: bool) -> bool:
    """Enable autograd, and return whether this thread did it: another may have been quicker."""
    strict = is_strict() if strict is None else strict
    choice = choose(names)

    def enable() -> bool:
        if registry.enabled:
            return False
        reports = examine_each(choice)
        failures = [report for report in reports if report.status == "failed"]
        for report in failures:
            if report.clashes and (explicit or strict):
                raise PluginConflictError(report.error)
        if failures and strict:
            raise PluginError(failures[0].describe()) from failures[0].exception
        # The traceback of an exception would keep alive whatever the program had at hand.
        registry.enable(replace(report, exception=None) for report in reports)
        return True

    if not in_turn(enable):
        return False
    for report in registry.reports:
        if report.status == "failed":
            _warn(report.describe())
    _warn_of_unknown(choice)
    return True


def _refuse_if_too_late(strict: bool, names: list[str]) -> None:
    """Raise an error if a call would have had another outcome, had it been the first."""
    for report in _other_than_core():
        if is_named(report.plugin, names) and (report.clashes or report.status == "loaded"):
            raise PluginError(
                f"{report.plugin} cannot be blocked any more, for autograd is enabled already; "
                "call enable_autograd(block=...) before the first operation of a plugin"
            )
    for report in registry.reports:
        if report.clashes:
            raise PluginConflictError(report.error)
        if strict and report.status == "failed" and not is_named(report.plugin, names):
            raise PluginError(f"enabled already, without strict=True, and {report.describe()}")


def _warn_of_unknown(choice: Choice) -> None:
    """Warn of names that were blocked or allowed, and that no plugin has."""
    for name in choice.blocked:
        if not any(is_named(report.plugin, [name]) for report in _other_than_core()):
            _warn(
                f"blocking {name!r} does nothing, for no plugin that can be blocked is called so; "
                "`python -m tinytorch plugins` lists those installed"
            )
    for name in choice.allowed or ():
        if not any(is_named(report.plugin, [name]) for report in registry.reports):
            _warn(
                f"{ALLOW_VARIABLE} allows {name!r}, but no plugin is called so; "
                "`python -m tinytorch plugins` lists those installed"
            )


def _other_than_core() -> list[PluginReport]:
    return [report for report in registry.reports if report.plugin != CORE]


def _warn(message: str) -> None:
    """Warn at the line that led here from outside of this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_globals):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, PluginWarning, stacklevel=level)


def _is_ours(module: dict[str, Any]) -> bool:
    return str(module.get("__name__")).partition(".")[0] == __package__
