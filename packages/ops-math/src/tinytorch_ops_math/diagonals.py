"""Diagonals of matrices, and the triangles beside them."""

from __future__ import annotations

import operator
from functools import partial
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import operand


class DiagonalBackward(Function):
    """The diagonal of matrices. Gradient: the output's on the diagonal, zero beside it."""

    def forward(self, x: Array, *, offset: int, axes: tuple[int, int]) -> Array:
        self.place = {"shape": x.shape, "offset": offset, "axes": axes}
        return _diagonal_of(x, offset, axes)

    def apply(self, grad_output: Array) -> Any:
        return EmbedDiagonalBackward.call(grad_output, **self.place)


class EmbedDiagonalBackward(Function):
    """x on the diagonal, zero beside it. Gradient: the diagonal of the output's."""

    def forward(
        self, x: Array, *, shape: tuple[int, ...], offset: int, axes: tuple[int, int]
    ) -> Array:
        self.place = {"offset": offset, "axes": axes}
        matrices = np.zeros(shape, x.dtype)
        _diagonal_of(matrices, offset, axes)[...] = x
        return matrices

    def apply(self, grad_output: Array) -> Any:
        return DiagonalBackward.call(grad_output, **self.place)


def _diagonal_of(x: Array, offset: int, axes: tuple[int, int]) -> Array:
    """Return the diagonal as a view, which may be written to."""
    matrices = np.moveaxis(x, axes, (-2, -1))
    below, right = max(-offset, 0), max(offset, 0)
    rows, columns = matrices.shape[-2:]
    length = max(min(rows - below, columns - right), 0)
    square = matrices[..., below : below + length, right : right + length]
    diagonal: Array = np.einsum("...ii->...i", square)
    return diagonal


def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Diagonal of the matrices in two axes.

    Parameters
    ----------
    x : Tensor
        At least two dimensions.
    offset : int
        Which diagonal: 0 for the main one, positive above it, negative below.
    dim1, dim2 : int
        The axes of the rows and of the columns.

    Returns
    -------
    Tensor
        The shape of `x` without the two axes, and with the length of the diagonal, 0 where it lies
        outside the matrix, at the end; of the dtype of `x`, whose data it shares. The gradient is
        the output's on the diagonal, and zero beside it.

    Raises
    ------
    IndexError
        If an axis is out of range.
    TypeError
        If the offset or an axis is not an integer.
    ValueError
        If the two axes are the same.

    Examples
    --------
    >>> diagonal(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=[1. 4.], shape=(2,))
    """
    x = operand("diagonal", x)
    axes = one_axis("diagonal", dim1, x.ndim), one_axis("diagonal", dim2, x.ndim)
    if axes[0] == axes[1]:
        raise ValueError(
            f"diagonal: the two axes should differ, but dim1={dim1} and dim2={dim2} of shape "
            f"{x.shape} were given"
        )
    return DiagonalBackward.call(x, offset=_offset("diagonal", offset), axes=axes)


def _offset(op: str, offset: Any) -> int:
    try:
        return operator.index(offset)
    except TypeError:
        raise TypeError(f"{op}: a diagonal is an integer, but {offset!r} was given") from None


def diag(x: Any, diagonal: int = 0) -> Tensor:
    """Diagonal of a matrix; or the matrix that has a vector as its diagonal, and zeros beside it.

    Parameters
    ----------
    x : Tensor
        Of shape (n, m) or (n,).
    diagonal : int
        Which diagonal: 0 for the main one, positive above it, negative below.

    Returns
    -------
    Tensor
        For a matrix, one dimension; for a vector, of shape (n + d, n + d) with the distance d of
        the diagonal from the main one. The dtype of `x`. The gradient is the output's on the
        diagonal.

    Raises
    ------
    TypeError
        If the diagonal is not an integer.
    ValueError
        If `x` is neither a matrix nor a vector.

    Examples
    --------
    >>> diag(Tensor([1.0, 2.0]))
    Tensor(data=[[1. 0.]
                 [0. 2.]], shape=(2, 2))
    """
    x = operand("diag", x)
    offset = _offset("diag", diagonal)
    if x.ndim == 2:
        return DiagonalBackward.call(x, offset=offset, axes=(0, 1))
    if x.ndim != 1:
        raise ValueError(
            f"diag: a matrix or a vector is needed, but the shape is {x.shape}; "
            "use diagonal for more dimensions"
        )
    side = x.size + abs(offset)
    return EmbedDiagonalBackward.call(x, shape=(side, side), offset=offset, axes=(0, 1))


def trace(x: Any) -> Tensor:
    """Sum of the diagonal of a matrix.

    Parameters
    ----------
    x : Tensor
        Of shape (n, m).

    Returns
    -------
    Tensor
        0-d, of the dtype of `x`, or a larger one for small integers, as in NumPy. The gradient is
        the output's on the diagonal, and zero beside it.

    Raises
    ------
    ValueError
        If `x` is not a matrix.

    Examples
    --------
    >>> trace(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=5., shape=())
    """
    x = operand("trace", x)
    if x.ndim != 2:
        raise ValueError(
            f"trace: a matrix is needed, but the shape is {x.shape}; "
            "use diagonal(...).sum(-1) for more dimensions"
        )
    return DiagonalBackward.call(x, offset=0, axes=(0, 1)).sum()


class TrilBackward(Function):
    """x on and below a diagonal, 0 above. Gradient: the output's on and below the diagonal."""

    batched = True

    def forward(self, x: Array, *, diagonal: int) -> Array:
        self.diagonal = diagonal
        return np.tril(x, diagonal)

    def apply(self, grad_output: Array) -> Any:
        return TrilBackward.call(grad_output, diagonal=self.diagonal)


