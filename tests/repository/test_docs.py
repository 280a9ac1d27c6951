"""What the pages under docs show is so, and no page points at something that is not there."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import installed

ROOT = Path(__file__).parents[2]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]
# The session `tutorial` follows this one, which needs an environment of its own.
TUTORIAL = ROOT / "docs" / "tutorial.md"
EXAMPLE = re.compile(r"^```python\n.*?^```\n\n```text$", re.DOTALL | re.MULTILINE)
EXAMPLES = [page for page in DOCS if page != TUTORIAL and EXAMPLE.search(page.read_text("utf-8"))]
PLUGINS = ROOT / "tests" / "plugins"
COMPARED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", EXAMPLES, ids=name_of)
def test_examples(page: Path, run_page: Callable[[Path], list[tuple[str, str]]]) -> None:
    """The Python blocks of a page run, in their order, and print what stands below them."""
    results = run_page(page)
    assert any(expected for expected, _ in results)
    for expected, printed in results:
        assert without_place(printed) == without_place(expected)


def without_place(text: str) -> str:
    """Return a message without the file and line of a program, which a page shows as its own."""
    return re.sub(r"recorded at \S+, line \d+", "recorded at a line", text)


def test_the_examples_are_found() -> None:
    """Pages with examples, in the folder and below it, are taken for such."""
    names = {page.stem for page in EXAMPLES}
    assert names >= {"engine", "higher", "plugins", "function", "operation", "testing"}


def commands() -> list[tuple[str, str, str]]:
    """Return the commands in docs/plugins.md: where they run, what they are, what they print."""
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    return [
        (folder, command, output)
        for folder, block in re.findall(r"(?ms)^\[(\w+)\]\(\S+\)\n\n```console\n(.*?)^```$", page)
        for command, output in re.findall(r"(?ms)^\$ (.*?)\n(.*?)(?=^\$ |\Z)", block)
    ]


def test_every_broken_distribution_is_shown() -> None:
    """The page has a command for each broken distribution, but one that it only mentions."""
    broken = {path.parent.name for path in PLUGINS.glob("broken/*/pyproject.toml")}
    assert {folder for folder, _, _ in commands()} == broken - {"fork"}


@pytest.mark.parametrize(("folder", "command", "output"), commands())
def test_command(folder: str, command: str, output: str, tmp_path: Path) -> None:
    """A command prints what stands below it, where a broken distribution is beside a sound one."""
    for source in (PLUGINS / "broken" / folder, PLUGINS / "softramp" / "src"):
        shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    for project in (PLUGINS / "broken" / folder, PLUGINS / "softramp"):
        text = (project / "pyproject.toml").read_text("utf-8")
        for name, content in installed(text).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content, "utf-8")
    mine = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH_")}
    mine |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{mine['PATH']}"}
    mine |= {"PYTHONPATH": str(tmp_path), "COLUMNS": "80"}
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=mine,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert doctest.OutputChecker().check_output(output, done.stdout, COMPARED), done.stdout


def slug(heading: str) -> str:
    """Return what a link to a heading ends with."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page: Path) -> None:
    """What a page links to in the repository is there: the file, and the heading in it."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text("utf-8"))
    for target, heading in links:
        file = page.parent / target if target else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert heading in map(slug, headings), f"{target}#{heading}"


def sessions() -> set[str]:
    """Return the names of the sessions in noxfile.py."""
    noxfile = (ROOT / "noxfile.py").read_text("utf-8")
    decorated = re.findall(r"^@nox\.session(.*)\ndef (\w+)", noxfile, re.MULTILINE)
    renamed = [re.search(r'name="(\w+)"', arguments) for arguments, _ in decorated]
    return {new[1] if new else name for new, (_, name) in zip(renamed, decorated, strict=True)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sessions(page: Path) -> None:
    """The nox sessions that a page names exist."""
    named = re.findall(r"nox -s (\w+)", page.read_text("utf-8"))
    assert len(sessions()) > 10
    assert set(named) <= sessions()


def test_every_session_is_explained() -> None:
    """The table in CONTRIBUTING.md has each session, and no other."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == sessions()


def test_the_map_of_the_engine_names_files_that_exist() -> None:
    """Each file in the last table of docs/engine.md is in the package."""
    package = ROOT / "packages" / "core" / "src" / "tinytorch"
    table = (ROOT / "docs" / "engine.md").read_text("utf-8").rpartition("## ")[2]
    names = re.findall(r"`(\w+(?:\.py|/))`", table)
    assert len(names) > 5
    assert [name for name in names if not (package / name).exists()] == []
