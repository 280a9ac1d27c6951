"""Times of an all-reduce and of a training step, for docs/data-parallel.md: ``mpiexec -n N``.

Rank 0 writes what was found into measured.json, beside what other numbers of ranks have found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import tinytorch_modules as nn
from mpi4py import MPI
from tinytorch import Tensor, ops
from tinytorch_ops_mpi import DataParallel
from tinytorch_optim import SGD

FILE = Path(__file__).with_name("measured.json")
WORLD = MPI.COMM_WORLD
SIZES = [2**exponent for exponent in range(10, 25, 2)]
WIDTHS, BATCH = [64, 128, 256, 512, 1024], 256


def least(measured: Callable[[], object]) -> float:
    """The least time of 30 calls that all ranks make together, in seconds."""
    times = []
    for _ in range(30):
        WORLD.Barrier()
        start = perf_counter()
        measured()
        WORLD.Barrier()
        times.append(WORLD.allreduce(perf_counter() - start, MPI.MAX))
    return min(times)


def all_reduce(size: int) -> float:
    array = np.ones(size // 4, np.float32)
    return least(lambda: WORLD.Iallreduce(MPI.IN_PLACE, array).Wait())


def step(width: int, batch: int, bucket_cap_mb: float | None) -> float:
    """A step of a network with two layers of a width; None is for ranks that share nothing."""
    model = nn.Sequential(
        *(nn.Linear(width, width), nn.ReLU()),
        *(nn.Linear(width, width), nn.ReLU()),
        nn.Linear(width, 10),
    )
    if bucket_cap_mb is not None:
        DataParallel(model, bucket_cap_mb=bucket_cap_mb)
    optimizer = SGD(model.parameters(), 0.01)
    images = Tensor(np.ones((batch, width), np.float32))
    labels = np.zeros(batch, np.int64)

    def one() -> None:
        optimizer.zero_grad()
        ops.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return least(one)


def main() -> None:
    found = {
        "all_reduce": {size: all_reduce(size) for size in SIZES},
        "apart": {width: step(width, BATCH // WORLD.size, None) for width in WIDTHS},
        "together": {width: step(width, BATCH // WORLD.size, 1) for width in WIDTHS},
        "afterwards": {width: step(width, BATCH // WORLD.size, 1e6) for width in WIDTHS},
    }
    if WORLD.rank == 0:
        measured = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
        measured[str(WORLD.size)] = found
        FILE.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
