"""Vectors of length 1, and the angle between two."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Operation, Tensor, either, one_axis
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .operands import common_dtype, floating, in_dtype, number
from .products import inner


def normalize(
    input: Any,
    p: float = 2.0,
    dim: int | None = None,
    eps: float = 1e-12,
    *,
    axis: int | None = None,
) -> Tensor:
    """Vectors along an axis divided by their p-norm, ``x / max(norm(x), eps)``.

    Parameters
    ----------
    input : Tensor
        Any shape. A 0-d tensor counts as its own row.
    p : float
        The order of the norm (Σ |x|^p)^(1/p), positive; infinity for the largest |x|.
    dim, axis : int
        The axis along which the vectors lie; by default 1.
    eps : float
        Shorter vectors are divided by it.

    Returns
    -------
    Tensor
        The shape and dtype of `input`, float32 for integers. With y = x / d the gradient is
        (g - ∇d Σ g y) / d, where ∇d is the gradient of the norm, and zero where d is `eps`.

    Raises
    ------
    IndexError
        If the axis is out of range.
    ValueError
        If `p` or `eps` is not positive.
    TypeError
        If `p` or `eps` is not a number, the axis is not an integer, or both `dim` and `axis` are
        given.

    Examples
    --------
    >>> normalize(Tensor([[3.0, 4.0], [0.0, 0.0]]))
    Tensor(data=[[0.6 0.8]
                 [0.  0. ]], shape=(2, 2))
    """
    x = floating("normalize", input)
    order, least = number("normalize", "p", p), number("normalize", "eps", eps)
    if not (order > 0 and least > 0):
        raise ValueError(f"normalize: p and eps should be positive, but p is {p} and eps is {eps}")
    along = one_axis("normalize", either("normalize", axis, dim, default=1), x.ndim or 1)
    wide = in_dtype(x, np.result_type(x.dtype, np.float32))
    result: Tensor = in_dtype(wide / _length(wide, order, along, least), x.dtype)
    return result


def _length(x: Any, p: float, axis: int, eps: float) -> Any:
    """Return the p-norms along an axis, which is kept, or `eps` where it is larger.

    The larger is taken before the root, whose slope at 0 is infinite.
    """
    if p == 2:
        return np.sqrt(np.maximum(inner(x, x, (axis,)), _power(eps, 2, x.dtype)))
    if p == np.inf:
        return np.maximum(_along(np.max, np.abs(x), axis), eps)
    if p == 1:
        return np.maximum(_along(np.sum, np.abs(x), axis), eps)
    total = _along(np.sum, np.abs(x) ** p, axis)
    return np.maximum(total, _power(eps, p, x.dtype)) ** (1 / p)


def _along(reduce: Any, x: Any, axis: int) -> Any:
    return reduce(x, axis=axis, keepdims=True)


def _power(eps: float, p: float, dtype: np.dtype[Any]) -> float:
    """Return eps^p, or what is left of it in the dtype, for 0 would have no slope."""
    power: float = eps**p
    return max(power, float(np.finfo(dtype).tiny))


def cosine_similarity(
    x1: Any, x2: Any, dim: int | None = None, eps: float = 1e-8, *, axis: int | None = None
) -> Tensor:
    """Cosine ``x1 · x2 / (|x1| |x2|)`` of the angle between vectors along an axis.

    Parameters
    ----------
    x1, x2 : Tensor
        Of shapes that broadcast. A 0-d tensor counts as its own row.
    dim, axis : int
        The axis of the broadcast shape along which the vectors lie; by default 1.
    eps : float
        A vector that is shorter counts as one of this length.

    Returns
    -------
    Tensor
        The broadcast shape without the axis. Dtypes promote as in NumPy, and integers count as
        float32. With a = x1 / |x1|, b = x2 / |x2| and their product c the gradient of `x1` is
        g (b - c a) / |x1|, that of `x2` is g (a - c b) / |x2|.

    Raises
    ------
    IndexError
        If the axis is out of range.
    ValueError
        If the shapes do not broadcast, or `eps` is not positive.
    TypeError
        If `eps` is not a number, the axis is not an integer, or both `dim` and `axis` are given.

    Examples
    --------
    >>> x = Tensor([[1.0, 0.0], [2.0, 2.0]])
    >>> cosine_similarity(x, Tensor([[5.0, 0.0], [0.0, 1.0]])).data.round(4)
    array([1.    , 0.7071], dtype=float32)
    """
    op = "cosine_similarity"
    a, b = floating(op, x1, "x1"), floating(op, x2, "x2")
    least = number(op, "eps", eps)
    if not least > 0:
        raise ValueError(f"{op}: eps should be positive, but it is {eps}")
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"{op}: the shapes should broadcast, but they are {a.shape} and {b.shape}"
        ) from None
    along = one_axis(op, either(op, axis, dim, default=1), len(shape) or 1)
    dtype = common_dtype(a, b)
    wide = np.result_type(dtype, np.float32)
    first, second = (_unit(in_dtype(one, wide), along, shape, least) for one in (a, b))
    kept = shape[:along] + shape[along + 1 :]
    result: Tensor = in_dtype(inner(first, second, (along,)).reshape(kept), dtype)
    return result


def _unit(x: Any, axis: int, shape: tuple[int, ...], eps: float) -> Any:
    """Return x, broadcast to a shape, with its vectors along an axis at length 1."""
    whole = x if x.shape == shape else np.broadcast_to(x, shape)
    return whole / _length(whole, 2, axis, eps)


def _normals() -> list[Sample]:
    x = uniform((2, 3, 4), avoid=[0.0])
    return [
        sample(x),
        sample(x, dim=0),
        sample(x, dim=-1),
        sample(x, axis=2),
        *(sample(x, p) for p in (1, 3, 1.5, 4.0, np.inf)),
        sample(x, 2, 1, 10.0),
        sample(x, 3.0, 1, 10.0),
        sample(x, 1, -1, 10.0),
        kink(np.zeros((2, 3))),
        kink(np.zeros((2, 3)), 3),
        sample(uniform((4,)), dim=0),
        sample(uniform((2, 1), avoid=[0.0])),
        sample(uniform((), 0.5, 1.0), dim=0),
        sample(uniform((), 0.5, 1.0), 3.0, dim=-1),
        sample(uniform((0, 3))),
        sample(uniform((3, 0))),
    ]


def _pairs() -> list[Sample]:
    def pair(a: tuple[int, ...], b: tuple[int, ...], **names: Any) -> Sample:
        return sample(uniform(a), uniform(b, seed=1), **names)

    return [
        pair((2, 3), (2, 3)),
        pair((2, 3), (2, 3), dim=0),
        pair((2, 3), (2, 3), axis=-1),
        pair((2, 3, 4), (2, 3, 4)),
        pair((2, 3, 4), (2, 3, 4), dim=-1),
        pair((2, 3), (3,)),
        pair((4, 1, 3), (2, 3), dim=2),
        pair((1, 3), (2, 1)),
        pair((3,), (3,), dim=0),
        pair((), (), dim=0),
        pair((0, 3), (0, 3)),
        pair((2, 0), (2, 0)),
        kink(np.zeros((2, 3)), uniform((2, 3))),
        sample(uniform((2, 3)) * 1e6, uniform((2, 3), seed=1) * 1e-3),
    ]


def _plain_normalize(
    input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, axis: int | None = None
) -> Any:
    x = np.atleast_1d(input)
    along = dim if axis is None else axis
    if not x.size:
        return input
    return (x / _plain_length(x, p, along, eps)).reshape(input.shape)


def _plain_length(x: Any, p: float, axis: int, eps: float) -> Any:
    """Return the larger of p-norm and eps, as an analytic function of x."""
    absolute = np.where(x.real < 0, -x, x)
    if p == np.inf:
        places = absolute.real.argmax(axis, keepdims=True)
        length = np.take_along_axis(absolute, places, axis)
    else:
        length = np.sum(absolute**p, axis, keepdims=True) ** (1 / p)
    return np.where(length.real < eps, eps, length)


def _plain_similarity(
    x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8, axis: int | None = None
) -> Any:
    along = dim if axis is None else axis
    a, b = (np.atleast_1d(x) for x in np.broadcast_arrays(x1, x2))
    units = [x / _plain_length(x, 2, along, eps) for x in (a, b)]
    return np.sum(units[0] * units[1], axis=along)


OPERATIONS: list[Operation] = [
    Operation(
        normalize,
        torch="nn.functional.normalize",
        samples=_normals,
        reference=_plain_normalize,
        bad_inputs=[
            bad(IndexError, "axes of the tensor are from -1 to 0", uniform((3,))),
            bad(IndexError, "from -2 to 1, but 2", uniform((2, 3)), dim=2),
            bad(ValueError, "p is 0", uniform((2, 3)), 0),
            bad(ValueError, "p is -1", uniform((2, 3)), -1),
            bad(ValueError, "eps is 0", uniform((2, 3)), eps=0),
            bad(TypeError, "p should be a number", uniform((2, 3)), "fro"),
            bad(TypeError, "axis=0 and dim=1", uniform((2, 3)), dim=1, axis=0),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), dim=1.0),
            bad(TypeError, "input should be a tensor of real numbers", "text"),
        ],
    ),
    Operation(
        cosine_similarity,
        torch="nn.functional.cosine_similarity",
        samples=_pairs,
        reference=_plain_similarity,
        bad_inputs=[
            bad(ValueError, r"\(2, 3\) and \(2, 4\)", uniform((2, 3)), uniform((2, 4))),
            bad(IndexError, "axes of the tensor are from -1 to 0", uniform((3,)), uniform((3,))),
            bad(ValueError, "eps should be positive", uniform((2, 3)), uniform((2, 3)), eps=-1),
            bad(TypeError, "eps should be a number", uniform((2, 3)), uniform((2, 3)), 1, "a"),
            bad(TypeError, "an axis is an integer", uniform((2, 3)), uniform((2, 3)), "rows"),
            bad(TypeError, "x2 should be a tensor of real numbers", uniform((2, 3)), None),
        ],
    ),
]
