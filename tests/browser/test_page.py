"""The page of a picture in a real browser: a click tells all, and nothing overlaps."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tinytorch.inspect import draw

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
GENERATOR = runpy.run_path(str(FOLDER / "generate.py"))
OVERLAPS = """() => {
    const shapes = [...document.querySelectorAll(".node")].map(node =>
        [node.querySelector("path, polygon"), node.querySelector("text").textContent]);
    const labels = [...document.querySelectorAll(".edge text")].map(text =>
        [text, text.textContent]);
    const areas = [...shapes, ...labels].filter(([element]) => element).map(([element, what]) =>
        [element.getBoundingClientRect(), what]);
    const found = [];
    for (const [a, one] of areas) for (const [b, other] of areas)
        if (a !== b && Math.max(a.left, b.left) < Math.min(a.right, b.right)
            && Math.max(a.top, b.top) < Math.min(a.bottom, b.bottom)) found.push([one, other]);
    return found;
}"""
OUTSIDE = """() => [...document.querySelectorAll(".node")].flatMap(node => {
    const shape = node.querySelector("path, polygon");
    if (!shape) return [];
    const box = shape.getBoundingClientRect();
    return [...node.querySelectorAll("text")].filter(text => {
        const area = text.getBoundingClientRect();
        return area.left < box.left || box.right < area.right
            || area.top < box.top - 1 || box.bottom + 1 < area.bottom;
    }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each graph of the docs."""
    folder = tmp_path_factory.mktemp("pages")
    for label in GENERATOR["GRAPHS"]:
        draw(GENERATOR["after_backward"](label)).save(folder / f"{label}.html")
    return {file.stem: file for file in folder.iterdir()}


def box_of(page: Page, title: str) -> Any:
    return page.locator(".node", has=page.locator("text", has_text=title)).first


def test_a_click_tells_all(page: Page, files: dict[str, Path]) -> None:
    """A click on an operation shows its formula, docstring, saved arrays and gradient."""
    page.goto(files["mlp"].as_uri())
    told = page.locator("aside")
    assert "Click on a box" in told.inner_text()
    box_of(page, "matmul").click()
    text = told.inner_text()
    assert text.startswith("MatmulBackward of tinytorch-core, result (64, 512) float32")
    assert "Gradients: G Bᵀ and Aᵀ G." in text
    assert "Matrix product" in text
    assert "input 0: (64, 784) float32" in text
    assert "norm: " in text


def test_a_click_on_another(page: Page, files: dict[str, Path]) -> None:
    """A click on another box shows that one instead, and marks it."""
    page.goto(files["mlp"].as_uri())
    box_of(page, "relu").click()
    box_of(page, "W1").click()
    assert page.locator("aside h1").inner_text() == (
        "W1 (784, 512) float32: a leaf that requires a gradient"
    )
    assert "ReLU" not in page.locator("aside").inner_text()
    assert page.locator(".chosen").count() == 1


def test_the_keyboard(page: Page, files: dict[str, Path]) -> None:
    """Boxes can be reached and opened by the keyboard alone."""
    page.goto(files["residual"].as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("aside h1").count() == 1


def test_a_folded_part(page: Page, files: dict[str, Path]) -> None:
    """Of a part that is repeated, the norms in all of its times are shown."""
    page.goto(files["transformer"].as_uri())
    box_of(page, "gelu").click()
    assert "norms of 2 repetitions, in order: " in page.locator("aside").inner_text()


@pytest.mark.parametrize("label", GENERATOR["GRAPHS"])
def test_nothing_overlaps(label: str, page: Page, files: dict[str, Path]) -> None:
    """As the browser draws them, boxes and the texts beside arrows are apart from each other."""
    page.goto(files[label].as_uri())
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(OUTSIDE) == []


def test_a_dark_ground(page: Page, files: dict[str, Path]) -> None:
    """Where a dark ground is preferred, the picture has one, and light letters."""

    def colours() -> list[str]:
        return [
            page.locator(f"main svg {what}").first.evaluate("e => getComputedStyle(e).fill")
            for what in (".graph > polygon", ".node text")
        ]

    page.goto(files["mlp"].as_uri())
    assert colours() == ["rgb(255, 255, 255)", "rgb(26, 26, 26)"]
    page.emulate_media(color_scheme="dark")
    assert colours() == ["rgb(27, 27, 27)", "rgb(242, 242, 242)"]


def test_it_is_seen_whole(page: Page, files: dict[str, Path]) -> None:
    """A picture that is a little too high for the window is made to fit into it."""
    page.goto(files["mlp"].as_uri())
    assert page.evaluate("document.querySelector('main').scrollHeight <= innerHeight")
