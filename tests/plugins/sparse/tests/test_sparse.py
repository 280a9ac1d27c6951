"""Sparse products as their users see them, and the kit that core has for their author."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch
from scipy.sparse import csr_array, csr_matrix, random_array
from tinytorch import Tensor, func
from tinytorch.testing import gradcheck, gradgradcheck, parametrize_op_checks
from tinytorch_sparse import sampled_matmul, sparse_matmul

RNG = np.random.default_rng(3)
MATRIX = random_array((30, 20), density=0.1, format="csr", rng=RNG, dtype=np.float64)


@parametrize_op_checks("tinytorch-sparse")
def test_the_kit_accepts_the_distribution(check):
    """Each check of core's kit passes, for the distribution and for both operations."""
    check.run()


def both(function, *arrays, grad):
    """The output of a function, and its gradients towards all of the arrays."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    output = function(*leaves)
    output.backward(grad)
    return [output.data, *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("columns", [(), (1,), (7,)])
def test_it_agrees_with_the_dense_product(columns, transposed):
    """Value and both gradients are those of core's matmul of the same matrix, written out."""
    places = MATRIX.nonzero()
    length, width = MATRIX.shape if transposed else MATRIX.shape[::-1]
    dense, grad = RNG.normal(size=(length, *columns)), RNG.normal(size=(width, *columns))

    def product(values, x):
        return sparse_matmul(values, x, MATRIX, transposed=transposed)

    def dense_product(matrix, x):
        return (matrix.transpose() if transposed else matrix) @ x

    output, of_values, of_dense = both(product, MATRIX.data, dense, grad=grad)
    expected, of_matrix, expected_of_dense = both(dense_product, MATRIX.toarray(), dense, grad=grad)
    np.testing.assert_allclose(output, expected, rtol=1e-12)
    np.testing.assert_allclose(of_dense, expected_of_dense, rtol=1e-12)
    np.testing.assert_allclose(of_values, of_matrix[places], rtol=1e-12)


@pytest.mark.parametrize("form", [csr_array, csr_matrix])
def test_it_agrees_with_scipy(form):
    """The value is what SciPy's own product gives, for its arrays and its matrices."""
    matrix, dense = form(MATRIX), RNG.normal(size=(20, 3))
    np.testing.assert_array_equal(sparse_matmul(matrix.data, dense, matrix), matrix @ dense)


def test_only_the_places_of_the_pattern_count():
    """What the pattern stores itself has no influence, zeros among it too."""
    zeros = csr_array((np.zeros(MATRIX.nnz), MATRIX.indices, MATRIX.indptr), shape=MATRIX.shape)
    dense = RNG.normal(size=20)
    np.testing.assert_array_equal(sparse_matmul(MATRIX.data, dense, zeros), MATRIX @ dense)


def test_entries_of_one_place_add_up_and_share_the_gradient():
    """A place that is stored twice counts with the sum, and each entry gets its gradient."""
    twice = csr_array(([1, 1], [0, 0], [0, 2]), shape=(1, 1))
    output, of_values, of_dense = both(
        lambda values, x: sparse_matmul(values, x, twice),
        *(np.array([2.0, 3.0]), np.array([7.0])),
        grad=np.array([0.5]),
    )
    assert (output, of_dense) == (35.0, 2.5)
    assert of_values.tolist() == [3.5, 3.5]


def test_sampled_matmul_computes_the_entries_of_the_product():
    """Each stored place gets the entry of the dense product, in the order of the pattern."""
    x, y = RNG.normal(size=(30, 4)), RNG.normal(size=(20, 4))
    shuffled = csr_array(([1, 1, 1], [19, 0, 3], [0, 3, *[3] * 29]), shape=(30, 20))
    product = x @ y.T
    np.testing.assert_allclose(sampled_matmul(x, y, MATRIX), product[MATRIX.nonzero()], rtol=1e-12)
    np.testing.assert_allclose(sampled_matmul(x, y, shuffled), product[0, [19, 0, 3]], rtol=1e-12)


