"""RMSprop."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from tinytorch import Array

from .elementwise import ElementwiseOptimizer, descent
from .parameters import Parameters


class RMSprop(ElementwiseOptimizer):
    """RMSprop: the gradient is divided by a running root of its mean square.

    With the gradient g of a parameter p: ``v ← alpha v + (1 - alpha) g²`` and
    ``p ← p - lr g / (sqrt(v) + eps)``. With momentum ``b ← momentum b + g / (sqrt(v) + eps)`` and
    ``p ← p - lr b``.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or groups of them; see `Optimizer`.
    lr : float
        The learning rate, 0 or more.
    alpha : float
        How much of the average remains from step to step, 0 or more.
    eps : float
        Keeps the divisor from 0; 0 or more.
    weight_decay : float
        The weight of the penalty p² / 2, 0 or more, whose gradient is added to g.
    momentum : float
        How much of the velocity b remains from step to step, 0 or more.
    centered : bool
        Divide by a running standard deviation: the square of a running mean of g is taken from v.
    maximize : bool
        Go up the gradient, in place of down.

    Raises
    ------
    TypeError
        If a parameter is none, or an option is no number.
    ValueError
        If there are no parameters, if one appears twice or is no leaf, or if an option is out of
        its bounds.

    References
    ----------
    Hinton, Srivastava and Swersky (2012), Neural networks for machine learning, lecture 6. Centred:
    Graves (2013), Generating sequences with recurrent neural networks, arXiv:1308.0850.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([x], lr=0.25, alpha=0.75)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    Tensor(data=[ 0.5 -1.5], shape=(2,), requires_grad=True)
    """

    _least: ClassVar = {"lr": 0, "alpha": 0, "eps": 0, "weight_decay": 0, "momentum": 0}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _kept(self, group: dict[str, Any]) -> dict[str, float]:
        names = ["square_avg"]
        names += ["grad_avg"] if group["centered"] else []
        names += ["momentum_buffer"] if group["momentum"] else []
        return dict.fromkeys(names, 0)

    def _update(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, alpha, momentum = group["lr"], group["alpha"], group["momentum"]
        with self._blocks(data, gradient, state, group) as parts:
            for p, g, v, *kept in parts:
                g = descent(p, g, group["weight_decay"], group["maximize"])
                v *= alpha
                v += (1 - alpha) * g * g
                if group["centered"]:
                    mean = kept[0]
                    mean += (1 - alpha) * (g - mean)
                    v = v - mean * mean
                g = g / (np.sqrt(v) + group["eps"])
                if momentum:
                    b = kept[-1]
                    b *= momentum
                    b += g
                    g = b
                p -= lr * g
