"""Attention: mixtures of values, by how well their keys fit a query."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import BadInput, Sample, bad, kink, sample, uniform

from .dropouts import Generator, draw_kept, random_source
from .operands import common_dtype, floating, in_dtype, number, probability
from .products import inner


class PowersBackward(Function):
    """e^(x - m), where m is the largest along the last axis, or 0 if that is -∞. Gradient: g y.

    m counts as a constant: it cancels in what the powers are used for.
    """

    def forward(self, x: Array) -> Any:
        largest = x.max(axis=-1, keepdims=True, initial=-np.inf)
        largest[largest == -np.inf] = 0
        y = x - largest
        np.exp(y, out=y)
        self.save(y)
        return y

    def apply(self, grad_output: Array) -> Any:
        (y,) = self.saved
        return grad_output * y


class AttentionBackward(Function):
    """P V, where P = softmax(c Q Kᵀ + B).

    Gradients: with S = P (G Vᵀ - Σ G P V), c S K towards Q, c Sᵀ Q towards K, Pᵀ G towards V and S
    towards B.

    P is kept as powers E and their sums, P = E / Σ E. Where elements of P are left out, those that
    are kept are divided by 1 - p, in P V as in G Vᵀ and Pᵀ G.
    """

    rerun_forward = True  # the powers would be too dear to compute again

    def forward(
        self,
        query: Array,
        key: Array,
        value: Array,
        bias: Array | None,
        kept: Array | None,
        *,
        scale: float,
        p: float = 0.0,
    ) -> Any:
        scores = np.matmul(query * scale, np.swapaxes(key, -1, -2))
        if bias is not None:
            scores += bias
        powers: Any = PowersBackward.call(scores)
        total = powers.sum(axis=-1, keepdims=True) * (1 - p)
        total = total + (total == 0)  # where nothing is attended to, or left, the output is 0
        output = np.matmul(powers if kept is None else powers * kept, value)
        output /= total
        self.scale, self.remaining = scale, 1 - p
        self.save(query, key, value, kept, powers, total, output)
        return output

    def apply(self, grad_output: Array) -> Any:
        query, key, value, kept, powers, total, output = self.saved
        need_query, need_key, need_value, need_bias, _ = self.needs_input_grad
        share = grad_output / total
        grad_query = grad_key = grad_value = grad_bias = None
        if need_value:
            used = powers if kept is None else powers * kept
            grad_value = np.matmul(np.swapaxes(used, -1, -2), share)
        if need_query or need_key or need_bias:
            grad_scores = np.matmul(share, np.swapaxes(value, -1, -2))
            if kept is not None:
                grad_scores *= kept
            grad_scores -= inner(share, output, (share.ndim - 1,)) * self.remaining
            grad_scores *= powers
            grad_bias = grad_scores
        if need_query:
            grad_query = np.matmul(grad_scores, key)
            grad_query *= self.scale
        if need_key:
            grad_key = np.matmul(np.swapaxes(grad_scores, -1, -2), query)
            grad_key *= self.scale
        return grad_query, grad_key, grad_value, grad_bias, None


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: Generator = None,
) -> Tensor:
    """Mixtures of values, ``softmax(scale * query @ key.T + mask) @ value``.

    Parameters
    ----------
    query : Tensor
        Of shape (..., L, d), such as (N, heads, L, d).
    key : Tensor
        Of shape (..., S, d).
    value : Tensor
        Of shape (..., S, e). The leading axes of the three broadcast.
    attn_mask : Tensor or array, optional
        Of a shape that broadcasts to that of the scores, (..., L, S). Of booleans, where a query
        may attend to a key; or floats that are added to the scores. A query that may attend to
        nothing gets zeros.
    dropout_p : float
        The probability with which a weight is left out, from 0 to 1; 0 in evaluation.
    is_causal : bool
        Whether query i attends to the keys 0 to i only. No mask may be given then.
    scale : float, optional
        What the scores are multiplied with; 1 / √d by default.
    enable_gqa : bool
        Whether key and value have fewer heads (axis -3), each of which serves several of the
        query's in turn.
    generator : numpy.random.Generator or int, optional
        Where the random numbers of the dropout come from, or a seed for them; by default
        `tinytorch.default_generator`.

    Returns
    -------
    Tensor
        Of shape (..., L, e). Dtypes promote as in NumPy, and integers count as float32. With the
        weights P and S = P (G Vᵀ - Σ G P V) the gradient of `query` is scale S K, that of `key` is
        scale Sᵀ Q, that of `value` is Pᵀ G, and that of a mask of floats is S.

    Raises
    ------
    ValueError
        If the shapes do not go together, if both `attn_mask` and `is_causal` are given, or if
        `dropout_p` is not from 0 to 1.
    TypeError
        If the mask is neither boolean nor floating, or a parameter is of another kind.

    References
    ----------
    Vaswani et al. (2017), arXiv:1706.03762. That no pass over all scores is needed for Σ G P V is
    due to Dao, Fu, Ermon, Rudra and Ré (2022), arXiv:2205.14135.

    Examples
    --------
    >>> q = k = Tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(q, k, Tensor([[2.0], [4.0]]), is_causal=True, scale=0.0)
    Tensor(data=[[2.]
                 [3.]], shape=(2, 1))
    """
    q, k, v = (
        floating(_OP, x, name) for x, name in ((query, "query"), (key, "key"), (value, "value"))
    )
    if enable_gqa:
        k, v = _for_each_head(q, k, "key"), _for_each_head(q, v, "value")
    shape = _shape_of_scores(q, k, v)
    dtype = common_dtype(q, k, v)
    bias = _bias(attn_mask, is_causal, shape, dtype)
    dtype = dtype if bias is None else common_dtype(q, k, v, bias)
    left_out = probability(_OP, "dropout_p", dropout_p)
    source = random_source(_OP, generator)
    factor = 1 / sqrt(max(q.shape[-1], 1)) if scale is None else number(_OP, "scale", scale)
    wide = np.result_type(dtype, np.float32)
    output = AttentionBackward.call(
        *(in_dtype(x, wide) for x in (q, k, v, bias)),
        draw_kept(source, shape, left_out) if left_out else None,
        scale=factor,
        p=left_out,
    )
    result: Tensor = in_dtype(output, dtype)
    return result


_OP = "scaled_dot_product_attention"


def _shape_of_scores(q: Any, k: Any, v: Any) -> tuple[int, ...]:
    """Return the shape (..., L, S), if the shapes of query, key and value go together."""
    fits = min(q.ndim, k.ndim, v.ndim) > 1
    if fits and q.shape[-1] == k.shape[-1] and k.shape[-2] == v.shape[-2]:
        try:
            leading = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
            return (*leading, q.shape[-2], k.shape[-2])
        except ValueError:
            pass
    raise ValueError(
        f"{_OP}: query, key and value should have the shapes (..., L, d), (..., S, d) and "
        f"(..., S, e), whose leading axes broadcast, but they have {q.shape}, {k.shape} and "
        f"{v.shape}"
    )


def _for_each_head(q: Any, x: Any, name: str) -> Any:
    """Return keys or values with each head repeated, as many as the query has."""
    if min(q.ndim, x.ndim) < 3 or x.shape[-3] == 0 or q.shape[-3] % x.shape[-3]:
        raise ValueError(
            f"{_OP}: with enable_gqa the number of heads of the query, its axis -3, should be a "
            f"multiple of that of the {name}, but the shapes are {q.shape} and {x.shape}"
        )
    heads = np.repeat(np.arange(x.shape[-3]), q.shape[-3] // x.shape[-3])
    return x[..., heads, :, :]


def _bias(mask: Any, is_causal: bool, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return what is added to the scores: -∞ where a query may not attend to a key."""
    if is_causal:
        if mask is not None:
            raise ValueError(
                f"{_OP}: a mask of the shape {np.shape(mask)} was given together with "
                "is_causal=True; pass one of them, or combine them in the mask"
            )
        return _minus_infinity(np.tri(shape[-2], shape[-1]) == 0, dtype)
    if mask is None:
        return None
    mask = mask if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"{_OP}: the mask should be boolean (True where a query may attend to a key) or "
            f"floating (added to the scores), but it has dtype {mask.dtype} and shape {mask.shape}"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{_OP}: the mask should broadcast to the shape {shape} of the scores, but its shape "
            f"is {mask.shape}"
        )
    return _minus_infinity(~np.asarray(mask), dtype) if mask.dtype.kind == "b" else mask


