"""Write the notebooks of the pages, beside this file: ``nox -s notebooks -- write``.

The Python blocks of a page become cells. What stands below a block, the text that it prints or the
picture that it draws, is left out: a notebook makes it itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FOLDER = Path(__file__).parent
LEARN = (FOLDER.parent / "index.md").read_text("utf-8").partition("\n## Learn\n")[2]
PAGES = [
    FOLDER.parent / f"{name}.md"
    for name in re.findall(r"^- \[.*?\]\((\w+)\.md\)", LEARN.partition("\n## ")[0], re.MULTILINE)
]
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)\n```$"
    r"(?:\n\n```text\n(?P<output>.*?)^```$)?"
    r"(?:\n\n!\[.*?\]\(.*?\)$)?",
    re.DOTALL | re.MULTILINE,
)
INSTALL = """\
# What this notebook needs. Where it is installed already, nothing happens.
%pip install --quiet "tinytorch-core[inspect]" tinytorch-ops-nn tinytorch-ops-losses \
tinytorch-ops-math scipy"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the Python blocks of a page, each with what it prints."""
    found = BLOCK.finditer(page.read_text("utf-8"))
    return [(block["code"], block["output"] or "") for block in found]


def cells(page: Path) -> Iterator[NotebookNode]:
    """Yield the cells of a page, after one that installs what they need."""
    text, place = page.read_text("utf-8"), 0
    yield new_code_cell(INSTALL)
    for block in BLOCK.finditer(text):
        yield words(text[place : block.start()])
        yield new_code_cell(block["code"])
        place = block.end()
    yield words(text[place:])


def words(text: str) -> NotebookNode:
    """Return a cell of text, with links that lead there from the folder of the notebooks."""
    return new_markdown_cell(re.sub(r"\]\((?!https?:|#)", "](../", text.strip()))


def notebook(page: Path) -> str:
    """Return the notebook of a page, as the text of its file."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    filled = [cell for cell in cells(page) if cell.source]
    for number, cell in enumerate(filled):
        cell.id = f"{page.stem}-{number}"
    made = new_notebook(cells=filled, metadata={"kernelspec": kernel})
    return nbformat.writes(made) + "\n"


if __name__ == "__main__":
    for page in PAGES:
        (FOLDER / f"{page.stem}.ipynb").write_text(notebook(page), "utf-8")
