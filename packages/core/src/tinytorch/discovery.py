"""Finding the installed plugins, and asking each what it provides.

Each entry point of the group ``tinytorch`` is examined by itself, so that a broken plugin breaks
nothing else. pluggy and importlib.metadata are imported when the first plugin is looked for, for
``import tinytorch`` must not wait for them.
"""

from __future__ import annotations

import operator
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .errors import PluginError
from .operation import CORE, Operation, Plugin, check_operations, registry

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

GROUP = "tinytorch"
BLOCK_VARIABLE = "TINYTORCH_BLOCK_PLUGINS"
PATIENCE = 60.0
"""Seconds to wait for another thread that imports plugins: its imports may wait for this thread."""

_turns = threading.Condition()
_examining: int | None = None
"""The thread that examines plugins. It holds no lock, for imports take locks of their own."""


@dataclass(frozen=True, eq=False)
class PluginReport:
    """What became of one plugin: loaded, blocked or failed, and why."""

    plugin: Plugin
    status: Literal["loaded", "blocked", "failed"]
    file: str = ""
    error: str = ""
    operations: tuple[Operation, ...] = ()
    clashes: tuple[str, ...] = ()
    """The names that another plugin registers too; neither plugin is used then."""
    exception: BaseException | None = None
    way_out: str = ""
    """What to do about a failure, where the error itself does not say it."""

    def provides(self, name: str) -> bool:
        """Whether the plugin has, or would have, an operation of this name."""
        return any(name in operation.names for operation in self.operations)

    def describe(self) -> str:
        """Return one sentence about a plugin that is not in use."""
        sentence = f"{self.plugin} ({self.plugin.module}) {self.status}: {self.error}"
        return f"{sentence}; {self.way_out}" if self.way_out else sentence


def examine(block: Iterable[str] = ()) -> list[PluginReport]:
    """Import the installed plugins and ask each what it provides; put nothing to use.

    Parameters
    ----------
    block : iterable of str
        Distributions or entry points to leave alone, besides those that the environment variable
        ``TINYTORCH_BLOCK_PLUGINS`` names.

    Returns
    -------
    list of PluginReport
        One for each entry point, in the order of their distributions' names.
    """
    return in_turn(lambda: examine_each([*block, *blocked_by_environment()]))


def blocked_by_environment() -> list[str]:
    """Return the names in the environment variable ``TINYTORCH_BLOCK_PLUGINS``."""
    return [n.strip() for n in os.environ.get(BLOCK_VARIABLE, "").split(",") if n.strip()]


def is_named(plugin: Plugin, names: Iterable[str]) -> bool:
    """Whether a plugin is among `names`, by its distribution or its entry point; core never is."""
    own = {normal_name(plugin.distribution), normal_name(plugin.entry_point)}
    return plugin != CORE and not own.isdisjoint(map(normal_name, names))


def normal_name(name: str) -> str:
    """Return the one spelling that stands for all that package indexes take for the same name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def in_turn(work: Callable[[], T]) -> T:
    """Run `work`, which imports plugins, in one thread at a time, and never inside itself."""
    global _examining
    this_thread = threading.get_ident()
    if _examining == this_thread:
        raise PluginError(
            "a plugin that is being imported asked for the operations of all plugins; "
            "let it import the functions that it needs from their packages"
        )
    try:
        with _turns:
            if not _turns.wait_for(lambda: _examining is None, PATIENCE):
                raise PluginError(
                    f"another thread has been importing plugins for {PATIENCE:g} seconds, and may "
                    "be waiting for this one; call enable_autograd() before starting threads, and "
                    "start none that a plugin's import waits for"
                )
            _examining = this_thread
        return work()
    finally:
        if _examining == this_thread:
            _examining = None
        with _turns:
            _turns.notify_all()


def examine_each(blocked: list[str]) -> list[PluginReport]:
    """Examine the installed plugins, each by itself and then for clashes."""
    from importlib.metadata import entry_points

    found = [(_plugin(point), point) for point in entry_points(group=GROUP)]
    found.sort(key=lambda pair: pair[0].key)
    return _without_clashes([_examine_one(plugin, point, blocked) for plugin, point in found])


def _plugin(point: EntryPoint) -> Plugin:
    metadata: Any = {} if point.dist is None else point.dist.metadata
    name, version = metadata.get("Name"), metadata.get("Version")  # both may be missing
    return Plugin(name or "(unknown distribution)", point.name, version or "", point.value)


def _examine_one(plugin: Plugin, point: EntryPoint, blocked: list[str]) -> PluginReport:
    if is_named(plugin, blocked):
        return PluginReport(plugin, "blocked", _file(point), "it is blocked by name")
    try:
        _refuse_other_core(plugin, point)
        operations = check_operations(_ask(point.load(), str(plugin)))
        registry.refuse_taken(operations, unless_by=plugin)
    except (Exception, SystemExit) as error:  # a plugin may not end the program that looks at it
        kind = "" if isinstance(error, PluginError) else f"{type(error).__name__}: "
        way_out = (
            f"upgrade or reinstall {plugin.distribution}, or leave it out: "
            f"{BLOCK_VARIABLE}={plugin.distribution}"
        )
        return PluginReport(
            plugin, "failed", _file(point), f"{kind}{error}", exception=error, way_out=way_out
        )
    return PluginReport(plugin, "loaded", _file(point), operations=operations)


def _refuse_other_core(plugin: Plugin, point: EntryPoint) -> None:
    """Refuse a plugin that was made for another version of core, before it is imported."""
    core = sys.modules[__package__].__version__
    for requirement in (point.dist.requires if point.dist else None) or ():
        match = re.fullmatch(r"tinytorch[-_.]core *\(?([<>=!~0-9][^;()]*)\)?", requirement.strip())
        if match and not all(_allows(clause, core) for clause in match[1].split(",")):
            raise PluginError(
                f"it was made for another version of core: it requires {match[0]}, and this is "
                f"tinytorch-core {core}; install a release of {plugin.distribution} for "
                f"this core, or the core that it asks for: python -m pip install {match[0]!r}"
            )


def _allows(clause: str, version: str) -> bool:
    """Whether a clause such as ``<0.2`` allows a version; what is not understood is let through.

    Requirements are pip's business, and packaging knows them all; but core may not depend on it,
    and this only has to tell apart releases of core.
    """
    match = re.fullmatch(r" *(>=|<=|==|>|<) *([0-9]+(?:\.[0-9]+)*) *", clause)
    return match is None or _COMPARISONS[match[1]](_release(version), _release(match[2]))


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release, filled up with zeros."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    return (*numbers, 0, 0, 0, 0)[:4]


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def _file(point: EntryPoint) -> str:
    """The file of a plugin's module or, where that could not be imported, of its package."""
    from importlib.util import find_spec

    try:
        package = find_spec(point.module.partition(".")[0])  # a top-level one: nothing is run
        of_package = package.origin if package is not None else None
        return str(getattr(sys.modules.get(point.module), "__file__", None) or of_package or "")
    except Exception:  # finders are anybody's, and an entry point may name what is no module
        return ""


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
