"""Normalization of rows: to mean 0 and variance 1, or to mean square 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

from .operands import common_dtype, floating, in_dtype, number, plus, times
from .products import inner


class _RowNorm(Function):
    """What the norms over the last axis have in common: rows of a matrix, in no less than float32.

    Half precision is too coarse for the sums. A sum along the rows is a product with a column.
    """

    def _start(self, x: Array, *parameters: Array | None, eps: float) -> Any:
        """Note dtype, shape and ε, and return the rows of x."""
        self.result_dtype = common_dtype(x, *parameters)
        self.dtype = np.result_type(self.result_dtype, np.float32)
        self.shape, self.eps = x.shape, eps
        return self._rows(x)

    def _rows(self, x: Any) -> Any:
        return in_dtype(x, self.dtype).reshape(prod(self.shape[:-1]), self.shape[-1])

    def _column(self, weight: Any) -> Any:
        """Return the weights, or ones where there are none, as a column."""
        length = self.shape[-1]
        return np.ones((length, 1), self.dtype) if weight is None else weight.reshape(length, 1)

    def _scale(self, rows: Any) -> Any:
        """Return 1 over the root of the mean square of each row, and ε."""
        return 1 / np.sqrt(inner(rows, rows, (1,)) / max(self.shape[-1], 1) + self.eps)

    def _result(self, rows: Any) -> Any:
        return in_dtype(rows, self.result_dtype).reshape(self.shape)


class LayerNormBackward(_RowNorm):
    """y = w z + b with z = (x - m) s, where m is the mean of a row, and s = 1 / √(variance + ε).

    Gradients: with h = g w, that of x is s (h - mean h - z mean(h z)), that of w is Σ g z and that
    of b is Σ g.
    """

    def forward(
        self, x: Array, weight: Array | None, bias: Array | None, *, eps: float = 1e-5
    ) -> Any:
        y = self._centred(self._start(x, weight, bias, eps=eps))
        y *= self._scale(y)
        self.save(x, weight)
        return self._result(plus(times(y, weight), bias))

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad
        g = self._rows(grad_output)
        grad_x = grad_weight = grad_bias = None
        if need_bias:
            grad_bias = np.ones(len(g), self.dtype) @ g
        if need_x or need_weight:
            centred = self._centred(self._rows(x))
            scale = self._scale(centred)
            products = g * centred
        if need_weight:
            grad_weight = (scale.reshape(1, -1) @ products).reshape(-1)
        if need_x:
            column, length = self._column(weight), max(self.shape[-1], 1)
            centred *= (products @ column) * (scale * scale / length)
            centred += (g @ column) / length
            centred -= g if weight is None else g * weight
            centred *= -scale
            grad_x = centred.reshape(self.shape)
        return grad_x, grad_weight, grad_bias

    def _centred(self, rows: Any) -> Any:
        """Return the rows less their means, in memory of their own."""
        return rows - (rows @ self._column(None)) / max(self.shape[-1], 1)


def layer_norm(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Tensor:
    """Elements along the last axes, brought to mean 0 and variance 1: ``w (x - m) / √(v + ε) + b``.

    Parameters
    ----------
    input : Tensor
        Of shape (..., *normalized_shape).
    normalized_shape : int or sequence of int
        The lengths of the last axes, over which mean m and variance v are taken.
    weight, bias : Tensor, optional
        Of shape `normalized_shape`: what each element is multiplied with, and what is added.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `input`. Dtypes promote as in NumPy, and integers count as float32. With
        z = (x - m) s, s = 1 / √(v + ε) and h = g w the gradient of `input` is
        s (h - mean h - z mean(h z)); that of `weight` is Σ g z, that of `bias` is Σ g.

    Raises
    ------
    ValueError
        If the last axes of `input`, or `weight` or `bias`, have another shape.
    TypeError
        If `normalized_shape` is not made of integers, or `eps` is not a number.

    References
    ----------
    Ba, Kiros and Hinton (2016), arXiv:1607.06450.

    Examples
    --------
    >>> layer_norm(Tensor([[1.0, 3.0], [0.0, 0.0]]), 2).data.round(3)
    array([[-1.,  1.],
           [ 0.,  0.]], dtype=float32)
    """
    x, rows, parameters = _as_rows("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    y = LayerNormBackward.call(rows, *parameters, eps=number("layer_norm", "eps", eps))
    return y if rows is x else y.reshape(x.shape)


class RMSNormBackward(_RowNorm):
    """y = w x s, where s = 1 / √(mean of the squares of a row + ε).

    Gradients: with h = g w, that of x is s (h - x s² mean(h x)), and that of w is Σ g x s.
    """

    def forward(self, x: Array, weight: Array | None, *, eps: float = 1e-6) -> Any:
        rows = self._start(x, weight, eps=eps)
        self.save(x, weight)
        return self._result(times(rows * self._scale(rows), weight))

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight = self.needs_input_grad
        rows, g = self._rows(x), self._rows(grad_output)
        scale = self._scale(rows)
        products = g * rows
        grad_x = grad_weight = None
        if need_weight:
            grad_weight = (scale.reshape(1, -1) @ products).reshape(-1)
        if need_x:
            share = (products @ self._column(weight)) * (scale * scale / max(self.shape[-1], 1))
            away = rows * share
            away -= g if weight is None else g * weight
            away *= -scale
            grad_x = away.reshape(self.shape)
        return grad_x, grad_weight


def rms_norm(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    eps: float | None = None,
) -> Tensor:
    """Elements along the last axes, brought to mean square 1: ``w x / √(mean(x²) + ε)``.

    Parameters
    ----------
    input : Tensor
        Of shape (..., *normalized_shape).
    normalized_shape : int or sequence of int
        The lengths of the last axes, over which the mean is taken.
    weight : Tensor, optional
        Of shape `normalized_shape`: what each element is multiplied with.
    eps : float, optional
        What is added to the mean square; by default the distance from 1 to the next larger number
        of the dtype of `input`.

    Returns
    -------
    Tensor
        The shape of `input`. Dtypes promote as in NumPy, and integers count as float32. With
        s = 1 / √(mean(x²) + ε) and h = g w the gradient of `input` is s (h - x s² mean(h x)); that
        of `weight` is Σ g x s.

    Raises
    ------
    ValueError
        If the last axes of `input`, or `weight`, have another shape.
    TypeError
        If `normalized_shape` is not made of integers, or `eps` is not a number.

    References
    ----------
    Zhang and Sennrich (2019), arXiv:1910.07467.

    Examples
    --------
    >>> rms_norm(Tensor([1.0, 7.0]), 2)
    Tensor(data=[0.2 1.4], shape=(2,))
    """
    x, rows, parameters = _as_rows("rms_norm", input, normalized_shape, weight=weight)
    given = float(np.finfo(x.dtype).eps) if eps is None else number("rms_norm", "eps", eps)
    y = RMSNormBackward.call(rows, *parameters, eps=given)
    return y if rows is x else y.reshape(x.shape)


def _as_rows(op: str, x: Any, normalized: Any, **parameters: Any) -> tuple[Any, Any, list[Any]]:
    """Return x, x with the normalized axes as one, and weight and bias with one axis."""
    x = floating(op, x)
    try:
        shape = tuple(np.atleast_1d(np.asarray(normalized)).tolist())
        whole = all(isinstance(size, int) for size in shape)
    except ValueError:
        whole = False
    if not whole:
        raise TypeError(
            f"{op}: normalized_shape should be an integer or a sequence of them, but it is "
            f"{normalized!r}"
        )
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{op}: the input should have the shape (..., *normalized_shape), with at least one "
            f"normalized axis, but its shape is {x.shape} and normalized_shape is {shape}"
        )
    given = []
    for name, parameter in parameters.items():
        parameter = None if parameter is None else floating(op, parameter, f"the {name}")
        if parameter is not None and parameter.shape != shape:
            raise ValueError(
                f"{op}: the {name} should have the shape {shape}, normalized_shape, but its shape "
                f"is {parameter.shape}"
            )
        given.append(parameter)
    if len(shape) == 1:
        return x, x, given
    size = prod(shape)
    rows = x.reshape(*x.shape[: -len(shape)], size)
    return x, rows, [None if one is None else one.reshape(size) for one in given]


def _samples(parameters: int) -> list[Sample]:
    """Return samples with up to so many parameters of the shape that is normalized."""

    def call(shape: tuple[int, ...], normalized: Any, count: int, **names: Any) -> Sample:
        size = normalized if isinstance(normalized, tuple | list) else (normalized,)
        given = [uniform(tuple(size), 0.5, 1.5, seed=7 + number) for number in range(count)]
        return sample(uniform(shape), normalized, *given, **names)

    return [
        call((2, 3), 3, 0),
        call((2, 3), (3,), 1),
        call((2, 3), [3], parameters),
        call((4,), 4, parameters),
        call((2, 2, 3), 3, parameters, eps=0.5),
        call((2, 2, 3), (2, 3), parameters, eps=0.1),
        call((2, 2, 3), (2, 3), 0),
        call((2, 1, 3), (2, 1, 3), parameters),
        call((2, 1, 2, 3), (2, 3), 1),
        call((3, 1), 1, parameters, eps=0.5),
        call((1, 1, 2), 2, 0, eps=1e-3),
        call((0, 3), 3, parameters),
        call((2, 0), 0, parameters),
        call((3, 2), 2, parameters, eps=1),
        sample(np.full((2, 3), 5.0), 3, eps=0.25),
        sample(uniform((2, 4)) + 10.0, 4, eps=1e-8),
    ]


def _bad(*parameters: str) -> list[BadInput]:
    x = uniform((2, 3))
    return [
        bad(ValueError, r"shape is \(2, 3\) and normalized_shape is \(2,\)", x, 2),
        bad(ValueError, r"normalized_shape is \(3, 2, 3\)", x, (3, 2, 3)),
        bad(ValueError, r"at least one normalized axis", x, ()),
        bad(ValueError, r"shape is \(\)", uniform(()), 1),
        bad(TypeError, "sequence of them, but it is 3.0", x, 3.0),
        bad(TypeError, "sequence of them, but it is 'a'", x, "a"),
        bad(TypeError, "eps should be a number", x, 3, eps="small"),
        bad(TypeError, "input should be a tensor of real numbers", "text", 3),
        *(
            bad(ValueError, rf"{name} should have the shape \(3,\)", x, 3, **{name: np.ones(2)})
            for name in parameters
        ),
    ]


def _plain_layer_norm(
    input: Any, normalized_shape: Any, weight: Any = 1.0, bias: Any = 0.0, eps: float = 1e-5
) -> Any:
    axes = tuple(range(-np.size(normalized_shape), 0))
    if not input.size:
        return input
    deviation = np.sqrt(np.var(input, axis=axes, keepdims=True) + eps)
    return (input - np.mean(input, axis=axes, keepdims=True)) / deviation * weight + bias


def _plain_rms_norm(
    input: Any, normalized_shape: Any, weight: Any = 1.0, eps: float | None = None
) -> Any:
    axes = tuple(range(-np.size(normalized_shape), 0))
    if not input.size:
        return input
    square = np.mean(input**2, axis=axes, keepdims=True)
    return input / np.sqrt(square + (np.finfo(input.dtype).eps if eps is None else eps)) * weight


OPERATIONS: list[Operation] = [
    Operation(
        layer_norm,
        LayerNormBackward,
        torch="nn.functional.layer_norm",
        samples=lambda: _samples(2),
        bad_inputs=_bad("weight", "bias"),
        reference=_plain_layer_norm,
    ),
    Operation(
        rms_norm,
        RMSNormBackward,
        torch="nn.functional.rms_norm",
        samples=lambda: _samples(1),
        bad_inputs=_bad("weight"),
        reference=_plain_rms_norm,
    ),
]
