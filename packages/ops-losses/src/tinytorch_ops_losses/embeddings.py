"""Losses of vectors, by how near those are that belong together."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, at_least_single, in_common_dtype
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .cases import signs
from .checks import floats, number, require_signs
from .reduction import REDUCTIONS, Loss, plain_reduction

LEAST_SQUARE = float(np.float32(1e-12))
"""What is added to the square of a length, to the last digit as in PyTorch."""


class CosineEmbeddingBackward(Loss):
    """1 - c where t is 1, max(0, c - m) where t is -1; c = a·b / √(|a|² |b|²), each square + 1e-12.

    Gradients of c: b / √(|a|² |b|²) - c a / |a|² towards a, the like towards b. A label has none.
    """

    name = "cosine_embedding_loss"

    def forward(
        self,
        input1: Array,
        input2: Array,
        target: Array,
        *,
        margin: float = 0.0,
        reduction: str = "mean",
    ) -> Array:
        self.require_floating(input1)
        self.require_floating(input2, "second input")
        if np.ndim(input1) not in (1, 2):
            raise ValueError(
                f"{self.name}: the input should be vectors, of shape (N, D) or (D,), but its shape "
                f"is {np.shape(input1)}"
            )
        self.require_shape("second input", input2, input1.shape)
        if np.shape(target) != input1.shape[:-1]:
            raise ValueError(
                f"{self.name}: each of the vectors, of shape {input1.shape}, needs a label, so the "
                f"target should have shape {input1.shape[:-1]}, but it has shape "
                f"{np.shape(target)}"
            )
        require_signs(self.name, target)
        similar = np.asarray(np.greater(target, 0))
        self.margin = margin
        self.save(input1, input2, similar)
        cosine = _cosine(input1, input2)[0].astype(input1.dtype)
        losses = np.where(similar, 1 - cosine, np.maximum(cosine - margin, 0))
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        a, b, similar = self.saved
        need_a, need_b, _ = self.needs_input_grad
        cosine, lengths, square_a, square_b = _cosine(a, b)
        share = self.share(grad_output)
        grad_cosine = share * (~similar & (cosine >= self.margin)) - share * similar
        crosswise = np.expand_dims(grad_cosine / lengths, -1)
        along = grad_cosine * cosine
        return (
            crosswise * b - np.expand_dims(along / square_a, -1) * a if need_a else None,
            crosswise * a - np.expand_dims(along / square_b, -1) * b if need_b else None,
            None,
        )


def _cosine(a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Return the cosine, the product of the lengths, and the squares of the lengths."""
    # One over the least length, the gradient at the origin, shall be in the range of the dtype.
    least = max(LEAST_SQUARE, (2 / float(np.finfo(a.dtype).max)) ** 2)
    a, b = at_least_single(a), at_least_single(b)
    square_a, square_b = (a * a).sum(axis=-1) + least, (b * b).sum(axis=-1) + least
    lengths = np.sqrt(square_a) * np.sqrt(square_b)
    return (a * b).sum(axis=-1) / lengths, lengths, square_a, square_b


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """How far two vectors are from pointing the same way, or not so.

    Parameters
    ----------
    input1, input2 : Tensor
        Vectors, of shape (N, D) or (D,), both of the same, floating.
    target : Tensor or array
        Labels, of shape (N,) or (): 1 for vectors that should point the same way, -1 for others.
    margin : float
        The cosine up to which vectors count as pointing different ways, from -1 to 1.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single pairs. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or (N,) where reduction="none". With the cosine c of the two a single loss is
        1 - c where the label is 1, and max(0, c - margin) where it is -1. The gradient of a vector
        a is the loss's towards c, which is -1, or 1 where c is `margin` or more, times
        b / (|a| |b|) - c a / |a|². Labels get none.

    Raises
    ------
    ValueError
        If the shapes do not fit, or if a label is not 1 or -1.
    TypeError
        If the vectors are not floating, or `margin` is no number.

    Notes
    -----
    As in PyTorch, 1e-12 is added to the squares of the lengths, so that the cosine with a vector
    of zeros is 0.

    Examples
    --------
    >>> a, b = Tensor([[1.0, 0.0], [0.0, 2.0]]), Tensor([[0.0, 1.0], [0.0, 1.0]])
    >>> cosine_embedding_loss(a, b, [1, -1], reduction="none")
    Tensor(data=[1. 1.], shape=(2,))
    """
    return CosineEmbeddingBackward.call(
        *in_common_dtype(input1, input2),
        floats(target, input1),
        margin=number("cosine_embedding_loss", "margin", margin),
        reduction=reduction,
    )