def test_no_dense_matrix_is_made():
    """A product with a matrix whose dense form would fill any memory has value and gradients."""
    size = 10**6
    pattern = csr_array(([1.0, 1.0], ([0, size - 1], [size - 1, 5])), shape=(size, size))
    dense = np.zeros(size, np.float32)
    dense[[5, -1]] = 2.0, 3.0
    grad = np.zeros(size, np.float32)
    grad[[0, -1]] = 10.0, 100.0
    output, of_values, of_dense = both(
        lambda values, x: sparse_matmul(values, x, pattern),
        *(np.array([0.5, 0.25], np.float32), dense),
        grad=grad,
    )
    assert output[[0, -1]].tolist() == [1.5, 0.5]
    assert of_values.tolist() == [30.0, 200.0]
    assert of_dense[[5, -1]].tolist() == [25.0, 5.0]


def test_only_what_is_asked_for_is_kept():
    """Where one operand needs no gradient, the other is not kept for it."""
    values, dense = MATRIX.data, RNG.normal(size=(20, 2))
    asked = sparse_matmul(Tensor(values, requires_grad=True), dense, MATRIX).grad_fn.saved
    assert [x is None for x in asked] == [True, False]
    asked = sparse_matmul(values, Tensor(dense, requires_grad=True), MATRIX).grad_fn.saved
    assert [x is None for x in asked] == [False, True]


def test_half_precision_stays():
    """float16 in, float16 out, for the gradients as well: SciPy by itself would widen it."""
    arrays = MATRIX.data.astype(np.float16), RNG.normal(size=20).astype(np.float16)
    results = both(
        lambda values, x: sparse_matmul(values, x, MATRIX),
        *arrays,
        grad=np.ones(30, np.float16),
    )
    assert [result.dtype for result in results] == [np.float16] * 3


def test_whole_numbers_and_sequences():
    """Lists become float32, and integers are constants that promote as in NumPy."""
    pattern = csr_array([[1, 1]])
    assert sparse_matmul([2, 3], [10, 100], pattern).tolist() == [320.0]
    x = Tensor([10.0, 100.0], requires_grad=True)
    output = sparse_matmul(np.array([2, 3]), x, pattern)
    output.backward(np.array([0.5]))
    assert x.grad.tolist() == [1.0, 1.5]


@pytest.mark.parametrize("columns", [(), (3,)])
def test_graph_attention(columns):
    """Both operations together, as in a network on a graph, have right second derivatives."""
    graph = csr_array(np.array([[0, 1, 1], [1, 0, 0], [0, 1, 1]]))
    query, key, value = (RNG.normal(size=(3, *columns)) for _ in range(3))

    def attend(query, key, value):
        scores = sampled_matmul(query, key, graph) / 4
        total = sparse_matmul(np.exp(scores), np.ones(3), graph)
        mixed = sparse_matmul(np.exp(scores), value, graph)
        return mixed / total.reshape(3, *[1] * len(columns))

    assert gradcheck(attend, [query, key, value]) > 0
    assert gradgradcheck(attend, [query, key, value]) > 0


def test_third_derivative():
    """The third derivative of a cube is six: rules of rules of both operations are right."""
    pattern = csr_array(np.ones((1, 1)))

    def cube(x):
        return sparse_matmul(x, sampled_matmul(x, x, pattern), pattern).sum()

    second = func.grad(func.grad(cube))
    third = func.grad(lambda x: second(x).sum())
    np.testing.assert_allclose(third(np.array([2.0])), [6.0])


def test_jacobian():
    """The Jacobian towards the dense operand is the matrix itself."""
    jacobian = func.jacobian(lambda x: sparse_matmul(MATRIX.data, x, MATRIX))
    np.testing.assert_allclose(jacobian(RNG.normal(size=20)), MATRIX.toarray())


def test_registered_and_exported_functions_are_one():
    """`tinytorch.ops` has the very functions of the package."""
    assert tinytorch.ops.sparse_matmul is sparse_matmul
    assert tinytorch.ops.sampled_matmul is sampled_matmul
