"""N ranks that share the batches of one end with its parameters."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
from mpi4py import MPI
from tinytorch import ops
from tinytorch_ops_mpi import DataParallel
from tinytorch_optim import SGD

RANK, SIZE = MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
STEPS, BATCH = 50, 8
EXAMPLE = Path(__file__).parents[3] / "examples" / "transformer" / "topics_transformer.py"


class Digits:
    """The classifier of examples/data_parallel, on numbers that are drawn."""

    learning_rate = 0.05

    def __init__(self) -> None:
        self.model = nn.Sequential(
            *(nn.Linear(64, 128), nn.ReLU()), *(nn.Linear(128, 64), nn.ReLU()), nn.Linear(64, 10)
        )

    def draw(self, generator):
        return generator.random((BATCH, 64)), generator.integers(10, size=BATCH)

    def loss(self, images, labels):
        dtype = self.model[0].weight.dtype
        return ops.cross_entropy(self.model(images.astype(dtype)), labels)


class SoftDigits(Digits):
    """The same with a third party's operation between the layers."""

    def __init__(self) -> None:
        self.model = nn.Sequential(
            nn.Linear(64, 32), ops.softramp, nn.Linear(32, 32), ops.softramp, nn.Linear(32, 10)
        )


class Text:
    """The transformer of examples/transformer, on characters that are drawn."""

    learning_rate = 0.05

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location("topics_transformer", EXAMPLE)
        self.example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.example)
        self.model = self.example.Transformer(96)

    def draw(self, generator):
        return (generator.integers(96, size=(BATCH, 17)),)

    def loss(self, windows):
        return self.example.mean_loss(self.model, windows)


def learn(task, dtype, *, shared: bool):
    """Return the parameters after some steps, with the batches or with the rank's share of each."""
    tinytorch.manual_seed(0)
    problem = task()
    for parameter in problem.model.parameters():
        parameter.data = parameter.data.astype(dtype)
    if shared:
        DataParallel(problem.model, bucket_cap_mb=0.05)
    optimizer = SGD(problem.model.parameters(), problem.learning_rate, momentum=0.9)
    generator = np.random.default_rng(1)
    share = slice(RANK * BATCH // SIZE, (RANK + 1) * BATCH // SIZE) if shared else slice(None)
    for _ in range(STEPS):
        batch = [part[share] for part in problem.draw(generator)]
        optimizer.zero_grad()
        problem.loss(*batch).backward()
        optimizer.step()
    return {name: p.data for name, p in problem.model.named_parameters()}


def deviation(some, others):
    """The largest difference, by the size of the parameter that it is in."""
    return max(np.max(abs(some[n] - others[n])) / np.max(abs(others[n])) for n in others)


@pytest.mark.parametrize("task", [Digits, SoftDigits, Text])
def test_the_parameters_are_those_of_one_rank(task) -> None:
    """In double precision to 11 digits; in single precision as near as rounding lets them come.

    How near that is, the run of one rank shows: by how far it is from that in double precision.
    """
    exact = learn(task, np.float64, shared=False)
    assert deviation(learn(task, np.float64, shared=True), exact) < 1e-11
    alone, together = (learn(task, np.float32, shared=shared) for shared in (False, True))
    assert deviation(together, exact) < 4 * deviation(alone, exact)


def test_all_ranks_have_the_same() -> None:
    """Bit for bit, for each has added the same."""
    own = learn(Digits, np.float32, shared=True)
    of_root = MPI.COMM_WORLD.bcast(own)
    for name in own:
        np.testing.assert_array_equal(own[name], of_root[name])
