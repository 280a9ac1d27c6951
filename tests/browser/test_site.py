"""The site in a real browser, opened from files as `nox -s site` leaves them in build/site."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

SITE = Path(__file__).parents[2] / "build" / "site"
PAGES = sorted(SITE.glob("**/*.html"))
NARROW = {"width": 400, "height": 800}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(SITE).as_posix())
def test_a_page(file: Path, page: Page) -> None:
    """A page opens without an error or a word to the world, and is no wider than the window."""
    page.goto(file.as_uri())
    if file.parent.name != "pictures":
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_page_was_opened() -> None:
    """The site has been built."""
    assert len(PAGES) > 20


@pytest.mark.parametrize("width", [1600, 400])
@pytest.mark.parametrize(
    ("name", "box", "told"),
    [("autograd", "multiply", "MulBackward"), ("inspect", "cross_entropy", "CrossEntropyBackward")],
)
def test_a_picture_in_a_page(name: str, box: str, told: str, width: int, page: Page) -> None:
    """The graph in a page is there, and a click on a box tells of it, in a narrow window too."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((SITE / f"{name}.html").as_uri())
    page.locator("iframe").first.scroll_into_view_if_needed()
    picture = page.frame_locator("iframe").first
    expect(picture.locator("aside")).to_contain_text("Click on a box")
    picture.locator(".node", has_text=box).first.click()
    expect(picture.locator("aside h1")).to_contain_text(told)


def test_every_picture_of_the_pages_is_there(page: Page) -> None:
    """Each frame in a page shows a graph."""
    for name, count in (("autograd", 1), ("inspect", 2)):
        page.goto((SITE / f"{name}.html").as_uri())
        frames = page.locator("iframe")
        assert frames.count() == count
        for i in range(count):
            frames.nth(i).scroll_into_view_if_needed()
            expect(page.frame_locator("iframe").nth(i).locator(".node").first).to_be_visible()


def test_search(page: Page) -> None:
    """The search finds an operation, without a server."""
    page.goto((SITE / "search.html").as_uri() + "?q=softmax")
    expect(page.locator("#search-results a", has_text="softmax").first).to_be_visible()


def test_dark_and_light(page: Page) -> None:
    """A page is as dark as the reader's system, and has a switch for it."""

    def ground() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.strip("rgba()").split(",")[:3])

    page.goto((SITE / "index.html").as_uri())
    assert ground() > 700
    page.emulate_media(color_scheme="dark")
    assert ground() < 100
    page.locator(".theme-toggle-content .theme-toggle").click()
    assert ground() > 700
