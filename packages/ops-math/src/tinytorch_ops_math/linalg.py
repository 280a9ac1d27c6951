"""Inverses, linear systems and Cholesky factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    Tensor,
    TransposeBackward,
)
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import operand


def square(op: str, x: Any) -> Any:
    """Return an operand, if it is made of square matrices."""
    x = operand(op, x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"{op}: square matrices are needed, in the last two axes, but the shape is {x.shape}"
        )
    return x


def lapack(function: Callable[..., Any], *arrays: Array, fault: str) -> Array:
    """Call a function of NumPy's that runs on LAPACK, which takes no float16: float32 instead.

    Raises
    ------
    LinAlgError
        Saying what is at fault, where LAPACK fails.
    """
    dtype = np.result_type(*arrays)
    wide = np.result_type(dtype, np.float32)
    try:
        result = np.asarray(function(*(array.astype(wide, copy=False) for array in arrays)))
    except np.linalg.LinAlgError as error:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise np.linalg.LinAlgError(f"{fault} ({error}; shape {shapes})") from None
    return result.astype(dtype) if dtype == np.float16 else result


class InvBackward(Function):
    """Y = X⁻¹. Gradient: -Yᵀ G Yᵀ."""

    batched = True

    def forward(self, x: Array, *, op: str = "inv") -> Array:
        y = lapack(np.linalg.inv, x, fault=f"{op}: a matrix is singular, and has no inverse")
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        transposed = np.swapaxes(y, -1, -2)
        return -np.matmul(np.matmul(transposed, grad_output), transposed)


def inv(A: Any) -> Tensor:
    """Inverse of square matrices.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n). To multiply by the inverse, `solve` is faster and more accurate.

    Returns
    -------
    Tensor
        The shape and dtype of `A`, float32 for integers. With the inverse Y, the gradient is
        -Yᵀ G Yᵀ.

    Raises
    ------
    ValueError
        If the matrices are not square, or one is singular (a LinAlgError then, which is one).

    Examples
    --------
    >>> inv(Tensor([[2.0, 0.0], [0.0, 4.0]]))
    Tensor(data=[[0.5  0.  ]
                 [0.   0.25]], shape=(2, 2))
    """
    return InvBackward.call(square("inv", A))


class SolveBackward(Function):
    """X with A X = B. Gradients: A⁻ᵀ G = H towards B, and -H Xᵀ towards A."""

    batched = True

    def forward(self, a: Array, b: Array, *, vectors: bool) -> Array:
        columns = np.expand_dims(b, -1) if vectors else b
        x = lapack(np.linalg.solve, a, columns, fault="solve: a matrix of A is singular")
        if vectors:
            x = np.squeeze(x, -1)
        self.vectors = vectors
        self.save(a, x)
        return x

    def apply(self, grad_output: Array) -> Any:
        a, x = self.saved
        need_a, _ = self.needs_input_grad
        grad_b = SolveBackward.call(np.swapaxes(a, -1, -2), grad_output, vectors=self.vectors)
        if not need_a:
            return None, grad_b
        if self.vectors:
            return np.expand_dims(-grad_b, -1) * np.expand_dims(x, -2), grad_b
        return -np.matmul(grad_b, np.swapaxes(x, -1, -2)), grad_b


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """Solution X of linear systems, ``A @ X = B``.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n).
    B : Tensor
        Of shape (..., n, k), or of shape (n,) or (..., n) with all dimensions of `A` but the last:
        vectors. (``np.linalg.solve`` takes only one dimension for vectors, also when given
        Tensors.) Leading dimensions broadcast, and dtypes promote as in NumPy.
    left : bool
        If False, solve ``X @ A = B``, for B of shape (..., k, n).

    Returns
    -------
    Tensor
        The shape of `B`, with leading dimensions broadcast; float32 for integers. The gradient of B
        is H = A⁻ᵀ G, that of A is -H Xᵀ.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a matrix is singular (a LinAlgError then, which is one).

    Examples
    --------
    >>> solve(Tensor([[2.0, 0.0], [0.0, 4.0]]), Tensor([2.0, 2.0]))
    Tensor(data=[1.  0.5], shape=(2,))
    """
    a, b = square("solve", A), operand("solve", B)
    vectors = b.ndim == 1 or b.shape == a.shape[:-1]
    if left:
        return _solve(a, b, vectors)
    if vectors:
        raise ValueError(
            "solve: with left=False, B should be made of matrices, but the shapes are "
            f"{a.shape} and {b.shape}; add an axis to B"
        )
    if b.ndim < 2:
        return _solve(a, b, vectors)  # which refuses it
    turned = _solve(TransposeBackward.call(a), TransposeBackward.call(b), vectors)
    return TransposeBackward.call(turned)


def _solve(a: Any, b: Any, vectors: bool) -> Tensor:
    shape = (*b.shape, 1) if vectors else b.shape
    try:
        np.broadcast_shapes(a.shape[:-2], shape[:-2])
        fits = shape[-2] == a.shape[-1]
    except (ValueError, IndexError):
        fits = False
    if not fits:
        raise ValueError(
            "solve: A of shape (..., n, n) and B of shape (..., n, k), or (n,), are needed, whose "
            f"leading dimensions broadcast, but the shapes are {a.shape} and {b.shape}"
        )
    return SolveBackward.call(a, b, vectors=vectors)


class CholeskyBackward(Function):
    """L, lower triangular, with L Lᵀ = (X + Xᵀ)/2. Gradient: L⁻ᵀ S L⁻¹.

    There S is the symmetric part of Lᵀ G with what is above the diagonal left out, and half of what
    is on it (Murray 2016).
    """

    batched = True

    def forward(self, x: Array) -> Array:
        symmetric = (x + np.swapaxes(x, -1, -2)) / 2
        lower = lapack(
            np.linalg.cholesky, symmetric, fault="cholesky: a matrix is not positive definite"
        )
        self.save(lower)
        return lower

    def apply(self, grad_output: Array) -> Any:
        (lower,) = self.saved
        transposed = np.swapaxes(lower, -1, -2)
        ones = np.ones(lower.shape[-2:], lower.dtype)
        half = np.matmul(transposed, grad_output) * (np.tril(ones) + np.tril(ones, -1)) / 4
        symmetric = half + np.swapaxes(half, -1, -2)
        once = SolveBackward.call(transposed, symmetric, vectors=False)
        return SolveBackward.call(transposed, np.swapaxes(once, -1, -2), vectors=False)


def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """Cholesky factor L of symmetric positive definite matrices A = L Lᵀ.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n). Of a matrix that is not symmetric, the symmetric part is taken (NumPy
        and PyTorch read one triangle): so it is the derivative of the factor that the gradient
        holds.
    upper : bool
        Return the upper triangular factor Lᵀ.

    Returns
    -------
    Tensor
        The shape and dtype of `A`, float32 for integers; lower triangular with positive diagonal.
        The gradient is L⁻ᵀ S L⁻¹, where S is the symmetric part of the lower triangle of Lᵀ G with
        half of its diagonal.

    Raises
    ------
    ValueError
        If the matrices are not square, or one is not positive definite (a LinAlgError then, which
        is one).

    References
    ----------
    Murray (2016), Differentiation of the Cholesky decomposition, arXiv:1602.07527.

    Examples
    --------
    >>> cholesky(Tensor([[4.0, 2.0], [2.0, 5.0]]))
    Tensor(data=[[2. 0.]
                 [1. 2.]], shape=(2, 2))
    """
    lower = CholeskyBackward.call(square("cholesky", A))
    return TransposeBackward.call(lower) if upper else lower


def invertible(*shape: int, seed: int = 0) -> Array:
    """Return matrices for samples, none of them near a singular one."""
    return np.eye(shape[-1]) * 3 + uniform(shape, -0.7, 0.7, seed=seed)


def _positive(*shape: int) -> Array:
    """Return symmetric positive definite matrices."""
    x = uniform(shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


_SQUARES = ((2, 2), (3, 3), (1, 1), (4, 4), (5, 5), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3))


def _solves() -> list[Sample]:
    shapes = (
        *(((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (3, 3)), ((1, 1), (1,)), ((2, 2), (2, 1))),
        *(((2, 3, 3), (2, 3)), ((2, 3, 3), (2, 3, 1)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2))),
        *(((3, 3), (2, 3, 4)), ((2, 1, 3, 3), (4, 3, 2)), ((4, 2, 3, 3), (4, 2, 3))),
        *(((0, 0), (0,)), ((0, 0), (0, 2)), ((3, 3), (3, 0)), ((0, 3, 3), (0, 3))),
    )
    return [
        *(sample(invertible(*a), uniform(b, seed=1)) for a, b in shapes),
        sample(invertible(3, 3), uniform((2, 3), seed=1), left=False),
        sample(invertible(2, 3, 3), uniform((2, 4, 3), seed=1), left=False),
    ]


def _plain_solve(A: Array, B: Array, left: bool = True) -> Array:
    if not left:
        return np.swapaxes(_plain_solve(np.swapaxes(A, -1, -2), np.swapaxes(B, -1, -2)), -1, -2)
    if B.ndim == 1 or B.shape == A.shape[:-1]:
        return np.linalg.solve(A, B[..., None])[..., 0]
    return np.linalg.solve(A, B)


_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
_NOT_SQUARE = [(uniform((2, 3)),), (uniform(3),), (uniform(()),), (uniform((3, 0)),)]

OPERATIONS: list[Operation] = [
    Operation(
        inv,
        InvBackward,
        method="inv",
        aliases=("inverse",),
        torch="linalg.inv",
        numpy=[np.linalg.inv],
        samples=lambda: [
            *(sample(invertible(*shape)) for shape in _SQUARES),
            sample(np.array([[0.0, 1.0], [2.0, 0.5]])),
        ],
        reference=lambda A: np.linalg.inv(A),
        bad_inputs=[
            *(bad(ValueError, "inv: square matrices are needed", *args) for args in _NOT_SQUARE),
            bad(np.linalg.LinAlgError, r"inv: a matrix is singular.*\(2, 2\)", _SINGULAR),
            bad(np.linalg.LinAlgError, "singular", np.stack([np.eye(2), _SINGULAR])),
        ],
    ),
    Operation(
        solve,
        SolveBackward,
        torch="linalg.solve",
        numpy={
            np.linalg.solve: lambda a, b: _solve(
                square("solve", a), b := operand("solve", b), b.ndim == 1
            )
        },
        samples=_solves,
        reference=_plain_solve,
        bad_inputs=[
            *(
                bad(ValueError, "solve: square matrices are needed", *args, uniform(3))
                for args in _NOT_SQUARE
            ),
            bad(ValueError, r"\(3, 3\) and \(2,\)", invertible(3, 3), uniform(2)),
            bad(ValueError, r"\(3, 3\) and \(\)", invertible(3, 3), uniform(())),
            bad(ValueError, r"are needed", invertible(2, 3, 3), uniform((3, 3, 1))),
            bad(ValueError, "with left=False", invertible(3, 3), uniform(3), left=False),
            bad(ValueError, "are needed", invertible(3, 3), uniform((3, 2)), left=False),
            bad(ValueError, "are needed", invertible(3, 3), uniform(()), left=False),
            bad(np.linalg.LinAlgError, "a matrix of A is singular", _SINGULAR, uniform(2)),
        ],
    ),
    Operation(
        cholesky,
        CholeskyBackward,
        method="cholesky",
        torch="linalg.cholesky",
        numpy=[np.linalg.cholesky],
        samples=lambda: [
            *(sample(_positive(*shape)) for shape in _SQUARES),
            sample(_positive(3, 3), upper=True),
            sample(_positive(2, 3, 3), upper=True),
        ],
        reference=lambda A, upper=False: (
            np.swapaxes(np.linalg.cholesky(A), -1, -2) if upper else np.linalg.cholesky(A)
        ),
        bad_inputs=[
            *(bad(ValueError, "square matrices are needed", *args) for args in _NOT_SQUARE),
            bad(np.linalg.LinAlgError, "not positive definite", _SINGULAR),
            bad(np.linalg.LinAlgError, "not positive definite", -np.eye(3)),
        ],
    ),
]
