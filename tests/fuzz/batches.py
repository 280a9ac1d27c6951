"""Programs by the batch: a few each, so that they can be spread over processes and named."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, seed, settings
from tinytorch import Operation

from .drawing import OPERATIONS, programs
from .programs import Program

PER_BATCH = 10
"""Hypothesis tries changes of earlier programs after ten, where new ones call more operations."""
FAVOURITES = 9
"""How many operations a batch prefers, by turns, so that twenty batches call almost all."""

FIRST = int(os.environ.get("TINYTORCH_FUZZ_FIRST", "0"))
NUMBER = int(os.environ.get("TINYTORCH_FUZZ_PROGRAMS", "200")) // PER_BATCH
BATCHES = range(FIRST, FIRST + NUMBER)


def for_each_program(
    batch: int,
    check: Callable[[Program], None],
    operations: Sequence[Operation] = OPERATIONS,
    shrink: bool = True,
) -> None:
    """Check the programs of a batch, the same each time; what fails is made small, and printed."""
    turns = range(batch * FAVOURITES, (batch + 1) * FAVOURITES)
    favourites = [operations[turn % len(operations)] for turn in turns]

    @seed(batch)
    @settings(
        max_examples=PER_BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate, *[Phase.shrink] * shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(programs(operations, favourites))
    def each(program: Program) -> None:
        try:
            check(program)
        except Exception as error:
            error.add_note(f"in the program\n\n{program}")
            raise

    each()
