"""Running the code in a Markdown page, for the tests that hold it to what it says it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

PROGRAM = """
import contextlib, io, json, sys

namespace = {"__name__": "__main__"}
outputs = []
for source, name in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, name, "exec"), namespace)
    outputs.append(printed.getvalue())
print(json.dumps(outputs))
"""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if its first line is a comment with nothing else."""
        named = re.match(r"# ([\w/]+\.\w+)\n", self.text)
        return named[1] if named else None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(m[1], m[2], text[: m.start(2)].count("\n") + 1) for m in found]


@pytest.fixture
def run_page(tmp_path: Path) -> Callable[[Path], list[tuple[str, str]]]:
    """Return a function that runs a page: what each block should print, and what it printed.

    All Python blocks are one program, in a process of its own. A block that is a file by its first
    line is written instead; a pyproject.toml is taken for installed.
    """

    def run(page: Path) -> list[tuple[str, str]]:
        blocks = blocks_of(page)
        for block in blocks:
            if block.file is not None:
                _install(block.file, block.text, tmp_path)
        pairs = [
            (block, following.text if following.language == "text" else "")
            for block, following in zip(blocks, [*blocks[1:], Block("", "", 0)], strict=True)
            if block.language == "python" and block.file is None
        ]
        # With blank lines before it, a block has in tracebacks the line numbers of the page.
        sources = [("\n" * (block.line - 1) + block.text, page.name) for block, _ in pairs]
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM],
            input=json.dumps(sources),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            # Pages show what a program does by default, in which a broken plugin is no error.
            env={**os.environ, "PYTHONPATH": str(tmp_path), "TINYTORCH_STRICT_PLUGINS": ""},
        )
        assert ran.returncode == 0, ran.stderr
        expected = [text for _, text in pairs]
        return list(zip(expected, json.loads(ran.stdout), strict=True))

    return run


def _install(name: str, text: str, folder: Path) -> None:
    if name != "pyproject.toml":
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return
    project = tomllib.loads(text)["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    info.joinpath("entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
            for group, points in project["entry-points"].items()
        ),
        "utf-8",
    )
