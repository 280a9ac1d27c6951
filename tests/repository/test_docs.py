"""What the pages under docs show is so, and no page points at something that is not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = sorted(ROOT.glob("docs/*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_examples(page: Path, run_page: Callable[[Path], list[tuple[str, str]]]) -> None:
    """The Python blocks of a page run, in their order, and print what stands below them."""
    results = run_page(page)
    assert any(expected for expected, _ in results)
    for expected, printed in results:
        assert printed == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page: Path) -> None:
    """What a page links to in the repository is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_sessions(page: Path) -> None:
    """The nox sessions that a page names exist."""
    noxfile = (ROOT / "noxfile.py").read_text("utf-8")
    decorated = re.findall(r"^@nox\.session(.*)\ndef (\w+)", noxfile, re.MULTILINE)
    sessions = {name for _, name in decorated} | set(re.findall(r'name="(\w+)"', noxfile))
    named = re.findall(r"nox -s (\w+)", page.read_text("utf-8"))
    assert len(sessions) > 10
    assert set(named) <= sessions


def test_the_map_of_the_engine_names_files_that_exist() -> None:
    """Each file in the last table of docs/engine.md is in the package."""
    package = ROOT / "packages" / "core" / "src" / "tinytorch"
    table = (ROOT / "docs" / "engine.md").read_text("utf-8").rpartition("## ")[2]
    names = re.findall(r"`(\w+(?:\.py|/))`", table)
    assert len(names) > 5
    assert [name for name in names if not (package / name).exists()] == []
