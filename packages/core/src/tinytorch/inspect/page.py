"""A picture as one HTML page, in which a click on a box tells all about it."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template

from .layout import svg
from .palette import GROUND
from .picture import Picture

PAGE = Path(__file__).with_name("page.html")


def page(picture: Picture) -> str:
    """Return a page that needs no other file and no network."""
    details = {f"box{box.number}": box.details.as_dict() for box in picture.boxes}
    last = picture.boxes[-1]
    return Template(PAGE.read_text("utf-8")).substitute(
        title=escape(f"The graph of {last.name or last.title or 'a tensor'}"),
        light=GROUND.light,
        dark=GROUND.dark,
        svg=svg(picture),
        details=json.dumps(details).replace("<", "\\u003c"),  # no text can end the script
    )
