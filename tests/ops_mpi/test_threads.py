"""How many threads NumPy uses on each of several ranks."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits
from tinytorch_ops_mpi import threads


def in_use():
    return {library["num_threads"] for library in threadpool_info()}


@pytest.mark.parametrize(
    ("ranks", "cores", "usable", "expected"),
    [(1, 8, 8, 8), (2, 8, 8, 4), (3, 8, 8, 2), (4, 2, 2, 1), (4, 32, 8, 8), (4, 32, 1, 1)],
)
def test_the_share_of_a_rank(ranks, cores, usable, expected):
    """The cores are divided, each rank has one at least, and no more than it was bound to."""
    assert threads.share(ranks, cores, usable) == expected


def test_ranks_share_the_cores(monkeypatch):
    """As many threads as there are cores for the rank."""
    for choice in threads.CHOICES:
        monkeypatch.delenv(choice, raising=False)
    with threadpool_limits(2):
        threads.share_cores(ranks=10**6)
        assert in_use() <= {1}


@pytest.mark.parametrize("choice", threads.CHOICES)
def test_what_the_user_has_chosen_stays(monkeypatch, choice):
    """Any of the variables of BLAS libraries is enough."""
    for other in threads.CHOICES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(choice, "2")
    with threadpool_limits(2):
        threads.share_cores(ranks=10**6)
        assert in_use() <= {2}
