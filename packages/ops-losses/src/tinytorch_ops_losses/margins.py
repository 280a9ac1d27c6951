"""Losses of scores whose labels are 1 and -1, by how far the scores are on the right side."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor
from tinytorch.samples import bad, kink, sample, uniform

from .cases import mistakes, signed_pairs, signs
from .checks import floats, number, require_signs
from .logistic import sigmoids, softplus
from .reduction import ElementwiseLoss, plain_reduction


class HingeBackward(ElementwiseLoss):
    """max(0, 1 - t x). Gradients: -g t where t x is 1 or less, 0 beyond, and -g x towards t."""

    name = "hinge_loss"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        target_floats = self.target_for_each(input, target)
        require_signs(self.name, target)
        self.save(input, target)
        return self.reduce(np.maximum(1 - target_floats * input, 0), reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = -self.share(grad_output) * (target * input <= 1)
        return share * target if need_input else None, share * input if need_target else None


def hinge_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Hinge loss ``max(0, 1 - target * input)`` of support vector machines, by default its mean.

    PyTorch has none of this name: its multi_margin_loss is the one for several classes.

    Parameters
    ----------
    input : Tensor
        Scores x of any shape, floating.
    target : Tensor, array or number
        Labels t, 1 or -1, of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". Where t x is 1 or less the
        gradient of `input` is -t times that of the single loss, and that of `target` -x times it;
        beyond 1 both are 0.

    Raises
    ------
    ValueError
        If the shapes differ, or if a label is not 1 or -1.
    TypeError
        If `input` is not floating.

    References
    ----------
    Cortes and Vapnik (1995), Machine Learning 20:273-297.

    Examples
    --------
    >>> hinge_loss(Tensor([0.5, 3.0, 1e4]), [1, 1, -1], reduction="none")
    Tensor(data=[5.0000e-01 0.0000e+00 1.0001e+04], shape=(3,))
    """
    return HingeBackward.call(input, floats(target, input), reduction=reduction)


class SoftMarginBackward(ElementwiseLoss):
    """log(1 + e^(-t x)). Gradients: -g t / (1 + e^(t x)), and -g x / (1 + e^(t x)) towards t."""

    name = "soft_margin_loss"

    def forward(self, input: Array, target: Array, *, reduction: str = "mean") -> Array:
        target_floats = self.target_for_each(input, target)
        require_signs(self.name, target)
        self.save(input, target)
        return self.reduce(softplus(-target_floats * input), reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target = self.saved
        need_input, need_target = self.needs_input_grad
        share = -self.share(grad_output) * sigmoids(-target * input)[0]
        return share * target if need_input else None, share * input if need_target else None


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """Logistic loss ``log(1 + exp(-target * input))`` of labels 1 and -1, by default its mean.

    Parameters
    ----------
    input : Tensor
        Scores x of any shape, floating.
    target : Tensor, array or number
        Labels t, 1 or -1, of the very shape of `input`. Integers take its dtype.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none"; finite wherever x is. The
        gradient of `input` is -t / (1 + e^(t x)) times that of the single loss, that of `target` is
        -x / (1 + e^(t x)) times it.

    Raises
    ------
    ValueError
        If the shapes differ, or if a label is not 1 or -1.
    TypeError
        If `input` is not floating.

    Examples
    --------
    >>> soft_margin_loss(Tensor([0.0, -1e4]), [1, 1], reduction="none")
    Tensor(data=[6.931472e-01 1.000000e+04], shape=(2,))
    """
    return SoftMarginBackward.call(input, floats(target, input), reduction=reduction)


class HingeEmbeddingBackward(ElementwiseLoss):
    """x where t is 1, max(0, m - x) where t is -1.

    Gradient: g where t is 1, and -g where t is -1 and x is m or less. A label has none.
    """

    name = "hinge_embedding_loss"

    def forward(
        self, input: Array, target: Array, *, margin: float = 1.0, reduction: str = "mean"
    ) -> Array:
        self.target_for_each(input, target)
        require_signs(self.name, target)
        similar = np.asarray(np.greater(target, 0))
        self.margin = margin
        self.save(input, similar)
        return self.reduce(np.where(similar, input, np.maximum(margin - input, 0)), reduction)

    def apply(self, grad_output: Array) -> Any:
        input, similar = self.saved
        share = self.share(grad_output)
        return share * similar - share * (~similar & (input <= self.margin)), None


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean"
) -> Tensor:
    """Distances of pairs that are alike, and what is missing to a margin of those that are not.

    Parameters
    ----------
    input : Tensor
        Distances x of any shape, floating.
    target : Tensor, array or number
        Labels t, of the very shape of `input`: 1 for a pair that is alike, -1 for another.
    margin : float
        How far those should be apart that are not alike.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single pairs. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single loss is x where t
        is 1, and max(0, margin - x) where it is -1. The gradient of `input` is 1 times its own
        where t is 1, and -1 times its own where t is -1 and x is `margin` or less. Labels get none.

    Raises
    ------
    ValueError
        If the shapes differ, or if a label is not 1 or -1.
    TypeError
        If `input` is not floating, or `margin` is no number.

    Examples
    --------
    >>> hinge_embedding_loss(Tensor([0.5, 0.25, 3.0]), [1, -1, -1], reduction="none")
    Tensor(data=[0.5  0.75 0.  ], shape=(3,))
    """
    return HingeEmbeddingBackward.call(
        input,
        floats(target, input),
        margin=number("hinge_embedding_loss", "margin", margin),
        reduction=reduction,
    )


