"""What parameters are before anything has been learnt, as in PyTorch."""

from __future__ import annotations

from math import sqrt

import numpy as np
from tinytorch import Tensor, default_generator


def uniform_by_inputs(inputs: int, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> Tensor:
    """Return a parameter drawn from -1 / √n to 1 / √n, where each output sums over n inputs.

    This is what comes of PyTorch's `kaiming_uniform_` with ``a=sqrt(5)``: He et al. (2015),
    arXiv:1502.01852.
    """
    return _uniform(1 / sqrt(max(inputs, 1)), shape, dtype)


def uniform_by_shape(shape: tuple[int, int], dtype: np.typing.DTypeLike) -> Tensor:
    """Return a matrix that keeps variances forward and backward: Glorot and Bengio (2010)."""
    return _uniform(sqrt(6 / max(sum(shape), 1)), shape, dtype)


def _uniform(bound: float, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> Tensor:
    drawn = default_generator().uniform(-bound, bound, shape)
    return Tensor(drawn, requires_grad=True, dtype=dtype)
