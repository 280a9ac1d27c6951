"""Sums, products, quotients and powers of two operands, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, in_common_dtype
from ..function import Function
from ..operation import Operation
from ..samples import broadcasting, elementwise, kink, sample, uniform
from ..tensor import Tensor


class AddBackward(Function):
    """a + b. Gradient: the output's, to both."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        return a + b

    def apply(self, grad_output: Array) -> Any:
        return grad_output, grad_output


def add(x: Any, y: Any) -> Tensor:
    """Sum of two tensors, elementwise: ``x + y``.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy; a Python number takes the other's.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient of both is the output's.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> add(Tensor([1.0, 2.0]), 10)
    Tensor(data=[11. 12.], shape=(2,))
    """
    return AddBackward.call(x, y)


class SubBackward(Function):
    """a - b. Gradients: the output's, and its negative."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        return a - b

    def apply(self, grad_output: Array) -> Any:
        return grad_output, None if self.next_functions[1] is None else -grad_output


def subtract(x: Any, y: Any) -> Tensor:
    """Difference of two tensors, elementwise: ``x - y``.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy; a Python number takes the other's.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient of x is the output's, that of y its negative.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> subtract(10, Tensor([1.0, 2.0]))
    Tensor(data=[9. 8.], shape=(2,))
    """
    return SubBackward.call(x, y)


class MulBackward(Function):
    """a b. Gradients: g b and g a."""

    batched = True
    _saves_inputs = True

    def forward(self, a: Array, b: Array) -> Array:
        to_a, to_b = self.next_functions
        self.save(None if to_b is None else a, None if to_a is None else b)
        return a * b

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        return None if b is None else grad_output * b, None if a is None else grad_output * a


def multiply(x: Any, y: Any) -> Tensor:
    """Product of two tensors, elementwise: ``x * y``.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy; a Python number takes the other's.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient of x is the output's times y, and the reverse.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> multiply(Tensor([1.0, 2.0]), 3)
    Tensor(data=[3. 6.], shape=(2,))
    """
    return MulBackward.call(x, y)


class DivBackward(Function):
    """q = a / b. Gradients: g / b and -g q / b."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        _, need_b = self.needs_input_grad
        quotient = a / b
        self.save(b, quotient if need_b else None)
        return quotient

    def apply(self, grad_output: Array) -> Any:
        b, quotient = self.saved
        need_a, need_b = self.needs_input_grad
        grad_a = grad_output / b
        return grad_a if need_a else None, -grad_a * quotient if need_b else None


def divide(x: Any, y: Any) -> Tensor:
    """Quotient of two tensors, elementwise: ``x / y``.

    Parameters
    ----------
    x, y : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy, but integers give float32.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient of x is g / y, that of y is -g x / y².

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> divide(Tensor([1.0, 2.0]), 4)
    Tensor(data=[0.25 0.5 ], shape=(2,))
    """
    return DivBackward.call(x, y)


class NegBackward(Function):
    """-x. Gradient: -g."""

    batched = True

    def forward(self, x: Array) -> Array:
        return -x

    def apply(self, grad_output: Array) -> Any:
        return -grad_output


def negative(x: Any) -> Tensor:
    """Negative of a tensor, elementwise: ``-x``.

    Parameters
    ----------
    x : Tensor
        Any shape, not boolean.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is the output's negative.

    Examples
    --------
    >>> negative(Tensor([1.0, -2.0]))
    Tensor(data=[-1.  2.], shape=(2,))
    """
    return NegBackward.call(x)


class PowBackward(Function):
    """p = a^b. Gradients: g b a^(b-1), which is 0 where b = 0, and g p log a, 0 where p = a = 0."""

    batched = True

    def forward(self, a: Array, b: Array) -> Array:
        _, need_b = self.needs_input_grad
        power = a**b
        self.save(a, b, power if need_b else None)
        return power

    def apply(self, grad_output: Array) -> Any:
        a, b, power = self.saved
        need_a, need_b = self.needs_input_grad
        a, b, _ = in_common_dtype(a, b, grad_output)  # as exact as the power itself
        grad_a = grad_b = None
        if need_a:
            grad_a = grad_output * (b * a ** _one_less(a, b))
        if need_b:
            grad_b = grad_output * (power * np.log(_not_zero(a, b)))
        return grad_a, grad_b


def _one_less(a: Any, b: Any) -> Any:
    """The exponent b - 1, or 1 where b a^(b-1) would be 0 times infinity."""
    if isinstance(b, int | float):
        return b - 1 if b else 1
    return np.where((a == 0) & (b == 0), 1, b - 1)


def _not_zero(a: Any, b: Any) -> Any:
    """The base, or 1 where a^b log a would be 0 times infinity."""
    if isinstance(a, int | float) and a:
        return a
    return np.where((a == 0) & (b >= 0), 1, a)


def power(x: Any, y: Any) -> Tensor:
    """Power, elementwise: ``x ** y``.

    Parameters
    ----------
    x, y : Tensor, array or number
        Base and exponent, of shapes that broadcast. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of the broadcast shape. The gradient of x is g y x^(y-1), zero where y is 0; that of y is
        g x^y log x, zero where x is 0 and y is not negative.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or an integer has a negative integer exponent.

    Examples
    --------
    >>> power(Tensor([1.0, 2.0, 3.0]), 2)
    Tensor(data=[1. 4. 9.], shape=(3,))
    """
    return PowBackward.call(x, y)


def _power_samples() -> list[Any]:
    x = uniform((2, 3), 0.5, 2.0)
    return [
        *broadcasting((0.5, 2.0), (-2.0, 2.0))(),
        *(sample(uniform((2, 3)) + 3, exponent) for exponent in (2, 3, 0, 1, -1, 0.5, -1.5)),
        sample(-x, 2),
        sample(-x, 3),
        sample(2.0, uniform((3,))),
        sample(np.zeros(3), 2),
        kink(np.zeros(3), 0),
        kink(np.zeros(3), np.array([0.0, 1.0, 2.0])),
    ]


def _pairs(right: tuple[float, float] = (-2.0, 2.0)) -> list[Any]:
    x = uniform((2, 3), 0.5, 2.0)
    return [
        *broadcasting(right=right)(),
        *(sample(x, 2), sample(2.5, x), sample(x, np.float64(3.0)), sample(x, [1.0, 2.0, 3.0])),
    ]


OPERATIONS = [
    Operation(
        add,
        AddBackward,
        numpy=[np.add],
        method="add",
        torch="add",
        reference=np.add,
        samples=_pairs,
    ),
    Operation(
        subtract,
        SubBackward,
        numpy=[np.subtract],
        method="subtract",
        aliases=("sub",),
        torch="sub",
        reference=np.subtract,
        samples=_pairs,
    ),
    Operation(
        multiply,
        MulBackward,
        numpy=[np.multiply],
        method="multiply",
        aliases=("mul",),
        torch="mul",
        reference=np.multiply,
        samples=_pairs,
    ),
    Operation(
        divide,
        DivBackward,
        numpy=[np.divide],
        method="divide",
        aliases=("div",),
        torch="div",
        reference=np.divide,
        samples=lambda: _pairs(right=(0.5, 2.0)),
    ),
    Operation(
        negative,
        NegBackward,
        numpy=[np.negative],
        method="negative",
        aliases=("neg", "negate"),
        torch="neg",
        reference=np.negative,
        samples=elementwise(),
    ),
    Operation(
        power,
        PowBackward,
        numpy=[np.power],
        method="power",
        aliases=("pow",),
        torch="pow",
        reference=np.power,
        samples=_power_samples,
    ),
]
