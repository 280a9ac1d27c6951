"""Normalization of channels, over a batch or each by itself, with statistics of the past."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

from .channel_cases import SHAPES, affine, bad_calls, plain_affine, plain_norm
from .channel_norms import (
    ChannelNorm,
    RunningStatistics,
    channel_operands,
    one_a_channel,
    require_several,
    with_trailing_ones,
)
from .operands import common_dtype, in_dtype, number


class BatchNormBackward(ChannelNorm):
    """y = w z + b with z = (x - m) s, where m is a channel's mean, and s = 1 / √(variance + ε).

    Gradients: with h = g w, that of x is s (h - mean h - z mean(h z)), that of w is Σ g z and that
    of b is Σ g. The means are over the batch and over all places.
    """


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Channels brought to mean 0 and variance 1 over a batch: ``w (x - m) / √(v + ε) + b``.

    Parameters
    ----------
    input : Tensor
        Of shape (N, C) or (N, C, ...).
    running_mean, running_var : Tensor without gradient or array, or None
        Of shape (C,): mean and variance of past batches. In evaluation they are what is used. In
        training they are moved towards those of the batch, in place.
    weight, bias : Tensor, optional
        Of shape (C,): what each channel is multiplied with, and what is added.
    training : bool
        Whether to use mean m and variance v of the batch, rather than those of past batches.
    momentum : float
        In training, the share of the batch in the new running statistics. Their variance is the
        unbiased one, with N - 1.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `input`. Dtypes of `input`, `weight` and `bias` promote as in NumPy, and
        integers count as float32. With z = (x - m) s, s = 1 / √(v + ε) and h = g w the gradient of
        `input` in training is s (h - mean h - z mean(h z)), and in evaluation h s; that of `weight`
        is Σ g z, that of `bias` is Σ g.

    Raises
    ------
    ValueError
        If a shape is another one, if there is but one element a channel in training, if there are
        no running statistics in evaluation, or if these require gradients.
    TypeError
        If the running statistics are not floating, or `eps` or `momentum` is not a number.

    References
    ----------
    Ioffe and Szegedy (2015), arXiv:1502.03167.

    Examples
    --------
    >>> mean, variance = np.zeros(1), np.ones(1)
    >>> x = Tensor([[1.0], [3.0]])
    >>> batch_norm(x, mean, variance, training=True).data.round(3)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> mean, variance
    (array([0.2]), array([1.1]))
    """
    op = "batch_norm"
    x, weight, bias = channel_operands(op, input, weight, bias, least=2)
    mean = _buffer(op, "running_mean", running_mean, x.shape[1])
    variance = _buffer(op, "running_var", running_var, x.shape[1])
    momentum, eps = number(op, "momentum", momentum), number(op, "eps", eps)
    if not training:
        return _by_past_statistics(op, x, mean, variance, weight, bias, eps)
    require_several(op, x, axes=(0, *range(2, x.ndim)))
    places = x if x.ndim == 2 else x.reshape(*x.shape[:2], prod(x.shape[2:]))
    y = BatchNormBackward.call(
        places,
        *with_trailing_ones(places.ndim - 2, weight, bias),
        axes=(0, *range(2, places.ndim)),
        eps=eps,
        running=RunningStatistics(mean, variance, momentum),
    )
    return y.reshape(x.shape)


