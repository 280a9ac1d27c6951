"""The normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from tinytorch import Array, Tensor, elementwise

ROOT_2 = math.sqrt(2)
ROOT_2_PI = math.sqrt(2 * math.pi)

NDTR = elementwise(
    "ndtr",
    forward=special.ndtr,
    derivative=lambda x: np.exp(-(x**2) / 2) / ROOT_2_PI,
    doc="Distribution function Φ(x) of the normal distribution, elementwise. The gradient is g φ.",
    numpy=[special.ndtr],
    torch="special.ndtr",
    reference=np.vectorize(lambda x: math.erfc(-x / ROOT_2) / 2, otypes=[float]),
)
ndtr: Callable[..., Tensor] = NDTR.function

NDTRI = elementwise(
    "ndtri",
    forward=special.ndtri,
    derivative=lambda p: ROOT_2_PI * np.exp(ndtri(p) ** 2 / 2),
    doc="Quantiles of the normal distribution, the inverse of Φ. The gradient is g / φ(y).",
    domain=(0.02, 0.98),
    numpy=[special.ndtri],
    torch="special.ndtri",
    reference=special.ndtri,
)
ndtri: Callable[..., Tensor] = NDTRI.function

LOG_NDTR = elementwise(
    "log_ndtr",
    forward=special.log_ndtr,
    derivative=lambda x: inverse_mills(x),
    doc="Logarithm of Φ(x), far to the left too, elementwise. The gradient is g φ(x) / Φ(x).",
    domain=(-20, 5),
    numpy=[special.log_ndtr],
    torch="special.log_ndtr",
    reference=special.log_ndtr,
)
log_ndtr: Callable[..., Tensor] = LOG_NDTR.function


def _inverse_mills(x: Array) -> Any:
    """Compute the ratio by erfcx, for both of its parts vanish to the left."""
    return math.sqrt(2 / math.pi) / special.erfcx(-x / ROOT_2)


INVERSE_MILLS = elementwise(
    "inverse_mills",
    forward=_inverse_mills,
    derivative=lambda x: -inverse_mills(x) * (x + inverse_mills(x)),
    doc="Inverse Mills ratio φ(x) / Φ(x), elementwise. The gradient is -g y (x + y).",
    domain=(-20, 5),
    reference=lambda x: np.exp(-(x**2) / 2) / ROOT_2_PI / special.ndtr(x),
)
inverse_mills: Callable[..., Tensor] = INVERSE_MILLS.function

OPERATIONS = [NDTR, NDTRI, LOG_NDTR, INVERSE_MILLS]
