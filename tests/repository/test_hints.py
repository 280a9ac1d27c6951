"""The one table by which core knows the names of the op packages is true."""

from __future__ import annotations

import tinytorch
from tinytorch.missing import HINTS
from tinytorch.operation import CORE, registry


def test_hints() -> None:
    """Each of our op packages provides the names that the table gives it, and no others."""
    with tinytorch.isolated_registry(fresh=True):
        tinytorch.enable_autograd(quiet=True, strict=True)
        provided: dict[str, set[str]] = {}
        for name, plugin in registry.owners.items():
            if (
                plugin != CORE
                and plugin.distribution.startswith("tinytorch-")
                and not name.startswith("np.")
            ):
                provided.setdefault(plugin.distribution, set()).add(name)
    assert {distribution: set(names) for distribution, names in HINTS.items()} == provided
