"""The log-odds and the error function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, elementwise, kink, sample, uniform

from .elementwise import floating, not_numbers, unary
from .operands import number, operand


class LogitBackward(Function):
    """log(z / (1 - z)) of z = x, or of x clipped. Gradient: g / (z (1 - z)), 0 beyond a bound."""

    batched = True

    def forward(self, x: Array, *, eps: float | None = None) -> Any:
        self.save(x)
        self.eps = eps
        z = floating(x) if eps is None else np.clip(floating(x), eps, 1 - eps)
        odds = np.asarray(1 - z)
        np.divide(z, odds, out=odds)
        return np.log(odds, out=odds)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        if self.eps is None:
            inside = np.logical_not((x < 0) | (x > 1))
            return grad_output / np.where(inside, x * (1 - x), np.nan)
        z = np.clip(x, self.eps, 1 - self.eps)
        return grad_output / (z * (1 - z)) * (z == x)


def logit(input: Any, eps: float | None = None) -> Tensor:
    """Log-odds ``log(x / (1 - x))`` of probabilities, elementwise: what sigmoid takes back.

    Parameters
    ----------
    input : Tensor
        Any shape, from 0 to 1.
    eps : float, optional
        From 0 to 1/2: first clip `input` to eps and 1 - eps. Without it, what is outside of 0 and
        1 gives NaN.

    Returns
    -------
    Tensor
        The shape and dtype of `input`, float32 for integers. The gradient is g / (x (1 - x)), and
        zero where `input` was clipped.

    Raises
    ------
    TypeError, ValueError
        If `input` is no array of real numbers, `eps` is no number, or it is not from 0 to 1/2.

    Examples
    --------
    >>> logit(Tensor([0.5, 0.75])).data.round(4)
    array([0.    , 1.0986], dtype=float32)
    """
    if eps is not None:
        eps = number("logit", "eps", eps)
        if not 0 <= eps <= 0.5:
            raise ValueError(f"logit: eps should be from 0 to 0.5, but it is {eps}")
    return LogitBackward.call(operand("logit", input), eps=eps)


class ErfBackward(Function):
    """erf x = 2/√π ∫ e^(-t²) dt from 0 to x. Gradient: g 2/√π e^(-x²)."""

    batched = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        x = floating(x)
        flat = x.reshape(-1)
        result = np.empty_like(flat)
        for start in range(0, flat.size, _BLOCK):
            result[start : start + _BLOCK] = _erf(flat[start : start + _BLOCK])
        return result.reshape(x.shape)

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * (np.exp(-(x * x)) * (2 / math.sqrt(math.pi)))


_BLOCK = 16384
"""Elements whose intermediates stay in the processor's cache together."""

# The coefficients of P in _erf, highest power first. P was interpolated in 60 Chebyshev points of
# 0 <= a <= 4 or 6, at 60 digits, and cut off where the rest is below the rounding errors.
_SINGLE = (
    0.20960807330672068, -0.3821762548362411, 0.06256946490159389, 0.31025870936642824,
    -0.1329690181326072, -0.21135625983009296, 0.10478047498391105, 0.41110092234148354,
    0.3545248151692571, 0.2820947921991231,
)  # fmt: skip
_DOUBLE = (
    -1.1959772626756864, 7.5191561011945565, -21.17113831447104, 34.685275557208236,
    -35.703139821046186, 23.03261395044819, -8.826217231657717, 2.422223223726156,
    -1.4935880278688922, 0.6809884554323145, 0.4131532017595586, -0.2886618076411184,
    -0.31314638019978236, 0.17375297372937634, 0.23916817052452602, -0.11301173485446785,
    -0.21440834604470851, 0.1050352610106643, 0.4110904132084223, 0.3545249805937,
    0.28209479177387814,
)  # fmt: skip


def _erf(x: Array) -> Any:
    """Return erf of a 1-d array, to within 4 units in the last place.

    With a = |x| it is taken as ``-expm1(-q)`` of ``q = -log(erfc(a)) = a (4 + a) P(v)``, where P is
    a polynomial in ``v = a / (4 + a)``: a smooth function, whose error the exponential makes
    smaller. Near 0 the factor a keeps the result as exact as x is.
    """
    x = x.astype(np.result_type(x, np.float32), copy=False)
    coefficients, one_from = (_SINGLE, 4) if x.dtype == np.float32 else (_DOUBLE, 6)
    highest, *others = coefficients
    a = np.minimum(np.abs(x), one_from)
    denominator = 4 + a
    v = a / denominator
    q = np.full_like(v, highest)
    for coefficient in others:
        q *= v
        q += coefficient
    q *= a
    q *= denominator
    np.negative(q, out=q)
    np.expm1(q, out=q)
    return np.copysign(q, x, out=q)


def erf(x: Any) -> Tensor:
    """Error function, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g 2/√π exp(-x²).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> erf(Tensor([-100.0, 0.0, 1.0])).data.round(4)
    array([-1.    ,  0.    ,  0.8427], dtype=float32)
    """
    return ErfBackward.call(operand("erf", x))


def _logits() -> list[Sample]:
    at_bounds = np.array([0.05, 0.1, 0.9, 0.95])
    return [
        *elementwise((0.05, 0.95))(),
        *elementwise((0.0, 1.0), avoid=(0.2, 0.8), eps=0.2)(),
        sample(uniform((2, 3), 0.3, 0.7), 0.25),
        sample(uniform((2, 3), -1.0, -0.1), 0.25),
        kink(np.array([0.5, np.nan])),
        kink(at_bounds, eps=0.1),
    ]


def _plain_logit(input: Array, eps: float | None = None) -> Any:
    clipped = input if eps is None else np.minimum(np.maximum(input, eps), 1 - eps)
    return np.log(clipped) - np.log1p(-clipped)


OPERATIONS: list[Operation] = [
    Operation(
        logit,
        LogitBackward,
        method="logit",
        torch="logit",
        reference=_plain_logit,
        samples=_logits,
        bad_inputs=[
            *not_numbers("logit"),
            bad(TypeError, "eps should be a real number", uniform(3, 0.1, 0.9), "small"),
            bad(ValueError, "from 0 to 0.5, but it is -1", uniform(3, 0.1, 0.9), -1),
            bad(ValueError, "from 0 to 0.5, but it is 0.7", uniform(3, 0.1, 0.9), eps=0.7),
        ],
    ),
    unary(
        erf,
        ErfBackward,
        (-3.0, 3.0),
        reference=np.vectorize(math.erf, otypes=[float]),
        points=[sample(np.zeros((2, 2))), sample(np.array([-8.0, -1e-9, 0.5, 6.5]))],
    ),
]
