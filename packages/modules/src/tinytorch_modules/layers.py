"""Layers without a family of their own: linear maps, tables, dropout, a change of shape."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Tensor, default_generator, one_axis
from tinytorch_ops_nn import dropout, embedding, linear

from .initial import uniform_by_inputs
from .module import Module


class Linear(Module):
    """Linear map with a bias, ``input @ weight.T + bias``, along the last axis.

    Parameters
    ----------
    in_features, out_features : int
        The lengths n and m of the last axis before and after it.
    bias : bool
        Whether there is one.
    dtype : dtype
        Of the parameters: floating.

    Attributes
    ----------
    weight : Tensor
        Of shape (m, n), drawn from -1 / √n to 1 / √n.
    bias : Tensor or None
        Of shape (m,), drawn likewise.

    Examples
    --------
    >>> Linear(3, 2)(ones(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = uniform_by_inputs(in_features, (out_features, in_features), dtype)
        self.bias = uniform_by_inputs(in_features, (out_features,), dtype) if bias else None

    def forward(self, input: Any) -> Tensor:
        """Return the map of `input`, of shape (..., n): of shape (..., m)."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the lengths, and whether there is a bias."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Embedding(Module):
    """Rows of a table, one for each index.

    Parameters
    ----------
    num_embeddings : int
        How many rows there are.
    embedding_dim : int
        How long each is.
    padding_idx : int, optional
        The row that stands for nothing, is zero and is not learnt; a negative one counts from the
        end.
    dtype : dtype
        Of the table: floating.

    Attributes
    ----------
    weight : Tensor
        The table, of shape (num_embeddings, embedding_dim), drawn from the normal distribution.

    Raises
    ------
    IndexError
        If `padding_idx` is out of range.

    Examples
    --------
    >>> Embedding(10, 3)([[1, 0], [2, 9]]).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        drawn = default_generator().standard_normal((num_embeddings, embedding_dim))
        if padding_idx is not None:
            drawn[padding_idx] = 0
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        self.weight = Tensor(drawn, requires_grad=True, dtype=dtype)

    def forward(self, input: Any) -> Tensor:
        """Return the rows at `input`, integers of any shape, which is followed by their length."""
        return embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the shape of the table, and the row that is not learnt."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class Dropout(Module):
    """In training each element left out with a probability, and the others enlarged.

    Parameters
    ----------
    p : float
        The probability of 0 in place of an element; the others are divided by 1 - p.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.

    Examples
    --------
    >>> layer = Dropout(0.5)
    >>> sorted(set(layer(ones(100)).data.tolist()))
    [0.0, 2.0]
    >>> layer.eval()(ones(2))
    Tensor(data=[1. 1.], shape=(2,))
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p should be from 0 to 1, but it is {p}")
        self.p = p

    def forward(self, input: Any) -> Tensor:
        """Return what is left of `input`: all, in evaluation."""
        return dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"


class Flatten(Module):
    """Several axes made one; by default all but the first, which is the batch's.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of them.

    Examples
    --------
    >>> Flatten()(zeros(5, 3, 2, 2)).shape
    (5, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        """Return `input` in its new shape.

        Raises
        ------
        IndexError
            If it has no such axis.
        ValueError
            If the last axis comes before the first.
        """
        axes = (self.start_dim, self.end_dim)
        first, last = (one_axis("Flatten", axis, len(input.shape)) for axis in axes)
        if last < first:
            raise ValueError(
                f"Flatten: the last axis should not come before the first, but start_dim="
                f"{self.start_dim} and end_dim={self.end_dim} of shape {input.shape} were given"
            )
        before, after = input.shape[:first], input.shape[last + 1 :]
        result: Tensor = input.reshape(*before, prod(input.shape[first : last + 1]), *after)
        return result

    def extra_repr(self) -> str:
        """Return the first and the last of the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
