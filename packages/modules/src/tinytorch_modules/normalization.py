"""Normalization as layers, with what they learn and what they remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from tinytorch import Tensor, ones, zeros
from tinytorch_ops_nn import batch_norm, layer_norm

from .module import Module


class LayerNorm(Module):
    """Elements along the last axes, brought to mean 0 and variance 1: ``w (x - m) / √(v + ε) + b``.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of the last axes, over which mean m and variance v are taken.
    eps : float
        What is added to the variance.
    elementwise_affine : bool
        Whether to multiply with weights, and to add a bias.
    bias : bool
        Whether to add one, where there are weights.
    dtype : dtype
        Of the parameters: floating.

    Attributes
    ----------
    weight, bias : Tensor or None
        Of shape `normalized_shape`: ones and zeros in the beginning.

    Examples
    --------
    >>> LayerNorm(3)(Tensor([[1.0, 2.0, 3.0]])).data.round(3)
    array([[-1.225,  0.   ,  1.225]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        if not isinstance(normalized_shape, Sequence):
            normalized_shape = (normalized_shape,)
        self.normalized_shape, self.eps = tuple(normalized_shape), eps
        self.weight = self.bias = None
        if elementwise_affine:
            self.weight = ones(self.normalized_shape, requires_grad=True, dtype=dtype)
        if elementwise_affine and bias:
            self.bias = zeros(self.normalized_shape, requires_grad=True, dtype=dtype)

    def forward(self, input: Any) -> Tensor:
        """Return `input`, of shape (..., *normalized_shape), normalized."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the shape, ε, and what is learnt."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.weight is not None}, bias={self.bias is not None}"
        )


class _BatchNorm(Module):
    """What the normalizations over a batch have in common; they differ in the axes they expect."""

    _axes: ClassVar[tuple[int, ...]]
    _shapes: ClassVar[str]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = ones(num_features, requires_grad=True, dtype=dtype) if affine else None
        self.bias = zeros(num_features, requires_grad=True, dtype=dtype) if affine else None
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None
        tracks = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if tracks else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if tracks else None)
        self.register_buffer("num_batches_tracked", Tensor(np.array(0)) if tracks else None)

    def forward(self, input: Any) -> Tensor:
        """Return `input` normalized; in training, the running statistics are moved, too.

        Raises
        ------
        ValueError
            If `input` has another number of axes, or but one element a channel in training.
        """
        axes = len(np.shape(input))
        if axes not in self._axes:
            raise ValueError(
                f"{type(self).__name__}: the input should have the shape {self._shapes}, but its "
                f"shape is {np.shape(input)}"
            )
        count = self.num_batches_tracked
        momentum = self.momentum
        if momentum is None:  # the mean of all batches
            momentum = 0.0 if count is None else 1 / (int(count.data) + 1)
        y = batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or count is None,
            momentum,
            self.eps,
        )
        if self.training and count is not None:
            count.data += 1
        return y

    def extra_repr(self) -> str:
        """Return the channels and the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Channels brought to mean 0 and variance 1 over a batch: ``w (x - m) / √(v + ε) + b``.

    In training mean m and variance v are those of the batch, and the running statistics move
    towards them. In evaluation the running statistics are used, where there are any.

    Parameters
    ----------
    num_features : int
        The number of channels C.
    eps : float
        What is added to the variance.
    momentum : float or None
        The share of the batch in the new running statistics. With None, these are the mean over all
        batches.
    affine : bool
        Whether to multiply with weights, and to add a bias.
    track_running_stats : bool
        Whether to keep running statistics; without, the batch's are used in evaluation too.
    dtype : dtype
        Of parameters and running statistics: floating.

    Attributes
    ----------
    weight, bias : Tensor or None
        Of shape (C,): ones and zeros in the beginning.
    running_mean, running_var : Tensor or None
        Of shape (C,): zeros and ones in the beginning. The variance is the unbiased one.
    num_batches_tracked : Tensor or None
        Of shape (), an integer.

    Examples
    --------
    >>> layer = BatchNorm1d(1)
    >>> layer(Tensor([[1.0], [3.0]])).data.round(3)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.running_mean
    Tensor(data=[0.2], shape=(1,))
    """

    _axes = (2, 3)
    _shapes = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Channels of images brought to mean 0 and variance 1 over a batch and all places.

    Parameters
    ----------
    num_features : int
        The number of channels C.
    eps : float
        What is added to the variance.
    momentum : float or None
        The share of the batch in the new running statistics. With None, these are the mean over all
        batches.
    affine : bool
        Whether to multiply with weights, and to add a bias.
    track_running_stats : bool
        Whether to keep running statistics; without, the batch's are used in evaluation too.
    dtype : dtype
        Of parameters and running statistics: floating.

    Attributes
    ----------
    weight, bias, running_mean, running_var, num_batches_tracked : Tensor or None
        As in `BatchNorm1d`.

    Examples
    --------
    >>> BatchNorm2d(3)(ones(5, 3, 4, 4)).shape
    (5, 3, 4, 4)
    """

    _axes = (4,)
    _shapes = "(N, C, H, W)"
