"""The hook by which a plugin says what it provides."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from .operation import Operation

hookspec = pluggy.HookspecMarker("tinytorch")
hookimpl = pluggy.HookimplMarker("tinytorch")


@hookspec
def tinytorch_register_ops() -> Iterable[Operation]:  # type: ignore[empty-body]  # a specification
    """Return the operations that the plugin provides.

    Called when plugins are looked for. If it raises, or if one of the operations may not be
    registered, none of them is.

    Examples
    --------
    In the module that the entry point names::

        @tinytorch.hookimpl
        def tinytorch_register_ops():
            return [Operation(softplus, SoftplusBackward, method="softplus", samples=...)]
    """
