"""Products with sparse matrices for tinytorch-core, on scipy.sparse."""

from .products import (
    SampledMatmulBackward,
    SparseMatmulBackward,
    sampled_matmul,
    sparse_matmul,
)

__all__ = ["SampledMatmulBackward", "SparseMatmulBackward", "sampled_matmul", "sparse_matmul"]
