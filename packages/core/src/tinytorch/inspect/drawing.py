"""The graph as a picture: what a user holds of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..tensor import Tensor
from .dot import dot
from .layout import is_available, render, svg
from .listing import listing
from .mermaid import mermaid
from .page import page
from .picture import Picture, picture_of

Form = Callable[[Picture], str | bytes]
FORMS: dict[str, Form] = {
    ".dot": dot,
    ".gv": dot,
    ".html": page,
    ".md": lambda picture: f"```mermaid\n{mermaid(picture)}```\n",
    ".mmd": mermaid,
    ".pdf": partial(render, form="pdf"),
    ".png": partial(render, form="png"),
    ".svg": svg,
    ".txt": lambda picture: f"{listing(picture)}\n",
}


class Drawing:
    """A picture of a graph as it was when `draw` was called; it keeps nothing of the graph alive.

    In a notebook it shows itself. Printed, it is a list: a line for each leaf and operation, which
    names its inputs by the numbers of their lines.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture into a file, in the form that its name ends with.

        Parameters
        ----------
        path : str or path
            Ends with ``.svg``, ``.png`` or ``.pdf``; ``.html``, one page in which a click on a box
            shows its rule, what it saved and its gradient; ``.dot`` or ``.gv`` for Graphviz,
            ``.mmd`` or ``.md`` for Mermaid, ``.txt`` for the list.

        Raises
        ------
        ValueError
            If it ends otherwise, or if there are too many boxes for a picture.
        ImportError
            If Graphviz is needed, for the first four, and the extra ``inspect`` is not installed.
        """
        file = Path(path)
        form = FORMS.get(file.suffix.lower())
        if form is None:
            raise ValueError(
                f"save() tells the form from the end of the name, one of {', '.join(FORMS)}; "
                f"but the name is {file.name!r}"
            )
        content = form(self._picture)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    @property
    def dot(self) -> str:
        """The picture in DOT, the language of Graphviz."""
        return dot(self._picture)

    @property
    def mermaid(self) -> str:
        """The picture in Mermaid, which GitHub draws in Markdown."""
        return mermaid(self._picture)

    @property
    def svg(self) -> str:
        """The picture as an ``svg`` element; for it the extra ``inspect`` has to be installed."""
        return svg(self._picture)

    def __str__(self) -> str:
        return listing(self._picture)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: the picture, or the list where nothing can lay it out."""
        forms = {"text/plain": str(self)}
        return forms | {"image/svg+xml": self.svg} if is_available(self._picture) else forms


def draw(tensor: Tensor, gradient: Any = None, *, fold: bool = True) -> Drawing:
    """Picture of the graph behind a tensor: leaves, operations, and after backward gradients.

    An operation has the colour of the distribution that gave it, an arrow the shape that flows, and
    a leaf its name, shape and dtype. Inputs that require no gradient are there if a rule has saved
    them.

    Once a leaf has a gradient, each box shows the Euclidean norm of its own, and a mark where that
    has vanished (below 1.2e-07, by which no float32 weight of 1 changes), exploded (above 1000), or
    is infinite or NaN. Those of leaves are their `grad`. The others are computed anew by a pass
    that leaves all as it is; where a backward has released the graph, or where the tensor has
    several elements and no `gradient` is given, they are left out.

    Parameters
    ----------
    tensor : Tensor
        Any shape. It must require gradients.
    gradient : array, Tensor, sequence or number, optional
        Of the shape of the tensor. The gradients are those of a backward that begins with it, at
        the leaves too, also where no backward has run.
    fold : bool
        Whether parts that are repeated one after the other, such as layers, are drawn once, with
        the range of the norms in all of them.

    Returns
    -------
    Drawing
        It shows itself in a notebook, can be printed, and saved as SVG, PNG, PDF, HTML, DOT and
        Mermaid.

    Raises
    ------
    GradientError
        If the tensor has no graph.

    Examples
    --------
    >>> x = tinytorch.inspect.name(Tensor([2.0], requires_grad=True), "x")
    >>> y = tinytorch.inspect.name(x * x + 1, "y")
    >>> y.backward(retain_graph=True)
    >>> print(tinytorch.inspect.draw(y))
    1  x                   (1,) float32                  gradient 4
    2  multiply(1, 1)      (1,)          tinytorch-core  gradient 1
    3  y = add(2, ·)       (1,)          tinytorch-core  gradient 1
    """
    return Drawing(picture_of(tensor, gradient, fold))
