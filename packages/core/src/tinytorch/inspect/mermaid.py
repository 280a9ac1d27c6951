"""A picture in Mermaid, which GitHub and many editors draw in Markdown."""

from __future__ import annotations

from .palette import INK, LINE, Colour, fills
from .picture import Block, Box, Picture, walk


def mermaid(picture: Picture) -> str:
    """Return a picture as a flowchart, forward from top to bottom."""
    boxes = picture.boxes
    colours = fills(box.group for box in boxes)
    classes = {group: f"group{number}" for number, group in enumerate(colours)}
    lines = ["flowchart TD"]
    for item, depth in walk(picture.contents):
        margin = "  " * (depth + 1)
        if isinstance(item, Box):
            lines.append(f"{margin}n{item.number}{_shape(item)}:::{classes[item.group]}")
        elif isinstance(item, Block):
            lines.append(f"{margin}subgraph block{len(lines)}[{_quoted([item.title])}]")
        else:
            lines.append(f"{margin}end")
    lines += [f"  {_arrow(source, target)}" for source, target in picture.arrows]
    lines += [f"  {_class(classes[group], colour)}" for group, colour in colours.items()]
    return "\n".join([*lines, ""])


def _shape(box: Box) -> str:
    origin = [box.group] if box.is_operation else []
    quoted = _quoted([box.title or box.kind, *origin, *box.captions])
    return f"({quoted})" if box.is_operation else f"[{quoted}]"


def _arrow(source: Box, target: Box) -> str:
    shape = f"|{_quoted([str(source.shape)])}|" if source.is_operation else ""
    return f"n{source.number} -->{shape} n{target.number}"


def _class(name: str, colour: Colour) -> str:
    return f"classDef {name} fill:{colour.light},stroke:{LINE.light},color:{INK.light}"


def _quoted(lines: list[str]) -> str:
    safe = [line.replace("#", "#35;").replace('"', "#quot;") for line in lines if line]
    safe = [line.replace("<", "#lt;").replace(">", "#gt;") for line in safe]
    return f'"{"<br>".join(safe)}"'
