"""Losses of predicted numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .cases import bad_weights, mistakes, pairs
from .checks import constant, floats, number
from .reduction import ElementwiseLoss, plain_reduction


class _Regression(ElementwiseLoss, ABC):
    """A loss of the distance x - t. Gradients: of the prediction, and its negative towards t."""

    def _distances(self, input: Array, target: Array, weight: Array | None = None) -> Array:
        """Return the distances, a fresh array, of operands that are checked and saved."""
        target_floats = self.target_for_each(input, target)
        if weight is not None:
            self.require_shape("weight", weight, np.shape(input))
        self.weight = weight
        self.save(input, target)
        return np.asarray(input - target_floats)

    def _count(self, weight: Array | None) -> float | None:
        """Return what a mean divides by, if not by the number of losses."""
        return None if weight is None else float(weight.sum(dtype=np.float64))

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        slope = self._slope(input - target) * self.share(grad_output)
        return slope if need_input else None, -slope if need_target else None

    @abstractmethod
    def _slope(self, distance: Any) -> Any:
        """The derivative of a single loss towards the prediction; the distance is its own."""


class MSEBackward(_Regression):
    """(x - t)². Gradients: 2 (x - t) g, and its negative towards t."""

    name = "mse_loss"

    def forward(
        self, input: Array, target: Array, *, reduction: str = "mean", weight: Any = None
    ) -> Array:
        distances = self._distances(input, target, weight)
        distances *= distances
        return self.reduce(distances, reduction, self._count(weight))

    def _slope(self, distance: Any) -> Any:
        distance *= 2
        return distance


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """Squared error ``(input - target)²``, by default its mean.

    Parameters
    ----------
    input : Tensor
        Predictions of any shape, floating.
    target : Tensor, array or number
        Of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors of the single predictions. The mean of none is NaN.
    weight : Tensor or array, optional
        What each error is multiplied with, of the very shape of `input`. The mean is then divided
        by their sum. They count as constant.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". For each single error the
        gradient of `input` is 2 (input - target) times its own, that of `target` the negative.

    Raises
    ------
    ValueError
        If the shapes differ. Shapes (N, 1) and (N,) would broadcast to (N, N), where every
        prediction meets every target.
    TypeError
        If `input` is not floating, or `weight` requires gradients.

    Examples
    --------
    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(data=2., shape=())
    """
    weight = constant("mse_loss", "weight", weight, input)
    return MSEBackward.call(input, floats(target, input), reduction=reduction, weight=weight)


class L1Backward(_Regression):
    """|x - t|. Gradients: g sign(x - t), which is 0 at 0, and its negative towards t."""

    name = "l1_loss"

    def forward(
        self, input: Array, target: Array, *, reduction: str = "mean", weight: Any = None
    ) -> Array:
        distances = self._distances(input, target, weight)
        return self.reduce(np.abs(distances, out=distances), reduction, self._count(weight))

    def _slope(self, distance: Any) -> Any:
        return np.sign(distance)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """Absolute error ``|input - target|``, by default its mean.

    Parameters
    ----------
    input : Tensor
        Predictions of any shape, floating.
    target : Tensor, array or number
        Of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors of the single predictions. The mean of none is NaN.
    weight : Tensor or array, optional
        What each error is multiplied with, of the very shape of `input`. The mean is then divided
        by their sum. They count as constant.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". For each single error the
        gradient of `input` is sign(input - target) times its own, 0 where both are equal; that of
        `target` is the negative.

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If `input` is not floating, or `weight` requires gradients.

    Examples
    --------
    >>> l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(data=1., shape=())
    """
    weight = constant("l1_loss", "weight", weight, input)
    return L1Backward.call(input, floats(target, input), reduction=reduction, weight=weight)


class HuberBackward(_Regression):
    """d² / 2 for d = |x - t| up to δ, δ (d - δ / 2) beyond.

    Gradients: g (x - t) within the limits ±δ, and its negative towards t.
    """

    name = "huber_loss"

    def forward(
        self,
        input: Array,
        target: Array,
        *,
        reduction: str = "mean",
        delta: float = 1.0,
        weight: Any = None,
    ) -> Array:
        self.delta = delta
        distances = self._distances(input, target, weight)
        return self.reduce(_quadratic_then_linear(distances, delta), reduction)

    def _slope(self, distance: Any) -> Any:
        return np.clip(distance, -self.delta, self.delta)


def _quadratic_then_linear(distances: Array, limit: float) -> Array:
    """Return q (d - q / 2) with q = min(d, limit), which is both pieces; the distances are lost."""
    np.abs(distances, out=distances)
    inner = np.asarray(np.minimum(distances, limit))
    distances -= inner / 2
    distances *= inner
    return distances


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """Squared error where it is small, absolute error where it is large, by default the mean.

    Parameters
    ----------
    input : Tensor
        Predictions of any shape, floating.
    target : Tensor, array or number
        Of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors of the single predictions. The mean of none is NaN.
    delta : float
        The distance where the one becomes the other, above 0.
    weight : Tensor or array, optional
        What each error is multiplied with, of the very shape of `input`. The mean is over the
        predictions all the same, as in PyTorch. They count as constant.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". With d = |input - target| a
        single error is d² / 2 up to delta, and delta (d - delta / 2) beyond. The gradient of
        `input` is input - target, limited to ±delta, times its own, that of `target` the negative.

    Raises
    ------
    ValueError
        If the shapes differ, or if `delta` is not above 0.
    TypeError
        If `input` is not floating, `delta` is no number, or `weight` requires gradients.

    References
    ----------
    Huber (1964), Annals of Mathematical Statistics 35:73-101.

    Examples
    --------
    >>> huber_loss(Tensor([1.0, 5.0]), Tensor([1.5, 2.0]), reduction="none")
    Tensor(data=[0.125 2.5  ], shape=(2,))
    """
    return HuberBackward.call(
        input,
        floats(target, input),
        reduction=reduction,
        delta=number("huber_loss", "delta", delta, above=0),
        weight=constant("huber_loss", "weight", weight, input),
    )


class SmoothL1Backward(_Regression):
    """d² / 2β for d = |x - t| up to β, d - β / 2 beyond: the Huber loss divided by its limit β.

    Gradients: g (x - t) / β within the limits ±1, and its negative towards t.
    """

    name = "smooth_l1_loss"

    def forward(
        self, input: Array, target: Array, *, reduction: str = "mean", beta: float = 1.0
    ) -> Array:
        self.beta = beta
        distances = self._distances(input, target)
        if not beta:
            return self.reduce(np.abs(distances, out=distances), reduction)
        return self.reduce(_quadratic_then_linear(distances, beta) / beta, reduction)

    def _slope(self, distance: Any) -> Any:
        if not self.beta:
            return np.sign(distance)
        return np.clip(distance, -self.beta, self.beta) / self.beta


def smooth_l1_loss(
    input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Absolute error that is rounded off near zero, by default its mean.

    Parameters
    ----------
    input : Tensor
        Predictions of any shape, floating.
    target : Tensor, array or number
        Of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the errors of the single predictions. The mean of none is NaN.
    beta : float
        The distance up to which it is rounded off; 0 for the absolute error itself, `l1_loss`.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". With d = |input - target| a
        single error is d² / (2 beta) up to beta, and d - beta / 2 beyond. The gradient of `input`
        is (input - target) / beta, limited to ±1, times its own, that of `target` the negative.

    Raises
    ------
    ValueError
        If the shapes differ, or if `beta` is negative.
    TypeError
        If `input` is not floating, or `beta` is no number.

    References
    ----------
    Girshick (2015), Fast R-CNN, https://arxiv.org/abs/1504.08083.

    Examples
    --------
    >>> smooth_l1_loss(Tensor([1.0, 5.0]), Tensor([1.5, 2.0]), reduction="none")
    Tensor(data=[0.125 2.5  ], shape=(2,))
    """
    return SmoothL1Backward.call(
        input,
        floats(target, input),
        reduction=reduction,
        beta=number("smooth_l1_loss", "beta", beta, at_least=0),
    )


