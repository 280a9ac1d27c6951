"""What becomes of a program on several ranks: it ends, and says why, whatever one of them does.

Each program has a time limit, within which one that waits for ever fails the test.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tinytorch_ops_mpi.threads import CHOICES

TESTS = Path(__file__).parents[1]

BEGINNING = """
import contextlib, os, signal, sys
import numpy as np
from tinytorch import Function, Tensor
from tinytorch_ops_mpi import DataParallel, RanksDisagreeError, all_gather, all_reduce, broadcast
from tinytorch_ops_mpi.ranks import ranks

rank = ranks().rank

class Model:
    def __init__(self, **parameters):
        self.parameters_by_name = parameters

    def named_parameters(self):
        return self.parameters_by_name.items()

class Fails(Function):
    def forward(self, x):
        return x * 1

    def apply(self, grad_output):
        raise ZeroDivisionError

def parameter(*shape, dtype=np.float32):
    return Tensor(np.ones(shape), requires_grad=True, dtype=dtype)
"""


@pytest.fixture
def run(mpiexec):
    """Return a function that runs a program after the beginning that all have."""
    return lambda count, program: mpiexec(count, BEGINNING + program)


DISAGREEMENTS = {
    "operation": (
        "broadcast(Tensor([1.0])) if rank == 2 else all_reduce(Tensor([1.0]))",
        "there is all_reduce on ranks 0, 1 and broadcast on rank 2",
    ),
    "option": (
        "all_reduce(Tensor([1.0]), op='mean' if rank else 'sum')",
        "all_reduce: .* op='sum' on rank 0 and op='mean' on ranks 1, 2",
    ),
    "shape": (
        "all_gather(Tensor(np.ones(2 + rank)))",
        r"all_gather: .* shape \(2,\) on rank 0 and shape \(3,\) on rank 1 and shape \(4,\)",
    ),
    "dtype": (
        "all_reduce(Tensor([1.0], dtype=np.float64 if rank else np.float32))",
        "dtype float32 on rank 0 and dtype float64 on ranks 1, 2",
    ),
    "requires_grad": (
        "broadcast(Tensor([1.0], requires_grad=rank == 0))",
        "requires_grad=True on rank 0 and requires_grad=False on ranks 1, 2",
    ),
    "number of parameters": (
        "DataParallel(Model(a=parameter(2), **({'b': parameter(3)} if rank == 1 else {})))",
        r"DataParallel: .* nothing more on ranks 0, 2 and parameter b with .*\(3,\), .* on rank 1",
    ),
    "name of a parameter": (
        "DataParallel(Model(**{'weight' if rank else 'bias': parameter(2)}))",
        "parameter bias with .* on rank 0 and parameter weight with .* on ranks 1, 2",
    ),
    "shape of a parameter": (
        "DataParallel(Model(a=parameter(2 + rank // 2)))",
        r"parameter a with .* shape \(2,\), .* on ranks 0, 1 and .* \(3,\), .* on rank 2",
    ),
    "dtype of a parameter": (
        "DataParallel(Model(a=parameter(2, dtype=np.float64 if rank else np.float32)))",
        "parameter a with dtype float32, .* on rank 0 and .* float64, .* on ranks 1, 2",
    ),
    "use of a parameter": (
        """
a, b = parameter(2), parameter(3)
DataParallel(Model(a=a, b=b), bucket_cap_mb=1e-9)
loss = a.sum() if rank else a.sum() + b.sum()
try:
    loss.backward()
finally:
    assert a.grad is None and b.grad is None
""",
        "a gradient of parameter b on rank 0 and nothing more on ranks 1, 2",
    ),
    "backward that failed on one rank": (
        """
a, b = parameter(2), parameter(3)
DataParallel(Model(a=a, b=b), bucket_cap_mb=1e-9)
if rank == 0:
    with contextlib.suppress(ZeroDivisionError):
        (Fails.call(a).sum() * b).sum().backward()
(a.sum() * b.sum()).backward()
""",
        "a backward after one that failed on rank 0 and DataParallel's mean on ranks 1, 2",
    ),
    "backward": (
        """
a = parameter(2)
DataParallel(Model(a=a))
if rank:
    a.sum().backward()
