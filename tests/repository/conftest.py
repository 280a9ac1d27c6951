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
import contextlib, importlib, io, json, pathlib, sys, traceback, warnings

def show(message, category, *_):
    print(f"{category.__name__}: {message}")

warnings.showwarning = show
from tinytorch.operation import registry

namespace = {"__name__": "__main__"}
printed = []
for files, source, page in json.load(sys.stdin):
    for name, text in files.items():
        path = pathlib.Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        importlib.invalidate_caches()
        registry.restart()
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            exec(compile(source, page, "exec"), namespace)
        except Exception as error:
            print("".join(traceback.format_exception_only(error)).rstrip())
    printed.append(output.getvalue())
print(json.dumps(printed))
"""


class Block(NamedTuple):
    """A fenced block of a page, and the number of its first line."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of the file that it is, where its first line is a comment that says so."""
        named = re.match(r"# ([\w/]+\.\w+)\n", self.text)
        return named[1] if named else None

    @property
    def files(self) -> dict[str, str]:
        """What has to be written so that the file that it is has been installed."""
        if self.file == "pyproject.toml":
            return installed(self.text)
        return {self.file: self.text} if self.file else {}

    @property
    def source(self) -> str:
        """The program that it is, with the page's line numbers in tracebacks."""
        is_program = self.language == "python" and self.file is None
        return "\n" * (self.line - 1) + self.text if is_program else ""


def installed(pyproject: str) -> dict[str, str]:
    """Return the metadata that an installer would have made of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    name, version = project["name"], project["version"]
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    points = project["entry-points"]["tinytorch"]
    requires = "".join(f"Requires-Dist: {name}\n" for name in project.get("dependencies", ()))
    return {
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/entry_points.txt": "[tinytorch]\n"
        + "".join(f"{key} = {value}\n" for key, value in points.items()),
    }


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(m[1], m[2], text[: m.start(2)].count("\n") + 1) for m in found]


@pytest.fixture
def run_page(tmp_path: Path) -> Callable[[Path], list[tuple[str, str]]]:
    """Return a function that runs a page: what its blocks should print, and what they printed.

    All Python blocks are one program, in a process of its own. What a block should print stands in
    a text block right after it, an error that ends the block as Python prints it last, and each
    warning with its class. A block whose first line is a comment with nothing but a file name
    is that file, and a pyproject.toml counts as installed from there on, in a program begun anew.
    """

    def run(page: Path) -> list[tuple[str, str]]:
        blocks = blocks_of(page)
        ran = subprocess.run(
            [sys.executable, "-W", "always", "-c", PROGRAM],
            input=json.dumps([(block.files, block.source, page.name) for block in blocks]),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            # Pages show what a program does by default, where a broken plugin is no error.
            env={**os.environ, "PYTHONPATH": str(tmp_path), "TINYTORCH_STRICT_PLUGINS": ""},
        )
        assert ran.returncode == 0, ran.stderr
        following = [*blocks[1:], Block("", "", 0)]
        return [
            (after.text if after.language == "text" else "", printed)
            for block, after, printed in zip(blocks, following, json.loads(ran.stdout), strict=True)
            if block.source
        ]

    return run
