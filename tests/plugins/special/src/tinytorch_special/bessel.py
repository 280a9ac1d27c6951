"""Modified Bessel functions of the first kind."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from scipy import special
from tinytorch import Array, Tensor, elementwise, samples
from tinytorch.samples import bad


def _bessel_i(x: Array, order: Any = 0) -> Any:
    if not isinstance(order, Real):
        raise TypeError(f"bessel_i: order should be a number, but it is a {type(order).__name__}")
    return special.iv(order, x)


BESSEL_I = elementwise(
    "bessel_i",
    forward=_bessel_i,
    derivative=lambda x, order=0: (bessel_i(x, order - 1) + bessel_i(x, order + 1)) / 2,
    doc=(
        "Modified Bessel function Iᵥ(x) of the first kind and of some order, elementwise. "
        "The gradient is g (Iᵥ₋₁(x) + Iᵥ₊₁(x)) / 2."
    ),
    samples=lambda: [
        *samples.elementwise(order=2)(),
        *samples.elementwise(order=-1)(),
        *samples.elementwise(domain=(0.2, 3.0), order=0.5)(),
        *samples.elementwise()(),
    ],
    bad_inputs=[
        bad(TypeError, "a number, but it is a Tensor", np.ones(2), np.ones(2)),
        bad(TypeError, "a number, but it is a str", np.ones(2), order="first"),
    ],
    numpy={special.iv: lambda v, z: bessel_i(z, v)},
    reference=lambda x, order=0: special.ive(order, x) * np.exp(abs(x)),
)
bessel_i: Callable[..., Tensor] = BESSEL_I.function

I0 = elementwise(
    "i0",
    forward=special.i0,
    derivative=lambda x: i1(x),
    doc="Modified Bessel function I₀(x) of the first kind, elementwise. The gradient is g I₁(x).",
    numpy=[np.i0, special.i0],
    torch="special.i0",
    reference=np.i0,
)
i0: Callable[..., Tensor] = I0.function

I1 = elementwise(
    "i1",
    forward=special.i1,
    derivative=lambda x: (i0(x) + bessel_i(x, 2)) / 2,
    doc=(
        "Modified Bessel function I₁(x) of the first kind, elementwise. "
        "The gradient is g (I₀(x) + I₂(x)) / 2."
    ),
    numpy=[special.i1],
    torch="special.i1",
    reference=lambda x: special.iv(1, x),
)
i1: Callable[..., Tensor] = I1.function

OPERATIONS = [BESSEL_I, I0, I1]
