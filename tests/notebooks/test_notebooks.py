"""The notebooks are those of the pages, and print what the pages say."""

from __future__ import annotations

import re
import runpy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
COMMAND = "nox -s notebooks -- write"
GENERATOR = runpy.run_path(str(FOLDER / "generate.py"))

each_page = pytest.mark.parametrize("page", GENERATOR["PAGES"], ids=lambda page: page.stem)


def test_every_page_has_one() -> None:
    """The notebooks, and the list of them, are those of the pages under Learn."""
    pages = {page.stem for page in GENERATOR["PAGES"]}
    listed = re.findall(r"\]\((\w+)\.ipynb\)", (FOLDER / "README.md").read_text("utf-8"))
    assert {"quickstart", "autograd"} <= pages
    assert pages == {path.stem for path in FOLDER.glob("*.ipynb")} == set(listed)


@each_page
def test_it_is_up_to_date(page: Path) -> None:
    """The command would change nothing."""
    file = FOLDER / f"{page.stem}.ipynb"
    assert file.read_text("utf-8") == GENERATOR["notebook"](page), f"write it anew: {COMMAND}"


@cache
def executed(page: Path) -> list[NotebookNode]:
    """Return the cells of code of a page's notebook when all have run, but that which installs."""
    made = nbformat.read(FOLDER / f"{page.stem}.ipynb", as_version=4)
    with TemporaryDirectory() as place:
        NotebookClient(made, resources={"metadata": {"path": place}}).execute()
    install, *cells = (cell for cell in made.cells if cell.cell_type == "code")
    assert "%pip install" in install.source
    return cells


@each_page
def test_it_prints_what_the_page_says(page: Path) -> None:
    """All cells run, and print what stands on the page."""
    ran = [
        (cell.source, "".join(output.text for output in cell.outputs if "text" in output))
        for cell in executed(page)
    ]
    assert ran == GENERATOR["blocks"](page)


@each_page
def test_pictures(page: Path) -> None:
    """A cell that ends with a picture draws it, and there are as many as on the page."""
    shown = [
        "image/svg+xml" in output.get("data", {})
        for cell in executed(page)
        if re.search(r"^draw\(", cell.source, re.MULTILINE)
        for output in cell.outputs
    ]
    pictures = re.findall(r"^```\n\n!\[", page.read_text("utf-8"), re.MULTILINE)
    assert shown == [True] * len(pictures)
