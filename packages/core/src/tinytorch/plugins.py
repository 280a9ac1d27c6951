"""Finding the installed plugins, and putting their operations to use.

Each entry point of the group ``tinytorch`` is examined by itself, so that a broken plugin breaks
nothing else. What is found is put to use in one step. pluggy and importlib.metadata are imported
when the first plugin is looked for, for ``import tinytorch`` must not wait for them.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .errors import PluginConflictError, PluginError, PluginWarning
from .operation import CORE, Operation, Plugin, Registry, check_operations, registry

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "tinytorch"
BLOCK_VARIABLE = "TINYTORCH_BLOCK_PLUGINS"
STRICT_VARIABLE = "TINYTORCH_STRICT_PLUGINS"

_enabling = threading.Lock()
_importing = threading.local()


@dataclass(frozen=True)
class PluginReport:
    """What became of one plugin: loaded, blocked or failed, and why."""

    plugin: Plugin
    status: str
    file: str = ""
    error: str = ""
    operations: tuple[Operation, ...] = ()
    clashes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return one sentence about a plugin that is not in use."""
        return f"{self.plugin} ({self.plugin.module}) {self.status}: {self.error}"


def examine(block: Collection[str] = ()) -> list[PluginReport]:
    """Import the installed plugins and ask each what it provides; put nothing to use.

    Parameters
    ----------
    block : collection of str
        Distributions or entry points to leave alone.

    Returns
    -------
    list of PluginReport
        One for each entry point, in the order of their distributions' names.
    """
    return _without_clashes([_examine_one(point, block) for point in _entry_points()])


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda point: (_distribution(point), point.name))


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "(unknown distribution)"


def _examine_one(point: EntryPoint, block: Collection[str]) -> PluginReport:
    plugin = Plugin(
        _distribution(point),
        point.name,
        point.dist.version if point.dist is not None else "",
        point.value,
    )
    if plugin != CORE and {plugin.distribution, plugin.entry_point} & set(block):
        return PluginReport(plugin, "blocked", error="it is blocked by name")
    try:
        with _importing_plugin():
            module = point.load()
            operations = check_operations(plugin, _ask(plugin, module))
        if plugin != CORE:
            _refuse_names_of_core(plugin, operations)
    except (Exception, SystemExit) as error:  # a plugin may not end the program that looks at it
        described = str(error) if isinstance(error, PluginError) else _describe(error)
        return PluginReport(plugin, "failed", _file(plugin), described)
    return PluginReport(plugin, "loaded", _file(plugin), operations=tuple(operations))


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _file(plugin: Plugin) -> str:
    module = sys.modules.get(plugin.module.partition(":")[0])
    return getattr(module, "__file__", None) or ""


@contextmanager
def _importing_plugin() -> Iterator[None]:
    _importing.now = True
    try:
        yield
    finally:
        _importing.now = False


def _ask(plugin: Plugin, module: Any) -> Iterable[Any]:
    """Call the hook of one plugin module, in a manager of its own."""
    import pluggy

    from . import hooks

    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    manager.register(module, str(plugin))
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(
            f"{plugin}: {error}; the hook is called tinytorch_register_ops"
        ) from error
    answers = manager.hook.tinytorch_register_ops()
    if not answers:
        marker = (
            "its tinytorch_register_ops lacks the marker @tinytorch.hookimpl"
            if hasattr(module, "tinytorch_register_ops")
            else "it has no function tinytorch_register_ops, marked @tinytorch.hookimpl"
        )
        raise PluginError(f"{plugin} registers nothing: {marker}")
    return [operation for answer in answers for operation in answer]


def _refuse_names_of_core(plugin: Plugin, operations: Iterable[Operation]) -> None:
    taken = [n for op in operations for n in sorted(op.names) if registry.owners.get(n) == CORE]
    if taken:
        raise PluginError(
            f"{plugin} registers {taken[0]!r}, an operation of {CORE.distribution}, which may not "
            "be replaced; rename the function or the method"
        )


