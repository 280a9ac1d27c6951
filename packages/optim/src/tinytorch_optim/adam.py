"""Adam, and AdamW, which decays the weights beside it."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

import numpy as np
from tinytorch import Array

from .checks import number
from .elementwise import ElementwiseOptimizer, descent
from .parameters import Parameters


class Adam(ElementwiseOptimizer):
    """Adam: steps of about the length lr, whatever the scale of a parameter's gradients is.

    In step t, with the gradient g of a parameter p: ``m ← β₁ m + (1 - β₁) g``,
    ``v ← β₂ v + (1 - β₂) g²``, and
    ``p ← p - lr m / (1 - β₁ᵗ) / (sqrt(v / (1 - β₂ᵗ)) + eps)``.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or groups of them; see `Optimizer`.
    lr : float
        The learning rate, 0 or more.
    betas : tuple of float
        How much of the two averages remains from step to step, β₁ and β₂, at least 0 and below 1.
    eps : float
        Keeps the divisor from 0; 0 or more.
    weight_decay : float
        The weight of the penalty p² / 2, 0 or more, whose gradient is added to g.
    amsgrad : bool
        Divide by the largest v that there has been.
    maximize : bool
        Go up the gradient, in place of down.
    decoupled_weight_decay : bool
        Decay the weights beside the averages, as `AdamW` does.

    Raises
    ------
    TypeError
        If a parameter is none, or an option is no number.
    ValueError
        If there are no parameters, if one appears twice or is no leaf, or if an option is out of
        its bounds.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980. For amsgrad
    Reddi, Kale and Kumar (2018), On the convergence of Adam and beyond, arXiv:1904.09237.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    Tensor(data=[ 0.75 -1.75], shape=(2,), requires_grad=True)
    """

    _least: ClassVar = {"lr": 0, "eps": 0, "weight_decay": 0}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        betas = options["betas"]
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"{self._name}: betas should be two numbers, but they are {betas!r}")
        checked = tuple(
            number(self._name, f"betas[{i}]", beta, at_least=0, below=1)
            for i, beta in enumerate(betas)
        )
        return super()._checked(options) | {"betas": checked}

    def _kept(self, group: dict[str, Any]) -> dict[str, float]:
        averages: dict[str, float] = {"exp_avg": 0, "exp_avg_sq": 0}
        return averages | ({"max_exp_avg_sq": 0} if group["amsgrad"] else {})

    def _update(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        beta1, beta2 = group["betas"]
        rate = group["lr"] / (1 - beta1 ** state["step"])
        root_correction = sqrt(1 - beta2 ** state["step"])
        decoupled, weight_decay = group["decoupled_weight_decay"], group["weight_decay"]
        with self._blocks(data, gradient, state, group) as parts:
            for p, g, m, v, *kept in parts:
                if decoupled:
                    p *= 1 - group["lr"] * weight_decay
                g = descent(p, g, 0 if decoupled else weight_decay, group["maximize"])
                m *= beta1
                m += (1 - beta1) * g
                v *= beta2
                v += (1 - beta2) * g * g
                if group["amsgrad"]:
                    (highest,) = kept
                    v = np.maximum(highest, v, out=highest)
                p -= rate * m / (np.sqrt(v) / root_correction + group["eps"])


class AdamW(Adam):
    """Adam, where the weight decay takes no part in the averages: ``p ← p - lr weight_decay p``.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or groups of them; see `Optimizer`.
    lr : float
        The learning rate, 0 or more.
    betas : tuple of float
        How much of the two averages remains from step to step, β₁ and β₂, at least 0 and below 1.
    eps : float
        Keeps the divisor from 0; 0 or more.
    weight_decay : float
        What share of a parameter is taken away, before the step of Adam, times lr; 0 or more.
    amsgrad : bool
        Divide by the largest v that there has been.
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
    Loshchilov and Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AdamW([x], lr=0.25, weight_decay=1.0)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    Tensor(data=[ 0.5  -1.25], shape=(2,), requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        return super()._checked(options) | {"decoupled_weight_decay": True}
