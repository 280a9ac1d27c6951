"""The colours of pictures, on a light ground and on a dark one.

Any two fills differ by at least 15 in CIE Lab (1976) for readers with normal sight and with
protanopia, deuteranopia or tritanopia, as Machado, Oliveira and Fernandes (2009) model them; texts
have a contrast of at least 4.5 (WCAG 2). Nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..operation import CORE, registry


class Colour(NamedTuple):
    """A colour, as it is on a light ground and on a dark one."""

    light: str
    dark: str


GROUND = Colour("#ffffff", "#1b1b1b")
INK = Colour("#1a1a1a", "#f2f2f2")
LINE = Colour("#5a5a5a", "#b0b0b0")
PARAMETER = Colour("#d8dc97", "#796c1f")
DATA = Colour("#fefefe", "#1c1c1c")
DISTRIBUTIONS = (
    Colour("#b1d8e8", "#104476"),
    Colour("#d4ac91", "#722c14"),
    Colour("#85eec2", "#367770"),
    Colour("#e08ab2", "#411241"),
    Colour("#aca4e9", "#150c6d"),
)
COLOURS = (GROUND, INK, LINE, PARAMETER, DATA, *DISTRIBUTIONS)


def fills(groups: Iterable[str]) -> dict[str, Colour]:
    """Return the colour of each kind of leaf and each distribution, the same in every picture."""
    present = dict.fromkeys(groups)
    installed = sorted({owner.distribution for owner in registry.owners.values()})
    known = dict.fromkeys([CORE.distribution, *installed, *present])
    distributions = [group for group in known if group not in ("data", "parameter")]
    of_all = {"data": DATA, "parameter": PARAMETER} | {
        group: DISTRIBUTIONS[place % len(DISTRIBUTIONS)]
        for place, group in enumerate(distributions)
    }
    return {group: colour for group, colour in of_all.items() if group in present}
