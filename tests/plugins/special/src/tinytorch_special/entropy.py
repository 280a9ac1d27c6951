"""What entropies are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from tinytorch import Tensor, elementwise, samples
from tinytorch.samples import Sample, kink, sample


def _base(x: Any, y: Any) -> Any:
    """Return y, but 1 where 0 log y is 0 by convention, so that log and quotient are 0 too."""
    return np.where(np.logical_and(x == 0, y <= 0), 1, y)


def _samples() -> list[Sample]:
    return [
        *samples.broadcasting(right=(0.1, 3.0))(),
        sample(np.zeros(2), np.array([0.5, 2.0])),
        kink(np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 2.0])),
    ]


XLOGY = elementwise(
    "xlogy",
    forward=special.xlogy,
    derivative=(lambda x, y: np.log(_base(x, y)), lambda x, y: x / _base(x, y)),
    doc=(
        "Product x log(y), elementwise, which is 0 where x is 0. The gradients are g log(y) and "
        "g x / y, both 0 where x is 0 and y is not positive."
    ),
    samples=_samples,
    numpy=[special.xlogy],
    torch="special.xlogy",
    reference=special.xlogy,
)
xlogy: Callable[..., Tensor] = XLOGY.function

OPERATIONS = [XLOGY]
