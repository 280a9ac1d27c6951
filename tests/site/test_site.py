"""The site as it was built: it has every page, asks no other host, and its links lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
PAGES = sorted(SITE.glob("**/*.html"))

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(SITE).as_posix()
)


class Page(HTMLParser):
    """What a page fetches when it is opened, where its links lead, and what can be linked to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.styles = ""
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.styles += given.get("style", "")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given["rel"] not in ("author", "next", "prev"):
            self.fetched.append(given["href"])
        for attribute in ("src", "srcset", "poster", "data"):
            if given.get(attribute):
                self.fetched.append(given[attribute])

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.styles += data


@cache
def read(file: Path) -> Page:
    return Page(file)


def missing(page: Path, addresses: list[str]) -> list[str]:
    """Return the addresses within the site that lead to no file, or to no place in it."""
    return [a for a in addresses if not urlsplit(a).scheme and not leads_somewhere(page, a)]


def leads_somewhere(page: Path, address: str) -> bool:
    """Return whether an address within the site is that of a file, and of a place in it."""
    parts = urlsplit(address)
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not file.is_file():
        return False
    return not parts.fragment or unquote(parts.fragment) in read(file).anchors


def test_every_page_is_there() -> None:
    """The site has each page of the folder docs, and the pages of all pictures."""
    sources = {path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/**/*.md")}
    sources |= {path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/pictures/*.svg")}
    assert len(sources) > 20
    assert {path.with_suffix(".html") for path in sources} <= {p.relative_to(SITE) for p in PAGES}


def test_the_navigation_has_every_page() -> None:
    """From the first page, the navigation leads to each page that index.md or a README lists."""
    links = {urlsplit(link).path for link in read(SITE / "index.html").links}
    sources = {path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/**/*.md")}
    assert {path.with_suffix(".html").as_posix() for path in sources} - {"index.html"} <= links


@each_page
def test_nothing_comes_from_elsewhere(page: Path) -> None:
    """What a page fetches when it is opened lies in the site: scripts, styles, fonts, pictures."""
    assert [url for url in read(page).fetched if urlsplit(url).netloc] == []
    assert re.findall(r"(?:url\(|@import)[^)]*//[^)]*", read(page).styles) == []


def test_no_style_asks_elsewhere() -> None:
    """The style sheets name no other host either."""
    styles = [*SITE.glob("**/*.css")]
    assert len(styles) > 2
    for style in styles:
        found = re.findall(
            r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", style.read_text("utf-8")
        )
        assert found == [], style


@each_page
def test_links(page: Path) -> None:
    """What a page fetches or links to within the site is there, down to the heading."""
    assert missing(page, read(page).fetched) == []
    assert missing(page, read(page).links) == []
