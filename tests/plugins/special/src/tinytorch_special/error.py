"""The error function and its relatives."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special
from tinytorch import Tensor, elementwise

SLOPE = 2 / math.sqrt(math.pi)
"""Of the error function at zero."""

_erfc = np.vectorize(math.erfc, otypes=[float])

SPECIAL_ERF = elementwise(
    "special_erf",  # `erf` is what a general package of mathematics would take
    forward=special.erf,
    derivative=lambda x: SLOPE * np.exp(-(x**2)),
    doc="Error function erf(x), elementwise. The gradient is g 2/√π exp(-x²).",
    numpy=[special.erf],
    torch="special.erf",
    reference=np.vectorize(math.erf, otypes=[float]),
)
special_erf: Callable[..., Tensor] = SPECIAL_ERF.function

ERFC = elementwise(
    "erfc",
    forward=special.erfc,
    derivative=lambda x: -SLOPE * np.exp(-(x**2)),
    doc="Complementary error function 1 - erf(x), elementwise. The gradient is -g 2/√π exp(-x²).",
    numpy=[special.erfc],
    torch="special.erfc",
    reference=_erfc,
)
erfc: Callable[..., Tensor] = ERFC.function

ERFCX = elementwise(
    "erfcx",
    forward=special.erfcx,
    derivative=lambda x: 2 * x * erfcx(x) - SLOPE,
    doc="Scaled complement exp(x²) (1 - erf(x)), elementwise. The gradient is g (2 x y - 2/√π).",
    numpy=[special.erfcx],
    torch="special.erfcx",
    reference=lambda x: np.exp(x**2) * _erfc(x),
)
erfcx: Callable[..., Tensor] = ERFCX.function

ERFINV = elementwise(
    "erfinv",
    forward=special.erfinv,
    derivative=lambda x: np.exp(erfinv(x) ** 2) / SLOPE,
    doc="Inverse of the error function, elementwise. The gradient is g √π/2 exp(y²).",
    domain=(-0.95, 0.95),
    numpy=[special.erfinv],
    torch="special.erfinv",
    reference=special.erfinv,
)
erfinv: Callable[..., Tensor] = ERFINV.function

OPERATIONS = [SPECIAL_ERF, ERFC, ERFCX, ERFINV]