_X, _T = uniform(3), uniform(3, seed=1)
_WEIGHTS = [0.5, 2.0, 0.0, 1.5]


def _weighted() -> list[Sample]:
    x, t = uniform((4,)), uniform((4,), seed=1)
    return [
        sample(x, t, weight=_WEIGHTS),
        sample(x, t, weight=_WEIGHTS, reduction="sum"),
        sample(x, t, weight=_WEIGHTS, reduction="none"),
    ]


def _samples(*variants: dict[str, Any]) -> list[Sample]:
    return [
        *pairs((-2, 2), (-2, 2), *variants),
        sample(uniform((2, 3)), np.arange(6).reshape(2, 3)),
        kink(np.array([1e4, -1e4, 0.0]), np.array([0.0, 1e4, 0.5]), reduction="none"),  # far off
    ]


def _ties(**parameters: Any) -> list[Sample]:
    x = uniform((2, 2))
    return [kink(x, x.copy(), **parameters), kink(x, x * [[1, 2]], reduction="none", **parameters)]


def _mean_by_weights(losses: Any, reduction: str, weight: Any) -> Any:
    weights = np.ones(np.shape(losses)) if weight is None else np.asarray(weight)
    return plain_reduction(losses * weights, reduction, weights.sum())


def _plain_huber(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    d = np.abs(input - target)
    losses = np.where(d <= delta, d * d / 2, delta * (d - delta / 2))
    return plain_reduction(losses if weight is None else losses * np.array(weight), reduction)


def _plain_smooth_l1(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    if not beta:
        return plain_reduction(np.abs(input - target), reduction)
    return plain_reduction(_plain_huber(input, target, "none", beta) / beta, reduction)


_WEIGHT_MISTAKES = bad_weights("weight", _X, _T, "needs a weight of its own")

OPERATIONS = [
    Operation(
        mse_loss,
        MSEBackward,
        samples=lambda: [*_samples(), sample(_X, _X.copy()), *_weighted()],
        bad_inputs=[*mistakes(_X, _T), *_WEIGHT_MISTAKES],
        reference=lambda input, target, reduction="mean", weight=None: _mean_by_weights(
            np.square(np.subtract(input, target)), reduction, weight
        ),
        torch="nn.functional.mse_loss",
    ),
    Operation(
        l1_loss,
        L1Backward,
        samples=lambda: [*_samples(), *_ties(), *_weighted()],
        bad_inputs=[*mistakes(_X, _T), *_WEIGHT_MISTAKES],
        reference=lambda input, target, reduction="mean", weight=None: _mean_by_weights(
            np.abs(np.subtract(input, target)), reduction, weight
        ),
        torch="nn.functional.l1_loss",
    ),
    Operation(
        huber_loss,
        HuberBackward,
        samples=lambda: [
            *_samples({"delta": 0.5}, {"delta": 2.5, "reduction": "sum"}, {"delta": 1e4}),
            sample(_X, _X.copy(), "sum", 0.25),
            *_weighted(),
        ],
        bad_inputs=[
            *mistakes(_X, _T),
            *_WEIGHT_MISTAKES,
            bad(ValueError, "delta should be a number above 0, but it is 0", _X, _T, delta=0),
            bad(
                ValueError, "delta should be a number above 0, but it is nan", _X, _T, delta=np.nan
            ),
            bad(TypeError, "delta should be a number, but it is '1'", _X, _T, delta="1"),
        ],
        reference=_plain_huber,
        torch="nn.functional.huber_loss",
    ),
    Operation(
        smooth_l1_loss,
        SmoothL1Backward,
        samples=lambda: [
            *_samples({"beta": 0.5}, {"beta": 2.5, "reduction": "sum"}, {"beta": 0.0}),
            sample(_X, _X.copy()),
            *_ties(beta=0),
        ],
        bad_inputs=[
            *mistakes(_X, _T),
            bad(ValueError, "beta should be a number of 0 or more", _X, _T, beta=-1.0),
            bad(TypeError, "beta should be a number, but it is None", _X, _T, beta=None),
        ],
        reference=_plain_smooth_l1,
        torch="nn.functional.smooth_l1_loss",
    ),
]
