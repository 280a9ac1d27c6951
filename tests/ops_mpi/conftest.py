"""What each rank has, known to all. These tests hold for one rank, and for any number."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch_ops_mpi.ranks import ranks


class Everyone:
    """The ranks, and arrays that each rank has of its own, which all can draw."""

    def __init__(self) -> None:
        self.rank, self.size = ranks().rank, ranks().size

    def have(self, shape, dtype=np.float64, seed=0):
        """The arrays of all ranks, in their order."""
        generators = [np.random.default_rng([seed, rank]) for rank in range(self.size)]
        return [(4 * g.standard_normal(shape)).astype(dtype) for g in generators]


@pytest.fixture
def everyone():
    return Everyone()
