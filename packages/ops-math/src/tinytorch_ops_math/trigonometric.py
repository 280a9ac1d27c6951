"""Functions of angles and hyperbolas, and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import kink, sample

from .elementwise import (
    Elementwise,
    all_floating,
    floating,
    not_numbers,
    not_together,
    operands,
    pairs,
    unary,
)
from .operands import operand


class SinBackward(Elementwise):
    """sin x. Gradient: g cos x."""

    ufunc = np.sin

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * np.cos(x)


def sin(x: Any) -> Tensor:
    """Sine of angles in radians, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g cos(x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> sin(Tensor([0.0, np.pi / 2]))
    Tensor(data=[0. 1.], shape=(2,))
    """
    return SinBackward.call(operand("sin", x))


class CosBackward(Elementwise):
    """cos x. Gradient: -g sin x."""

    ufunc = np.cos

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return -(grad_output * np.sin(x))


def cos(x: Any) -> Tensor:
    """Cosine of angles in radians, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is -g sin(x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> cos(Tensor([0.0, np.pi]))
    Tensor(data=[ 1. -1.], shape=(2,))
    """
    return CosBackward.call(operand("cos", x))


class TanBackward(Function):
    """y = tan x. Gradient: g (1 + y²)."""

    batched = True

    def forward(self, x: Array) -> Array:
        y = np.tan(floating(x))
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output * (1 + y * y)


def tan(x: Any) -> Tensor:
    """Tangent of angles in radians, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g (1 + y²), where y is the
        result.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> tan(Tensor([0.0, np.pi / 4])).data.round(4)
    array([0., 1.], dtype=float32)
    """
    return TanBackward.call(operand("tan", x))


class AsinBackward(Elementwise):
    """arcsin x. Gradient: g / √(1 - x²)."""

    ufunc = np.arcsin

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / np.sqrt((1 - x) * (1 + x))


def asin(x: Any) -> Tensor:
    """Inverse of the sine, elementwise: angles from -π/2 to π/2; also called ``arcsin``.

    Parameters
    ----------
    x : Tensor
        Any shape, from -1 to 1; what lies beyond gives NaN.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / √(1 - x²), infinite at
        both ends.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> asin(Tensor([0.0, 1.0])).data.round(4)
    array([0.    , 1.5708], dtype=float32)
    """
    return AsinBackward.call(operand("asin", x))


class AcosBackward(Elementwise):
    """arccos x. Gradient: -g / √(1 - x²)."""

    ufunc = np.arccos

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return -(grad_output / np.sqrt((1 - x) * (1 + x)))


def acos(x: Any) -> Tensor:
    """Inverse of the cosine, elementwise: angles from 0 to π; also called ``arccos``.

    Parameters
    ----------
    x : Tensor
        Any shape, from -1 to 1; what lies beyond gives NaN.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is -g / √(1 - x²), infinite
        at both ends.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> acos(Tensor([1.0, -1.0])).data.round(4)
    array([0.    , 3.1416], dtype=float32)
    """
    return AcosBackward.call(operand("acos", x))


class AtanBackward(Elementwise):
    """arctan x. Gradient: g / (1 + x²)."""

    ufunc = np.arctan

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output / (1 + x * x)


def atan(x: Any) -> Tensor:
    """Inverse of the tangent, elementwise: angles from -π/2 to π/2; also called ``arctan``.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g / (1 + x²).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> atan(Tensor([0.0, 1.0])).data.round(4)
    array([0.    , 0.7854], dtype=float32)
    """
    return AtanBackward.call(operand("atan", x))


class Atan2Backward(Function):
    """The angle of the point (x, y). Gradients: g x / r² and -g y / r², r² = x² + y²; 0 if r is."""

    batched = True

    def forward(self, y: Array, x: Array) -> Any:
        self.save(y, x)
        return np.arctan2(*all_floating(y, x))

    def apply(self, grad_output: Array) -> Any:
        y, x = self.saved
        need_y, need_x = self.needs_input_grad
        squared = y * y + x * x
        share = grad_output / np.where(squared == 0, np.inf, squared)
        return share * x if need_y else None, -(share * y) if need_x else None


def atan2(input: Any, other: Any) -> Tensor:
    """Angle of the points whose ordinate is `input` and whose abscissa is `other`, elementwise.

    Also called ``arctan2``.

    Parameters
    ----------
    input, other : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy, but integers give float32.

    Returns
    -------
    Tensor
        Of the broadcast shape, from -π to π. With r² = input² + other², the gradient of `input` is
        g other / r², that of `other` is -g input / r², and both are zero at the origin.

    Raises
    ------
    TypeError, ValueError
        If an operand is no array of real numbers, or the shapes do not broadcast.

    Examples
    --------
    >>> atan2(Tensor([1.0, -1.0]), Tensor([1.0, 0.0])).data.round(4)
    array([ 0.7854, -1.5708], dtype=float32)
    """
    return Atan2Backward.call(*operands("atan2", input, other))


class SinhBackward(Elementwise):
    """sinh x. Gradient: g cosh x."""

    ufunc = np.sinh

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * np.cosh(x)


def sinh(x: Any) -> Tensor:
    """Hyperbolic sine, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g cosh(x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> sinh(Tensor([0.0, np.log(2.0)])).data.round(4)
    array([0.  , 0.75], dtype=float32)
    """
    return SinhBackward.call(operand("sinh", x))


class CoshBackward(Elementwise):
    """cosh x. Gradient: g sinh x."""

    ufunc = np.cosh

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        return grad_output * np.sinh(x)


def cosh(x: Any) -> Tensor:
    """Hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g sinh(x).

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of real numbers.

    Examples
    --------
    >>> cosh(Tensor([0.0, np.log(2.0)])).data.round(4)
    array([1.  , 1.25], dtype=float32)
    """
    return CoshBackward.call(operand("cosh", x))


_ORIGIN = [sample(np.zeros((2, 2)))]

OPERATIONS: list[Operation] = [
    unary(sin, SinBackward, (-4.0, 4.0), numpy=[np.sin], reference=np.sin, points=_ORIGIN),
    unary(cos, CosBackward, (-4.0, 4.0), numpy=[np.cos], reference=np.cos, points=_ORIGIN),
    unary(
        tan,
        TanBackward,
        (-1.2, 1.2),
        numpy=[np.tan],
        reference=lambda x: np.sin(x) / np.cos(x),
        points=_ORIGIN,
    ),
    unary(
        asin,
        AsinBackward,
        (-0.9, 0.9),
        numpy=[np.arcsin],
        aliases=("arcsin",),
        reference=np.arcsin,
        points=_ORIGIN,
    ),
    unary(
        acos,
        AcosBackward,
        (-0.9, 0.9),
        numpy=[np.arccos],
        aliases=("arccos",),
        reference=lambda x: np.pi / 2 - np.arcsin(x),
        points=_ORIGIN,
    ),
    unary(
        atan,
        AtanBackward,
        (-3.0, 3.0),
        numpy=[np.arctan],
        aliases=("arctan",),
        reference=np.arctan,
        points=_ORIGIN,
    ),
    Operation(
        atan2,
        Atan2Backward,
        method="atan2",
        aliases=("arctan2",),
        torch="atan2",
        numpy=[np.arctan2],
        reference=lambda y, x: np.angle(x + 1j * y),
        samples=lambda: [
            *pairs((0.2, 2.0), (-2.0, 2.0)),
            *pairs((-2.0, -0.2), (-2.0, 2.0)),
            kink(np.zeros(2), np.array([0.0, 1.0])),
            kink(np.array([0.0, 1.0]), np.array([-1.0, 0.0])),
        ],
        bad_inputs=[*not_numbers("atan2", 1.0), not_together("atan2")],
    ),
    unary(
        sinh,
        SinhBackward,
        (-3.0, 3.0),
        numpy=[np.sinh],
        reference=lambda x: (np.exp(x) - np.exp(-x)) / 2,
        points=_ORIGIN,
    ),
    unary(
        cosh,
        CoshBackward,
        (-3.0, 3.0),
        numpy=[np.cosh],
        reference=lambda x: (np.exp(x) + np.exp(-x)) / 2,
        points=_ORIGIN,
    ),
]
