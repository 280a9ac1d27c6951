"""Two products that are each other's gradient.

In ``y = A x`` with a sparse A, the gradient of x is a product with the transposed matrix. That of
the stored values is the product of two dense matrices, of which only the stored places are
computed; and its gradients are products with the sparse matrix again. So the rules call these two
operations, and every further derivative is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, sample, uniform

from .patterns import check_dense, check_pattern, check_values, places, with_values


class SparseMatmulBackward(Function):
    """A X, or Aᵀ X, with values v in the places of A.

    Gradients: of X it is Aᵀ G (A G where A is transposed); of v it is G Xᵀ (X Gᵀ), in the places
    of A alone.
    """

    def forward(self, values: Array, dense: Array, *, pattern: csr_array, transposed: bool) -> Any:
        """Compute the product from arrays."""
        check_pattern("sparse_matmul", pattern)
        check_values("sparse_matmul", values, pattern)
        length = pattern.shape[0 if transposed else 1]
        check_dense("sparse_matmul", "dense", dense, length, pattern)
        need_values, need_dense = self.needs_input_grad
        self.save(values if need_dense else None, dense if need_values else None)
        self.pattern, self.transposed = pattern, transposed
        matrix = with_values(pattern, values)
        product = (matrix.T if transposed else matrix) @ dense
        return product.astype(np.result_type(values, dense), copy=False)  # SciPy widens float16

    def apply(self, grad_output: Array) -> Any:
        """Return the gradients towards the values and the dense operand."""
        values, dense = self.saved
        need_values, need_dense = self.needs_input_grad
        grad_values = grad_dense = None
        if need_values:
            x, y = (dense, grad_output) if self.transposed else (grad_output, dense)
            grad_values = SampledMatmulBackward.call(x, y, pattern=self.pattern)
        if need_dense:
            grad_dense = SparseMatmulBackward.call(
                values, grad_output, pattern=self.pattern, transposed=not self.transposed
            )
        return grad_values, grad_dense


class SampledMatmulBackward(Function):
    """X Yᵀ in the places of a sparse matrix. Gradients: A Y and Aᵀ X, where A has values g."""

    def forward(self, x: Array, y: Array, *, pattern: csr_array) -> Any:
        """Compute the entries from arrays."""
        check_pattern("sampled_matmul", pattern)
        check_dense("sampled_matmul", "x", x, pattern.shape[0], pattern)
        check_dense("sampled_matmul", "y", y, pattern.shape[1], pattern)
        if np.shape(x)[1:] != np.shape(y)[1:]:
            raise ValueError(
                "sampled_matmul: x and y should have rows of one length, but they have shapes "
                f"{np.shape(x)} and {np.shape(y)}"
            )
        need_x, need_y = self.needs_input_grad
        self.save(x if need_y else None, y if need_x else None)
        self.pattern = pattern
        rows, columns = places(pattern)
        if np.ndim(x) == 1:
            return x[rows] * y[columns]
        return np.einsum("em,em->e", x[rows], y[columns])

    def apply(self, grad_output: Array) -> Any:
        """Return the gradients towards x and y."""
        x, y = self.saved
        need_x, need_y = self.needs_input_grad

        def product(dense: Array, transposed: bool) -> Any:
            return SparseMatmulBackward.call(
                grad_output, dense, pattern=self.pattern, transposed=transposed
            )

        return product(y, False) if need_x else None, product(x, True) if need_y else None


def sparse_matmul(
    values: Any, dense: Any, pattern: csr_array, *, transposed: bool = False
) -> Tensor:
    """Product of a sparse matrix and a dense one, with gradients to both.

    Parameters
    ----------
    values : Tensor or array
        Of shape (nnz,): the entries of the sparse matrix, in the order in which the pattern stores
        its own.
    dense : Tensor or array
        Of shape (k, m), or (k,) for one column.
    pattern : scipy.sparse.csr_array or csr_matrix
        Of shape (n, k), or (k, n) where it is `transposed`. It says where the entries are; what it
        has in their places itself is not looked at. Entries of one place add up. It is kept for the
        gradient, and should not be changed before.
    transposed : bool
        Multiply by the transposed matrix.

    Returns
    -------
    Tensor
        Of shape (n, m), or (n,). Dtypes promote as in NumPy. The gradient of the dense matrix is
        Aᵀ G, that of the values is G Xᵀ in their places: no dense matrix of A's shape is made.

    Raises
    ------
    TypeError
        If the pattern is no sparse matrix in CSR form.
    ValueError
        If there is not one value for each entry, or if the dense matrix does not fit.

    Examples
    --------
    >>> pattern = csr_array([[1, 0, 1], [0, 0, 1]])
    >>> values = Tensor([2.0, 3.0, 4.0], requires_grad=True)
    >>> sparse_matmul(values, Tensor([1.0, 10.0, 100.0]), pattern).tolist()
    [302.0, 400.0]
    """
    return SparseMatmulBackward.call(values, dense, pattern=pattern, transposed=transposed)


def sampled_matmul(x: Any, y: Any, pattern: csr_array) -> Tensor:
    """Entries of ``x @ y.T`` in the places of a sparse matrix, and no others.

    Parameters
    ----------
    x : Tensor or array
        Of shape (n, m), or (n,) for one column.
    y : Tensor or array
        Of shape (k, m), or (k,).
    pattern : scipy.sparse.csr_array or csr_matrix
        Of shape (n, k), with nnz stored entries: the places to compute. It is kept for the
        gradient, and should not be changed before.

    Returns
    -------
    Tensor
        Of shape (nnz,), in the order of the pattern. Dtypes promote as in NumPy. The gradients are
        A Y and Aᵀ X, where A is the sparse matrix that has g for its values.

    Raises
    ------
    TypeError
        If the pattern is no sparse matrix in CSR form.
    ValueError
        If x and y do not fit the pattern, or each other.

    Examples
    --------
    >>> pattern = csr_array([[1, 0, 1], [0, 0, 1]])
    >>> sampled_matmul(Tensor([1.0, 2.0]), Tensor([1.0, 10.0, 100.0]), pattern).tolist()
    [1.0, 100.0, 200.0]
    """
    return SampledMatmulBackward.call(x, y, pattern=pattern)


PATTERN = csr_array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]])
TWICE = csr_array(([1, 1, 1, 1], [2, 0, 0, 1], [0, 3, 4]), shape=(2, 3))
"""Not in order, and with one place named twice."""
PATTERNS = (
    PATTERN,
    TWICE,
    csr_array(np.eye(3)),
    csr_array([[1]]),
    csr_array((2, 3), dtype=float),
    csr_array((0, 3), dtype=float),
)


def _shapes() -> Iterator[tuple[csr_array, tuple[int, ...], tuple[int, ...]]]:
    """Yield patterns with the shapes of dense operands that have as many rows or columns."""
    for pattern in PATTERNS:
        n, k = pattern.shape
        for columns in ((), (1,), (3,)):
            yield pattern, (n, *columns), (k, *columns)
    yield PATTERN, (3, 0), (4, 0)


def _sparse_matmul_samples() -> list[Sample]:
    return [
        sample(uniform(pattern.nnz), uniform(shape, seed=1), pattern=pattern, **parameters)
        for pattern, of_rows, of_columns in _shapes()
        for shape, parameters in (
            (of_columns, {}),
            (of_rows, {"transposed": True}),
        )
    ]


def _sampled_matmul_samples() -> list[Sample]:
    return [
        sample(uniform(of_rows), uniform(of_columns, seed=1), pattern=pattern)
        for pattern, of_rows, of_columns in _shapes()
    ]


def _to_dense(values: Array, pattern: csr_array) -> Array:
    dense = np.zeros(pattern.shape, np.asarray(values).dtype)
    np.add.at(dense, places(pattern), values)
    return dense


def _sparse_matmul_reference(
    values: Array, dense: Array, pattern: csr_array, transposed: bool = False
) -> Any:
    matrix = _to_dense(values, pattern)
    return np.matmul(matrix.T if transposed else matrix, dense)


def _sampled_matmul_reference(x: Array, y: Array, pattern: csr_array) -> Any:
    product = np.outer(x, y) if np.ndim(x) == 1 else np.matmul(x, y.T)
    return product[places(pattern)]


SPARSE_MATMUL = Operation(
    sparse_matmul,
    SparseMatmulBackward,
    samples=_sparse_matmul_samples,
    bad_inputs=[
        bad(TypeError, "CSR form, but it is a ndarray", np.ones(2), np.ones(2), pattern=np.eye(2)),
        bad(TypeError, "in COO form.*tocsr", np.ones(5), np.ones(4), pattern=PATTERN.tocoo()),
        bad(ValueError, r"shape \(5,\), one.*shape \(4,\)", np.ones(4), np.ones(4), PATTERN),
        bad(ValueError, r"shape \(5,\), one.*shape \(\)", np.array(1.0), np.ones(4), PATTERN),
        bad(ValueError, r"\(4,\) or \(4, m\).*shape \(\)", np.ones(5), np.array(1.0), PATTERN),
        bad(ValueError, r"\(4,\) or \(4, m\).*shape \(3,\)", np.ones(5), np.ones(3), PATTERN),
        bad(ValueError, r"\(4, m\).*\(4, 2, 2\)", np.ones(5), np.ones((4, 2, 2)), PATTERN),
        bad(
            ValueError,
            r"\(3,\) or \(3, m\).*shape \(4,\)",
            np.ones(5),
            np.ones(4),
            PATTERN,
            transposed=True,
        ),
    ],
    reference=_sparse_matmul_reference,
)

SAMPLED_MATMUL = Operation(
    sampled_matmul,
    SampledMatmulBackward,
    samples=_sampled_matmul_samples,
    bad_inputs=[
        bad(TypeError, "CSR form, but it is a ndarray", np.ones(2), np.ones(2), pattern=np.eye(2)),
        bad(TypeError, "in CSC form.*tocsr", np.ones(3), np.ones(4), pattern=PATTERN.tocsc()),
        bad(ValueError, r"x should have shape \(3,\).*\(2,\)", np.ones(2), np.ones(4), PATTERN),
        bad(ValueError, r"x should .*shape \(\)", np.array(1.0), np.ones(4), PATTERN),
        bad(ValueError, r"y should have shape \(4,\).*\(3,\)", np.ones(3), np.ones(3), PATTERN),
        bad(ValueError, r"one length.*\(3, 2\)", np.ones((3, 2)), np.ones((4, 1)), PATTERN),
        bad(ValueError, r"one length.*\(3, 1\)", np.ones((3, 1)), np.ones(4), PATTERN),
    ],
    reference=_sampled_matmul_reference,
)
