"""Linear algebra: against NumPy, at singular matrices, and where there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tinytorch import Tensor, grad
from tinytorch.func import jacobian
from tinytorch.testing import gradcheck, gradgradcheck
from tinytorch_ops_math import cholesky, det, inv, slogdet, solve

RNG = np.random.default_rng(0)
MATRIX = np.eye(3) * 3 + RNG.normal(size=(3, 3))
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
POSITIVE = MATRIX @ MATRIX.T


def of_rank(rank: int, size: int) -> Any:
    return RNG.normal(size=(size, rank)) @ RNG.normal(size=(rank, size))


NUMPY: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "inv": (np.linalg.inv, (MATRIX,)),
    "det": (np.linalg.det, (MATRIX,)),
    "cholesky": (np.linalg.cholesky, (POSITIVE,)),
    "cholesky, upper": (lambda x: np.linalg.cholesky(x, upper=True), (POSITIVE,)),
    "solve for a vector": (np.linalg.solve, (MATRIX, RNG.normal(size=3))),
    "solve for a matrix": (np.linalg.solve, (MATRIX, RNG.normal(size=(3, 2)))),
    "solve a batch for one matrix": (
        np.linalg.solve,
        (np.stack([MATRIX, MATRIX.T, MATRIX @ MATRIX]), RNG.normal(size=(3, 3))),
    ),
    "vector_norm": (lambda x: np.linalg.vector_norm(x, axis=1, keepdims=True), (MATRIX,)),
    "vector_norm of another order": (lambda x: np.linalg.vector_norm(x, ord=3), (MATRIX,)),
}


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_functions_are_recorded(name: str) -> None:
    """NumPy's functions on tensors mean what NumPy means by them, and have a gradient."""
    function, arrays = NUMPY[name]
    expected = function(*arrays)
    result = function(*(Tensor(array, requires_grad=True) for array in arrays))
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.data, expected)
    if name.startswith("cholesky"):
        return  # NumPy reads one triangle: see the test of the symmetric part
    assert gradcheck(function, list(map(np.array, arrays)))


def test_vectors_by_pytorchs_rule_and_by_numpys() -> None:
    """A (3, 3) right-hand side of three matrices is three vectors by name, one matrix for NumPy."""
    a, b = np.stack([MATRIX, MATRIX.T, MATRIX @ MATRIX]), RNG.normal(size=(3, 3))
    by_name = solve(Tensor(a), Tensor(b))
    np.testing.assert_allclose(by_name.data, np.linalg.solve(a, b[..., None])[..., 0])
    through_numpy: Any = np.linalg.solve(Tensor(a), Tensor(b))
    assert through_numpy.shape == (3, 3, 3)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 20])
