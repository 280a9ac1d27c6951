"""One call of a function on a sample: what it gives, and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import FLOATING, Array
from ..samples import Sample
from ..tensor import Tensor


class Call:
    """A function with the inputs of one sample: what it gives, and its gradients.

    Where the function returns several tensors, the call stands for the one numbered `output`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        sample: Sample,
        dtypes: Sequence[Any] = (np.float64,),
        output: int = 0,
    ) -> None:
        self.function = function
        self.sample = sample
        self.output = output
        self.arrays: list[Array] = []
        """The floating arrays among the inputs, in order: those that have gradients."""
        self.inputs = [self._prepare(value, dtypes) for value in sample.inputs]

    def _prepare(self, value: Any, dtypes: Sequence[Any]) -> Any:
        if isinstance(value, list | tuple) and any(isinstance(x, np.ndarray) for x in value):
            return type(value)(self._prepare(x, dtypes) for x in value)
        if isinstance(value, np.ndarray) and value.dtype.kind == FLOATING:
            value = value.astype(dtypes[min(len(self.arrays), len(dtypes) - 1)])
            self.arrays.append(value)
        return value

    def replace(self, arrays: Sequence[Any]) -> None:
        """Put others in the place of the floating arrays, in order."""
        others = {id(old): new for old, new in zip(self.arrays, arrays, strict=True)}

        def replaced(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(replaced(x) for x in value)
            return others.get(id(value), value)

        self.inputs = [replaced(value) for value in self.inputs]
        self.arrays = list(arrays)

    def tensors(self, requires_grad: bool = True) -> tuple[list[Any], list[Tensor]]:
        """Return the inputs with a tensor for each floating array, and these tensors."""
        leaves: list[Tensor] = []

        def convert(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(convert(x) for x in value)
            if self._has_gradient(value):
                leaf = Tensor(0.0)
                leaf.data = value  # shared, also where it is not contiguous
                leaf.requires_grad = requires_grad
                leaves.append(leaf)
                return leaf
            return value

        return [convert(value) for value in self.inputs], leaves

    def _has_gradient(self, value: Any) -> bool:
        is_floating = isinstance(value, np.ndarray) and value.dtype.kind == FLOATING
        return is_floating and any(value is array for array in self.arrays)

    def __call__(self, requires_grad: bool = True) -> Tensor:
        """Return the output."""
        return self.run(requires_grad)[0]

    def run(self, requires_grad: bool = True) -> tuple[Tensor, list[Tensor]]:
        """Return the output, and the tensors that it was computed from."""
        inputs, leaves = self.tensors(requires_grad)
        return self.select(self.function(*inputs, **self.sample.parameters)), leaves

    def select(self, result: Any) -> Tensor:
        """Return the output that the call stands for."""
        output = result[self.output] if isinstance(result, list | tuple) else result
        assert isinstance(output, Tensor), f"expected a Tensor, got a {type(output).__name__}"
        return output

    def weights(self, seed: int = 0) -> Array:
        """Random weights for the output; read-only, for a rule may not write to its gradient."""
        output = self(requires_grad=False)
        drawn = np.random.default_rng(seed).uniform(0.5, 1.5, output.shape)
        signs = np.where(np.random.default_rng(seed + 1).random(output.shape) < 0.5, -1.0, 1.0)
        weights = np.asarray(drawn * signs, output.dtype)
        weights.flags.writeable = False
        return weights

    def gradients(self, weights: Array) -> list[Array]:
        """Return the gradient of each floating array by backward, zeros where there is none."""
        output, leaves = self.run()
        if output.requires_grad:
            output.backward(weights)
        return [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]