all_reduce(a)
""",
        "all_reduce on rank 0 and DataParallel's mean on ranks 1, 2",
    ),
}


@pytest.mark.parametrize(("program", "message"), DISAGREEMENTS.values(), ids=DISAGREEMENTS)
def test_ranks_that_disagree(run, program, message):
    """All of them get one error, which says who is at what; none waits for another."""
    indented = "\n".join(f"    {line}" for line in program.splitlines())
    shown = 'print(f"{error}\\n", end="", flush=True)'
    ended = run(3, f"try:\n{indented}\nexcept RanksDisagreeError as error:\n    {shown}")
    assert ended.stdout.count("the ranks should be at the same") == 3, ended.stdout
    assert re.search(message, ended.stdout), ended.stdout
    assert ended.returncode == 0


def test_ranks_share_the_cores(mpiexec, monkeypatch):
    """More ranks than cores have a thread each, by the first import, and so are not slow."""
    for choice in CHOICES:
        monkeypatch.delenv(choice, raising=False)
    ended = mpiexec(
        os.cpu_count() + 1,
        """
        import sys, threadpoolctl
        from tinytorch_ops_mpi import all_reduce
        for library in threadpoolctl.threadpool_info():
            sys.stdout.write(f"{library['num_threads']} threads\\n")
        """,
    )
    assert {*re.findall(r"\d+ threads", ended.stdout)} == {"1 threads"}, ended.stdout


def test_versions_that_differ(mpiexec):
    """Ranks with other plugins installed, or other versions of them, do not begin to compute."""
    ended = mpiexec(
        2,
        """
        import importlib.metadata, os
        found = importlib.metadata.version
        other = "9.9" if os.environ.get("PMI_RANK", os.environ.get("PMIX_RANK")) == "1" else None
        importlib.metadata.version = lambda name: other or found(name)
        from tinytorch_ops_mpi import DataParallel
        """,
    )
    assert ended.returncode != 0
    message = r"versions: .* tinytorch-core 0\..* on rank 0 and tinytorch-core 9\.9 on rank 1"
    assert re.search(message, ended.stdout), ended.stdout


def test_an_error_that_is_caught(run):
    """The ranks can go on after it, together."""
    program = """
try:
    all_reduce(Tensor(np.ones(1 + rank)))
except RanksDisagreeError:
    sys.stdout.write(f"went on with {all_reduce(Tensor([1.0])).item()}\\n")
"""
    ended = run(3, program)
    assert ended.stdout.count("went on with 3.0") == 3, ended.stdout
    assert ended.returncode == 0


KILLED = "rank 1 of 3 on .*, was killed or has crashed"

DEATHS = {
    "exception": (
        "raise KeyError('no such digit')",
        "rank 1 of 3 has ended all ranks, by its KeyError: 'no such digit'",
    ),
    "exception in backward": (
        "(parameters[0] * 2).backward(np.ones(7))",
        "rank 1 of 3 has ended all ranks, by its GradientError: backward.* of shape",
    ),
    "exit": (
        "sys.exit()",
        "DataParallel's mean on ranks 0, 2 and the end of the program on rank 1",
    ),
    "exit with a status": (
        "sys.exit(3)",
        "DataParallel's mean on ranks 0, 2 and the end of the program on rank 1",
    ),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", KILLED),
    "crash": ("os.abort()", KILLED),
    "exit at once": ("os._exit(7)", KILLED),
}


@pytest.mark.parametrize(("death", "message"), DEATHS.values(), ids=DEATHS)
def test_a_rank_that_dies(run, death, message):
    """It ends the others, which wait for it in backward, and it is said which one it was."""
    program = f"""
parameters = [parameter(2), parameter(3)]
DataParallel(Model(a=parameters[0], b=parameters[1]), bucket_cap_mb=1e-9)
if rank == 1:
    {death}
(parameters[0].sum() * parameters[1].sum()).backward()
sys.stdout.write("went on\\n")
"""
    ended = run(3, program)
    assert ended.returncode != 0
    assert "went on" not in ended.stdout
    assert re.search(message, ended.stdout), ended.stdout


def test_a_rank_that_fails_before_the_first_collective(mpiexec):
    """The import of any name is enough for the others not to wait for it."""
    ended = mpiexec(
        3,
        """
        from mpi4py import MPI
        from tinytorch_ops_mpi import all_reduce
        if MPI.COMM_WORLD.rank == 2:
            raise FileNotFoundError("digits.csv")
        MPI.COMM_WORLD.Barrier()
        """,
    )
    assert ended.returncode != 0
    assert "rank 2 of 3 has ended all ranks, by its FileNotFoundError: digits" in ended.stdout


@pytest.mark.parametrize("count", [1, 2, 4])
def test_suite(mpiexec, count):
    """All tests of the package, and those under `ranks`, pass on each rank.

    The kit is long where it runs on many, and so runs on one number of several ranks.
    """
    paths = ["ops_mpi", "mpi/ranks/test_alike.py"] + ["mpi/ranks/test_kit.py"] * (count == 4)
    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    ended = mpiexec(count, *options, *(str(TESTS / path) for path in paths), time_limit=300)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count(" passed in ") == count
