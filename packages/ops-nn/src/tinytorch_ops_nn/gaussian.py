"""The Gaussian error linear unit, and the normal distribution that it is made of."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, one_of
from tinytorch.samples import Sample, bad, elementwise, sample, uniform

from .cases import NO_NUMBERS
from .operands import exp_in_place, floating, in_blocks, times


class NormalCDFBackward(Function):
    """Φ(x), the probability that a standard normal variable is below x. Gradient: g φ(x).

    Its derivative φ(x) is the density e^(-x²/2) / √(2π).
    """

    batched = True

    def forward(self, x: Array) -> Any:
        x = floating("gelu", x)
        self.save(x)
        return in_blocks(_normal_cdf, x)  # 2.5 times as fast

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * _normal_density(x)


# The coefficients of P in _normal_cdf, highest power first. P was interpolated in 60 Chebyshev
# points of 0 <= v <= 1, at 40 digits, and cut off where the rest is below the rounding errors.
_SINGLE = (
    -0.08054813162730716, 0.39557396674611495, -0.6571979592888956, 0.15445572710088404,
    0.6118294700902388, 0.3193053177225856, -3.1954517984971798, 5.234057603387503,
    -4.383081955111684, 2.0000000234416935,
)  # fmt: skip
_DOUBLE = (
    -0.0070827437318092, 0.0752316248146683, -0.3640557336958686, 1.0645853136937915,
    -2.1106815040261004, 3.029115165564763, -3.2868296226633094, 2.7669545000369404,
    -1.8230583121827806, 0.9568409362748976, -0.41730569962739467, 0.11906896665086589,
    -0.010315030163297241, 0.07774976183640175, -0.003117436146126352, -0.21772474037152487,
    -0.12032902455729566, 0.7160337274266063, 0.2953956431857594, -3.1923040526368007,
    5.233847027141902, -4.383076486422856, 2.0,
)  # fmt: skip


def _normal_cdf(x: Array) -> Array:
    """Return Φ(x) of an array, to within 2 units in the last place of 0.5.

    The tail beyond a = |x| is taken as ``exp(-a²/2) P(v) / (4 + a)``, where P is a polynomial in
    ``v = a / (4 + a)``. This is Hastings's form (Abramowitz and Stegun 1964, 26.2.17), with v in
    place of his 1 - v, for accuracy near 0, and with more terms.
    """
    given = x.dtype
    x = x.astype(np.result_type(x, np.float32), copy=False)
    highest, *others = _SINGLE if x.dtype == np.float32 else _DOUBLE
    a = np.minimum(np.abs(x), 40)  # where the tail is 0 in float64, too
    denominator = 4 + a
    v = a / denominator
    tail = np.full_like(v, highest)
    for coefficient in others:
        tail *= v
        tail += coefficient
    tail /= denominator
    tail *= np.exp(a * a * -0.5)
    cdf: Array = np.abs((x > 0) - tail)  # 1 - tail where x is positive, tail elsewhere
    return cdf.astype(given, copy=False)


def _normal_density(x: Any) -> Any:
    return np.exp(x * x * -0.5) * (1 / sqrt(2 * pi))


class GELUBackward(Function):
    """y = x Φ(x). Gradient: g (Φ(x) + x Φ'(x)). For Φ see `gelu`; both use the same one."""

    batched = True

    def forward(self, x: Array, *, approximate: Any = "none") -> Any:
        one_of("gelu", "approximate", approximate, ("none", "tanh"))
        x = floating("gelu", x)
        self.approximate = approximate
        self.save(x)
        if approximate == "tanh":
            return _tanh_gelu(x)
        y = NormalCDFBackward.call(x)
        y *= x
        return y

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        if self.approximate == "tanh":
            return times(in_blocks(_tanh_gelu_slope, x), grad_output)
        slope = _normal_density(x)
        slope *= x
        slope += NormalCDFBackward.call(x)
        return times(slope, grad_output)


def _tanh_gelu(x: Array) -> Any:
    y = _tanh_exponential(x)
    y += 1
    return np.divide(x, y, out=y)


def _tanh_gelu_slope(x: Any) -> Any:
    """Return Φ + x Φ' = Φ + x p Φ (1 - Φ), where p is the derivative of 2u."""
    cdf = 1 / (1 + _tanh_exponential(x))
    slope = _polynomial(x, 3 * _CUBIC, _LINEAR)
    slope *= x
    slope *= 1 - cdf
    slope *= cdf
    slope += cdf
    return slope


def _tanh_exponential(x: Any) -> Any:
    """Return e^-2u, in memory of its own: (1 + tanh u) / 2 is 1 / (1 + e^-2u)."""
    exponent = _polynomial(x, -_CUBIC, -_LINEAR)
    exponent *= x
    with np.errstate(over="ignore"):  # it may become infinite, and 1 / infinity is right
        return exp_in_place(exponent)


def _polynomial(x: Any, square_factor: float, constant: float) -> Any:
    """Return square_factor x² + constant, in memory of its own."""
    square = x * x
    square *= square_factor
    square += constant
    return square


# 2u is _LINEAR x + _CUBIC x³.
_LINEAR = 2 * sqrt(2 / pi)
_CUBIC = 0.044715 * _LINEAR


def gelu(x: Any, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit ``x Φ(x)``, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.
    approximate : {"none", "tanh"}
        With "none", Φ is the distribution function of the standard normal distribution,
        (1 + erf(x / √2)) / 2. With "tanh" it is (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g (Φ(x) + x Φ'(x)), with
        the derivative of the Φ that was chosen.

    Raises
    ------
    ValueError
        If `approximate` is neither of the two.
    TypeError
        If `x` holds no real numbers.

    References
    ----------
    Hendrycks and Gimpel (2016), arXiv:1606.08415.

    Examples
    --------
    >>> y = gelu(Tensor([-1.0, 0.0, 1.0]))
    >>> y.data.round(4)
    array([-0.1587,  0.    ,  0.8413], dtype=float32)
    """
    return GELUBackward.call(x, approximate=approximate)


def _plain_gelu(x: Any, approximate: str = "none") -> Any:
    from math import erf

    if approximate == "tanh":
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + np.vectorize(erf, otypes=[float])(x / np.sqrt(2)))


def _gelus() -> list[Sample]:
    return [
        *elementwise((-4.0, 4.0))(),
        *elementwise((-4.0, 4.0), approximate="tanh")(),
        sample(uniform((2, 3)) * 4, approximate="tanh"),
        sample(np.zeros((2, 2))),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        gelu,
        GELUBackward,
        method="gelu",
        torch="nn.functional.gelu",
        samples=_gelus,
        reference=_plain_gelu,
        bad_inputs=[*NO_NUMBERS, bad(ValueError, "one of 'none', 'tanh'", uniform(3), "fast")],
    ),
]
