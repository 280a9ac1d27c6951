"""Sample inputs that the activations share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from tinytorch.samples import BadInput, Sample, bad, elementwise, kink, sample, uniform


def curve(
    low: float = -4.0,
    high: float = 4.0,
    *,
    kinks: Iterable[float] = (),
    variants: Iterable[Mapping[str, Any]] = (),
) -> Callable[[], list[Sample]]:
    """Return samples of a function of each element, in all shapes, and far out.

    Parameters
    ----------
    low, high : float
        Most of the numbers lie between these.
    kinks : iterable of float
        Where the function is not differentiable.
    variants : iterable of dict
        Parameters that are not the default ones.
    """
    points, others = tuple(kinks), tuple(variants)

    def samples() -> list[Sample]:
        return [
            *elementwise((low, high), avoid=points)(),
            *(kink(np.array(point)) for point in points),
            sample(np.array([-700.0, -90.0, -25.0, 25.0, 90.0, 700.0])),
            sample(uniform((3, 4), low / 100, high / 100, avoid=points)),
            sample(uniform((2, 2, 2, 2), low, high, avoid=points)),
            sample(uniform((1, 5), low, high, avoid=points).T),
            *(sample(uniform((2, 3), low, high), **variant) for variant in others),
            *(sample(uniform((), 0.3, high), **variant) for variant in others),
        ]

    return samples


NO_NUMBERS: list[BadInput] = [
    bad(TypeError, "numbers", "text"),
    bad(TypeError, "real numbers.*complex128", np.ones(2, complex)),
    bad(TypeError, "", None),
]
"""What no function of each element takes."""
