"""Determinants and their logarithms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, from_numpy
from tinytorch.samples import Sample, bad, sample, uniform

from .linalg import InvBackward, invertible, lapack, square


class DetBackward(Function):
    """det X. Gradient: g adj(X)ᵀ, which is g det(X) X⁻ᵀ where X has an inverse."""

    batched = True

    def forward(self, x: Array) -> Array:
        det = lapack(np.linalg.det, x, fault="det: no factors were found")
        self.save(x, det)
        return det

    def apply(self, grad_output: Array) -> Any:
        x, det = self.saved
        cofactors = np.swapaxes(_adjugate(x, det), -1, -2)
        return np.expand_dims(grad_output, (-2, -1)) * cofactors


def _adjugate(x: Any, det: Any) -> Any:
    try:
        inverse = InvBackward.call(x)
    except np.linalg.LinAlgError:
        return AdjugateBackward.call(x)
    if _is_near_singular(_plain(x), _plain(inverse)):
        return AdjugateBackward.call(x)
    return np.expand_dims(det, (-2, -1)) * inverse


def _is_near_singular(x: Array, inverse: Array) -> bool:
    """Whether the condition of a matrix takes more than a third of the digits of its inverse."""
    norms = (np.abs(y).sum(axis=-1).max(axis=-1, initial=0) for y in (x, inverse))
    condition = np.multiply(*norms)
    return bool((condition > np.finfo(x.dtype).eps ** (-1 / 3)).any())


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


class AdjugateBackward(Function):
    """adj X, the transposed cofactors, also of a singular X. Gradient: a sum of adjugates.

    The derivative of adj X in a direction H is that of adj(X + t H), a polynomial in t, at t = 0:
    a weighted sum of its values at as many points as its degree asks for. With X = U S Vᵀ, the
    adjugate itself is det(U Vᵀ) V adj(S) Uᵀ, in which nothing is divided by small singular values.
    """

    batched = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        return lapack(_adjugate_by_singular_values, x, fault="det: no singular values were found")

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        direction = np.swapaxes(grad_output, -1, -2)
        step = _lengths(_plain(x)) / (_lengths(_plain(direction)) * x.shape[-1])
        derivative: Any = 0
        for point, weight in zip(*_points_and_weights(x.shape[-1]), strict=True):
            moved = AdjugateBackward.call(x + step * point * direction)
            derivative = derivative + weight / step * moved
        return np.swapaxes(derivative, -1, -2)


def _adjugate_by_singular_values(x: Array) -> Array:
    u, s, v = np.linalg.svd(x)
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, s[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    orientation = np.sign(np.linalg.det(u) * np.linalg.det(v))
    others = (before * after * orientation[..., None])[..., None]
    return np.asarray(np.matmul(np.swapaxes(v, -1, -2), others * np.swapaxes(u, -1, -2)))


def _lengths(x: Array) -> Array:
    """Return the Frobenius norm of each matrix, 1 where it is 0."""
    length = np.sqrt(np.square(x).sum(axis=(-2, -1), keepdims=True))
    return np.asarray(np.where(length > 0, length, np.ones_like(length)))


def _points_and_weights(degree: int) -> tuple[list[float], list[float]]:
    """Return where to evaluate a polynomial for its derivative at 0, and the weights of the values.

    These are Chebyshev's points. As many as 16 serve for any degree, for the points are so near to
    0 that higher powers vanish.
    """
    count = min(degree + degree % 2, 16)
    angles = (np.arange(count) + 0.5) * np.pi / count
    odd = np.arange(1, count, 2)
    slopes = odd * np.sin(odd * np.pi / 2)
    weights = 2 / count * np.cos(np.outer(angles, odd)) @ slopes
    return np.cos(angles).tolist(), weights.tolist()


def det(A: Any) -> Tensor:
    """Determinant of square matrices.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n).

    Returns
    -------
    Tensor
        The shape of `A` without the last two axes; the dtype of `A`, float32 for integers. The
        gradient is g adj(A)ᵀ, the cofactors: g det(A) A⁻ᵀ where there is an inverse. It and its
        own derivatives hold for singular matrices too.

    Raises
    ------
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> det(Tensor([[2.0, 0.0], [0.0, 4.0]]))
    Tensor(data=8., shape=())
    """
    return DetBackward.call(square("det", A))


class LogAbsDetBackward(Function):
    """log |det X|. Gradient: g X⁻ᵀ."""

    batched = True

    def forward(self, x: Array, *, value: Array) -> Array:
        self.save(x)
        return value

    def apply(self, grad_output: Array) -> Any:
        (x,) = self.saved
        inverse = InvBackward.call(x, op="slogdet: the gradient is infinite")
        return np.expand_dims(grad_output, (-2, -1)) * np.swapaxes(inverse, -1, -2)


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the absolute value of determinants."""

    sign: Tensor
    logabsdet: Tensor