class TripletMarginBackward(Loss):
    """max(0, m + |a - p + ε| - |a - n + ε|), p-norms over the last axis; n may be nearer to p.

    Gradients: g times the direction of a - p, and of a - n, in which the norms grow; 0 beyond m.
    """

    name = "triplet_margin_loss"

    def forward(
        self,
        anchor: Array,
        positive: Array,
        negative: Array,
        *,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> Array:
        for name, vectors in (("anchor", anchor), ("positive", positive), ("negative", negative)):
            self.require_floating(vectors, name)
            self.require_shape(name, vectors, np.shape(anchor))
        if not np.ndim(anchor) or not anchor.shape[-1]:
            raise ValueError(
                f"{self.name}: the anchor should be vectors of at least one element, of shape "
                f"(..., D), but its shape is {np.shape(anchor)}"
            )
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap
        self.save(anchor, positive, negative)
        near, far = self._norm(anchor, positive), self._norm(anchor, negative)
        if swap:
            far = np.minimum(far, self._norm(positive, negative))
        losses = np.asarray(np.maximum(margin + near - far, 0))
        return self.reduce(losses.astype(anchor.dtype), reduction)

    def apply(self, grad_output: Array) -> Any:
        anchor, positive, negative = self.saved
        near, near_way = self._norm_and_direction(anchor, positive)
        far, far_way = self._norm_and_direction(anchor, negative)
        share = self.share(grad_output)
        if not self.swap:
            short = share * (self.margin + near - far >= 0)
            pull, push = np.expand_dims(short, -1) * near_way, np.expand_dims(short, -1) * far_way
            return pull - push, -pull, push
        other, other_way = self._norm_and_direction(positive, negative)
        short = share * (self.margin + near - np.minimum(far, other) >= 0)
        swapped = short * (other < far) + short * (other == far) / 2
        pull = np.expand_dims(short, -1) * near_way
        push = np.expand_dims(short - swapped, -1) * far_way
        across = np.expand_dims(swapped, -1) * other_way
        return pull - push, -pull - across, push + across

    def _norm_and_direction(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Return |a - b + ε|, and its slope towards a."""
        difference = self._difference(a, b)
        norm = _norm(difference, self.p)
        return norm, _direction(difference, np.expand_dims(norm, -1), self.p)

    def _norm(self, a: Any, b: Any) -> Any:
        return _norm(self._difference(a, b), self.p)

    def _difference(self, a: Any, b: Any) -> Any:
        return at_least_single(a) - b + self.eps


def _norm(vectors: Any, p: float) -> Any:
    """Return the p-norm over the last axis, whose slope at the origin is 0 in every order."""
    if p == 2:
        square = (vectors * vectors).sum(axis=-1)
        return np.sqrt(_not_zero(square)) * (square != 0)
    sizes = np.abs(vectors)
    if p == 1:
        return sizes.sum(axis=-1)
    largest = np.max(sizes, axis=-1, keepdims=True)
    if p == inf:
        return np.squeeze(largest, -1)
    # Of numbers up to 1 the powers do not overflow.
    scale = _not_zero(largest)
    total = ((sizes / scale) ** p).sum(axis=-1)
    return _not_zero(total) ** (1 / p) * np.squeeze(scale, -1) * (total != 0)


def _direction(vectors: Any, norm: Any, p: float) -> Any:
    """Return the slope of the p-norm towards each element, 0 at the origin."""
    if p == 2:
        return vectors / _not_zero(norm)
    if p == 1:
        return np.sign(vectors)
    if p == inf:
        reached = np.abs(vectors) == norm
        return np.sign(vectors) * reached / reached.sum(axis=-1, keepdims=True)
    return np.sign(vectors) * (np.abs(vectors) / _not_zero(norm)) ** (p - 1)


def _not_zero(x: Any) -> Any:
    return np.where(x == 0, 1, x)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """How much nearer a vector should be to one of its kind than to another, by a margin.

    Parameters
    ----------
    anchor, positive, negative : Tensor
        Vectors a, p and n, of shape (..., D), all of the same, floating: n is the other.
    margin : float
        How much nearer, m, above 0.
    p : float
        Which norm measures the distance; 1 or more, also infinity.
    eps : float
        What is added to each difference, so that no distance is exactly 0.
    swap : bool
        Whether the distance of n to p counts where it is less than that of n to a.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single triplets. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of shape (...,) where reduction="none". A single loss is
        max(0, m + d(a, p) - d(a, n)) with d(x, y) = |x - y + eps|. Where it is not beyond m, the
        gradient of each vector is the sum of the slopes of the distances that it is in, times the
        loss's own; the slope of a distance of 0 is 0.

    Raises
    ------
    ValueError
        If the shapes differ, if they are 0-d, or if `margin` is not above 0, `p` is
        less than 1 or `eps` is negative.
    TypeError
        If the vectors are not floating, or a parameter is no number.

    References
    ----------
    Balntas et al. (2016), Learning shallow convolutional feature descriptors with triplet losses.

    Examples
    --------
    >>> a, p, n = Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]]), Tensor([[0.0, 2.0]])
    >>> triplet_margin_loss(a, p, n, eps=0)
    Tensor(data=4., shape=())
    """
    return TripletMarginBackward.call(
        *in_common_dtype(anchor, positive, negative),
        margin=number("triplet_margin_loss", "margin", margin, above=0),
        p=number("triplet_margin_loss", "p", p, at_least=1),
        eps=number("triplet_margin_loss", "eps", eps, at_least=0),
        swap=swap,
        reduction=reduction,
    )


def _plain_cosine(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    products = [(a * b).sum(-1) for a, b in ((input1, input2), (input1,) * 2, (input2,) * 2)]
    cosine = products[0] / np.sqrt((products[1] + LEAST_SQUARE) * (products[2] + LEAST_SQUARE))
    losses = np.where(target == 1, 1 - cosine, np.where(cosine > margin, cosine - margin, 0))
    return plain_reduction(losses, reduction)


def _cosine_samples() -> list[Sample]:
    a, b, t = uniform((4, 3)), uniform((4, 3), seed=1), signs((4,))
    shapes: list[tuple[int, ...]] = [(3,), (4, 3), (1, 1), (0, 3), (2, 5)]
    return [
        sample(uniform(s), uniform(s, seed=1), signs(s[:-1]), reduction=reduction)
        for s in shapes
        for reduction in REDUCTIONS
    ] + [
        sample(a, b, t, 0.5),
        sample(a, b, t, -0.25, reduction="none"),
        sample(a, b, np.array(t, np.int32), reduction="sum"),
        sample(a, 1e4 * b, -t, reduction="none"),
        sample(a, -2 * a, np.full(4, -1), -0.5),
        kink(np.zeros((2, 3)), uniform((2, 3)), np.array([1, -1]), reduction="none"),
    ]


def _plain_triplet(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    def distance(a: Any, b: Any) -> Any:
        return np.linalg.norm(a - b + eps, ord=p, axis=-1)

    far = distance(anchor, negative)
    if swap:
        far = np.fmin(far, distance(positive, negative))
    losses = margin + distance(anchor, positive) - far
    return plain_reduction(np.where(losses > 0, losses, 0), reduction)


def _triplets(shape: tuple[int, ...], **parameters: Any) -> Sample:
    return sample(uniform(shape), uniform(shape, seed=1), uniform(shape, seed=2), **parameters)


def _triplet_samples() -> list[Sample]:
    a = uniform((4, 3))
    shapes: list[tuple[int, ...]] = [(3,), (4, 3), (1, 1), (0, 3), (2, 3, 4)]
    return [
        *(_triplets(shape, reduction=reduction) for shape in shapes for reduction in REDUCTIONS),
        *(_triplets((4, 3), p=p, reduction="none") for p in (1, 1.5, 3, inf)),
        *(_triplets((4, 3), p=p, swap=True, margin=3.0) for p in (1, 2, 3.5, inf)),
        _triplets((4, 3), eps=0.25, margin=0.5),
        _triplets((4, 3), margin=5.0, swap=True, reduction="sum"),
        sample(1e4 * a, -1e4 * a, 1e4 * a[::-1], reduction="none"),
        kink(a, a.copy(), a.copy(), eps=0.0, margin=0.5),
        kink(a, a.copy(), a.copy(), swap=True),
    ]


_A, _B, _LABELS = uniform((4, 3)), uniform((4, 3), seed=1), signs((4,))

OPERATIONS = [
    Operation(
        cosine_embedding_loss,
        CosineEmbeddingBackward,
        samples=_cosine_samples,
        bad_inputs=[
            bad(ValueError, "second input should have equal shapes", _A, _B[:, :2], _LABELS),
            bad(ValueError, r"of shape \(N, D\) or \(D,\)", uniform(()), uniform(()), np.array(1)),
            bad(ValueError, r"target should have shape \(4,\)", _A, _B, _LABELS[:, None]),
            bad(ValueError, "1 and -1 only, but 0 was given", _A, _B, np.zeros(4, int)),
            bad(ValueError, "reduction should be one of", _A, _B, _LABELS, reduction=None),
            bad(TypeError, "predictions come first", np.ones((4, 3), int), _B, _LABELS),
            bad(TypeError, "margin should be a number", _A, _B, _LABELS, "wide"),
        ],
        reference=_plain_cosine,
        torch="nn.functional.cosine_embedding_loss",
    ),
    Operation(
        triplet_margin_loss,
        TripletMarginBackward,
        samples=_triplet_samples,
        bad_inputs=[
            bad(ValueError, "positive should have equal shapes", _A, _B[:1], _B),
            bad(ValueError, "negative should have equal shapes", _A, _B, _B[:, :2]),
            bad(ValueError, "at least one element", uniform(()), uniform(()), uniform(())),
            bad(ValueError, "at least one element", *[uniform((2, 0))] * 3),
            bad(ValueError, "margin should be a number above 0", _A, _B, _B, margin=0),
            bad(ValueError, "p should be a number of 1 or more", _A, _B, _B, p=0.5),
            bad(ValueError, "eps should be a number of 0 or more", _A, _B, _B, eps=-1.0),
            bad(ValueError, "reduction should be one of", _A, _B, _B, reduction="max"),
            bad(TypeError, "anchor should be floating", _A.astype(int), _B, _B),
            bad(TypeError, "margin should be a number", _A, _B, _B, "wide"),
        ],
        reference=_plain_triplet,
        torch="nn.functional.triplet_margin_loss",
    ),
]
