"""Looking at the installed plugins, and asking each what it provides.

Each is examined by itself, so that a broken plugin breaks nothing else. pluggy is imported when the
first one is asked, for ``import tinytorch`` must not wait for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from .environment import BLOCK_VARIABLE, Choice, choose
from .errors import PluginError
from .metadata import GROUP, Candidate, file_of, find_plugins, is_named
from .operation import Operation, Plugin, check_operations, registry

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds to wait for another thread that imports plugins: its imports may wait for this thread."""

_queue: dict[int, None] = {}
"""The threads that came to examine plugins: the first does, and the others wait.

It is no lock, for imports take locks of their own.
"""


@dataclass(frozen=True, eq=False)
class PluginReport:
    """What became of one plugin, and why."""

    plugin: Plugin
    status: Literal["loaded", "allowed", "blocked", "failed"]
    """"allowed": it was not imported, though it may be."""
    error: str = ""
    operations: tuple[Operation, ...] = ()
    clashes: tuple[str, ...] = ()
    """The names that another plugin registers too; neither plugin is used then."""
    exception: BaseException | None = None
    way_out: str = ""
    """What to do about it, where the error itself does not say it."""

    @property
    def file(self) -> str:
        """Where its module is, or its package, if that can be told."""
        return file_of(self.plugin)

    def provides(self, name: str) -> bool:
        """Whether the plugin has, or would have, an operation of this name."""
        return any(name in operation.names for operation in self.operations)

    def describe(self) -> str:
        """Return one sentence about a plugin that is not in use."""
        sentence = f"{self.plugin} ({self.plugin.module}) {self.status}: {self.error}"
        return f"{sentence}; {self.way_out}" if self.way_out else sentence


def examine(block: Iterable[str] = (), *, load: bool = True) -> list[PluginReport]:
    """Import the installed plugins and ask each what it provides; put nothing to use.

    Parameters
    ----------
    block : iterable of str
        Distributions or entry points to leave alone, besides those that the environment excludes.
    load : bool
        Whether plugins are imported; otherwise only their metadata are read.

    Returns
    -------
    list of PluginReport
        One for each entry point, in the order of their distributions' names.

    Raises
    ------
    PluginError
        If ``TINYTORCH_PLUGINS`` is malformed, or a plugin calls this while it is being imported.
    """
    choice = choose(block)
    if not load:
        return [_examine_one(candidate, choice, load=False) for candidate in find_plugins()]
    return in_turn(lambda: examine_each(choice))


def in_turn(work: Callable[[], T]) -> T:
    """Run `work`, which imports plugins, in one thread at a time, and never inside itself."""
    this_thread = threading.get_ident()
    if this_thread in _queue:
        raise PluginError(
            "a plugin that is being imported asked for the operations of all plugins; "
            "let it import the functions that it needs from their packages"
        )
    end_of_patience = time.monotonic() + PATIENCE
    try:
        _queue[this_thread] = None
        while [*_queue][0] != this_thread:  # noqa: RUF015 - in one step, for others change it
            if time.monotonic() > end_of_patience:
                raise PluginError(
                    f"another thread has been importing plugins for {PATIENCE:g} seconds, and may "
                    "be waiting for this one; call enable_autograd() before starting threads, and "
                    "start none that a plugin's import waits for"
                )
            time.sleep(0.001)
        return work()
    finally:
        # Python lets no interrupt in between `work` and this call: so no thread keeps its place.
        _queue.pop(this_thread, None)


def examine_each(choice: Choice) -> list[PluginReport]:
    """Examine the installed plugins, each by itself and then for clashes."""
    return _without_clashes([_examine_one(candidate, choice) for candidate in find_plugins()])


def _examine_one(candidate: Candidate, choice: Choice, *, load: bool = True) -> PluginReport:
    plugin = candidate.plugin
    refusal, way_out = choice.refusal(plugin)
    if refusal:
        return PluginReport(plugin, "blocked", refusal, way_out=way_out)
    try:
        point = candidate.check()
        if not load:
            return PluginReport(plugin, "allowed")
        operations = check_operations(_ask(point.load(), str(plugin)))
        registry.refuse_taken(operations, unless_by=plugin)
    except (Exception, SystemExit) as error:  # a plugin may not end the program that looks at it
        kind = "" if isinstance(error, PluginError) else f"{type(error).__name__}: "
        way_out = (
            f"upgrade or reinstall {plugin.distribution}, or leave it out: "
            f"{BLOCK_VARIABLE}={plugin.distribution}"
        )
        message = f"{kind}{error}".removesuffix(": ")  # some have nothing to say
        return PluginReport(plugin, "failed", message, exception=error, way_out=way_out)
    return PluginReport(plugin, "loaded", operations=operations)


def _ask(module: Any, name: str) -> list[Any]:
    """Call the hook of one plugin module, in a manager of its own."""
    import pluggy

    from . import hooks

    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    manager.register(module, name)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{error}; the hook is called tinytorch_register_ops") from error
    hook = manager.hook.tinytorch_register_ops
    if not hook.get_hookimpls():
        raise PluginError(
            "it registers nothing: its tinytorch_register_ops lacks the marker @tinytorch.hookimpl"
            if hasattr(module, "tinytorch_register_ops")
            else "it registers nothing: it has no function tinytorch_register_ops, "
            "marked @tinytorch.hookimpl"
        )
    operations = [operation for answer in hook() for operation in answer]
    if not operations:
        raise PluginError("it registers nothing: its tinytorch_register_ops returns no operations")
    return operations


def _without_clashes(reports: list[PluginReport]) -> list[PluginReport]:
    """Mark as failed, whole, all plugins that register a name which another registers too."""
    claims: dict[str, list[PluginReport]] = {}
    for report in reports:
        for name in sorted({name for op in report.operations for name in op.claims}):
            claims.setdefault(name, []).append(report)
    clashes = {name: claimants for name, claimants in claims.items() if len(claimants) > 1}

    def judged(report: PluginReport) -> PluginReport:
        names = tuple(name for name, claimants in clashes.items() if report in claimants)
        if not names:
            return report
        plugins = [r.plugin for r in reports if any(r in clashes[name] for name in names)]
        other = next(r.plugin for r in clashes[names[0]] if r is not report)
        handles = (other.distribution, other.entry_point, report.plugin.distribution)
        handle = next(
            (h for h in handles if is_named(other, [h]) != is_named(report.plugin, [h])), handles[0]
        )
        error = (
            f"{' and '.join(map(str, plugins))} register the same name: "
            f"{', '.join(map(repr, names))}; uninstall one, or block one: {BLOCK_VARIABLE}={handle}"
            f", or enable_autograd(block=[{handle!r}]) before the first operation of a plugin"
        )
        return replace(report, status="failed", clashes=names, error=error, way_out="")

    return [judged(report) for report in reports]
