"""What every workload has."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

Array = np.ndarray[Any, np.dtype[Any]]


class Workload:
    """One computation, and how each library writes it.

    A subclass has a method for each library, which is given that library's module, then the
    constants, then the leaves, and returns the output:

        def torch(self, torch, *constants, *leaves): ...

    so also `tinytorch`, `autograd` and `mygrad`. The method `by_hand` is given arrays, and returns
    the output and the gradients towards all leaves, from the gradient `seed` at the output. Where
    the output is a loss, the seed is None, and stands for 1.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    title : str
        What it is called in the table.
    goal : float or None
        The multiple of the time by hand that tinytorch may take.
    backward : bool
        Whether gradients are computed. Otherwise `by_hand` returns none.
    missing : dict
        For a library that cannot do it, the reason.
    tolerance : float
        How much results may differ, as a part of the largest element: float32 is summed in another
        order by each library.
    in_float64 : tuple
        Libraries some of whose results are float64, and not float32 as they should be.
    """

    name: str
    title: str
    goal: float | None = None
    backward = True
    tolerance = 1e-3
    missing: ClassVar[dict[str, str]] = {}
    in_float64: ClassVar[tuple[str, ...]] = ()

    constants: tuple[Array, ...] = ()
    leaves: tuple[Array, ...] = ()
    seed: Array | None = None

    def make(self, rng: Generator) -> None:
        """Set `constants`, `leaves` and `seed`."""
        raise NotImplementedError


def normal(rng: Generator, *shape: int, scale: float = 1.0) -> Array:
    """Normally distributed float32 numbers."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
