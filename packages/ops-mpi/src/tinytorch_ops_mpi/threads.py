"""Each rank with its share of the cores.

By itself, NumPy starts a thread for each core on each rank, and those of the ranks get into each
other's way: on two cores, the tests of two ranks have taken seven to thirty times as long.
"""

from __future__ import annotations

import os
import sys

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships none

CHOICES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
"""The variables by which a user chooses."""


def share_cores(ranks: int) -> None:
    """Limit NumPy's threads on this rank, one of some on this computer, unless the user has."""
    if not any(choice in os.environ for choice in CHOICES):
        cores = os.cpu_count() or 1
        # mpiexec may have bound the rank to some of them.
        usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else cores
        threadpool_limits(share(ranks, cores, usable))


def share(ranks: int, cores: int, usable: int) -> int:
    """Return how many cores are one rank's, where it can use no more than some."""
    return min(usable, max(1, cores // ranks))