class InstanceNormBackward(ChannelNorm):
    """y = w z + b with z = (x - m) s, m the mean over the places, and s = 1 / √(variance + ε).

    Gradients: with h = g w, that of x is s (h - mean h - z mean(h z)), that of w is Σ g z and that
    of b is Σ g. The means are over all places in one channel of one element of the batch.
    """


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each element of a batch brought to mean 0 and variance 1 over its places.

    Parameters
    ----------
    input : Tensor
        Of shape (N, C, ...), with at least one axis of places.
    running_mean, running_var : Tensor without gradient or array, optional
        Of shape (C,): mean and variance of the past. They are moved, in place, towards those of
        the input, averaged over the batch; or used, where `use_input_stats` is false.
    weight, bias : Tensor, optional
        Of shape (C,): what each channel is multiplied with, and what is added.
    use_input_stats : bool
        Whether to use mean m and variance v of the input, rather than those of the past.
    momentum : float
        The share of the input in the new running statistics.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `input`. Dtypes of `input`, `weight` and `bias` promote as in NumPy, and
        integers count as float32. With z = (x - m) s, s = 1 / √(v + ε) and h = g w the gradient of
        `input` is s (h - mean h - z mean(h z)), or h s where the past is used; that of `weight` is
        Σ g z, that of `bias` is Σ g.

    Raises
    ------
    ValueError
        If a shape is another one, if there is but one place, or if there are no running statistics
        where they are used, or if these require gradients.
    TypeError
        If the running statistics are not floating, or `eps` or `momentum` is not a number.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), arXiv:1607.08022.

    Examples
    --------
    >>> instance_norm(Tensor([[[1.0, 3.0], [10.0, 30.0]]])).data.round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]], dtype=float32)
    """
    op = "instance_norm"
    x, weight, bias = channel_operands(op, input, weight, bias, least=3)
    mean = _buffer(op, "running_mean", running_mean, x.shape[1])
    variance = _buffer(op, "running_var", running_var, x.shape[1])
    momentum, eps = number(op, "momentum", momentum), number(op, "eps", eps)
    if not use_input_stats:
        return _by_past_statistics(op, x, mean, variance, weight, bias, eps)
    require_several(op, x, axes=tuple(range(2, x.ndim)))
    y = InstanceNormBackward.call(
        x.reshape(*x.shape[:2], prod(x.shape[2:])),
        *with_trailing_ones(1, weight, bias),
        axes=(2,),
        eps=eps,
        running=RunningStatistics(mean, variance, momentum),
    )
    return y.reshape(x.shape)


def _buffer(op: str, name: str, buffer: Any, channels: int) -> Array | None:
    """Return the array in which running statistics are kept."""
    if buffer is None:
        return None
    array = buffer.numpy() if isinstance(buffer, Tensor) else buffer
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(
            f"{op}: {name} should be a floating Tensor or array, which can be changed in place, "
            f"but it is {buffer!r}"
        )
    one_a_channel(op, name, array, channels)
    if isinstance(buffer, Tensor) and buffer.requires_grad:
        raise ValueError(
            f"{op}: no gradient flows to {name}, but a tensor that requires gradients was given, "
            f"of shape {buffer.shape}; pass {name}.detach()"
        )
    return array


def _by_past_statistics(
    op: str, x: Any, mean: Array | None, variance: Array | None, weight: Any, bias: Any, eps: float
) -> Tensor:
    """Return ``slope * x + offset``, which is w (x - m) / √(v + ε) + b, channel by channel."""
    if mean is None or variance is None:
        raise ValueError(
            f"{op}: running_mean and running_var are needed where the statistics of the input are "
            f"not used, but {'running_mean' if mean is None else 'running_var'} is None"
        )
    dtype = common_dtype(x, weight, bias)
    wide = np.result_type(dtype, mean, variance)
    slope = 1 / np.sqrt(variance.astype(wide) + eps)
    slope = slope if weight is None else weight * slope
    offset = -mean * slope if bias is None else bias - mean * slope
    slope, offset = with_trailing_ones(x.ndim - 2, in_dtype(slope, dtype), in_dtype(offset, dtype))
    result: Tensor = x * slope + offset
    return result


def _past(channels: int) -> tuple[Tensor, Tensor]:
    """Return running statistics, which no gradient flows to."""
    return Tensor(uniform((channels,), seed=3)), Tensor(uniform((channels,), 0.5, 2.0, seed=4))


def _batch_samples() -> list[Sample]:
    nothing = (None, None)
    return [
        *(sample(uniform(s), *affine(s, *nothing), True, eps=0.1) for s in SHAPES),
        *(sample(uniform(s), *affine(s, *_past(s[1]))) for s in SHAPES),
        sample(uniform((4, 2)), *nothing, training=True),
        sample(uniform((4, 2)), *nothing, uniform((2,), seed=1), training=True, eps=0.1),
        sample(uniform((4, 2)), *nothing, None, uniform((2,), seed=1), training=True),
        sample(uniform((3, 2, 2)), *_past(2), training=True, momentum=0.5),
        sample(uniform((3, 2, 2)), *_past(2)),
        sample(uniform((1, 2, 2)), *_past(2), eps=0.5),
        sample(uniform((4, 2)), *_past(2), None, uniform((2,), seed=1)),
        sample(uniform((0, 2)), *affine((0, 2), *_past(2))),
        sample(uniform((0, 2)), *nothing, training=True),
        sample(np.full((3, 2), 4.0), *nothing, training=True, eps=0.25),
        sample(uniform((4, 2)) + 10.0, *nothing, training=True),
    ]


def _instance_samples() -> list[Sample]:
    shapes = [s for s in SHAPES if len(s) > 2]
    return [
        *(sample(uniform(s), *affine(s, None, None), eps=0.1) for s in shapes),
        *(sample(uniform(s), *affine(s, *_past(s[1])), use_input_stats=False) for s in shapes),
        sample(uniform((2, 2, 3)) * 3, eps=0.5),
        sample(uniform((2, 2, 3)), *_past(2), momentum=0.5, eps=0.5),
        sample(uniform((2, 2, 3)), None, None, uniform((2,), seed=1), eps=0.5),
        sample(uniform((2, 2, 3)), None, None, None, uniform((2,), seed=1), eps=0.5),
        sample(uniform((0, 3, 2))),
        sample(np.full((2, 2, 3), 4.0), eps=0.25),
    ]


def _bad_buffers(using: dict[str, bool], past: dict[str, bool]) -> list[BadInput]:
    x, learnt = uniform((2, 3, 4)), Tensor(np.ones(3), requires_grad=True)
    fitting = {"running_mean": np.ones(3), "running_var": np.ones(3)}

    def refused(
        error: type[Exception], match: str, names: dict[str, Any], **other: Any
    ) -> BadInput:
        return bad(error, match, x, **{**fitting, **names, **other})

    return [
        refused(ValueError, r"shape \(3,\), one number a", using, running_mean=np.ones(2)),
        refused(ValueError, "no gradient flows to running_var", using, running_var=learnt),
        refused(TypeError, "running_mean should be a floating", using, running_mean=[0.0] * 3),
        refused(TypeError, "running_var should be a floating", using, running_var=np.ones(3, int)),
        refused(ValueError, "running_var is None", past, running_var=None),
        refused(ValueError, "running_mean is None", past, running_mean=None),
        refused(TypeError, "momentum should be a number", using, momentum="slow"),
        bad(ValueError, r"\(1, 3, 1\)", uniform((1, 3, 1)), None, None, **using),
    ]


def _plain_past(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    centred = plain_affine(x, None, -np.asarray(mean))
    standard = plain_affine(centred, 1 / np.sqrt(np.asarray(variance) + eps), None)
    return plain_affine(standard, weight, bias)


def _plain_batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    if not training:
        return _plain_past(input, running_mean, running_var, weight, bias, eps)
    return plain_norm(input, (0, *range(2, input.ndim)), weight, bias, eps)


def _plain_instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    if not use_input_stats:
        return _plain_past(input, running_mean, running_var, weight, bias, eps)
    return plain_norm(input, tuple(range(2, input.ndim)), weight, bias, eps)


OPERATIONS: list[Operation] = [
    Operation(
        batch_norm,
        BatchNormBackward,
        torch="nn.functional.batch_norm",
        samples=_batch_samples,
        bad_inputs=[*bad_calls(None, None), *_bad_buffers({"training": True}, {})],
        reference=_plain_batch_norm,
    ),
    Operation(
        instance_norm,
        InstanceNormBackward,
        torch="nn.functional.instance_norm",
        samples=_instance_samples,
        bad_inputs=[*bad_calls(None, None), *_bad_buffers({}, {"use_input_stats": False})],
        reference=_plain_instance_norm,
    ),
]
