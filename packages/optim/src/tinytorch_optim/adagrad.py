"""Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from tinytorch import Array

from .elementwise import ElementwiseOptimizer, descent
from .parameters import Parameters


class Adagrad(ElementwiseOptimizer):
    """Adagrad: the gradient is divided by the root of the sum of all its squares so far.

    In step t, with the gradient g of a parameter p: ``s ← s + g²`` and
    ``p ← p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)``.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or groups of them; see `Optimizer`.
    lr : float
        The learning rate, 0 or more.
    lr_decay : float
        By how much the divisor of the rate grows in each step, 0 or more.
    weight_decay : float
        The weight of the penalty p² / 2, 0 or more, whose gradient is added to g.
    initial_accumulator_value : float
        What s begins with, 0 or more.
    eps : float
        Keeps the divisor from 0; 0 or more.
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
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning and stochastic
    optimization, Journal of Machine Learning Research 12:2121-2159.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    Tensor(data=[ 0.75 -1.75], shape=(2,), requires_grad=True)
    """

    _least: ClassVar = {
        "lr": 0,
        "lr_decay": 0,
        "weight_decay": 0,
        "initial_accumulator_value": 0,
        "eps": 0,
    }

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _kept(self, group: dict[str, Any]) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def _update(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        with self._blocks(data, gradient, state, group) as parts:
            for p, g, total in parts:
                g = descent(p, g, group["weight_decay"], group["maximize"])
                total += g * g
                p -= rate * g / (np.sqrt(total) + group["eps"])