def _without_clashes(reports: list[PluginReport]) -> list[PluginReport]:
    """Mark as failed, whole, all plugins that register a name which another registers too."""
    claims: dict[str, list[Plugin]] = {}
    for report in reports:
        for name in sorted({name for op in report.operations for name in op.names}):
            claims.setdefault(name, []).append(report.plugin)
    clashes = {name: plugins for name, plugins in claims.items() if len(plugins) > 1}

    def judged(report: PluginReport) -> PluginReport:
        names = tuple(name for name, plugins in clashes.items() if report.plugin in plugins)
        if not names:
            return report
        others = sorted({p for name in names for p in clashes[name]} - {report.plugin})
        listed = ", ".join(map(str, [report.plugin, *others]))
        return replace(
            report,
            status="failed",
            operations=(),
            clashes=names,
            error=(
                f"{listed} register the same name: {', '.join(map(repr, names))}; uninstall one, "
                f"or block one with {BLOCK_VARIABLE}={others[0].distribution} or "
                f"enable_autograd(block=[{others[0].distribution!r}])"
            ),
        )

    return [judged(report) for report in reports]


def enable_autograd(
    quiet: bool = False, *, strict: bool | None = None, block: Iterable[str] = ()
) -> None:
    """Find the installed op packages and put their operations to use.

    It happens by itself at the first use of an operation that core does not have. A second call
    does nothing.

    Parameters
    ----------
    quiet : bool
        Print nothing; otherwise one line says which distributions gave how many operations.
    strict : bool, optional
        Make it an error if a plugin fails, instead of a warning. By default what the environment
        variable ``TINYTORCH_STRICT_PLUGINS`` says.
    block : iterable of str
        Distributions or entry points to leave out, besides those that the environment variable
        ``TINYTORCH_BLOCK_PLUGINS`` names, separated by commas.

    Raises
    ------
    PluginConflictError
        If two distributions register one name. Nothing has been put to use then.
    PluginError
        If a plugin fails and `strict`; if `strict` or `block` come too late to be obeyed; or if a
        plugin calls this while it is being imported.

    Examples
    --------
    >>> enable_autograd(quiet=True)
    """
    names = [block] if isinstance(block, str) else list(block)
    if registry.enabled:
        _refuse_if_too_late(bool(strict), names)
        return
    _enable(_is_strict() if strict is None else strict, names, explicit=True)
    if not quiet:
        counts = (f"{r.plugin} {len(r.operations)}" for r in registry.reports if r.operations)
        print(f"tinytorch: operations enabled: {', '.join(counts)}")


def ensure_enabled() -> None:
    """Enable autograd if that has not happened: a clash leaves the clashing plugins out."""
    if not registry.enabled:
        _enable(_is_strict(), [], explicit=False)


def _enable(strict: bool, names: list[str], *, explicit: bool) -> None:
    if getattr(_importing, "now", False):
        raise PluginError(
            "a plugin that is being imported asked for the operations of all plugins; "
            "let it import the functions that it needs from their packages"
        )
    blocked = {*names, *_blocked_by_environment()}
    # Plugins are imported before the lock is taken: what they import may want it in its turn.
    reports = examine(blocked)
    clashes = [report for report in reports if report.clashes]
    failures = [report for report in reports if report.status == "failed"]
    if clashes and (explicit or strict):
        raise PluginConflictError(clashes[0].error)
    if failures and strict:
        raise PluginError(failures[0].describe())
    with _enabling:
        if registry.enabled:
            return
        for report in reports:
            if report.operations and report.plugin != CORE:
                registry.register(report.plugin, report.operations)
        registry.reports = tuple(reports)
        registry.enabled = True
    for report in failures:
        warnings.warn(report.describe(), PluginWarning, stacklevel=4)
    known = {name for r in reports for name in (r.plugin.distribution, r.plugin.entry_point)}
    for name in sorted(blocked - known):
        warnings.warn(
            f"no plugin is called {name!r}, so that blocking it does nothing; "
            "`python -m tinytorch plugins` lists those installed",
            PluginWarning,
            stacklevel=4,
        )


def _refuse_if_too_late(strict: bool, names: list[str]) -> None:
    for report in registry.reports:
        if strict and report.status == "failed":
            raise PluginError(f"enabled already, without strict=True, and {report.describe()}")
        if report.operations and {report.plugin.distribution, report.plugin.entry_point} & {*names}:
            raise PluginError(
                f"{report.plugin} is in use already and cannot be blocked any more; "
                "call enable_autograd(block=...) before the first operation of a plugin"
            )


def _blocked_by_environment() -> list[str]:
    return [n.strip() for n in os.environ.get(BLOCK_VARIABLE, "").split(",") if n.strip()]


def _is_strict() -> bool:
    value = os.environ.get(STRICT_VARIABLE, "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise PluginError(f"{STRICT_VARIABLE} should be 1 or 0, but it is {value!r}")


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
