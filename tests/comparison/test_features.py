"""docs/compare.md says of each library what a program finds in it."""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from .libraries import FEATURES, LIBRARIES, Library

PAGE = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")
INSTALLED = [library for library in LIBRARIES if find_spec(library.package)]

each_library = pytest.mark.parametrize("library", INSTALLED, ids=lambda library: library.title)


def rows() -> list[list[str]]:
    """Return the cells of the table, the head of it first."""
    table = re.search(r"^\| \| tinytorch .*\n\|(?:---\|)+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table
    lines = [table[0].partition("\n")[0], *table[1].splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_all_programs() -> None:
    """Its columns are the libraries, its rows the programs, and its cells say yes or no."""
    head, *body = rows()
    assert head == ["", *(library.title for library in LIBRARIES)]
    assert [label for label, *_ in body] == list(FEATURES)
    assert {cell for _, *cells in body for cell in cells} == {"yes", "no"}


# What other libraries warn of is not ours to judge.
@pytest.mark.filterwarnings("ignore")
@each_library
@pytest.mark.parametrize("label", FEATURES)
def test_cell(label: str, library: Library) -> None:
    """A cell says what the program finds, where one that fails counts as no."""
    try:
        found = getattr(library, FEATURES[label])()
    except (AttributeError, RuntimeError, TypeError):
        found = False
    head, *body = rows()
    (stated,) = [cells for cells in body if cells[0] == label]
    assert stated[head.index(library.title)] == ("yes" if found else "no")


@each_library
def test_version(library: Library) -> None:
    """The page names the versions of the others that the programs ran with."""
    if library.package == "tinytorch":
        return
    minor = ".".join(version(library.package).split(".")[:2])
    assert f"{library.title} {minor}" in " ".join(PAGE.split())