def _minus_infinity(where: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array that is -∞ at some places, and 0 at the others."""
    bias = np.zeros(where.shape, dtype)
    bias[where] = -np.inf
    return bias


def _several(
    leading: tuple[int, ...] = (2,), length: int = 3, others: int = 4, d: int = 2, e: int = 3
) -> tuple[Array, Array, Array]:
    """Return query, key and value."""
    return (
        uniform((*leading, length, d)),
        uniform((*leading, others, d), seed=1),
        uniform((*leading, others, e), seed=2),
    )


def _samples() -> list[Sample]:
    some = np.array([[True, False, True, True], [False] * 4, [True] * 4])
    floats = uniform((3, 4), seed=3)
    query, key, value = _several()
    heads, few = _several((2, 4), d=2, e=2), _several((2, 2), d=2, e=2)
    return [
        sample(query, key, value),
        sample(*_several(())),
        sample(*_several((2, 2), 2, 2, 2, 2)),
        sample(*_several((1,), 1, 1, 1, 1)),
        sample(query, key, value, is_causal=True),
        sample(*_several((2,), 4, 3), is_causal=True),
        sample(query, key, value, some),
        sample(query, key, value, np.array([True, False, True, True])),
        sample(query, key, value, np.zeros((3, 4), bool)),
        sample(query, key, value, floats),
        sample(query, key, value, uniform((2, 3, 4), seed=3)),
        kink(query, key, value, np.where(some, floats, -np.inf)),
        sample(query, key, value, scale=2.0),
        sample(query, key, value, scale=0),
        sample(query, key, value, None, 0.5, generator=1),
        sample(query, key, value, some, 0.25, generator=2),
        sample(query, key, value, dropout_p=1.0, generator=1),
        sample(query, key[:1], value[:1]),
        sample(query[0], key, value),
        sample(heads[0], few[1], few[2], enable_gqa=True),
        sample(*_several((2,), 3, 0)),
        sample(*_several((2,), 0, 3)),
        sample(*_several((0,))),
        sample(query * 5, key * 5, value),
    ]


def _bad() -> list[BadInput]:
    query, key, value = _several()
    return [
        bad(ValueError, r"\(3,\), \(2, 4, 2\)", uniform((3,)), key, value),
        bad(ValueError, r"they have \(\), \(\) and \(\)", *(uniform(()),) * 3),
        bad(ValueError, r"\(2, 3, 2\), \(2, 4, 3\)", query, value, value),
        bad(ValueError, r"\(2, 4, 2\) and \(2, 3, 3\)", query, key, value[:, :3]),
        bad(ValueError, "leading axes broadcast", query, key, np.ones((3, 4, 3))),
        bad(ValueError, r"broadcast to the shape \(2, 3, 4\)", query, key, value, np.ones((4, 3))),
        bad(ValueError, r"its shape is \(5, 2, 3, 4\)", query, key, value, np.ones((5, 2, 3, 4))),
        bad(TypeError, "dtype int64", query, key, value, np.ones((3, 4), np.int64)),
        bad(ValueError, "is_causal", query, key, value, np.ones((3, 4), bool), is_causal=True),
        bad(ValueError, "dropout_p should be from 0 to 1", query, key, value, dropout_p=-1),
        bad(TypeError, "dropout_p should be a number", query, key, value, dropout_p="a"),
        bad(TypeError, "scale should be a number", query, key, value, scale="a"),
        bad(TypeError, "generator should be", query, key, value, generator=0.5),
        bad(ValueError, "of that of the key", query, np.ones((3, 4, 2)), value, enable_gqa=True),
        bad(TypeError, "key should be a tensor of real numbers", query, None, value),
    ]


def _plain_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    generator: Any = None,
) -> Any:
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = np.repeat(key, times, -3), np.repeat(value, times, -3)
    scores = np.einsum("...ld,...sd->...ls", query, key)
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = np.arange(scores.shape[-2])[:, None] >= np.arange(scores.shape[-1])
    if attn_mask is not None:
        attn_mask = np.asarray(attn_mask)
        added = np.where(attn_mask, 0, -np.inf) if attn_mask.dtype == bool else attn_mask
        scores = scores + added
    largest = scores.real.max(axis=-1, keepdims=True, initial=-1e300)
    powers = np.exp(scores - largest)
    total = powers.sum(axis=-1, keepdims=True)
    weights = powers / np.where(total == 0, 1, total)
    if dropout_p:
        drawn = np.random.default_rng(generator).random(weights.shape, dtype=np.float32)
        weights = np.where(drawn < dropout_p, 0, weights / max(1 - dropout_p, 1e-9))
    return np.einsum("...ls,...se->...le", weights, value)


OPERATIONS: list[Operation] = [
    Operation(
        scaled_dot_product_attention,
        AttentionBackward,
        torch="nn.functional.scaled_dot_product_attention",
        samples=_samples,
        bad_inputs=_bad(),
        reference=_plain_attention,
    ),
]