def slogdet(A: Any) -> SlogdetResult:
    """Sign of the determinant of square matrices, and ``log |det A|``.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n).

    Returns
    -------
    SlogdetResult
        A pair of Tensors, `sign` (1, -1, or 0 if a matrix is singular; it is constant) and
        `logabsdet` (-inf then), of the shape of `A` without the last two axes; float32 for
        integers. With the gradient g of the second, that of A is g A⁻ᵀ, and asking for it is a
        LinAlgError where a matrix is singular.

    Raises
    ------
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> slogdet(Tensor([[-1.0, 0.0], [0.0, 1.0]]))
    SlogdetResult(sign=Tensor(data=-1., shape=()), logabsdet=Tensor(data=0., shape=()))
    """
    x = square("slogdet", A)
    both = lapack(np.linalg.slogdet, _plain(x), fault="slogdet: no factors were found")
    signs, value = map(np.asarray, both)
    logabsdet = LogAbsDetBackward.call(x, value=value)
    sign: Any = signs.astype(logabsdet.dtype)
    return SlogdetResult(from_numpy(sign) if isinstance(x, Tensor) else sign, logabsdet)


_SHAPES = ((2, 2), (3, 3), (1, 1), (4, 4), (5, 5), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3))
_ROW = np.array([1.0, -2.0, 0.5])


def _matrices() -> list[Sample]:
    return [
        *(sample(invertible(*shape)) for shape in _SHAPES),
        sample(np.array([[0.0, 1.0], [2.0, 0.5]])),
        sample(-invertible(3, 3)),
    ]


def _singular() -> list[Sample]:
    """Return matrices of all ranks, in a batch with others too."""
    of_rank_2 = uniform((3, 2)) @ uniform((2, 3))
    return [
        sample(np.array([[1.0, 2.0], [2.0, 4.0]])),
        sample(np.zeros((1, 1))),
        sample(np.zeros((2, 2))),
        sample(of_rank_2),
        sample(np.diag([2.0, 1.0, 0.0])),
        sample(np.outer(_ROW, _ROW)),
        sample(np.zeros((3, 3))),
        sample(np.stack([invertible(3, 3), of_rank_2, np.outer(_ROW, _ROW)])),
    ]


_NOT_SQUARE = [(uniform((2, 3)),), (uniform(3),), (uniform(()),), (uniform((3, 0)),)]

OPERATIONS: list[Operation] = [
    Operation(
        det,
        DetBackward,
        method="det",
        torch="linalg.det",
        numpy=[np.linalg.det],
        samples=lambda: [*_matrices(), *_singular()],
        reference=lambda A: np.linalg.det(A),
        bad_inputs=[
            bad(ValueError, "det: square matrices are needed", *args) for args in _NOT_SQUARE
        ],
    ),
    Operation(
        slogdet,
        method="slogdet",
        torch="linalg.slogdet",
        numpy=[np.linalg.slogdet],
        samples=_matrices,
        reference=lambda A: np.linalg.slogdet(A),
        bad_inputs=[
            bad(ValueError, "slogdet: square matrices are needed", *args) for args in _NOT_SQUARE
        ],
    ),
]
