"""The command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from . import report
from .imports import measure_imports
from .libraries import LIBRARIES, PEERS
from .rounds import Result, Worker, measure, measure_memory
from .workloads import ALL, GROWTH, WORKLOADS

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
OTHERS = ["memory", "growth", "imports"]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="nox -s bench --",
        description="Time tinytorch and its peers against NumPy by hand; Markdown is printed.",
        epilog=f"names: {', '.join([*WORKLOADS, *OTHERS])}; peers: {', '.join(PEERS)}",
    )
    add = made.add_argument
    add("--only", nargs="+", metavar="NAME", default=["*"], help="such as gelu, or 'chain-*'")
    add("--peers", nargs="*", metavar="PEER", default=PEERS, choices=PEERS)
    add("--rounds", type=int, default=15, help="how many turns each library has (15)")
    add("--seconds", type=float, default=0.1, help="about how long a turn is (0.1)")
    add("--output", type=Path, metavar="FILE", help="write it there, or into that page")
    add("--profile", metavar="NAME", choices=ALL, help="show where our time goes, and by hand")
    return made


def main() -> None:
    options = parser().parse_args()
    if options.profile:
        profile(options.profile)
        return
    chosen = [
        name
        for name in [*WORKLOADS, *OTHERS]
        if any(fnmatch(name, pattern) for pattern in options.only)
    ]
    if not chosen:
        sys.exit(f"no workload is called {' or '.join(options.only)}; --help lists them")
    parts = []
    for part in measured(chosen, ["by-hand", "tinytorch", *options.peers], options):
        print(f"{part}\n", flush=True)
        parts.append(part)
    if options.output:
        write(options.output, "\n\n".join(parts))


def measured(chosen: list[str], libraries: list[str], options: argparse.Namespace) -> Iterator[str]:
    """Measure all that was chosen; the parts of the report, each when it is ready."""
    rounds, seconds = options.rounds, options.seconds
    yield report.machine(libraries, shlex.join(["nox", "-s", "bench", "--", *sys.argv[1:]]))
    results: list[Result] = []
    for name in chosen:
        if name in WORKLOADS:
            say(name)
            results.append(measure(WORKLOADS[name], libraries, rounds, seconds))
    if "memory" in chosen:
        say("memory")
        results.append(measure_memory(libraries, max(1, rounds // 2)))
    if results:
        yield report.comparison(results, libraries)
        yield report.against_pytorch(results)
    if "imports" in chosen:
        say("imports")
        yield report.imports(measure_imports(libraries, rounds))
    if "growth" in chosen:
        by_size = {}
        for operations, workload in GROWTH.items():
            say(workload.name)
            # Long chains take long.
            turns = rounds if operations < 100_000 else max(1, rounds // 5)
            by_size[operations] = measure(workload, libraries, turns, seconds)
        results += by_size.values()
        yield report.growth(by_size, libraries)
    yield report.missing(results)


def write(path: Path, text: str) -> None:
    """Write into a new file, or put the text in place of what a page has between its marks."""
    page = path.read_text("utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{path} has no lines {BEGIN} and {END} to write between")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")


def profile(name: str) -> None:
    """Print where the time of a workload goes, in tinytorch and by hand."""
    for library in ("tinytorch", "by-hand"):
        with Worker(library) as worker:
            found = worker.ask("profile", workload=name, seconds=3)
        print(f"## {LIBRARIES[library].title}, by line\n\n{found['lines']}\n")
        print(f"## {LIBRARIES[library].title}, by function\n\n{found['functions']}\n")


def say(name: str) -> None:
    """Tell whoever waits what is being measured."""
    print(f"{name} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
