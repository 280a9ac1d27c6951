"""Products of vectors and matrices, of fixed dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    MatmulBackward,
    MulBackward,
    Operation,
    ReshapeBackward,
    Tensor,
    in_common_dtype,
)
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

from .contraction import ContractBackward, tensordot
from .operands import number, operand, require_form


class OuterBackward(Function):
    """a bᵀ, of vectors. Gradients: G b and Gᵀ a."""

    def forward(self, a: Array, b: Array) -> Array:
        need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a else None)
        return np.multiply.outer(a, b)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        need_a, need_b = self.needs_input_grad
        return (
            np.matmul(grad_output, b) if need_a else None,
            np.matmul(a, grad_output) if need_b else None,
        )


def outer(input: Any, vec2: Any) -> Tensor:
    """Products of each element of one vector with each of another.

    Parameters
    ----------
    input : Tensor or array
        Of shape (n,).
    vec2 : Tensor or array
        Of shape (m,). Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (n, m). The gradients are G b of a, and Gᵀ a of b.

    Raises
    ------
    ValueError
        If an operand is no vector. (``np.outer`` flattens it, also when given Tensors.)

    Examples
    --------
    >>> outer(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
    Tensor(data=[[3. 4.]
                 [6. 8.]], shape=(2, 2))
    """
    a, b = operand("outer", input), operand("outer", vec2)
    require_form("outer", ("n", a), ("m", b))
    return OuterBackward.call(a, b)


def inner(input: Any, other: Any) -> Tensor:
    """Sum of products over the last axes of two tensors.

    Parameters
    ----------
    input : Tensor or array
        Of shape (..., k), or 0-d.
    other : Tensor or array
        Of shape (..., k), or 0-d. Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        The shape of `input` followed by that of `other`, both without their last axes; the product
        where one is 0-d. The gradient of each is that of the output, multiplied by the other.

    Raises
    ------
    ValueError
        If the lengths of the last axes differ.

    Examples
    --------
    >>> inner(Tensor([1.0, 2.0]), Tensor([[3.0, 4.0], [5.0, 6.0]]))
    Tensor(data=[11. 17.], shape=(2,))
    """
    a, b = operand("inner", input), operand("inner", other)
    if not a.ndim or not b.ndim:
        return MulBackward.call(a, b)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            "inner: the last axes should have equal lengths, but the shapes are "
            f"{a.shape} and {b.shape}; transpose or reshape one of them"
        )
    return tensordot(a, b, ([-1], [-1]))


def dot(input: Any, tensor: Any) -> Tensor:
    """Sum of products of two vectors.

    Parameters
    ----------
    input, tensor : Tensor or array
        Of shape (n,). Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        0-d. The gradient of each is that of the output times the other.

    Raises
    ------
    ValueError
        If an operand is no vector, or their lengths differ. (``np.dot`` is also a matrix product
        and a product with numbers, also when given Tensors.)

    Examples
    --------
    >>> dot(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
    Tensor(data=11., shape=())
    """
    a, b = operand("dot", input), operand("dot", tensor)
    require_form("dot", ("n", a), ("n", b))
    return MatmulBackward.call(a, b)


def mm(input: Any, mat2: Any) -> Tensor:
    """Product of two matrices.

    Parameters
    ----------
    input : Tensor or array
        Of shape (n, k).
    mat2 : Tensor or array
        Of shape (k, m). Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (n, m). The gradients are G Bᵀ and Aᵀ G.

    Raises
    ------
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> mm(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]))
    Tensor(data=[[11.]], shape=(1, 1))
    """
    a, b = operand("mm", input), operand("mm", mat2)
    require_form("mm", ("nk", a), ("km", b))
    return MatmulBackward.call(a, b)


def bmm(input: Any, mat2: Any) -> Tensor:
    """Products of the matrices in two batches, one by one.

    Parameters
    ----------
    input : Tensor or array
        Of shape (b, n, k).
    mat2 : Tensor or array
        Of shape (b, k, m). Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (b, n, m). The gradients are G Bᵀ and Aᵀ G.

    Raises
    ------
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> bmm(Tensor([[[1.0, 2.0]]]), Tensor([[[3.0], [4.0]]]))
    Tensor(data=[[[11.]]], shape=(1, 1, 1))
    """
    a, b = operand("bmm", input), operand("bmm", mat2)
    require_form("bmm", ("bnk", a), ("bkm", b))
    return MatmulBackward.call(a, b)


def mv(input: Any, vec: Any) -> Tensor:
    """Product of a matrix and a vector.

    Parameters
    ----------
    input : Tensor or array
        Of shape (n, k).
    vec : Tensor or array
        Of shape (k,). Dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        Of shape (n,). The gradients are g vᵀ and Aᵀ g.

    Raises
    ------
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> mv(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 10.0]))
    Tensor(data=[21. 43.], shape=(2,))
    """
    a, v = operand("mv", input), operand("mv", vec)
    require_form("mv", ("nk", a), ("k", v))
    return MatmulBackward.call(a, v)


class AddmmBackward(Function):
    """β C + α A B, of matrices. Gradients: β G, α G Bᵀ and α Aᵀ G."""

    batched = True

    def forward(self, c: Array, a: Array, b: Array, *, beta: float, alpha: float) -> Array:
        _, need_a, need_b = self.needs_input_grad
        self.save(a if need_b else None, b if need_a else None)
        self.beta, self.alpha = beta, alpha
        product: Array = np.matmul(a, b)
        if alpha != 1:
            product = product * alpha
        if beta == 0:  # also where C is not a number
            return product.astype(np.result_type(c, product), copy=False)
        return np.add(product, c if beta == 1 else beta * c)

    def apply(self, grad_output: Array) -> Any:
        a, b = self.saved
        need_c, need_a, need_b = self.needs_input_grad
        scaled = grad_output if self.alpha == 1 else grad_output * self.alpha
        return (
            grad_output * self.beta if need_c else None,
            np.matmul(scaled, np.swapaxes(b, -1, -2)) if need_a else None,
            np.matmul(np.swapaxes(a, -1, -2), scaled) if need_b else None,
        )


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Matrix product added to a tensor: ``beta * input + alpha * (mat1 @ mat2)``.

    Parameters
    ----------
    input : Tensor or array
        Of a shape that broadcasts to (n, m).
    mat1 : Tensor or array
        Of shape (n, k).
    mat2 : Tensor or array
        Of shape (k, m). Dtypes promote as in NumPy.
    beta, alpha : float
        The factors. Where `beta` is 0, `input` is left out, also where it is infinite or NaN.

    Returns
    -------
    Tensor
        Of shape (n, m). The gradients are β G, α G Bᵀ and α Aᵀ G.

    Raises
    ------
    TypeError
        If a factor is not a number.
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> addmm(Tensor([1.0]), Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]), alpha=2)
    Tensor(data=[[23.]], shape=(1, 1))
    """
    c, a, b = in_common_dtype(*(operand("addmm", value) for value in (input, mat1, mat2)))
    require_form("addmm", ("nk", a), ("km", b))
    shape = a.shape[0], b.shape[1]
    if c.ndim > 2 or any(n not in (1, m) for n, m in zip(c.shape[::-1], shape[::-1], strict=False)):
        raise ValueError(
            f"addmm: input should have a shape that broadcasts to {shape}, the shape of the "
            f"product, but its shape is {c.shape}"
        )
    factors = {"beta": number("addmm", "beta", beta), "alpha": number("addmm", "alpha", alpha)}
    return AddmmBackward.call(c, a, b, **factors)


