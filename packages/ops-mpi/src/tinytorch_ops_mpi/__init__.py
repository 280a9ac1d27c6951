"""Collective operations and data-parallel training over MPI, for tinytorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data_parallel import DataParallel
    from .gathering import AllGatherBackward, ReduceScatterBackward, all_gather, reduce_scatter
    from .ranks import RanksDisagreeError
    from .reductions import (
        AllReduceBackward,
        BroadcastBackward,
        ReduceBackward,
        all_reduce,
        broadcast,
    )

__version__ = "0.1.0"

__all__ = [
    "AllGatherBackward",
    "AllReduceBackward",
    "BroadcastBackward",
    "DataParallel",
    "RanksDisagreeError",
    "ReduceBackward",
    "ReduceScatterBackward",
    "all_gather",
    "all_reduce",
    "broadcast",
    "reduce_scatter",
]

if not TYPE_CHECKING:  # a type checker shall find fault with a name that is not here

    def __getattr__(name: str) -> Any:
        """Return a public name, for a program that uses it: on several ranks, that starts MPI.

        A rank that fails from here on ends all; before, the others would wait for it to start.
        tinytorch, which only looks for plugins, asks for none of the names.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import data_parallel, gathering, ranks, reductions

        ranks.start_if_launched()
        places = (data_parallel, gathering, ranks, reductions)
        value = next(vars(place)[name] for place in places if name in vars(place))
        return globals().setdefault(name, value)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
