"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from tinytorch import Array

from .elementwise import ElementwiseOptimizer, descent
from .parameters import Parameters


class SGD(ElementwiseOptimizer):
    """Stochastic gradient descent: ``p ← p - lr g``, with momentum ``p ← p - lr b``.

    The velocity b is g in the first step, and then ``b ← momentum b + (1 - dampening) g``. To the
    gradient g of a parameter p is added weight_decay p.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or groups of them; see `Optimizer`.
    lr : float
        The learning rate, 0 or more.
    momentum : float
        How much of the velocity remains from step to step, 0 or more.
    dampening : float
        What is taken from the weight of the gradient in the velocity.
    weight_decay : float
        The weight of the penalty p² / 2, 0 or more.
    nesterov : bool
        Look ahead: ``p ← p - lr (g + momentum b)``. Momentum is needed then, and no dampening.
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
    Sutskever, Martens, Dahl and Hinton (2013), On the importance of initialization and momentum in
    deep learning, ICML.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([x], lr=0.25)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x
    Tensor(data=[ 0.5 -1. ], shape=(2,), requires_grad=True)
    """

    _counts = False
    _least: ClassVar = {"lr": 0, "momentum": 0, "dampening": float("-inf"), "weight_decay": 0}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        options = super()._checked(options)
        momentum, dampening = options["momentum"], options["dampening"]
        if options["nesterov"] and (not momentum or dampening):
            raise ValueError(
                f"{self._name}: nesterov needs a momentum above 0 and no dampening, but they are "
                f"{momentum:g} and {dampening:g}"
            )
        return options

    def _kept(self, group: dict[str, Any]) -> dict[str, float]:
        return {"momentum_buffer": 0} if group["momentum"] else {}

    def _update(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, momentum, nesterov = group["lr"], group["momentum"], group["nesterov"]
        share = 1 - group["dampening"] if "momentum_buffer" in state else 1
        with self._blocks(data, gradient, state, group) as parts:
            for p, g, *kept in parts:
                g = descent(p, g, group["weight_decay"], group["maximize"])
                if momentum:
                    (b,) = kept
                    b *= momentum
                    b += share * g
                    g = g + momentum * b if nesterov else b
                p -= lr * g
