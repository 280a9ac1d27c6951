"""Pictures as Graphviz lays them out: nothing overlaps, and what the docs show is up to date."""

from __future__ import annotations

import itertools
import re
import runpy
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
import tinytorch
from tinytorch.inspect import Drawing, draw, name
from tinytorch.inspect.palette import COLOURS

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
GENERATOR = runpy.run_path(str(FOLDER / "generate.py"))
SVG = "{http://www.w3.org/2000/svg}"
each_graph = pytest.mark.parametrize("label", [*GENERATOR["GRAPHS"], "transformer12", "unfolded"])


class Area(NamedTuple):
    """A rectangle, and what it is of."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def overlaps(self, other: Area) -> bool:
        return max(self.left, other.left) < min(self.right, other.right) and max(
            self.top, other.top
        ) < min(self.bottom, other.bottom)


@cache
def drawing(label: str) -> Drawing:
    if label == "transformer12":
        tinytorch.manual_seed(0)
        return draw(GENERATOR["transformer"](layers=12), 1.0)
    if label == "unfolded":
        return draw(GENERATOR["diamond"](), 1.0, fold=False)
    return draw(GENERATOR["after_backward"](label))


@cache
def picture(label: str) -> ET.Element:
    return ET.fromstring(drawing(label).svg)


def group(of: ET.Element, kind: str) -> list[ET.Element]:
    return [g for g in of.iter(f"{SVG}g") if g.get("class") == kind]


def outline(of: ET.Element) -> Area:
    """Return the rectangle around a box: around its polygon, or its path if that is rounded."""
    shape = of.find(f".//{SVG}path")
    shape = of.find(f".//{SVG}polygon") if shape is None else shape
    assert shape is not None
    points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.get("d") or shape.get("points") or "")
    x, y = zip(*[(float(a), float(b)) for a, b in points], strict=True)
    return Area(min(x), min(y), max(x), max(y), texts(of)[0].what)


def texts(of: ET.Element) -> list[Area]:
    """Return about where the texts are; in Helvetica's shapes and numbers letters are narrow."""
    found = []
    for text in of.iter(f"{SVG}text"):
        content, size = text.text or "", float(text.get("font-size", "14"))
        width = 0.44 * size * len(content.strip())
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        left = x if text.get("text-anchor") == "start" else x - width / 2
        found.append(Area(left, y - 0.75 * size, left + width, y + 0.15 * size, content))
    return found


def overlapping(areas: list[Area]) -> list[tuple[str, str]]:
    """Return the pairs that overlap; compared are those that are near each other from top down."""
    areas = sorted(areas, key=lambda area: area.top)
    pairs = []
    for place, area in enumerate(areas):
        below = itertools.takewhile(lambda a: a.top < area.bottom, areas[place + 1 :])  # noqa: B023
        pairs += [(area.what, other.what) for other in below if area.overlaps(other)]
    return pairs


@each_graph
def test_nothing_overlaps(label: str) -> None:
    """No box lies on another, and no text beside an arrow on a box or on another such text."""
    svg = picture(label)
    boxes = [outline(node) for node in group(svg, "node") if node.get("id", "").startswith("box")]
    beside = [text for edge in group(svg, "edge") for text in texts(edge)]
    assert len(boxes) == len(drawing(label)._picture.boxes)
    assert overlapping([*boxes, *beside]) == []


@each_graph
def test_texts_fit(label: str) -> None:
    """What is written on a box is within it, and no letter is smaller than nine pixels."""
    svg = picture(label)
    for node in group(svg, "node"):
        for text in texts(node):
            if node.get("id", "").startswith("box"):
                box = outline(node)
                assert box.top <= text.top, text
                assert text.bottom <= box.bottom, text
                assert text.right - text.left <= box.right - box.left, text
    assert min(float(text.get("font-size", "14")) for text in svg.iter(f"{SVG}text")) >= 9


def test_a_deep_transformer_fits_a_screen() -> None:
    """Twelve layers are no higher than two: about a thousand pixels, on a screen of 1920."""
    deep, shallow = (picture(label) for label in ("transformer12", "transformer"))
    assert float(deep.get("height", 0)) == float(shallow.get("height", 0)) < 1200
    assert float(deep.get("width", 0)) < 1700


@each_graph
def test_colours(label: str) -> None:
    """Each colour in a picture has a counterpart for a dark ground."""
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', drawing(label).svg))
    assert used <= {colour.light for colour in COLOURS}
    assert len(used) > 3


def test_legend() -> None:
    """A legend has each distribution and each kind of leaf that is in the picture."""
    (whole,) = group(picture("mlp"), "graph")
    assert {"data", "parameter", "tinytorch-core", "tinytorch-ops-nn", "tinytorch-ops-losses"} <= {
        text.what for text in texts(whole)
    }


@pytest.mark.parametrize("label", GENERATOR["GRAPHS"])
def test_the_docs_show_them(label: str) -> None:
    """A picture of the docs has the boxes and shapes of today; its gradients may be rounded."""

    def said(svg: ET.Element) -> list[str]:
        return sorted(re.sub("grad.*", "grad", area.what) for area in texts(svg))

    stored = ET.parse(FOLDER / f"{label}.svg").getroot()
    assert said(stored) == said(picture(label)), "write them anew: nox -s pictures -- write"


@pytest.mark.parametrize(
    ("ending", "begins"),
    [
        (".svg", b"<svg "),
        (".png", b"\x89PNG\r\n"),
        (".pdf", b"%PDF-"),
        (".html", b"<!doctype html>"),
    ],
)
def test_files(ending: str, begins: bytes, tmp_path: Path) -> None:
    """Each form is saved as what its name says."""
    file = tmp_path / f"graph{ending}"
    drawing("mlp").save(file)
    assert file.read_bytes().startswith(begins)


def test_png_is_of_a_size_to_be_read(tmp_path: Path) -> None:
    """A PNG has 96 dots for each 72 units of the picture, by which letters of 9 are 12 high."""
    drawing("mlp").save(tmp_path / "graph.png")
    content = (tmp_path / "graph.png").read_bytes()
    width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
    assert width / float(picture("mlp").get("width", 0)) == pytest.approx(96 / 72, rel=0.02)
    assert height / float(picture("mlp").get("height", 0)) == pytest.approx(96 / 72, rel=0.02)


def test_a_notebook() -> None:
    """A notebook gets the picture, and the list for where it cannot show one."""
    bundle = drawing("mlp")._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    ET.fromstring(bundle["image/svg+xml"])


def test_names_are_escaped(tmp_path: Path) -> None:
    """No name breaks the picture or the page."""
    x = name(tinytorch.ones(2, requires_grad=True), "</script><b>&\"'$title")
    made = draw(x * 2)
    svg = ET.fromstring(made.svg)
    assert any("</script><b>&\"'$title" in area.what for area in texts(svg))
    made.save(tmp_path / "graph.html")
    page = (tmp_path / "graph.html").read_text("utf-8")
    assert page.count("</script>") == 2


def test_a_page_is_one_file(tmp_path: Path) -> None:
    """A page refers to nothing outside of itself."""
    drawing("mlp").save(tmp_path / "graph.html")
    page = (tmp_path / "graph.html").read_text("utf-8")
    assert "<script" in page
    assert re.findall(r"""\b(?:src|href)=["'](?!#)|@import|url\(""", page) == []
