"""The ranks: the processes that mpiexec started, all of which run one program.

MPI pairs the n-th collective of one rank with the n-th of each other, whatever they are: where the
ranks differ it waits for ever, or mixes up data. So each collective here begins with a small one,
always the same, in which the ranks compare what they are about to do; and a rank that has come to
the end of its program goes on comparing until all have.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.metadata import entry_points, version
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from tinytorch import Array

from .threads import share_cores
from .watching import Watcher

if TYPE_CHECKING:
    from types import TracebackType

    from mpi4py import MPI

RANK_IN_ENVIRONMENT = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
"""What mpiexec tells a process: that of MPICH and its relatives, of PMIx, and of Open MPI."""


class RanksDisagreeError(ValueError):
    """The ranks were about to do different things; none of them has done any."""


class Ranks:
    """All ranks, and what goes on between them: arrays only, and contiguous ones.

    Attributes
    ----------
    rank : int
        Which one this is, from 0.
    size : int
        How many there are.
    """

    def __init__(self, mpi: Any, communicator: MPI.Intracomm) -> None:
        self._mpi = mpi
        self._communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size

    def duplicate(self) -> Ranks:
        """Return the same ranks on a channel of their own, whose order of calls is its own."""
        return Ranks(self._mpi, self._communicator.Dup())

    def agree(self, *items: str) -> None:
        """Raise a RanksDisagreeError on all ranks, unless all of them have called this alike."""
        theirs = self._compare(items)
        if theirs is not None:
            raise RanksDisagreeError(_difference(theirs))

    def _compare(self, items: tuple[str, ...]) -> list[tuple[str, ...]] | None:
        """Return what each rank has, if they differ."""
        if self.size == 1:
            return None
        digest = int.from_bytes(blake2b(repr(items).encode(), digest_size=7).digest())
        greatest = np.array([digest, -digest])
        self._communicator.Allreduce(self._mpi.IN_PLACE, greatest, self._mpi.MAX)
        if greatest[0] == -greatest[1]:  # the greatest is the least
            return None
        return self._communicator.allgather(items)

    def end(self) -> None:
        """Wait for the end of all ranks; one that still calls a collective is told."""
        while not self._mpi.Is_finalized() and self._compare(("the end of the program",)):
            pass

    def abort(self, error: BaseException) -> None:
        """End all ranks, because of an error in this one."""
        sys.stdout.flush()
        sys.stderr.write(
            f"rank {self.rank} of {self.size} has ended all ranks, by its "
            f"{type(error).__name__}: {error}\n"
        )
        sys.stderr.flush()
        self._communicator.Abort(1)

    def sum(self, x: Array) -> Array:
        """Return the sum of the arrays of all ranks."""
        total = np.empty_like(x)
        self._communicator.Allreduce(x, total)
        return total

    def sum_at(self, root: int, x: Array) -> Array:
        """Return at one rank the sum of the arrays of all, and zeros at the others."""
        total = np.zeros_like(x)
        self._communicator.Reduce(x, total if self.rank == root else None, root=root)
        return total

    def sum_of_own_part(self, x: Array) -> Array:
        """Return the rows of the sum of all arrays that belong to this rank."""
        part = np.empty((len(x) // self.size, *x.shape[1:]), x.dtype)
        self._communicator.Reduce_scatter_block(x, part)
        return part

    def begin_sum(self, x: Array) -> MPI.Request:
        """Begin to replace an array by the sum of those of all ranks."""
        return self._communicator.Iallreduce(self._mpi.IN_PLACE, x)

    def progress(self, requests: list[MPI.Request]) -> None:
        """Let what was begun go on: most MPI libraries do nothing but when they are called."""
        self._mpi.Request.Testall(requests)

    def wait(self, requests: list[MPI.Request]) -> None:
        """Wait for what was begun."""
        self._mpi.Request.Waitall(requests)

    # As bytes, for nothing is computed, and so arrays of any dtype can go.

    def overwrite(self, x: Array, root: int) -> None:
        """Replace an array by that of one rank."""
        self._communicator.Bcast([x, self._mpi.BYTE], root)

    def gather(self, x: Array) -> Array:
        """Return the rows of all ranks, in their order."""
        rows = np.empty((len(x) * self.size, *x.shape[1:]), x.dtype)
        self._communicator.Allgather([x, self._mpi.BYTE], [rows, self._mpi.BYTE])
        return rows


@cache
def ranks() -> Ranks:
    """Return the ranks. The first call starts MPI; a program without mpiexec is one rank.

    Raises
    ------
    ImportError
        If there is no MPI library.
    RanksDisagreeError
        If other versions of tinytorch or of plugins are installed for other ranks.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"tinytorch-ops-mpi needs an MPI library, and mpi4py finds none ({error}); install "
            "one, as by `python -m pip install mpich`, or load the module of your cluster"
        ) from error
    # What the program itself sends by MPI stays apart.
    communicator = MPI.COMM_WORLD.Dup()
    together = Ranks(MPI, communicator)
    if together.size > 1:
        here = communicator.Split_type(MPI.COMM_TYPE_SHARED)
        name = f"rank {together.rank} of {together.size} on {MPI.Get_processor_name()}"
        _end_together(together, Watcher(here, name))
        share_cores(here.size)
        together.agree("versions", *_installed())
    return together


def start_if_launched() -> None:
    """Start MPI, if mpiexec started this process."""
    if any(name in os.environ for name in RANK_IN_ENVIRONMENT):
        ranks()


def _end_together(together: Ranks, watcher: Watcher) -> None:
    """Have an exception that ends this rank end all; otherwise let it wait for their end."""
    print_exception = sys.excepthook

    def abort(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        print_exception(kind, error, traceback)
        watcher.dismiss()
        together.abort(error)

    sys.excepthook = abort
    atexit.register(watcher.dismiss)  # the last to be registered is the first to be called
    atexit.register(together.end)


def _installed() -> list[str]:
    plugins = {point.dist.name for point in entry_points(group="tinytorch") if point.dist}
    return [f"{name} {version(name)}" for name in sorted({"tinytorch-core", *plugins})]


def _difference(theirs: list[tuple[str, ...]]) -> str:
    """Say what the first difference is, and which ranks have what."""
    in_columns = zip_longest(*theirs, fillvalue="nothing more")
    position, column = next((i, c) for i, c in enumerate(in_columns) if len({*c}) > 1)
    holders: dict[str, list[int]] = {}
    for rank, item in enumerate(column):
        holders.setdefault(item, []).append(rank)
    where = f"{theirs[0][0]}: " if position else ""
    return (
        f"{where}the ranks should be at the same, but there is "
        f"{' and '.join(f'{item} on {_named(some)}' for item, some in holders.items())}; let each "
        "rank call the same operations in the same order, with the same shapes, dtypes and options"
    )


def _named(some: Iterable[int]) -> str:
    names = [*map(str, some)]
    return f"rank{'s' if len(names) > 1 else ''} {', '.join(names)}"