def test_gradient_of_det_for_every_rank(size: int) -> None:
    """The gradient is the matrix of cofactors, whether or not there is an inverse."""
    for rank in range(max(size - 3, 0), size + 1):
        x = Tensor(of_rank(rank, size), requires_grad=True)
        det(x).backward()
        expected = np.empty((size, size))
        for i, j in np.ndindex(size, size):
            minor = np.delete(np.delete(x.data, i, 0), j, 1)
            expected[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
        scale = np.linalg.norm(x.data, 2) ** (size - 1) if rank else 1.0
        np.testing.assert_allclose(x.grad, expected, rtol=1e-6, atol=1e-13 * scale)


@pytest.mark.parametrize("rank", range(5))
def test_second_derivative_of_det_for_every_rank(rank: int) -> None:
    """The derivative of the cofactors is right, whatever the rank."""
    assert gradgradcheck(det, [of_rank(rank, 4)], rtol=1e-5)


def test_determinant_in_a_batch_with_singular_matrices() -> None:
    """Each matrix of a batch has the gradient that it has alone."""
    matrices = np.stack([MATRIX, of_rank(2, 3), of_rank(1, 3), np.zeros((3, 3))])
    weights = RNG.normal(size=4)
    together = Tensor(matrices, requires_grad=True)
    det(together).backward(weights)
    for position, matrix in enumerate(matrices):
        alone = Tensor(matrix, requires_grad=True)
        det(alone).backward(weights[position])
        assert together.grad is not None
        np.testing.assert_allclose(together.grad[position], alone.grad, rtol=1e-10, atol=1e-14)


def test_all_derivatives_of_a_product() -> None:
    """det diag(a, b, c) = a b c: its third derivative is 1, also where all three are 0."""
    x = Tensor(np.zeros((3, 3)), requires_grad=True)
    value = det(x)
    for index in range(3):
        (gradient,) = grad(value, [x], create_graph=True)
        chosen = np.zeros((3, 3))
        chosen[index, index] = 1
        value = (gradient * chosen).sum()
    np.testing.assert_allclose(value.item(), 1.0, rtol=1e-10)


def test_slogdet_of_large_matrices() -> None:
    """The logarithm is finite where the determinant overflows, and is a pair by name."""
    x = Tensor(np.eye(400) * 1e3, requires_grad=True)
    result = slogdet(x)
    assert result.sign.item() == 1
    np.testing.assert_allclose(result.logabsdet.item(), 400 * np.log(1e3))
    assert not result.sign.requires_grad
    result.logabsdet.backward()
    np.testing.assert_allclose(x.grad, np.eye(400) / 1e3)


def test_numpys_slogdet_is_recorded() -> None:
    """np.linalg.slogdet on a tensor gives a pair, whose second part has a gradient."""
    sign, logabsdet = np.linalg.slogdet(Tensor(-MATRIX, requires_grad=True))
    expected = np.linalg.slogdet(-MATRIX)
    assert (sign.item(), logabsdet.item()) == pytest.approx(tuple(expected))
    assert isinstance(logabsdet, Tensor)
    assert logabsdet.requires_grad


def test_slogdet_of_a_singular_matrix() -> None:
    """The values are 0 and minus infinity; the gradient is refused, for it is infinite."""
    x = Tensor(SINGULAR, requires_grad=True)
    sign, logabsdet = slogdet(x)
    assert (sign.item(), logabsdet.item()) == (0, -np.inf)
    with pytest.raises(np.linalg.LinAlgError, match=r"slogdet: the gradient is infinite"):
        logabsdet.backward()
    assert x.grad is None


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_takes_the_symmetric_part(upper: bool) -> None:
    """The gradient is the derivative with respect to every element, and so symmetric."""
    assert gradcheck(lambda x: cholesky(x, upper=upper), [POSITIVE.copy()])
    x = Tensor(POSITIVE, requires_grad=True)
    cholesky(x, upper=upper).backward(RNG.normal(size=(3, 3)))
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, x.grad.T)
    skew = np.triu(np.ones((3, 3)), 1) - np.tril(np.ones((3, 3)), -1)
    np.testing.assert_allclose(cholesky(Tensor(POSITIVE + skew)).data, np.linalg.cholesky(POSITIVE))


def test_what_is_not_in_the_triangle_has_no_gradient() -> None:
    """The zeros above the diagonal of the factor are constant, whatever gradient comes in there."""
    x = Tensor(POSITIVE, requires_grad=True)
    cholesky(x).backward(np.triu(np.ones((3, 3)), 1))
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad, np.zeros((3, 3)))


def test_systems_from_the_other_side() -> None:
    """With left=False, X A = B is solved."""
    b = RNG.normal(size=(2, 3))
    x = solve(Tensor(MATRIX), Tensor(b), left=False)
    np.testing.assert_allclose(x.data @ MATRIX, b)


@pytest.mark.parametrize("function", [inv, det, lambda x: slogdet(x).logabsdet])
def test_integers_and_halves(function: Callable[[Tensor], Tensor]) -> None:
    """Integers give float32; half precision, which LAPACK lacks, is computed in single."""
    values = [[2, 1], [1, 3]]
    expected = function(Tensor(np.array(values, np.float64))).data
    whole = function(Tensor(np.array(values)))
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.data, expected, rtol=1e-6)
    x = Tensor(np.array(values, np.float16), requires_grad=True)
    half = function(x)
    half.backward(np.ones(half.shape, np.float16))
    assert x.grad is not None
    assert half.dtype == x.grad.dtype == np.float16
    np.testing.assert_allclose(half.data, expected, rtol=2e-3)


def test_half_precision_at_a_singular_matrix() -> None:
    """The cofactors are found in half precision too."""
    x = Tensor(SINGULAR.astype(np.float16), requires_grad=True)
    det(x).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, [[4, -2], [-2, 1]], atol=1e-2)


def test_jacobian_of_inv() -> None:
    """Many gradients at once give the same as one at a time."""
    whole: Any = jacobian(inv)(Tensor(MATRIX))
    y = np.linalg.inv(MATRIX)
    np.testing.assert_allclose(np.asarray(whole), -np.einsum("ik,lj->ijkl", y, y))


def test_messages_name_the_shape() -> None:
    """An error of LAPACK's says which operation failed, on what shape."""
    with pytest.raises(np.linalg.LinAlgError, match=r"inv: a matrix is singular.*\(2, 2\)"):
        inv(Tensor(SINGULAR))
    with pytest.raises(ValueError, match=r"cholesky: .*not positive definite.*\(2, 2\)"):
        cholesky(Tensor(-SINGULAR))
