"""A picture in DOT, the language of Graphviz."""

from __future__ import annotations

from html import escape

from .palette import GROUND, INK, LINE, Colour, fills
from .picture import Block, Box, Picture, walk

FONT = "Helvetica,Arial,sans-serif"


def dot(picture: Picture) -> str:
    """Return a picture as a directed graph, forward from top to bottom."""
    boxes = picture.boxes
    colours = fills(box.group for box in boxes)
    lines = [
        "digraph {",
        f'graph [bgcolor="{GROUND.light}" fontname="{FONT}" fontsize=11 fontcolor="{INK.light}"'
        f" ranksep=0.08 nodesep=0.2 pad=0.1 labelloc=b label=<{_legend(colours, picture.note)}>]",
        f'node [shape=box fontname="{FONT}" fontsize=11 fontcolor="{INK.light}"'
        f' color="{LINE.light}" margin="0.1,0.02" height=0.2 width=0.4]',
        f'edge [fontname="{FONT}" fontsize=9 fontcolor="{INK.light}" color="{LINE.light}"'
        " arrowsize=0.6]",
    ]
    for item, depth in walk(picture.contents):
        margin = "  " * (depth + 1)
        if isinstance(item, Box):
            lines.append(margin + _node(item, colours[item.group]))
        elif isinstance(item, Block):
            lines.append(f"{margin}subgraph cluster_{len(lines)} {{")
            lines += [f"{margin}  {line}" for line in _block(item, f"title_{len(lines)}")]
        else:
            lines.append(f"{margin}}}")
    lines += [f"  {_arrow(source, target)}" for source, target in picture.arrows]
    return "\n".join([*lines, "}\n"])


def _block(block: Block, name: str) -> list[str]:
    """Say how a block looks; its title is a box beside its first, so that no arrow crosses it."""
    lines = [f'graph [style="rounded,dashed" color="{LINE.light}" margin=12 label=""]']
    title = f"<B>{escape(block.title)}</B>"
    first = next((item for item in block.contents if isinstance(item, Box)), None)
    if first is None:
        return [*lines, f"graph [label=<{title}>]"]
    lines.append(f"{name} [shape=plaintext label=<{title}>]")
    return [*lines, f"{{rank=same {first.number} {name}}}"]


def _node(box: Box, colour: Colour) -> str:
    style = "rounded,filled" if box.is_operation else "filled"
    attributes = [
        f'id="box{box.number}"',
        f'style="{style}{",dashed" * (box.kind == "data")}"',
        f'fillcolor="{colour.light}"',
        "penwidth=3" if box.norm and box.norm.mark else "",
        f"label=<{_label(box)}>",
    ]
    return f"{box.number} [{' '.join(filter(None, attributes))}]"


def _label(box: Box) -> str:
    title = f"<B>{escape(box.title or ('' if box.is_operation else box.kind))}</B>"
    if not box.captions:
        return title
    return f'{title}<BR/><FONT POINT-SIZE="9">{escape(", ".join(box.captions))}</FONT>'


def _arrow(source: Box, target: Box) -> str:
    shape = f' [label=" {source.shape} " weight=4]' if source.is_operation else ""
    return f"{source.number} -> {target.number}{shape}"


def _legend(colours: dict[str, Colour], note: str) -> str:
    cells = [
        f'<TD BGCOLOR="{colour.light}" BORDER="1" COLOR="{LINE.light}"'
        f' STYLE="{"ROUNDED" if group not in ("data", "parameter") else "SOLID"}">'
        f'<FONT POINT-SIZE="9">{escape(group)}</FONT></TD>'
        for group, colour in colours.items()
    ]
    columns = len(cells)
    notes = f'<TR><TD COLSPAN="{columns}">{escape(note)}</TD></TR>' if note else ""
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3">'
    return f"{table}<TR>{''.join(cells)}</TR>{notes}</TABLE>"
