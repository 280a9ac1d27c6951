"""The command line, ``python -m tinytorch``.

``plugins`` and ``ops`` say what is installed, whether or not it works: a plugin that is broken,
that clashes or that would end the program is listed with what is wrong with it. ``--json`` gives
the same as data. ``TINYTORCH_PLUGINS`` and ``TINYTORCH_BLOCK_PLUGINS`` count here too;
``TINYTORCH_STRICT_PLUGINS`` changes nothing. The exit status is 0 whatever failed, or with
``--strict`` 1 if a plugin did. ``plugins --no-import`` imports none of them.

``check`` runs the kit of `tinytorch.testing` on installed distributions, by pytest. ``new-plugin``
makes an op package to begin with.
"""

from __future__ import annotations

import argparse
import inspect
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import PluginError
from .plugins import PluginReport, examine
from .scaffold import new_plugin, next_steps
from .stubs import remove_stubs, write_stubs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.run is not _check:
        _parser().parse_args(arguments)  # it says what it does not know
    options.rest = rest
    try:
        status: int = options.run(options)
    except PluginError as error:  # of an environment variable that nobody can read
        print(error, file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    listing = argparse.ArgumentParser(add_help=False)
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.add_argument("--strict", action="store_true", help="exit with 1 if a plugin failed")
    parser = argparse.ArgumentParser(
        prog="python -m tinytorch", description="What is installed, and what op authors need."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    plugins = commands.add_parser(
        "plugins", parents=[listing], help="list the plugins, and what failed and why"
    )
    plugins.add_argument(
        "--no-import",
        dest="load",
        action="store_false",
        help="import no plugin, and list those that would be as `allowed`",
    )
    plugins.set_defaults(run=_list, rows=_plugin_rows, text=_plugin_text)
    ops = commands.add_parser(
        "ops", parents=[listing], help="list the operations, and where each comes from"
    )
    ops.set_defaults(run=_list, rows=_op_rows, text=_op_text, load=True)
    check = commands.add_parser(
        "check",
        help="test all operations of installed distributions, without their sources",
        epilog="Further arguments go to pytest, -x or -k relu for example.",
    )
    check.add_argument("distribution", nargs="+", help="the name that pip knows it by")
    check.set_defaults(run=_check)
    new = commands.add_parser(
        "new-plugin", help="make an op package: installable, typed, with an operation and its tests"
    )
    new.add_argument("name", help="the name of the distribution, such as tinytorch-splines")
    new.add_argument(
        "--directory",
        type=Path,
        help="the folder of the package, new or empty (default: one of its name, here)",
    )
    new.set_defaults(run=_new_plugin)
    stubs = commands.add_parser(
        "stubs",
        help="write stubs, by which type checkers and editors know the methods of plugins",
        epilog="Without --output they lie beside the installed core, where mypy and pyright look. "
        "In a project's folder `typings` pyright finds them too, and both in one on PYTHONPATH.",
    )
    stubs.add_argument("--output", metavar="FOLDER", type=Path, help="where they shall lie")
    stubs.add_argument("--remove", action="store_true", help="remove those that lie there")
    stubs.set_defaults(run=_stubs)
    return parser


def _check(options: argparse.Namespace) -> int:
    if find_spec("pytest") is None:
        print(
            "python -m tinytorch check runs on pytest, which is not installed: "
            "python -m pip install pytest",
            file=sys.stderr,
        )
        return 2
    # Of the directory nothing counts: neither its configuration, nor its tests, nor a cache in it.
    apart = ["-c", os.devnull, "--rootdir", str(Path(__file__).parent), "--noconftest"]
    names = [f"--tinytorch-distribution={name}" for name in options.distribution]
    command = [sys.executable, "-m", "pytest", "-p", "tinytorch", "-p", "no:cacheprovider", *apart]
    return subprocess.run([*command, "-q", "-ra", *names, *options.rest], check=False).returncode


def _new_plugin(options: argparse.Namespace) -> int:
    try:
        folder = new_plugin(options.name, options.directory)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(next_steps(folder))
    return 0


def _stubs(options: argparse.Namespace) -> int:
    with redirect_stdout(sys.stderr):
        reports = [] if options.remove else examine()
    try:
        if options.remove:
            files = remove_stubs(options.output)
        else:
            files = write_stubs(reports, options.output)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(map(str, files)))
    _print_failures(reports)
    return 0


def _list(options: argparse.Namespace) -> int:
    with redirect_stdout(sys.stderr):  # what a plugin prints is no part of the answer
        reports = examine(load=options.load)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # docstrings come in any script
    rows = options.rows(reports)
    text = json.dumps(rows, indent=2) if options.json else "\n".join(map(options.text, rows))
    with suppress(BrokenPipeError):  # whoever reads, `head` say, may have seen enough
        print(text, flush=True)
    return 1 if _print_failures(reports) and options.strict else 0


def _print_failures(reports: list[PluginReport]) -> bool:
    """Print which plugins failed and why, and return whether any did."""
    failures = [report for report in reports if report.status == "failed"]
    for report in failures:
        print(report.describe(), file=sys.stderr)
    return bool(failures)


def _plugin_rows(reports: list[PluginReport]) -> list[dict[str, Any]]:
    return [
        {
            "distribution": report.plugin.distribution,
            "version": report.plugin.version,
            "entry_point": report.plugin.entry_point,
            "module": report.plugin.module,
            "file": report.file,
            "status": report.status,
            "error": report.error,
            "operations": sorted(operation.name for operation in report.operations),
        }
        for report in reports
    ]


def _plugin_text(row: dict[str, Any]) -> str:
    details = [f"{row['entry_point']} = {row['module']}", row["file"], row["error"]]
    if row["operations"]:
        details.append(f"{len(row['operations'])} operations: {', '.join(row['operations'])}")
    return _paragraph(f"{row['distribution']} {row['version']}: {row['status']}", details)


def _op_rows(reports: list[PluginReport]) -> list[dict[str, Any]]:
    return [
        {
            "name": operation.name,
            "method": operation.method,
            "aliases": list(operation.aliases),
            "distribution": report.plugin.distribution,
            "version": report.plugin.version,
            "summary": (inspect.getdoc(operation.function) or "").partition("\n")[0],
            "file": inspect.getsourcefile(inspect.unwrap(operation.function)) or "",
        }
        for report in reports
        if report.status == "loaded"
        for operation in sorted(report.operations, key=lambda operation: operation.name)
    ]


def _op_text(row: dict[str, Any]) -> str:
    method = [f"x.{row['method']}"] if row["method"] else []
    names = ", ".join([row["name"], *row["aliases"], *method])
    heading = f"{names}: {row['distribution']} {row['version']}"
    return _paragraph(heading, [row["summary"], row["file"]])


def _paragraph(heading: str, details: list[str]) -> str:
    return "\n    ".join([heading, *filter(None, details)])


if __name__ == "__main__":
    sys.exit(main())
