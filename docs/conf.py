"""How Sphinx makes the site of these pages: ``nox -s site``.

Sphinx with MyST, for it takes plain Markdown, fails at a broken link or heading, and has releases
under maintenance: MkDocs has had none since 2024, Material for it ends, and Zensical is at 0.x.
"""

from __future__ import annotations

import re
import runpy
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "tinytorch"
author = "The tinytorch developers"
copyright = author
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
pygments_dark_style = "github-dark"  # furo's own underlines what is imported
html_title = project
html_use_index = False
html_show_search_summary = False  # it is fetched, which pages opened from files may not do
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]


def toctree(pages: list[str], option: str) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", option, "", *pages, "```", ""])


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Take the navigation from what the pages list, so that they need none of Sphinx's markup.

    The parts of index.md are those of the navigation, and a README leads to the pages beside it.
    """
    if name == "index":
        for part in source[0].split("\n## ")[1:]:
            caption, _, text = part.partition("\n")
            pages = re.findall(r"^- \[.*?\]\((.*?)\.md\)", text, re.MULTILINE)
            source[0] += toctree(pages, f":caption: {caption}")
    elif name.endswith("/README") and len([*(HERE / name).parent.glob("*.md")]) > 1:
        source[0] += toctree(["*"], ":glob:")


def adapt_links(app: Sphinx, name: str, source: list[str]) -> None:
    """Name pages by their titles in place of their files, and drop links to what the site lacks.

    It lacks folders, and pages of other folders; of those the words stay.
    """

    def words(link: re.Match[str]) -> str:
        target = ((HERE / name).parent / link[2]).resolve()
        outside = not target.is_relative_to(HERE)
        return link[1] if outside and (target.is_dir() or target.suffix == ".md") else link[0]

    text = re.sub(r"\[([^\]]*)\]\((\.\./[^)#]*)\)", words, source[0])
    source[0] = re.sub(r"\[[\w-]+\.md\]\(", "[](", text)


def let_pictures_be_clicked(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Show each picture of a graph as a page in the page, where a click on a box tells all."""
    for image in list(doctree.findall(nodes.image)):
        file = HERE / image["uri"]
        if file.parent.name != "pictures" or not file.exists():  # of which Sphinx has warned
            continue
        height = re.search(r'height="(\d+)"', file.read_text("utf-8"))
        assert height, file
        address = f"{'../' * name.count('/')}pictures/{file.stem}.html"
        frame = (
            f'<iframe src="{address}" title="{escape(image["alt"])}"'
            f' style="height: min({int(height[1]) + 16}px, 85vh)"></iframe>\n'
            f'<p class="beside-picture"><a href="{address}">The picture by itself</a></p>'
        )
        image.replace_self(nodes.raw("", frame, format="html"))


def draw_pictures(app: Sphinx, error: Exception | None) -> None:
    """Write the pages that the pictures are replaced by."""
    from tinytorch.inspect import draw

    generator = runpy.run_path(str(HERE / "pictures" / "generate.py"))
    folder = Path(app.outdir) / "pictures"
    folder.mkdir(exist_ok=True)
    for label in generator["GRAPHS"]:
        draw(generator["after_backward"](label)).save(folder / f"{label}.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_navigation)
    app.connect("source-read", adapt_links)
    app.connect("doctree-resolved", let_pictures_be_clicked)
    app.connect("build-finished", draw_pictures)
