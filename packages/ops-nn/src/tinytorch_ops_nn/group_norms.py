"""Normalization of groups of channels."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tinytorch import Operation, Tensor
from tinytorch.samples import Sample, bad, sample, uniform

from .channel_cases import SHAPES, affine, bad_calls, plain_affine, plain_norm
from .channel_norms import ChannelNorm, channel_operands
from .operands import number


class GroupNormBackward(ChannelNorm):
    """y = w z + b with z = (x - m) s, where m is a group's mean, and s = 1 / √(variance + ε).

    Gradients: with h = g w, that of x is s (h - mean h - z mean(h z)), that of w is Σ g z and that
    of b is Σ g. The means are over the channels and places of a group.
    """


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Groups of channels of each element of a batch brought to mean 0 and variance 1.

    Parameters
    ----------
    input : Tensor
        Of shape (N, C) or (N, C, ...).
    num_groups : int
        How many groups, of C / num_groups channels each.
    weight, bias : Tensor, optional
        Of shape (C,): what each channel is multiplied with, and what is added.
    eps : float
        What is added to the variance.

    Returns
    -------
    Tensor
        The shape of `input`. Dtypes promote as in NumPy, and integers count as float32. With mean m
        and variance v of a group, z = (x - m) s, s = 1 / √(v + ε) and h = g w the gradient of
        `input` is s (h - mean h - z mean(h z)); that of `weight` is Σ g z, that of `bias` is Σ g.

    Raises
    ------
    ValueError
        If a shape is another one, or `num_groups` does not divide C.
    TypeError
        If `num_groups` is not an integer, or `eps` is not a number.

    References
    ----------
    Wu and He (2018), arXiv:1803.08494.

    Examples
    --------
    >>> group_norm(Tensor([[1.0, 3.0, 5.0, 5.0]]), 2).data.round(3)
    array([[-1.,  1.,  0.,  0.]], dtype=float32)
    """
    x, weight, bias = channel_operands("group_norm", input, weight, bias, least=2)
    if not isinstance(num_groups, int | np.integer) or isinstance(num_groups, bool):
        raise TypeError(f"group_norm: num_groups should be an integer, but it is {num_groups!r}")
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(
            f"group_norm: num_groups should divide the number of channels, but it is {num_groups} "
            f"and the shape of the input is {x.shape}"
        )
    grouped = (int(num_groups), x.shape[1] // int(num_groups))
    y = GroupNormBackward.call(
        x.reshape(len(x), *grouped, prod(x.shape[2:])),
        *(None if one is None else one.reshape(*grouped, 1) for one in (weight, bias)),
        axes=(2, 3),
        eps=number("group_norm", "eps", eps),
    )
    return y.reshape(x.shape)


def _group_samples() -> list[Sample]:
    return [
        *(sample(uniform(s), 1, *affine(s), eps=0.2) for s in SHAPES),
        *(sample(uniform(s), s[1], *affine(s), eps=0.1) for s in SHAPES),
        sample(uniform((2, 4, 3)), 2, *affine((2, 4, 3))),
        sample(uniform((2, 4, 3)), 2),
        sample(uniform((2, 6)), 3, *affine((2, 6))),
        sample(uniform((2, 4, 2)), 2, None, uniform((4,), seed=1), eps=0.1),
        sample(uniform((0, 4)), 2, *affine((0, 4))),
        sample(uniform((2, 4, 0)), 2),
    ]


def _plain_group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    parts = np.split(input, num_groups, axis=1)
    axes = tuple(range(1, input.ndim))
    whole = np.concatenate([plain_norm(part, axes, None, None, eps) for part in parts], axis=1)
    return plain_affine(whole, weight, bias)


OPERATIONS: list[Operation] = [
    Operation(
        group_norm,
        GroupNormBackward,
        torch="nn.functional.group_norm",
        samples=_group_samples,
        bad_inputs=[
            *bad_calls(1),
            bad(ValueError, r"divide.*it is 2.*\(2, 3, 4\)", uniform((2, 3, 4)), 2),
            bad(ValueError, "it is 0", uniform((2, 3, 4)), 0),
            bad(TypeError, "should be an integer, but it is 1.0", uniform((2, 3, 4)), 1.0),
        ],
        reference=_plain_group_norm,
    ),
]