class MarginRankingBackward(ElementwiseLoss):
    """max(0, m - t (a - b)). Gradients: -g t, g t and -g (a - b), where t (a - b) is m or less."""

    name = "margin_ranking_loss"

    def forward(
        self,
        input1: Array,
        input2: Array,
        target: Array,
        *,
        margin: float = 0.0,
        reduction: str = "mean",
    ) -> Array:
        self.require_floating(input2, "second input")
        target_floats = self.target_for_each(input1, target)
        self.require_shape("second input", input2, np.shape(input1))
        require_signs(self.name, target)
        self.margin = margin
        self.save(input1, input2, target)
        losses = np.maximum(margin - target_floats * (input1 - input2), 0)
        return self.reduce(losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        input1, input2, target = self.saved
        need_1, need_2, need_target = self.needs_input_grad
        lead = input1 - input2
        share = self.share(grad_output) * (target * lead <= self.margin)
        return (
            -share * target if need_1 else None,
            share * target if need_2 else None,
            -share * lead if need_target else None,
        )


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """What is missing for one score to lead another by a margin: ``max(0, m - t * (a - b))``.

    Parameters
    ----------
    input1, input2 : Tensor
        Scores a and b, of any shape, both of the same, floating.
    target : Tensor, array or number
        Labels t, of the very shape of the scores: 1 where a should be higher, -1 where b should.
        Integers take their dtype.
    margin : float
        How much higher, m.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single pairs. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of the scores where reduction="none". Where t (a - b) is m or
        less, the gradient of a is -t times that of the single loss, that of b is t times it and
        that of `target` -(a - b) times it; beyond m they are 0.

    Raises
    ------
    ValueError
        If the shapes differ, or if a label is not 1 or -1.
    TypeError
        If a score is not floating, or `margin` is no number.

    Examples
    --------
    >>> margin_ranking_loss(Tensor([2.0, 2.0]), Tensor([1.0, 1.0]), [1, -1], reduction="none")
    Tensor(data=[0. 1.], shape=(2,))
    """
    return MarginRankingBackward.call(
        input1,
        input2,
        floats(target, input1),
        margin=number("margin_ranking_loss", "margin", margin),
        reduction=reduction,
    )


def _plain_ranking(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    gaps = margin - target * (input1 - input2)
    return plain_reduction(np.where(gaps > 0, gaps, 0), reduction)


def _rankings() -> list[Any]:
    x, y, t = uniform((2, 3)), uniform((2, 3), seed=4), signs((2, 3))
    return [
        sample(one.inputs[0], uniform(one.inputs[0].shape, seed=4), one.inputs[1], **one.parameters)
        for one in signed_pairs()
    ] + [
        sample(x, y, t, 0.5),
        sample(x, y, t, -0.25, reduction="sum"),
        sample(x, y, t, margin=2.0, reduction="none"),
        kink(x, x.copy(), t),
        kink(np.array([1.0, 1.5]), np.array([0.5, 2.0]), np.array([1, -1]), 0.5, reduction="none"),
        sample(np.array([1e4, -1e4]), np.array([-1e4, 1e4]), np.array([1, 1]), reduction="none"),
    ]


_X, _T = np.array([0.25, -0.5, 3.0]), np.array([1, -1, 1])
_NO_SIGN = bad(ValueError, r"1 and -1 only, but 0 was.*2 \* target - 1", _X, np.array([1, 0, 1]))
_FAR = np.array([1e4, -1e4, 1e4, -1e4])
_FAR_LABELS = np.array([1, 1, -1, -1])

OPERATIONS = [
    Operation(
        hinge_loss,
        HingeBackward,
        samples=lambda: [
            *signed_pairs(),
            kink(np.array([1.0, -1.0]), np.array([1, -1]), reduction="none"),
            sample(_FAR, _FAR_LABELS, reduction="none"),
        ],
        bad_inputs=[*mistakes(_X, _T), _NO_SIGN],
        reference=lambda input, target, reduction="mean": plain_reduction(
            np.where(target * input < 1, 1 - target * input, 0), reduction
        ),
    ),
    Operation(
        soft_margin_loss,
        SoftMarginBackward,
        samples=lambda: [
            *signed_pairs(),
            sample(np.array([50.0, -50.0, 0.0]), np.array([1, 1, -1]), reduction="none"),
        ],
        bad_inputs=[*mistakes(_X, _T), _NO_SIGN],
        reference=lambda input, target, reduction="mean": plain_reduction(
            np.logaddexp(0, -target * input), reduction
        ),
        torch="nn.functional.soft_margin_loss",
    ),
    Operation(
        hinge_embedding_loss,
        HingeEmbeddingBackward,
        samples=lambda: [
            *signed_pairs(),
            *signed_pairs((0.1, 3), {"margin": 2.0}, {"margin": 0.5, "reduction": "sum"})[-3:],
            sample(uniform(3), np.array([-1, 1, -1]), 2.5),
            kink(np.array([1.0, 1.0]), np.array([1, -1]), reduction="none"),
            sample(_FAR, _FAR_LABELS, reduction="none"),
        ],
        bad_inputs=[
            *mistakes(_X, _T),
            _NO_SIGN,
            bad(TypeError, "margin should be a number", _X, _T, "wide"),
        ],
        reference=lambda input, target, margin=1.0, reduction="mean": plain_reduction(
            np.where(target == 1, input, np.where(input < margin, margin - input, 0)), reduction
        ),
        torch="nn.functional.hinge_embedding_loss",
    ),
    Operation(
        margin_ranking_loss,
        MarginRankingBackward,
        samples=_rankings,
        bad_inputs=[
            bad(ValueError, "second input should have equal shapes", _X, uniform(2), _T),
            bad(ValueError, r"target.reshape\(\(3, 1\)\)", _X[:, None], _X[:, None], _T),
            bad(ValueError, "1 and -1 only, but 2 was given", _X, _X, 2 * _T),
            bad(ValueError, "reduction should be one of", _X, _X, _T, reduction="batchmean"),
            bad(TypeError, "predictions come first", np.arange(3), _X, _T),
            bad(TypeError, "second input should be floating", _X, np.arange(3), _T),
            bad(TypeError, "margin should be a number, but it is True", _X, _X, _T, True),
        ],
        reference=_plain_ranking,
        torch="nn.functional.margin_ranking_loss",
    ),
]
