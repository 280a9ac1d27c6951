"""The places of a sparse matrix, and what arrays fit it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from tinytorch import Array


def check_pattern(op: str, pattern: Any) -> None:
    """Refuse what is no sparse matrix in CSR form, whose entries have an order to rely on."""
    if not issparse(pattern):
        raise TypeError(
            f"{op}: the pattern should be a sparse matrix in CSR form, but it is a "
            f"{type(pattern).__name__}; make one with scipy.sparse.csr_array"
        )
    if pattern.format != "csr" or pattern.ndim != 2:
        raise TypeError(
            f"{op}: the pattern should be a sparse matrix in CSR form, but it is in "
            f"{pattern.format.upper()} form and has shape {pattern.shape}; convert it with .tocsr()"
        )


def check_values(op: str, values: Array, pattern: csr_array) -> None:
    """Refuse values that are not one for each stored entry."""
    if np.shape(values) != (pattern.nnz,):
        raise ValueError(
            f"{op}: the values should have shape ({pattern.nnz},), one for each entry that the "
            f"pattern stores, but they have shape {np.shape(values)}"
        )


def check_dense(op: str, name: str, dense: Array, length: int, pattern: csr_array) -> None:
    """Refuse what is neither a vector nor a matrix of `length` rows."""
    shape = np.shape(dense)
    if len(shape) not in (1, 2) or shape[0] != length:
        raise ValueError(
            f"{op}: {name} should have shape ({length},) or ({length}, m) beside a pattern of "
            f"shape {pattern.shape}, but it has shape {shape}"
        )


def with_values(pattern: csr_array, values: Array) -> csr_array:
    """Return the matrix with these values in the places of the pattern."""
    return csr_array((values, pattern.indices, pattern.indptr), shape=pattern.shape)


def places(pattern: csr_array) -> tuple[Array, Array]:
    """Return the row and the column of each entry, in the order in which they are stored."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return rows, pattern.indices