def tril(x: Any, diagonal: int = 0) -> Tensor:
    """Lower triangle of matrices, zero above.

    Parameters
    ----------
    x : Tensor
        Of shape (..., n, m).
    diagonal : int
        The last diagonal that is kept: 0 for the main one, positive above it, negative below.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is the output's where `x` was kept.

    Raises
    ------
    TypeError
        If the diagonal is not an integer.
    ValueError
        If `x` has fewer than two dimensions.

    Examples
    --------
    >>> tril(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=[[1. 0.]
                 [3. 4.]], shape=(2, 2))
    """
    x = _matrices("tril", x)
    return TrilBackward.call(x, diagonal=_offset("tril", diagonal))


class TriuBackward(Function):
    """x on and above a diagonal, 0 below. Gradient: the output's on and above the diagonal."""

    batched = True

    def forward(self, x: Array, *, diagonal: int) -> Array:
        self.diagonal = diagonal
        return np.triu(x, diagonal)

    def apply(self, grad_output: Array) -> Any:
        return TriuBackward.call(grad_output, diagonal=self.diagonal)


def triu(x: Any, diagonal: int = 0) -> Tensor:
    """Upper triangle of matrices, zero below.

    Parameters
    ----------
    x : Tensor
        Of shape (..., n, m).
    diagonal : int
        The first diagonal that is kept: 0 for the main one, positive above it, negative below.

    Returns
    -------
    Tensor
        The shape and dtype of `x`. The gradient is the output's where `x` was kept.

    Raises
    ------
    TypeError
        If the diagonal is not an integer.
    ValueError
        If `x` has fewer than two dimensions.

    Examples
    --------
    >>> triu(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(data=[[1. 2.]
                 [0. 4.]], shape=(2, 2))
    """
    x = _matrices("triu", x)
    return TriuBackward.call(x, diagonal=_offset("triu", diagonal))


def _matrices(op: str, x: Any) -> Any:
    x = operand(op, x)
    if x.ndim < 2:
        raise ValueError(
            f"{op}: matrices are needed, in the last two axes, but the shape is {x.shape}"
        )
    return x


def _numpy_trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonal(a, offset, axis1, axis2).sum(axis=-1)


def _diagonals() -> list[Sample]:
    return [
        sample(uniform((3, 3))),
        sample(uniform((2, 3))),
        sample(uniform((4, 2))),
        sample(uniform((3, 4)), 1),
        sample(uniform((3, 4)), -1),
        sample(uniform((3, 4)), -2),
        sample(uniform((3, 4)), 9),
        sample(uniform((1, 1))),
        sample(uniform((0, 3))),
        sample(uniform((3, 0)), 1),
    ]


