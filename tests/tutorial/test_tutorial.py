"""docs/tutorial.md, followed to the letter: in an empty folder, with core from its wheel.

The wheels are looked for in ``dist``, where the session `build` leaves them. What else the page
installs comes from where pip finds it.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
DIST = ROOT / "dist"

COMPARED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What a shell is left with after a block: where it is, and its variables.
TELL_STATE = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"


class Block(NamedTuple):
    """A fenced block of the page, what stands below it as its output, and its line in the page."""

    language: str
    fails: bool
    text: str
    output: str
    line: int

    @property
    def file(self) -> str:
        """The file that it is, or changes, where its first line is a comment that says so."""
        named = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return named[1] if named else ""


def blocks() -> list[Block]:
    """Return the blocks of the page, in order, each text block with the one that printed it."""
    page = PAGE.read_text("utf-8")
    found = re.finditer(r"^```(\w+)( fails)?\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    matches = list(found)
    result = []
    for match, after in zip(matches, [*matches[1:], None], strict=True):
        output = after[3] if after and after[1] == "text" else ""
        line = page[: match.start()].count("\n") + 1
        if match[1] != "text":
            result.append(Block(match[1], bool(match[2]), match[3], output, line))
    return result


class Reader:
    """Somebody who does what the page says, in one shell."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state.json"
        self.folder = folder / "empty"
        self.folder.mkdir()
        of_this_run = ("TINYTORCH_", "PYTHON", "PYTEST_", "PY_COLORS", "FORCE_COLOR", "VIRTUAL_ENV")
        self._variables = {k: v for k, v in os.environ.items() if not k.startswith(of_this_run)}
        self._variables |= {
            "COLUMNS": "80",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_FIND_LINKS": f"{DIST} {os.environ.get('PIP_FIND_LINKS', '')}",
        }

    def follow(self, block: Block) -> str:
        """Do what a block says, and return what is printed."""
        if block.language == "diff":
            return self._change(block)
        if block.file:
            return self._write(block)
        if block.language == "sh":
            return self._run(block)
        assert block.language == "python", f"what is a reader to do with a {block.language} block?"
        return self._execute(["python", "-c", block.text], fails=block.fails)

    def _write(self, block: Block) -> str:
        (self.folder / block.file).write_text(block.text, "utf-8")
        return ""

    def _change(self, block: Block) -> str:
        path = self.folder / block.file
        text = path.read_text("utf-8")
        for hunk in block.text.partition("\n")[2].split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            old, new = (
                "".join(line[1:] for line in lines if line[0] in kinds) for kinds in ("- ", "+ ")
            )
            assert text.count(old) == 1, f"{block.file} should have this once:\n{old}"
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
        return ""

    def _run(self, block: Block) -> str:
        python = f'"{sys.executable}" -c "{TELL_STATE}" > "{self._state}"'
        printed = self._execute(["bash", "-ec", f"{block.text}\n{python}"], fails=block.fails)
        if not block.fails:
            folder, self._variables = json.loads(self._state.read_text("utf-8"))
            self.folder = Path(folder)
        return printed

    def _execute(self, command: list[str], *, fails: bool) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout


def test_tutorial(tmp_path: Path) -> None:
    """Each command works, or fails where the page says so, and prints what stands below it."""
    reader = Reader(tmp_path)
    for block in blocks():
        where = f"at line {block.line} of {PAGE.name}"
        try:
            printed = reader.follow(block)
        except Exception as error:
            error.add_note(where)
            raise
        matches = doctest.OutputChecker().check_output(block.output, printed, COMPARED)
        assert matches or not block.output, f"{where}: expected\n{block.output}\ngot\n{printed}"


def test_the_page_is_read_whole() -> None:
    """Each fence of the page belongs to a block that is followed, and so does what it is about."""
    found = blocks()
    fences = re.findall("^```", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(found) + 2 * sum(bool(block.output) for block in found)
    commands = "".join(block.text for block in found if block.language == "sh")
    for command in ("new-plugin", "pytest", "stubs", "check", "plugins"):
        assert command in commands
    assert any(".lorentz(" in block.text for block in found if not block.file)
    assert sum(block.fails for block in found) > 3
