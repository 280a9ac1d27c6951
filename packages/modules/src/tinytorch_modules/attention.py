"""Attention with several heads, as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Tensor, zeros
from tinytorch_ops_nn import chunk, linear, scaled_dot_product_attention

from .initial import uniform_by_shape
from .layers import Linear
from .module import Module


class MultiheadAttention(Module):
    """Mixtures of values, by how well keys fit queries, for several heads side by side.

    Parameters
    ----------
    embed_dim : int
        The length E of queries and outputs.
    num_heads : int
        The number H of heads; each has E / H of the features.
    dropout : float
        The probability with which a weight is left out in training.
    bias : bool
        Whether the linear maps before and after have one.
    kdim, vdim : int, optional
        The lengths of keys and values; by default E.
    batch_first : bool
        Whether the shapes are (N, L, E) rather than (L, N, E).
    dtype : dtype
        Of the parameters: floating.

    Attributes
    ----------
    in_proj_weight : Tensor
        Of shape (3 E, E): the maps of query, key and value, drawn as by Glorot and Bengio (2010).
        Where `kdim` or `vdim` is another one, there are three in its place: `q_proj_weight` of
        shape (E, E), `k_proj_weight` of shape (E, kdim) and `v_proj_weight` of shape (E, vdim).
    in_proj_bias : Tensor or None
        Of shape (3 E,): zeros in the beginning.
    out_proj : Linear
        The map of the outputs of all heads.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `embed_dim`.

    References
    ----------
    Vaswani et al. (2017), arXiv:1706.03762.

    Examples
    --------
    >>> attention = MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = ones(5, 3, 8)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    ((5, 3, 8), (5, 3, 3))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: num_heads should divide embed_dim, but num_heads={num_heads} "
                f"and embed_dim={embed_dim} were given"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first = batch_first
        lengths = (embed_dim, kdim or embed_dim, vdim or embed_dim)
        if set(lengths) == {embed_dim}:
            self.in_proj_weight = uniform_by_shape((3 * embed_dim, embed_dim), dtype)
        else:
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight = (
                uniform_by_shape((embed_dim, length), dtype) for length in lengths
            )
        self.in_proj_bias = zeros(3 * embed_dim, requires_grad=True, dtype=dtype) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data[:] = 0

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return mixtures of the values, and the weights that they were mixed with.

        Parameters
        ----------
        query, key, value : Tensor
            Of shape (L, N, E), (S, N, kdim) and (S, N, vdim); with `batch_first` the first two axes
            are exchanged, and without a batch there is no N.
        key_padding_mask : Tensor or array, optional
            Of shape (N, S), or (S,) without a batch: booleans, true where a key is left out, or
            floats that are added to the scores.
        need_weights : bool
            Whether to return the weights, which takes longer.
        attn_mask : Tensor or array, optional
            Of shape (L, S) or (N × H, L, S): booleans, true where a query does not attend to a key,
            or floats that are added to the scores.
        average_attn_weights : bool
            Whether to return the mean of the weights over all heads.
        is_causal : bool
            Whether query i attends to the keys 0 to i only, besides what the masks say.

        Returns
        -------
        (Tensor, Tensor or None)
            Of the shape of `query`; and of shape (N, L, S), or (N, H, L, S) if they are not
            averaged, without N where there is no batch. A query that attends to nothing gets zeros
            from all heads.
        """
        is_batch = query.ndim == 3
        q, k, v = self._projected(*(self._by_batch(x) for x in (query, key, value)))
        mask = self._mask(q, k, attn_mask, key_padding_mask, is_causal)
        p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            # Mixtures of the rows of the identity are the weights themselves.
            identity = np.eye(k.shape[-2], dtype=q.dtype)
            weights = scaled_dot_product_attention(q, k, identity, mask, p)
            mixed = weights @ v
        else:
            mixed = scaled_dot_product_attention(q, k, v, mask, p)
        texts, _, length, _ = q.shape
        output = self.out_proj(mixed.transpose(1, 2).reshape(texts, length, self.embed_dim))
        if weights is not None and average_attn_weights:
            weights = weights.mean(axis=1)
        if not is_batch:
            return output[0], None if weights is None else weights[0]
        return output if self.batch_first else output.transpose(0, 1), weights

    def _by_batch(self, x: Tensor) -> Tensor:
        """Return an input of any of the shapes in that of (N, L, E)."""
        if x.ndim == 2:
            return x.reshape(1, *x.shape)
        return x if self.batch_first else x.transpose(0, 1)

    def _projected(self, *inputs: Tensor) -> list[Tensor]:
        """Return query, key and value as the heads see them: of shape (N, H, L, E / H)."""
        if hasattr(self, "in_proj_weight"):
            weights = chunk(self.in_proj_weight, 3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else chunk(self.in_proj_bias, 3)
        maps = zip(inputs, weights, biases, strict=True)
        return [
            linear(x, weight, bias).reshape(*x.shape[:2], self.num_heads, -1).transpose(1, 2)
            for x, weight, bias in maps
        ]

    def _mask(self, q: Tensor, k: Tensor, attn_mask: Any, padding: Any, is_causal: bool) -> Any:
        """Return what is added to the scores, of a shape that broadcasts to (N, H, L, S)."""
        (texts, heads, length, _), keys = q.shape, k.shape[-2]
        masks = []
        if attn_mask is not None:
            mask = _added(attn_mask, q.dtype)
            masks.append(mask if mask.ndim == 2 else mask.reshape(texts, heads, length, keys))
        if padding is not None:
            masks.append(_added(padding, q.dtype).reshape(texts, 1, 1, keys))
        if is_causal:
            masks.append(_added(np.triu(np.ones((length, keys), bool), 1), q.dtype))
        return sum(masks) if masks else None


def _added(mask: Any, dtype: np.dtype[Any]) -> Any:
    """Return a mask as numbers that are added: -∞ where one of booleans is true."""
    mask = mask if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype.kind != "b":
        return mask
    added = np.zeros(mask.shape, dtype)
    added[np.asarray(mask)] = -np.inf
    return added


MultiHeadAttention = MultiheadAttention