def _triangles() -> list[Sample]:
    return [
        *_diagonals(),
        sample(uniform((2, 3, 4)), diagonal=1),
        sample(uniform((2, 1, 3, 3)), -1),
        sample(uniform((2, 0, 3, 3))),
    ]


_BAD_OFFSET = bad(TypeError, "a diagonal is an integer, but 0.5", uniform((2, 3)), 0.5)
_BAD_MATRICES = [
    bad(ValueError, r"matrices are needed.*\(3,\)", uniform(3)),
    bad(ValueError, "matrices are needed", uniform(())),
    _BAD_OFFSET,
]

OPERATIONS: list[Operation] = [
    Operation(
        diagonal,
        DiagonalBackward,
        method="diagonal",
        torch="diagonal",
        numpy={
            np.diagonal: lambda a, offset=0, axis1=0, axis2=1: diagonal(a, offset, axis1, axis2),
            np.linalg.diagonal: partial(diagonal, dim1=-2, dim2=-1),
        },
        samples=lambda: [
            *_diagonals(),
            sample(uniform((2, 3, 4))),
            sample(uniform((2, 3, 4)), 1, 1, 2),
            sample(uniform((2, 3, 4)), 0, -1, 0),
            sample(uniform((2, 1, 3, 2)), -1, dim1=2, dim2=3),
        ],
        reference=lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
        bad_inputs=[
            _BAD_OFFSET,
            bad(IndexError, "diagonal: the axes of the tensor are", uniform(3)),
            bad(IndexError, "0-d", uniform(())),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((2, 3)), 0, 0, 2),
            bad(ValueError, "the two axes should differ", uniform((2, 3)), 0, 1, -1),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), 0, None),
        ],
    ),
    Operation(
        diag,
        DiagonalBackward,
        method="diag",
        torch="diag",
        numpy={np.diag: lambda v, k=0: diag(v, k)},
        samples=lambda: [
            *_diagonals(),
            sample(uniform(3)),
            sample(uniform(3), 2),
            sample(uniform(3), diagonal=-1),
            sample(uniform(1)),
            sample(uniform(0), 1),
        ],
        reference=lambda x, diagonal=0: np.diag(x, diagonal),
        bad_inputs=[
            bad(ValueError, r"a matrix or a vector.*\(2, 3, 4\)", uniform((2, 3, 4))),
            bad(ValueError, "a matrix or a vector", uniform(())),
            _BAD_OFFSET,
        ],
    ),
    Operation(
        trace,
        method="trace",
        torch="trace",
        numpy={
            np.trace: _numpy_trace,
            np.linalg.trace: partial(_numpy_trace, axis1=-2, axis2=-1),
        },
        samples=lambda: [
            sample(uniform(shape))
            for shape in (
                *((3, 3), (1, 1), (2, 3), (3, 2), (4, 1), (1, 5)),
                *((0, 3), (3, 0), (0, 0), (5, 5)),
            )
        ],
        reference=lambda x: np.trace(x),
        bad_inputs=[
            bad(ValueError, r"a matrix is needed.*\(2, 3, 4\)", uniform((2, 3, 4))),
            bad(ValueError, "a matrix is needed", uniform(3)),
            bad(ValueError, "a matrix is needed", uniform(())),
        ],
    ),
    Operation(
        tril,
        TrilBackward,
        method="tril",
        torch="tril",
        numpy={np.tril: lambda m, k=0: tril(m, k)},
        samples=_triangles,
        reference=lambda x, diagonal=0: np.tril(x, diagonal),
        bad_inputs=_BAD_MATRICES,
    ),
    Operation(
        triu,
        TriuBackward,
        method="triu",
        torch="triu",
        numpy={np.triu: lambda m, k=0: triu(m, k)},
        samples=_triangles,
        reference=lambda x, diagonal=0: np.triu(x, diagonal),
        bad_inputs=_BAD_MATRICES,
    ),
]
