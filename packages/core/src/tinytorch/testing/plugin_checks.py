"""The checks that every plugin passes as a whole: it is found, and does as it is told."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..arguments import described
from ..discovery import PluginReport, examine
from ..errors import PluginError, PluginWarning
from ..metadata import normal_name
from ..missing import find
from ..operation import CORE, registry
from ..plugins import enable_autograd, ensure_enabled, isolated_registry
from .check import Check, Kit
from .operation_checks import op_checks

KIT = Kit()


def plugin_checks(distribution: str, *, until: str | None = None) -> list[Check]:
    """Return the checks of an installed distribution, and then those of all its operations.

    Parameters
    ----------
    distribution : str
        Its name. Its sources are not needed.
    until : str, optional
        A release of core: checks that came later are left out.

    Raises
    ------
    TypeError
        If it is no name.

    Examples
    --------
    >>> print(*plugin_checks("tinytorch-core")[:2])
    tinytorch-core-discovered tinytorch-core-no_clash
    """
    if not isinstance(distribution, str):
        raise TypeError(
            "plugin_checks: a distribution is given by its name, but "
            f"{described(distribution)}, was given"
        )
    _attach_methods()
    checks = [
        Check(
            kind.name,
            kind.since,
            distribution,
            distribution,
            functools.partial(kind.body, distribution),
        )
        for kind in KIT.until(until)
    ]
    for report in _reports(distribution):
        for operation in report.operations:
            for check in op_checks(operation, until=until):
                check.distribution = distribution
                checks.append(check)
    return checks


def _attach_methods() -> None:
    """Enable autograd, if it is not; what else is broken here is not what is checked."""
    with warnings.catch_warnings(), suppress(PluginError):
        warnings.simplefilter("ignore", PluginWarning)
        ensure_enabled()


def _reports(distribution: str) -> list[PluginReport]:
    name = normal_name(distribution)
    return [report for report in examine() if normal_name(report.plugin.distribution) == name]


@contextmanager
def _alone(distribution: str, *, blocked: bool = False) -> Iterator[None]:
    """Enable autograd from nothing, without other plugins than those of one distribution."""
    everything = {report.plugin.distribution for report in examine()} - {CORE.distribution}
    names = {normal_name(name): name for name in everything}
    if not blocked:
        names.pop(normal_name(distribution), None)
    with isolated_registry(fresh=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        enable_autograd(quiet=True, strict=False, block=names.values())
        yield


@KIT.check(since="0.1")
def discovered(distribution: str) -> int:
    """An entry point of the distribution is found, and its module loads and registers."""
    reports = _reports(distribution)
    known = ", ".join(sorted({report.plugin.distribution for report in examine()}))
    assert reports, (
        f"no installed distribution {distribution!r} has an entry point of the group 'tinytorch'; "
        f"these have: {known}"
    )
    for report in reports:
        assert report.status == "loaded" or report.clashes, report.describe()
    return len(reports)


@KIT.check(since="0.1")
def no_clash(distribution: str) -> int:
    """No other installed plugin registers one of its names."""
    reports = _reports(distribution)
    for report in reports:
        assert not report.clashes, report.describe()
    return len(reports)


@KIT.check(since="0.1")
def registered_once(distribution: str) -> int:
    """Each operation is in use under its names, once, and a second enabling changes nothing."""
    with _alone(distribution):
        provided = [op for report in _reports(distribution) for op in report.operations]
        before = registry.operations
        for operation in provided:
            for name in operation.function_names:
                assert name in before, f"{name!r} is not in use after enabling"
                found, owner = before[name], registry.owners[name]
                assert found.function is operation.function, f"{name!r} is registered by {owner}"
        enable_autograd(quiet=True)
        assert registry.operations is before, "a second enabling registered anew"
    return len(provided)


@KIT.check(since="0.1")
def can_be_blocked(distribution: str) -> int:
    """A program that blocks the distribution has none of its operations, and is told so."""
    provided = [
        operation
        for report in _reports(distribution)
        if report.plugin != CORE
        for operation in report.operations
    ]
    with _alone(distribution, blocked=True):
        for operation in provided:
            message = _refusal(operation.name)
            assert message, f"{operation.name!r} is in use, though its plugin is blocked"
            assert "blocked" in message, f"the message does not say it is blocked: {message}"
    return len(provided)


def _refusal(name: str) -> str:
    """Return the message for a name that nothing provides, or nothing if something does."""
    try:
        find(name)
    except AttributeError as error:
        return str(error)
    return ""
