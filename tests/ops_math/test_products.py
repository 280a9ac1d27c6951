"""Products of vectors and matrices: by PyTorch's names, and by NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tinytorch import Tensor
from tinytorch.testing import gradcheck
from tinytorch_ops_math import addmm, dot, inner, multi_dot, mv, outer, tensordot

RNG = np.random.default_rng(0)
A, B, V, W = (RNG.normal(size=shape) for shape in ((2, 3), (3, 4), (3,), (4,)))
CUBE = RNG.normal(size=(2, 4, 3))

NUMPY: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "dot of vectors": (np.dot, (V, V[::-1])),
    "dot of matrices": (np.dot, (A, B)),
    "dot of a matrix and a vector": (np.dot, (A, V)),
    "dot of a vector and a matrix": (np.dot, (V, B)),
    "dot with a 0-d array": (np.dot, (A, np.array(2.0))),
    "dot of more dimensions": (np.dot, (CUBE, RNG.normal(size=(5, 3, 2)))),
    "vdot": (np.vdot, (A, B[:, :2].T)),
    "inner": (np.inner, (CUBE, A)),
    "inner with a 0-d array": (np.inner, (np.array(2.0), A)),
    "outer of vectors": (np.outer, (V, W)),
    "outer flattens": (np.outer, (A, B)),
    "linalg.outer": (np.linalg.outer, (V, W)),
    "tensordot": (np.tensordot, (CUBE, RNG.normal(size=(4, 3, 2)))),
    "tensordot over axes": (lambda a, b: np.tensordot(a, b, axes=([0, -1], [0, 1])), (CUBE, A)),
    "linalg.tensordot": (lambda a, b: np.linalg.tensordot(a, b, axes=1), (A, B)),
    "multi_dot": (lambda *x: np.linalg.multi_dot(x), (V, B, W)),
}


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_functions_are_recorded(name: str) -> None:
    """NumPy's functions on tensors mean what NumPy means by them, and have a gradient."""
    function, arrays = NUMPY[name]
    expected = function(*arrays)
    result = function(*(Tensor(array, requires_grad=True) for array in arrays))
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.data, expected)
    assert gradcheck(function, list(map(np.array, arrays)))


def test_names_mean_what_pytorch_means() -> None:
    """By name, outer and dot take vectors only, though np.outer and np.dot take more."""
    for function in (outer, dot):
        with pytest.raises(ValueError, match=rf"{function.__name__}: the shapes should be \(n,\)"):
            function(Tensor(A), Tensor(B))


def test_forms_in_messages() -> None:
    """A message says which lengths should be equal, and what was given."""
    expected = r"mv: the shapes should be \(n, k\) and \(k,\).*but they are \(2, 3\) and \(4,\)"
    with pytest.raises(ValueError, match=expected):
        mv(Tensor(A), Tensor(W))


def test_addmm_without_its_first_tensor() -> None:
    """Where beta is 0, NaN and infinity in the first tensor do not count, as in PyTorch."""
    c = Tensor([np.nan, np.inf, 0.0, 1.0], requires_grad=True)
    y = addmm(c, Tensor(A), Tensor(B), beta=0)
    np.testing.assert_allclose(y.data, A @ B)
    y.backward(RNG.normal(size=(2, 4)))
    assert c.grad is not None
    assert not c.grad.any()


def test_factors_of_addmm_take_the_dtype_of_the_tensors() -> None:
    """NumPy's float64 numbers as factors make no float64 of float32."""
    c, a, b = (Tensor(x.astype(np.float32)) for x in (W, A, B))
    factor = np.float64(0.5)
    y = addmm(c, a, b, beta=factor, alpha=factor)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, 0.5 * W + 0.5 * (A @ B), rtol=1e-5)


def test_inner_of_matrices() -> None:
    """Rows are multiplied with rows, and a number with anything."""
    x, y = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0, 1.0]])
    assert inner(x, y).tolist() == [[3.0], [7.0]]
    assert inner(x, Tensor(2.0)).tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_tensordot_does_not_broadcast() -> None:
    """A length of 1 against a longer one is refused, as by NumPy; PyTorch sums the longer one."""
    with pytest.raises(ValueError, match=r"lengths of the axes.*\(2, 1\).*\(3, 4\)"):
        tensordot(Tensor(np.ones((2, 1))), Tensor(np.ones((3, 4))), 1)


def test_multi_dot_takes_the_cheapest_order() -> None:
    """A row is multiplied first where that avoids a large matrix, so that no node saves one."""
    column, row, matrix = (
        Tensor(RNG.normal(size=shape), requires_grad=True) for shape in ((50, 1), (1, 50), (50, 2))
    )
    product = multi_dot([column, row, matrix])
    last = product.grad_fn
    assert last is not None
    assert [x.shape for x in last.saved] == [(50, 1), (1, 2)]
    np.testing.assert_allclose(product.data, column.data @ row.data @ matrix.data)


@pytest.mark.parametrize("kind", [np.int64, np.float16])
def test_other_dtypes(kind: Any) -> None:
    """Integers stay integers in products, and half precision stays half."""
    a, b = Tensor(np.arange(6, dtype=kind).reshape(2, 3)), Tensor(np.arange(3, dtype=kind))
    for y in (mv(a, b), outer(b, b), inner(a, b), dot(b, b), tensordot(a, b, 1)):
        assert y.dtype == kind
    assert mv(a, b).tolist() == [5, 14]
