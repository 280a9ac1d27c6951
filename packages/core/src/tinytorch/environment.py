"""What the environment says about plugins: which may be loaded, and whether they may fail."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import PluginError
from .metadata import is_named
from .operation import CORE, Plugin

ALLOW_VARIABLE = "TINYTORCH_PLUGINS"
BLOCK_VARIABLE = "TINYTORCH_BLOCK_PLUGINS"
STRICT_VARIABLE = "TINYTORCH_STRICT_PLUGINS"


@dataclass(frozen=True)
class Choice:
    """Which plugins may be loaded: those that are allowed and not blocked; core in any case."""

    blocked: tuple[str, ...]
    allowed: tuple[str, ...] | None
    """None where nothing is said, and all are."""

    def refusal(self, plugin: Plugin) -> tuple[str, str]:
        """Return why a plugin may not be loaded, and what to do about it; empty where it may."""
        if plugin == CORE:
            return "", ""
        if is_named(plugin, self.blocked):
            return "it is blocked by name", ""
        if self.allowed is None or is_named(plugin, self.allowed):
            return "", ""
        allow = ",".join((*self.allowed, plugin.distribution))
        if self.allowed:
            reason = f"{ALLOW_VARIABLE} allows {', '.join(self.allowed)} only"
        else:
            reason = f"plugins are off, by {ALLOW_VARIABLE}=off"
        return reason, f"allow it: {ALLOW_VARIABLE}={allow}"


def choose(block: Iterable[str] = ()) -> Choice:
    """Return what the environment says, with further names to block.

    Raises
    ------
    PluginError
        If ``TINYTORCH_PLUGINS`` is neither ``off`` nor names.
    """
    return Choice((*block, *_names(BLOCK_VARIABLE)), _allowed())


def is_strict() -> bool:
    """Whether ``TINYTORCH_STRICT_PLUGINS`` makes it an error if a plugin fails.

    Raises
    ------
    PluginError
        If it is neither 1 nor 0.
    """
    value = os.environ.get(STRICT_VARIABLE, "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise PluginError(
        f"{STRICT_VARIABLE} should be 1 or 0, but it is {value!r}; "
        "set it to one of them, or unset it"
    )


def _allowed() -> tuple[str, ...] | None:
    value = os.environ.get(ALLOW_VARIABLE, "")
    if not value.strip():
        return None
    names = _names(ALLOW_VARIABLE)
    if [name.lower() for name in names] == ["off"]:
        return ()
    if not names or "off" in map(str.lower, names):
        raise PluginError(
            f"{ALLOW_VARIABLE} should be off, or names of plugins separated by commas, "
            f"but it is {value!r}"
        )
    return names


def _names(variable: str) -> tuple[str, ...]:
    """Return the names in a variable, which commas separate."""
    given = (name.strip() for name in os.environ.get(variable, "").split(","))
    return tuple(name for name in given if name)
