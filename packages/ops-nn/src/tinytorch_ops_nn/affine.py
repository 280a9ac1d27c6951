"""Linear maps with a bias: of one input, and of two."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, at_least_single
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import floating, plus


class LinearBackward(Function):
    """y = x Wᵀ + b. Gradients: G W towards x, Gᵀ x towards W and Σ G towards b.

    All leading dimensions are one in the products, so that each is a single call of BLAS.
    """

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Any:
        need_x, need_weight, _ = self.needs_input_grad
        self.save(x if need_weight else None, weight if need_x else None)
        self.leading, self.features = x.shape[:-1], weight.shape
        return plus(self._rows(x) @ weight.T, bias).reshape(*self.leading, weight.shape[0])

    def apply(self, grad_output: Array) -> Any:
        x, weight = self.saved
        need_x, need_weight, need_bias = self.needs_input_grad
        g = self._rows(grad_output)
        grad_x = grad_weight = grad_bias = None
        if need_x:
            grad_x = (g @ weight).reshape(*self.leading, self.features[1])
        if need_weight:
            grad_weight = np.swapaxes(g, 0, 1) @ self._rows(x)
        if need_bias:
            grad_bias = at_least_single(g).sum(axis=0)
        return grad_x, grad_weight, grad_bias

    def _rows(self, x: Any) -> Any:
        return x.reshape(prod(self.leading), x.shape[-1])


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """Linear map with a bias, ``input @ weight.T + bias``, along the last axis.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n).
    weight : Tensor
        Of shape (m, n); or (n,) for one number in place of an axis of them.
    bias : Tensor, optional
        Of shape (m,) or (); with a `weight` of shape (n,), of shape ().

    Returns
    -------
    Tensor
        Of shape (..., m), or (...,) with a `weight` of shape (n,). Dtypes promote as in NumPy, and
        integers count as float32. The gradient of `input` is G W, that of `weight` Gᵀ x, and that
        of `bias` Σ G, over all leading axes.

    Raises
    ------
    ValueError
        If the last axes of `input` and `weight` differ, or `bias` has another shape.
    TypeError
        If an operand holds no real numbers.

    Examples
    --------
    >>> linear(Tensor([1.0, 2.0]), Tensor([[1.0, 0.0], [0.0, 3.0]]), Tensor([0.5, 0.5]))
    Tensor(data=[1.5 6.5], shape=(2,))
    """
    x, weight = floating("linear", input), floating("linear", weight, "the weight")
    bias = None if bias is None else floating("linear", bias, "the bias")
    if not x.ndim or weight.ndim not in (1, 2) or x.shape[-1] != weight.shape[-1]:
        raise ValueError(
            "linear: the input should have the shape (..., n) and the weight (m, n) or (n,), but "
            f"their shapes are {x.shape} and {weight.shape}; the weight is used transposed"
        )
    if bias is not None and bias.shape not in ((), weight.shape[:-1]):
        raise ValueError(
            f"linear: the bias should have the shape {weight.shape[:-1]} with a weight of the "
            f"shape {weight.shape}, but its shape is {bias.shape}"
        )
    if weight.ndim == 2:
        return LinearBackward.call(x, weight, bias)
    y = LinearBackward.call(x, weight.reshape(1, len(weight)), bias)
    return y.reshape(x.shape[:-1])


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """Bilinear map with a bias: the numbers ``input1 @ weight[k] @ input2 + bias[k]``.

    Parameters
    ----------
    input1 : Tensor
        Of shape (..., n1).
    input2 : Tensor
        Of shape (..., n2), with the leading axes of `input1`.
    weight : Tensor
        Of shape (m, n1, n2).
    bias : Tensor, optional
        Of shape (m,).

    Returns
    -------
    Tensor
        Of shape (..., m). Dtypes promote as in NumPy, and integers count as float32. With the rows
        g, x and y of output and inputs, the gradient of `input1` is Σ g_k W_k y, that of `input2`
        Σ g_k x W_k, that of W_k is Σ g_k xᵀ y, and that of `bias` is Σ g.

    Raises
    ------
    ValueError
        If the shapes do not go together.
    TypeError
        If an operand holds no real numbers.

    Examples
    --------
    >>> x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    >>> bilinear(x, y, Tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    Tensor(data=[11.], shape=(1,))
    """
    x, y = floating("bilinear", input1, "input1"), floating("bilinear", input2, "input2")
    weight = floating("bilinear", weight, "the weight")
    bias = None if bias is None else floating("bilinear", bias, "the bias")
    fits = x.ndim and y.ndim and x.shape[:-1] == y.shape[:-1] and weight.ndim == 3
    if not fits or weight.shape[1:] != (x.shape[-1], y.shape[-1]):
        raise ValueError(
            "bilinear: the inputs should have the shapes (..., n1) and (..., n2), and the weight "
            f"(m, n1, n2), but their shapes are {x.shape}, {y.shape} and {weight.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bilinear: the bias should have the shape {weight.shape[:1]}, but its shape is "
            f"{bias.shape}"
        )
    outputs, n1, n2 = weight.shape
    rows = prod(x.shape[:-1])
    by_first = np.matmul(
        x.reshape(rows, n1), np.swapaxes(weight, 0, 1).reshape(n1, outputs * n2)
    ).reshape(rows, outputs, n2)
    products = np.matmul(by_first, y.reshape(rows, n2, 1)).reshape(*x.shape[:-1], outputs)
    result: Tensor = products if bias is None else products + bias
    return result


def _linears() -> list[Sample]:
    weight, bias = uniform((4, 3), seed=1), uniform((4,), seed=2)
    return [
        sample(uniform((2, 3)), weight, bias),
        sample(uniform((2, 3)), weight),
        sample(uniform((3,)), weight, bias),
        sample(uniform((2, 5, 3)), weight, bias),
        sample(uniform((2, 1, 2, 3)), weight, bias),
        sample(uniform((3, 3)), uniform((3, 3), seed=1), uniform((3,), seed=2)),
        sample(uniform((1, 1)), uniform((1, 1), seed=1), uniform((1,), seed=2)),
        sample(uniform((0, 3)), weight, bias),
        sample(uniform((2, 0)), uniform((4, 0)), bias),
        sample(uniform((2, 3)), uniform((0, 3))),
        sample(uniform((2, 3)), weight, uniform((), seed=2)),
        sample(uniform((2, 3)), weight[0]),
        sample(uniform((2, 2, 3)), weight[0]),
    ]


def _bilinears() -> list[Sample]:
    weight, bias = uniform((4, 3, 2), seed=2), uniform((4,), seed=3)
    shapes: list[tuple[int, ...]] = [(), (5,), (1,), (0,), (2, 3), (2, 1, 2)]
    return [
        *(
            sample(uniform((*shape, 3)), uniform((*shape, 2), seed=1), weight, bias)
            for shape in shapes
        ),
        sample(uniform((5, 3)), uniform((5, 2), seed=1), weight),
        sample(uniform((2, 3)), uniform((2, 3), seed=1), uniform((3, 3, 3))),
        sample(uniform((2, 1)), uniform((2, 1), seed=1), uniform((1, 1, 1)), uniform((1,))),
        sample(uniform((2, 3)), uniform((2, 2), seed=1), uniform((0, 3, 2))),
    ]


_X, _W = uniform((2, 3)), uniform((4, 3))

OPERATIONS: list[Operation] = [
    Operation(
        linear,
        LinearBackward,
        torch="nn.functional.linear",
        samples=_linears,
        reference=lambda input, weight, bias=0.0: input @ weight.T + bias,
        bad_inputs=[
            bad(ValueError, r"\(2, 3\) and \(3, 4\); the weight is used transposed", _X, _W.T),
            bad(ValueError, r"their shapes are \(\) and \(4, 3\)", uniform(()), _W),
            bad(ValueError, r"their shapes are \(2, 3\) and \(1, 4, 3\)", _X, _W[None]),
            bad(ValueError, r"shape \(4,\) .* its shape is \(3,\)", _X, _W, uniform((3,))),
            bad(ValueError, r"shape \(\) .* its shape is \(1,\)", _X, _W[0], uniform((1,))),
            bad(TypeError, "the weight should be a tensor of real numbers", _X, None),
            bad(TypeError, "input should be a tensor of real numbers", "text", _W),
        ],
    ),
    Operation(
        bilinear,
        torch="nn.functional.bilinear",
        samples=_bilinears,
        reference=lambda input1, input2, weight, bias=0.0: (
            np.einsum("...i,kij,...j->...k", input1, weight, input2) + bias
        ),
        bad_inputs=[
            bad(ValueError, r"\(2, 3\), \(2, 3\) and \(4, 3\)", _X, _X, _W),
            bad(ValueError, r"\(2, 3\), \(4, 3\) and", _X, _W, uniform((4, 3, 3))),
            bad(ValueError, r"\(2, 3\), \(2, 3\) and \(4, 3, 2\)", _X, _X, uniform((4, 3, 2))),
            bad(ValueError, r"\(\), \(2, 3\)", uniform(()), _X, uniform((4, 3, 3))),
            bad(ValueError, r"\(4,\), but its", _X, _X, uniform((4, 3, 3)), uniform((1,))),
            bad(TypeError, "input2 should be a tensor of real numbers", _X, None, _W),
        ],
    ),
]
