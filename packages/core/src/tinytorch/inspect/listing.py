"""A picture as lines of text, for a terminal."""

from __future__ import annotations

from .picture import Block, Box, Picture, walk
from .table import aligned


def listing(picture: Picture) -> str:
    """Return a line for each box, which names its inputs by their numbers."""
    texts = iter(aligned([_cells(box) for box in picture.boxes], numbers=[0]))
    lines: list[str] = []
    for item, depth in walk(picture.contents):
        margin = "│ " * depth
        if isinstance(item, Box):
            lines.append(margin + next(texts))
        elif isinstance(item, Block):
            lines.append(f"{margin}┌ {item.title}")
        else:
            lines.append(f"{margin}└")
    return "\n".join([*lines, *filter(None, [picture.note])])


def _cells(box: Box) -> list[str]:
    origin = box.group if box.is_operation else ""
    gradient = "" if box.norm is None else f"gradient {box.norm}"
    return [str(box.number), _expression(box), box.size, origin, gradient]


def _expression(box: Box) -> str:
    if not box.is_operation:
        return box.title or box.kind
    call = f"{box.title}({', '.join('·' if n is None else str(n) for n in box.inputs)})"
    return f"{box.name} = {call}" if box.name else call
