"""Pictures laid out by Graphviz, which pygraphviz brings along in its wheels."""

from __future__ import annotations

import re
from hashlib import sha256
from html import escape
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Literal

from .details import Details
from .dot import dot
from .palette import COLOURS
from .picture import MOST_BOXES, Picture

_one_at_a_time = Lock()  # Graphviz keeps its state in global variables


def render(picture: Picture, form: Literal["svg", "png", "pdf"]) -> bytes:
    """Return a picture as the content of a file.

    Raises
    ------
    ImportError
        If pygraphviz is not installed.
    ValueError
        If there are too many boxes.
    """
    boxes = len(picture.boxes)
    if boxes > MOST_BOXES:
        raise ValueError(
            f"a picture can have {MOST_BOXES:,} boxes, but this one would have {boxes:,}; draw a "
            "tensor nearer to the leaves, or print the drawing, which lists them"
        )
    pygraphviz = _pygraphviz()
    with _one_at_a_time:
        graph = pygraphviz.AGraph(string=dot(picture))
        drawn: bytes = graph.draw(format=form, prog="dot", args="-Gdpi=96" if form == "png" else "")
    return drawn


def is_available(picture: Picture) -> bool:
    """Whether a picture can be laid out here."""
    return find_spec("pygraphviz") is not None and len(picture.boxes) <= MOST_BOXES


def _pygraphviz() -> Any:
    try:
        return import_module("pygraphviz")
    except ImportError as error:
        raise ImportError(
            "pictures are laid out by Graphviz, which comes with pygraphviz, and that is not "
            "installed: python -m pip install 'tinytorch-core[inspect]'; print(), DOT and Mermaid "
            "need nothing"
        ) from error


def svg(picture: Picture) -> str:
    """Return a picture as an `svg` element, which suits a light and a dark surrounding."""
    text = render(picture, "svg").decode()
    text = text[text.index("<svg") :]
    ident = f"tinytorch-{sha256(text.encode()).hexdigest()[:12]}"
    # Sizes are in points there: as pixels they make letters of a usual size.
    text = re.sub(r'^<svg width="(\d+)pt" height="(\d+)pt"', r'<svg width="\1" height="\2"', text)
    text = text.replace("<svg ", f'<svg id="{ident}" role="img" aria-label="graph" ', 1)
    tips = {f"box{box.number}": _tip(box.details) for box in picture.boxes}
    text = re.sub(
        r'<g id="(box\d+)" class="node">\s*<title>.*?</title>',
        lambda found: f'<g id="{found[1]}" class="node">{tips[found[1]]}',
        text,
    )
    text = re.sub(r"<title>[^<]*(?:&#45;&gt;[^<]*|cluster_\d+|%\d+)</title>\n", "", text)
    head, tag, rest = text.partition(">")
    return f"{head}{tag}\n<style>{_dark(ident)}</style>{rest}"


def _tip(details: Details) -> str:
    """Return what is seen while the mouse rests on a box."""
    return f"<title>{escape(details.rule or details.heading)}</title>"


def _dark(ident: str) -> str:
    """Return the rules that exchange the colours where the reader prefers a dark ground."""
    rules = "".join(
        f'#{ident} [{attribute}="{colour.light}"]{{{attribute}:{colour.dark}}}'
        for colour in COLOURS
        for attribute in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"
