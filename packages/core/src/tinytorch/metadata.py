"""Which plugins are installed, by the metadata of distributions: nothing is imported for it."""

from __future__ import annotations

import operator
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from typing import Any

from .errors import PluginError
from .operation import Plugin

GROUP = "tinytorch"
FILE = "entry_points.txt"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A plugin by its entry point; or a distribution that should have one, and what is wrong."""

    plugin: Plugin
    distribution: Distribution
    point: EntryPoint | None = None
    fault: str = ""

    def check(self) -> EntryPoint:
        """Return the entry point, if nothing speaks against importing what it names.

        Raises
        ------
        PluginError
            If the metadata are damaged, or ask for another version of core.
        """
        if self.point is None or self.fault:
            raise PluginError(self.fault)
        core = sys.modules[__package__].__version__
        for requirement in self._requirements():
            match = _OF_CORE.fullmatch(requirement.strip())
            if match and not all(allows(clause, core) for clause in match[1].split(",")):
                raise PluginError(
                    f"it was made for another version of core: it requires {match[0]}, and this "
                    f"is tinytorch-core {core}; install a release of {self.plugin.distribution} "
                    f"for this core, or the core that it asks for: "
                    f"python -m pip install {match[0]!r}"
                )
        return self.point

    def _requirements(self) -> list[str]:
        try:
            return self.distribution.requires or []
        except Exception as error:
            raise PluginError(
                f"its METADATA cannot be read: {type(error).__name__}: {error}"
            ) from error


def find_plugins() -> list[Candidate]:
    """Return the installed plugins, in the order of their distributions' names."""
    found: dict[str, list[Candidate]] = {}
    for distribution in distributions():
        candidates = _candidates(distribution)
        if candidates:  # of two distributions of one name, Python imports the first on its path
            found.setdefault(normal_name(candidates[0].plugin.distribution), candidates)
    return sorted((c for group in found.values() for c in group), key=lambda c: c.plugin.key)


def _candidates(distribution: Distribution) -> list[Candidate]:
    """Return the plugins of one distribution, whose metadata may be damaged in any way."""
    try:
        if f"[{GROUP}]" not in (distribution.read_text(FILE) or ""):
            return []
        points = [p for p in dict.fromkeys(distribution.entry_points) if p.group == GROUP]
    except Exception as error:
        fault = f"its {FILE} cannot be read: {type(error).__name__}: {error}"
        return [Candidate(_plugin(distribution, None, FILE), distribution, fault=fault)]
    named = Counter(point.name for point in points)
    return [
        Candidate(
            _plugin(distribution, point.name, point.value),
            distribution,
            point,
            _fault(point, named[point.name]),
        )
        for point in points
    ]


def _plugin(distribution: Distribution, entry_point: str | None, module: str) -> Plugin:
    try:
        metadata: Any = distribution.metadata
        name, version = metadata.get("Name"), metadata.get("Version")
    except MemoryError:
        raise  # a plugin whose name is not known could not be blocked by it
    except Exception:
        name = version = None  # METADATA may be missing, or no text
    name = str(name or f"(unknown distribution in {distribution.locate_file('')})")
    return Plugin(name, name if entry_point is None else entry_point, str(version or ""), module)


def _fault(point: EntryPoint, of_this_name: int) -> str:
    """Return what is wrong with an entry point, if anything is."""
    if of_this_name > 1:
        return (
            f"its {FILE} has {of_this_name} entry points of this name, which nothing tells apart; "
            "each should have a name of its own"
        )
    try:
        point.module  # noqa: B018 - a property, which takes the value apart
    except Exception:
        return f"its entry point should name a module, as 'package.plugin', not {point.value!r}"
    return ""


def file_of(plugin: Plugin) -> str:
    """Return the file of a plugin's module or, where that is not imported, of its package."""
    module = plugin.module.partition(":")[0].strip()
    try:
        package = find_spec(module.partition(".")[0])  # a top-level one: nothing is run
        of_package = package.origin if package is not None else None
        return str(getattr(sys.modules.get(module), "__file__", None) or of_package or "")
    except Exception:  # finders are anybody's, and an entry point may name what is no module
        return ""


def is_named(plugin: Plugin, names: Iterable[str]) -> bool:
    """Whether a plugin is among `names`, by its distribution or its entry point."""
    own = {normal_name(plugin.distribution), normal_name(plugin.entry_point)}
    return not own.isdisjoint(map(normal_name, names))


def normal_name(name: str) -> str:
    """Return the one spelling that stands for all that package indexes take for the same name."""
    return re.sub(r"[-_.]+", "-", name).lower()


_OF_CORE = re.compile(r"tinytorch[-_.]+core *\(?([<>=!~0-9][^;()]*)\)?", re.IGNORECASE)
"""A requirement of core. One with an environment marker is left to pip."""


def allows(clause: str, version: str) -> bool:
    """Whether a clause such as ``<0.2`` allows a version; what is not understood is let through.

    Requirements are pip's business, and packaging knows them all; but core may not depend on it,
    and this only has to tell apart releases of core.
    """
    match = re.fullmatch(r" *(>=|<=|==|>|<) *([0-9]+(?:\.[0-9]+)*) *", clause)
    return match is None or _COMPARISONS[match[1]](_release(version), _release(match[2]))


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release, without the zeros at the end: 0.1 is 0.1.0."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
