"""The command line: ``python -m tinytorch plugins`` and ``python -m tinytorch ops``.

Both say what is installed, whether or not it works: a plugin that is broken, that clashes or that
would end the program is listed with what is wrong with it. ``--json`` gives the same as data.
Plugins that ``TINYTORCH_BLOCK_PLUGINS`` names are blocked here too; ``TINYTORCH_STRICT_PLUGINS``
changes nothing. The exit status is 0 whatever failed, or with ``--strict`` 1 if a plugin did.
"""

from __future__ import annotations

import argparse
import inspect
import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from typing import Any

from .plugins import PluginReport, examine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit status."""
    options = _parser().parse_args(arguments)
    with redirect_stdout(sys.stderr):  # what a plugin prints is no part of the answer
        reports = examine()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # docstrings come in any script
    rows = options.rows(reports)
    text = json.dumps(rows, indent=2) if options.json else "\n".join(map(options.text, rows))
    with suppress(BrokenPipeError):  # whoever reads, `head` say, may have seen enough
        print(text, flush=True)
    failures = [report for report in reports if report.status == "failed"]
    for report in failures:
        print(report.describe(), file=sys.stderr)
    return 1 if options.strict and failures else 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    common.add_argument("--strict", action="store_true", help="exit with 1 if a plugin failed")
    parser = argparse.ArgumentParser(prog="python -m tinytorch", description="What is installed.")
    commands = parser.add_subparsers(required=True, metavar="command")
    plugins = commands.add_parser(
        "plugins", parents=[common], help="list the plugins, and what failed and why"
    )
    plugins.set_defaults(rows=_plugin_rows, text=_plugin_text)
    ops = commands.add_parser(
        "ops", parents=[common], help="list the operations, and where each comes from"
    )
    ops.set_defaults(rows=_op_rows, text=_op_text)
    return parser


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
