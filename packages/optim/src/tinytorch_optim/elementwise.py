"""Optimisers whose rule is the same for each number of a parameter, whatever its neighbours are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from tinytorch import Array, enable_grad

from .blocks import blocks
from .checks import whole
from .optimizer import Optimizer
from .parameters import Parameter, gradient_of
from .state_dicts import require_array, require_keys


class ElementwiseOptimizer(Optimizer):
    """Base class of optimisers that change one parameter after the other, block by block."""

    _counts: ClassVar[bool] = True
    """Whether the steps of each parameter are counted."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient, in place.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, with the gradients of the parameters, and returns it.

        Returns
        -------
        object
            What the closure returned, or None.

        Raises
        ------
        TypeError
            If a gradient is no array of numbers, nor a Tensor of them.
        ValueError
            If a gradient does not have the shape of its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = gradient_of(self._name, parameter)
                if gradient is None:
                    continue
                state = self.state[parameter]
                if self._counts:
                    state["step"] = state.get("step", 0) + 1
                self._update(parameter.data, gradient, state, group)
        return loss

    @abstractmethod
    def _update(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Change one parameter, and what is kept of it, in place."""

    @abstractmethod
    def _kept(self, group: dict[str, Any]) -> dict[str, float]:
        """Return the names of the arrays that are kept of a parameter, and what they begin with."""

    def _blocks(
        self, data: Array, gradient: Array, state: dict[str, Any], group: dict[str, Any]
    ) -> Any:
        """Return the blocks of a parameter, of its gradient, and of each array that is kept."""
        kept = self._kept(group)
        for name, initial in kept.items():
            if name not in state:
                state[name] = np.full_like(data, initial, subok=False)
        return blocks(data, gradient, [state[name] for name in kept])

    def _loaded(
        self, what: str, entries: Any, parameter: Parameter, group: dict[str, Any]
    ) -> dict[str, Any]:
        counted = ["step"] if self._counts else []
        require_keys(self._name, f"the state of {what}", entries, [*counted, *self._kept(group)])
        return {
            name: whole(self._name, f"step of {what}", value, at_least=0)
            if name == "step"
            else self._array(f"{name} of {what}", value, parameter.data)
            for name, value in entries.items()
        }

    def _array(self, what: str, value: Any, like: Array) -> Array:
        array = np.empty_like(like, subok=False)
        array[...] = require_array(self._name, what, value, like.shape)
        return array


def descent(parameter: Array, gradient: Array, weight_decay: float, maximize: bool) -> Array:
    """Return the gradient of what is minimised, which has the penalty λ p² / 2 for its second term.

    Its first term is the negative of what is to be maximised.
    """
    if maximize:
        gradient = -gradient
    return gradient + weight_decay * parameter if weight_decay else gradient
