"""Says which rank it was, where one is killed or crashes, and ends the others.

A rank cannot say so itself, nor can the others: most often mpiexec kills them at once, and may then
name any of them; sometimes it lets them wait for ever. So there is a process more on each computer,
this file as a program, which is no rank. Each rank has a connection to it, which the system closes
where the rank does not.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from select import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpi4py import MPI

HERE = "127.0.0.1"


class Watcher:
    """The process that watches the ranks of this computer.

    They all make one together, and none goes on before it is being watched.
    """

    def __init__(self, here: MPI.Comm, name: str) -> None:
        self._process = _started(here.size) if here.rank == 0 else None
        port = here.bcast(self._process and int(_said(self._process)))
        self._connection = socket.create_connection((HERE, port))
        self._connection.sendall(f"{os.getpid()}={name}".encode())
        self._connection.recv(1)

    def dismiss(self) -> None:
        """Have it say nothing: this rank is about to end, in order or with words of its own."""
        with suppress(OSError):  # it may have gone, by the word of another
            self._connection.sendall(b".")
        if self._process is not None:
            self._process.wait()


def _started(count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # else it would be killed as a part of this rank
    )


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with process.stdout as output:
        return output.readline()


def main(count: int) -> None:
    """Wait until a rank ends; unless it has sent a word, say which, and end the others."""
    with socket.create_server((HERE, 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        ranks = [server.accept()[0] for _ in range(count)]
    introduced = {rank: rank.recv(1000).decode().split("=") for rank in ranks}
    for rank in ranks:
        rank.sendall(b".")
    ended, _, _ = select(ranks, [], [])
    if any(rank.recv(1) for rank in ended):
        return
    for rank in ended:
        process, name = introduced.pop(rank)
        sys.stderr.write(f"{name}, process {process}, was killed or has crashed\n")
    for process, _ in introduced.values():
        with suppress(OSError):
            os.kill(int(process), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
