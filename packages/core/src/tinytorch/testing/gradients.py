"""Gradients by the rules, and by central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import FLOATING, Array
from ..derivatives import grad
from ..samples import Sample
from ..tensor import Tensor


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    *,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
) -> int:
    """Compare the gradients of a function with central differences, in float64.

    The output is weighted with random numbers w, and for each element of each input the derivative
    of sum(w * function(inputs)) is taken both ways.

    Parameters
    ----------
    function : callable
        Takes the inputs and returns a Tensor.
    inputs : sequence
        Floating arrays, and lists of them, become tensors that require gradients; the rest is
        passed as it is.
    eps : float
        The step of the differences, relative to elements larger than 1.
    rtol, atol : float
        What is allowed: ``atol + rtol * abs(numeric)``.
    seed : int
        Of the random weights.

    Returns
    -------
    int
        How many elements were compared.

    Raises
    ------
    AssertionError
        With the input, the index, both values and the tolerance.

    Examples
    --------
    >>> gradcheck(lambda x: (x * x).sum(), [np.array([1.0, 2.0])])
    2
    """
    call = Call(function, Sample(tuple(inputs)))
    weights = call.weights(seed)
    return _compare(
        call.arrays,
        call.gradients(weights),
        lambda: call(requires_grad=False).data,
        weights,
        (eps, rtol, atol),
    )


def gradgradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    *,
    eps: float = 1e-6,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    seed: int = 0,
) -> int:
    """Compare the second derivatives of a function with central differences of the first.

    The gradients are weighted with random numbers v, and the derivative of
    sum(v * gradient of sum(w * function(inputs))) is taken both ways, towards the inputs and
    towards w.

    Parameters
    ----------
    function, inputs, eps, rtol, atol, seed
        As in `gradcheck`.

    Returns
    -------
    int
        How many elements were compared.

    Raises
    ------
    AssertionError
        With the input, the index, both values and the tolerance.

    Examples
    --------
    >>> gradgradcheck(lambda x: x**3, [np.array([1.0, 2.0])])
    4
    """
    weights = np.array(Call(function, Sample(tuple(inputs))).weights(seed))

    def first(*arguments: Any) -> Tensor:
        *tensors, w = arguments
        return _weighted_gradients(function, tensors, w, seed + 2)

    call = Call(first, Sample((*inputs, weights)))
    one = np.ones(())
    return _compare(
        call.arrays,
        call.gradients(one),
        lambda: call(requires_grad=True).data,
        one,
        (eps, rtol, atol),
    )


def _weighted_gradients(
    function: Callable[..., Tensor], arguments: list[Any], w: Tensor, seed: int
) -> Tensor:
    """Return the sum of all gradients of ``sum(w * function(arguments))``, randomly weighted."""
    flat = [x for a in arguments for x in (a if isinstance(a, list) else [a])]
    leaves = [x for x in flat if isinstance(x, Tensor) and x.requires_grad]
    output = function(*arguments)
    total = (w * 0.0).sum()
    if output.requires_grad:
        gradients = grad(output, leaves, w, create_graph=True, allow_unused=True)
        for position, gradient in enumerate(gradients):
            if gradient is not None:
                generator = np.random.default_rng([seed, position])
                total = total + (gradient * generator.uniform(0.5, 1.5, gradient.shape)).sum()
    return total


def _compare(
    arrays: Sequence[Array],
    gradients: Sequence[Array],
    evaluate: Callable[[], Array],
    weights: Array,
    tolerance: tuple[float, float, float],
) -> int:
    """Compare gradients, element by element, with central differences of the weighted output."""
    eps, rtol, atol = tolerance
    compared = 0
    for position, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        for index in np.ndindex(array.shape):
            numeric = _central_difference(array, index, evaluate, weights, eps)
            analytic, allowed = float(gradient[index]), atol + rtol * abs(numeric)
            if not abs(analytic - numeric) <= allowed:
                raise AssertionError(
                    f"the gradient of input {position} at index {index} is {analytic:.10g}, but "
                    f"central differences give {numeric:.10g} (tolerance {allowed:.2g})"
                )
            compared += 1
    return compared


def _central_difference(
    array: Array,
    index: tuple[int, ...],
    evaluate: Callable[[], Array],
    weights: Array,
    eps: float,
) -> float:
    original = array[index]
    step = eps * max(1.0, abs(original))
    values = []
    for shifted in (original + step, original - step):
        array[index] = shifted
        values.append(np.sum(weights * evaluate()))
    array[index] = original
    return float((values[0] - values[1]) / (2 * step))


class Call:
    """A function with the inputs of one sample: what it gives, and its gradients."""

    def __init__(
        self, function: Callable[..., Any], sample: Sample, dtypes: Sequence[Any] = (np.float64,)
    ) -> None:
        self.function = function
        self.sample = sample
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

    def tensors(self, requires_grad: bool = True) -> tuple[list[Any], list[Tensor]]:
        """Return the inputs with a tensor for each floating array, and these tensors."""
        leaves: list[Tensor] = []

        def convert(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(convert(x) for x in value)
            if any(value is array for array in self.arrays):
                leaf = Tensor(0.0)
                leaf.data = value  # shared, also where it is not contiguous
                leaf.requires_grad = requires_grad
                leaves.append(leaf)
                return leaf
            return value

        return [convert(value) for value in self.inputs], leaves

    def __call__(self, requires_grad: bool = True) -> Tensor:
        """Return the output."""
        return self.run(requires_grad)[0]

    def run(self, requires_grad: bool = True) -> tuple[Tensor, list[Tensor]]:
        """Return the output, and the tensors that it was computed from."""
        inputs, leaves = self.tensors(requires_grad)
        output = self.function(*inputs, **self.sample.parameters)
        assert isinstance(output, Tensor), f"expected a Tensor, got a {type(output).__name__}"
        return output, leaves

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
