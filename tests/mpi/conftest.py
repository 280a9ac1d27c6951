"""Programs under mpiexec, each with a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def mpiexec(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program, or Python with some arguments, on several ranks."""

    def run(count: int, *program: str, time_limit: float = 30) -> subprocess.CompletedProcess[str]:
        arguments = list(program)
        if len(program) == 1:
            file = tmp_path / "program.py"
            file.write_text(textwrap.dedent(program[0]), "utf-8")
            arguments = [str(file)]
        beside = Path(sys.executable).parent
        launcher = shutil.which("mpiexec", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
        assert launcher, "there is no mpiexec; install an MPI, such as mpich"
        started = subprocess.Popen(
            [launcher, "-n", str(count), sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = started.communicate(timeout=time_limit)
        except subprocess.TimeoutExpired:
            started.terminate()  # which mpiexec hands on to the ranks
            output, _ = started.communicate()
            pytest.fail(f"not at its end after {time_limit} seconds; until then it said:\n{output}")
        return subprocess.CompletedProcess(arguments, started.returncode, output)

    return run
