"""The loss of predicted normal distributions."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, in_common_dtype
from tinytorch.samples import Sample, bad, kink, sample, uniform

from .cases import SHAPES, mistakes
from .checks import floats, number
from .reduction import REDUCTIONS, ElementwiseLoss, plain_reduction


class GaussianNLLBackward(ElementwiseLoss):
    """(log v + (x - t)² / v) / 2, where v is the variance, or ε if that is less.

    Gradients with r = (x - t) / v: g r, its negative towards t, and g (1 / v - r²) / 2 towards v,
    to a variance below ε too.
    """

    name = "gaussian_nll_loss"

    def forward(
        self,
        input: Array,
        target: Array,
        var: Array,
        *,
        full: bool = False,
        eps: float = 1e-6,
        reduction: str = "mean",
    ) -> Array:
        target_floats = self.target_for_each(input, target)
        self._require_variances(input, var)
        self.eps = eps
        self.save(input, target, var)
        variance = np.maximum(var, eps)
        distance = input - target_floats
        losses = (np.log(variance) + distance * (distance / variance)) / 2
        return self.reduce(losses + log(2 * pi) / 2 if full else losses, reduction)

    def apply(self, grad_output: Array) -> Any:
        input, target, var = self.saved
        need_input, need_target, need_var = self.needs_input_grad
        share = self.share(grad_output)
        variance = np.maximum(var, self.eps)
        ratio = (input - target) / variance
        return (
            share * ratio if need_input else None,
            -share * ratio if need_target else None,
            share * ((1 / variance - ratio * ratio) / 2) if need_var else None,
        )

    def _require_variances(self, input: Array, var: Any) -> None:
        self.require_floating(var, "variance")
        shape, given = np.shape(input), np.shape(var)
        equal = [a == b for a, b in zip(shape, given, strict=len(shape) == len(given))]
        shared = equal.count(False) == 1 and given[equal.index(False)] == 1
        if given and (len(given) != len(shape) or not (all(equal) or shared)):
            raise ValueError(
                f"{self.name}: the variance should have the input's shape {shape}, with one axis "
                f"of length 1 or without the last axis where it is shared, but it has shape "
                f"{given}; reshape it"
            )
        negative = np.asarray(np.less(var, 0))
        if negative.any():
            raise ValueError(
                f"{self.name}: a variance is not negative, but "
                f"{np.asarray(var)[negative].flat[0]} was given (dtype {np.result_type(var)}, "
                f"shape {given}); of a logarithm take np.exp"
            )


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of numbers under normal distributions.

    Parameters
    ----------
    input : Tensor
        Predicted means x, of any shape, floating.
    target : Tensor, array or number
        Numbers t, of the very shape of `input`. Integers take its dtype.
    var : Tensor, array or float
        Predicted variances v, not negative: of the shape of `input`, of that with one axis of
        length 1, or of that without the last axis; or one number for all.
    full : bool
        Add the constant log(2 π) / 2.
    eps : float
        The least that a variance counts as, above 0.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single predictions. The mean of none is NaN.

    Returns
    -------
    Tensor
        Of shape (), or of the shape of `input` where reduction="none". A single loss is
        (log v + (x - t)² / v) / 2. With r = (x - t) / v the gradient of `input` is r times its own,
        that of `target` the negative, and that of `var` is (1 / v - r²) / 2 times its own: also of
        a variance that counts as `eps`, so that it can grow, as in PyTorch.

    Raises
    ------
    ValueError
        If the shapes do not fit, if a variance is negative, or if `eps` is not above 0.
    TypeError
        If `input` or `var` is not floating, or `eps` is no number.

    References
    ----------
    Nix and Weigend (1994), IEEE International Conference on Neural Networks 1:55-60.

    Examples
    --------
    >>> gaussian_nll_loss(Tensor([1.0, 2.0]), [1.0, 4.0], Tensor([1.0, 2.0]), reduction="none")
    Tensor(data=[0.        1.3465736], shape=(2,))
    """
    shape = np.shape(input)
    if np.shape(var) == shape[:-1] != shape and np.ndim(var):
        var = np.expand_dims(var, -1)
    var = floats(var, input) if type(var) in (int, float) else var
    return GaussianNLLBackward.call(
        *in_common_dtype(input, floats(target, input), var),
        full=full,
        eps=number("gaussian_nll_loss", "eps", eps, above=0),
        reduction=reduction,
    )


def _plain_gaussian(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    if np.ndim(var) == np.ndim(input) - 1:
        var = np.asarray(var)[..., None]
    v = np.maximum(var, eps)
    losses = 0.5 * np.log(v) + (input - target) ** 2 / (2 * v)
    return plain_reduction(losses + (0.5 * np.log(2 * np.pi) if full else 0), reduction)


def _gaussian_samples() -> list[Sample]:
    x, t, v = uniform((2, 3)), uniform((2, 3), seed=1), uniform((2, 3), 0.2, 3, seed=2)
    return [
        sample(
            uniform(shape),
            uniform(shape, seed=1),
            uniform(shape, 0.2, 3, seed=2),
            reduction=reduction,
        )
        for shape in SHAPES
        for reduction in REDUCTIONS
    ] + [
        sample(x, t, v),
        sample(x, t, v, True),
        sample(x, t, v, True, 1e-3, "sum"),
        sample(x, t, v[:, :1], reduction="none"),
        sample(x, t, v[:1]),
        sample(x, t, v[:, 0]),
        sample(uniform((3, 3)), uniform((3, 3), seed=1), uniform(3, 0.2, 3), full=True),
        sample(uniform(3), uniform(3, seed=1), uniform((), 0.2, 3)),
        sample(x, t, 0.5),
        sample(x, np.arange(6).reshape(2, 3), v),
        sample(uniform((2, 1, 3)), uniform((2, 1, 3), seed=1), uniform((2, 1), 0.2, 3)),
        kink(np.array([1e4, -1e4]), np.zeros(2), np.array([1.0, 1e8]), reduction="none"),  # far off
    ]


_X, _T, _VARIANCES = uniform(3), uniform(3, seed=1), uniform(3, 0.5, 2)

OPERATIONS = [
    Operation(
        gaussian_nll_loss,
        GaussianNLLBackward,
        samples=_gaussian_samples,
        bad_inputs=[
            *mistakes(_X, _T, var=0.5),
            bad(ValueError, "variance should have the input's shape", _X, _T, uniform(2)),
            bad(
                ValueError,
                "variance should have the input's shape",
                uniform((2, 3)),
                uniform((2, 3)),
                np.ones((1, 1)),
            ),
            bad(ValueError, "variance is not negative, but -1.0", _X, _T, -1.0),
            bad(TypeError, "variance should be floating", _X, _T, np.arange(3)),
            bad(TypeError, "variance should be floating", _X, _T, None),
            bad(ValueError, "eps should be a number above 0", _X, _T, _VARIANCES, eps=0),
        ],
        reference=_plain_gaussian,
        torch="nn.functional.gaussian_nll_loss",
    ),
]