def _flat(op: str, x: Any) -> Any:
    x = operand(op, x)
    return ReshapeBackward.call(x, shape=(x.size,))


def _numpy_dot(a: Any, b: Any) -> Tensor:
    a, b = operand("dot", a), operand("dot", b)
    if not a.ndim or not b.ndim:
        return MulBackward.call(a, b)
    return tensordot(a, b, ([-1], [-2 if b.ndim > 1 else -1]))


def _pairs(*shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Sample]:
    return [sample(uniform(a), uniform(b, seed=1)) for a, b in shapes]


def _bad_pairs(op: str, *shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[BadInput]:
    match = f"{op}: the shapes should be"
    return [bad(ValueError, match, uniform(a), uniform(b)) for a, b in shapes]


_VECTORS = [((n,), (m,)) for n in (0, 1, 2, 3) for m in (0, 1, 3)]
_EQUAL_VECTORS = [((n,), (n,)) for n in (0, 1, 2, 3, 4, 5, 7, 8, 16, 33)]
_MATRICES = [
    *(((2, 3), (3, 4)), ((3, 3), (3, 3)), ((1, 3), (3, 1)), ((3, 1), (1, 2)), ((1, 1), (1, 1))),
    *(((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((5, 2), (2, 5)), ((4, 4), (4, 1))),
]
_BATCHES = [
    *(((b, *x), (b, *y)) for b, (x, y) in enumerate(_MATRICES[:8], start=1)),
    *(((0, 2, 3), (0, 3, 4)), ((3, 2, 0), (3, 0, 2))),
]
_ROWS = [
    *(((2, 3), (3,)), ((3, 3), (3,)), ((1, 3), (3,)), ((3, 1), (1,)), ((1, 1), (1,))),
    *(((0, 3), (3,)), ((2, 0), (0,)), ((5, 2), (2,)), ((2, 5), (5,)), ((4, 4), (4,))),
]


def _addmms() -> list[Sample]:
    a, b = uniform((2, 3), seed=1), uniform((3, 4), seed=2)
    return [
        *(sample(uniform(c), a, b) for c in ((2, 4), (4,), (1, 4), (2, 1), (1,), ())),
        sample(uniform((2, 4)), a, b, beta=0.5, alpha=-2.0),
        sample(uniform((4,)), a, b, beta=2, alpha=0.5),
        sample(uniform((2, 4)), a, b, beta=0),
        sample(uniform((2, 4)), a, b, alpha=0),
        sample(uniform((0, 4)), uniform((0, 3)), b),
        sample(uniform((2, 4)), uniform((2, 0)), uniform((0, 4))),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        outer,
        OuterBackward,
        method="outer",
        torch="outer",
        numpy={
            np.outer: lambda a, b: outer(_flat("outer", a), _flat("outer", b)),
            np.linalg.outer: outer,
        },
        samples=lambda: _pairs(*_VECTORS),
        reference=lambda input, vec2: input[:, None] * vec2,
        bad_inputs=_bad_pairs("outer", ((), (3,)), ((2, 3), (3,)), ((3,), (1, 3))),
    ),
    Operation(
        inner,
        ContractBackward,
        method="inner",
        torch="inner",
        numpy={np.inner: inner},
        samples=lambda: _pairs(
            *(((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3))),
            *(((), ()), ((), (2, 3)), ((3,), ()), ((1,), (1,)), ((0,), (0,)), ((2, 0), (3, 0))),
            *(((0, 3), (3,)),),
        ),
        reference=lambda input, other: np.inner(input, other),
        bad_inputs=[
            bad(ValueError, r"inner: the last axes.*\(3,\) and \(2,\)", uniform(3), uniform(2)),
            bad(ValueError, "inner: the last axes", uniform((2, 3)), uniform((3, 2))),
            bad(ValueError, "inner: the last axes", uniform((2, 3)), uniform((2, 1))),
        ],
    ),
    Operation(
        dot,
        MatmulBackward,
        method="dot",
        torch="dot",
        numpy={
            np.dot: _numpy_dot,
            np.vdot: lambda a, b: dot(_flat("dot", a), _flat("dot", b)),
        },
        samples=lambda: _pairs(*_EQUAL_VECTORS),
        reference=lambda input, tensor: np.sum(input * tensor),
        bad_inputs=_bad_pairs("dot", ((), ()), ((2, 3), (3,)), ((3,), (2,)), ((1,), (3,))),
    ),
    Operation(
        mm,
        MatmulBackward,
        method="mm",
        torch="mm",
        samples=lambda: _pairs(*_MATRICES),
        reference=lambda input, mat2: np.einsum("nk,km->nm", input, mat2),
        bad_inputs=_bad_pairs(
            "mm", ((2, 3), (2, 3)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)), ((), ())
        ),
    ),
    Operation(
        bmm,
        MatmulBackward,
        method="bmm",
        torch="bmm",
        samples=lambda: _pairs(*_BATCHES),
        reference=lambda input, mat2: np.einsum("bnk,bkm->bnm", input, mat2),
        bad_inputs=_bad_pairs(
            "bmm", ((2, 2, 3), (2, 2, 3)), ((2, 2, 3), (1, 3, 2)), ((2, 3), (3, 2)), ((), ())
        ),
    ),
    Operation(
        mv,
        MatmulBackward,
        method="mv",
        torch="mv",
        samples=lambda: _pairs(*_ROWS),
        reference=lambda input, vec: np.einsum("nk,k->n", input, vec),
        bad_inputs=_bad_pairs("mv", ((2, 3), (2,)), ((3,), (3,)), ((2, 3), (3, 1)), ((), (3,))),
    ),
    Operation(
        addmm,
        AddmmBackward,
        method="addmm",
        torch="addmm",
        samples=_addmms,
        reference=lambda input, mat1, mat2, beta=1, alpha=1: (
            beta * input + alpha * np.einsum("nk,km->nm", mat1, mat2)
        ),
        bad_inputs=[
            bad(ValueError, r"addmm: the shapes should be", _C := uniform((2, 4)), _C, _C),
            bad(ValueError, "broadcasts to", uniform((3,)), uniform((2, 3)), uniform((3, 4))),
            bad(ValueError, "broadcasts to", uniform((1, 2, 4)), uniform((2, 3)), uniform((3, 4))),
            bad(TypeError, "beta should be a", _C, uniform((2, 3)), uniform((3, 4)), beta="1"),
        ],
    ),
]
