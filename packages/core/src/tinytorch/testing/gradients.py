"""Gradients by the rules, and by differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .. import containers
from ..arguments import described, require_function
from ..arrays import Array
from ..derivatives import grad
from ..samples import Sample
from ..tensor import Tensor
from .calls import Call

COMPLEX_STEP = 1e-100
"""Of which nothing is lost: no difference is taken. Its square is no number that counts."""
EXACT = 1e-9
"""The relative tolerance where derivatives by a complex step are to be had."""


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    *,
    reference: Callable[..., Any] | None = None,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
) -> int:
    """Compare the gradients of a function with central differences, in float64.

    The output is weighted with random numbers w, and for each element of each input the derivative
    of sum(w * function(inputs)) is taken both ways. Where the function, or its reference, also
    takes complex arrays, a complex step must confirm the gradient to nine digits: the derivative
    of f is Im f(x + ih) / h, from which no rounding takes anything away. A complex step that
    central differences contradict is left out of account, as of a function that takes absolute
    values.

    Parameters
    ----------
    function : callable
        Takes the inputs and returns a Tensor.
    inputs : sequence
        Floating arrays, and lists of them, become tensors that require gradients; the rest is
        passed as it is.
    reference : callable, optional
        The same in plain NumPy, for the complex step. By default the function itself is tried,
        which serves if it is made of operators and NumPy's functions.
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
    TypeError
        If the function cannot be called, or no input is a floating array: nothing would be
        compared. A Tensor is none, for the tensors are made here.
    ValueError
        If the step is not positive.

    References
    ----------
    Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions,
    SIAM Review 40:110-112.

    Examples
    --------
    >>> gradcheck(lambda x: (x * x).sum(), [np.array([1.0, 2.0])])
    2
    """
    call = _call("gradcheck", function, inputs, eps)
    return compare_gradients(call, reference or function, Tolerance(eps, rtol, atol), seed)


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
    TypeError, ValueError
        As `gradcheck`.

    Examples
    --------
    >>> gradgradcheck(lambda x: x**3, [np.array([1.0, 2.0])])
    4
    """
    call = _call("gradgradcheck", function, inputs, eps)
    return compare_second_derivatives(call, Tolerance(eps, rtol, atol), seed)


def _call(name: str, function: Callable[..., Tensor], inputs: Any, eps: float) -> Call:
    """Return the call of a function that is to be differentiated, by one input at least."""
    require_function(name, "function", function)
    if not isinstance(inputs, list | tuple):
        raise TypeError(
            f"{name}: inputs should be a list with one entry for each argument, [x] for one x, but "
            f"{described(inputs)}, was given"
        )
    if not eps > 0:
        raise ValueError(f"{name}: the step should be positive, but eps={eps} was given")
    call = Call(function, Sample(tuple(inputs)))
    leaves = containers.leaves(list(inputs))
    if not call.arrays or any(isinstance(x, Tensor) and x.requires_grad for x in leaves):
        raise TypeError(
            f"{name}: the inputs by which it is differentiated should be floating arrays, of which "
            f"tensors are made, but {', '.join(map(described, inputs)) or 'none'} were given"
        )
    return call


@dataclass(frozen=True)
class Tolerance:
    """The step of central differences, and how far from them a gradient may be."""

    eps: float
    rtol: float
    atol: float

    def allows(self, analytic: float, numeric: float) -> bool:
        """Whether the two are near enough."""
        return abs(analytic - numeric) <= self.allowed(numeric)

    def allowed(self, numeric: float) -> float:
        """How far from it a gradient may be."""
        return self.atol + self.rtol * abs(numeric)


FIRST = Tolerance(1e-6, 1e-5, 1e-7)
SECOND = Tolerance(1e-6, 1e-4, 1e-6)


def compare_gradients(
    call: Call, reference: Callable[..., Any], tolerance: Tolerance = FIRST, seed: int = 0
) -> int:
    """Do what `gradcheck` does, for a call."""
    weights = call.weights(seed)
    gradients = call.gradients(weights)
    return _compare(
        call.arrays,
        gradients,
        lambda: call(requires_grad=False).data,
        weights,
        tolerance,
        lambda: _complex_steps(call, reference, weights),
    )


def compare_second_derivatives(call: Call, tolerance: Tolerance = SECOND, seed: int = 0) -> int:
    """Do what `gradgradcheck` does, for a call."""
    weights = np.array(call.weights(seed))

    def first(*arguments: Any, create_graph: bool = True) -> Tensor:
        *inputs, w = arguments
        output = call.select(call.function(*inputs, **call.sample.parameters))
        return _weighted_gradients(output, _leaves(inputs), w, seed + 2, create_graph)

    of_gradients = Call(first, Sample((*call.inputs, weights)))

    def unrecorded() -> Array:
        inputs, _ = of_gradients.tensors()
        return first(*inputs, create_graph=False).data

    one = np.ones(())
    gradients = of_gradients.gradients(one)
    return _compare(of_gradients.arrays, gradients, unrecorded, one, tolerance)


def _leaves(inputs: list[Any]) -> list[Tensor]:
    flat = [x for value in inputs for x in (value if isinstance(value, list | tuple) else [value])]
    return [x for x in flat if isinstance(x, Tensor) and x.requires_grad]


def _weighted_gradients(
    output: Tensor, leaves: list[Tensor], w: Tensor, seed: int, create_graph: bool
) -> Tensor:
    """Return the sum of all gradients of ``sum(w * output)``, randomly weighted."""
    total = (w * 0.0).sum()
    if output.requires_grad:
        gradients = grad(output, leaves, w, create_graph=create_graph, allow_unused=True)
        for position, gradient in enumerate(gradients):
            if gradient is not None:
                total = total + (gradient * _drawn(seed, position, gradient.shape)).sum()
    return total


@lru_cache
def _drawn(seed: int, position: int, shape: tuple[int, ...]) -> Array:
    weights = np.random.default_rng([seed, position]).uniform(0.5, 1.5, shape)
    weights.flags.writeable = False
    return weights


def _compare(
    arrays: Sequence[Array],
    gradients: Sequence[Array],
    evaluate: Callable[[], Array],
    weights: Array,
    tolerance: Tolerance,
    complex_steps: Callable[[], list[Array] | None] = lambda: None,
) -> int:
    """Compare gradients, element by element, with differences of the weighted output."""
    numeric = [_central_differences(array, evaluate, weights, tolerance.eps) for array in arrays]
    exact = complex_steps()
    for position, (gradient, expected) in enumerate(zip(gradients, numeric, strict=True)):
        for index in np.ndindex(expected.shape):
            _require(tolerance, gradient, expected, position, index, "central differences give")
            if exact is not None and tolerance.allows(
                float(exact[position][index]), float(expected[index])
            ):
                sharp = Tolerance(0.0, EXACT, EXACT * max(1.0, float(np.max(abs(expected)))))
                _require(sharp, gradient, exact[position], position, index, "a complex step gives")
    return sum(array.size for array in arrays)


def _require(
    tolerance: Tolerance,
    gradient: Array,
    expected: Array,
    position: int,
    index: tuple[int, ...],
    source: str,
) -> None:
    analytic, numeric = float(gradient[index]), float(expected[index])
    if not tolerance.allows(analytic, numeric):
        raise AssertionError(
            f"the gradient of input {position} at index {index} is {analytic:.12g}, but {source} "
            f"{numeric:.12g} (tolerance {tolerance.allowed(numeric):.2g})"
        )


def _central_differences(
    array: Array, evaluate: Callable[[], Array], weights: Array, eps: float
) -> Array:
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        original = array[index]
        step = eps * max(1.0, abs(float(original)))
        values = []
        for shifted in (original + step, original - step):
            array[index] = shifted
            values.append(np.sum(weights * evaluate()))
        array[index] = original
        result[index] = (values[0] - values[1]) / (2 * step)
    return result


def _complex_steps(call: Call, function: Callable[..., Any], weights: Array) -> list[Array] | None:
    """Return the derivatives by complex steps, or None if the function takes no complex arrays."""
    stepped = Call(function, Sample(tuple(call.inputs), call.sample.parameters))
    stepped.replace([array.astype(np.complex128) for array in call.arrays])
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            return [_steps(stepped, array, call, weights) for array in stepped.arrays]
    except Exception:  # whatever it is: this function is not made for complex numbers
        return None


def _steps(stepped: Call, array: Array, call: Call, weights: Array) -> Array:
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        array[index] += COMPLEX_STEP * 1j
        value = stepped.function(*stepped.inputs, **stepped.sample.parameters)
        value = np.asarray(value[call.output] if isinstance(value, list | tuple) else value)
        if value.dtype.kind != "c" or value.shape != weights.shape:
            raise TypeError("the imaginary part is lost")
        array[index] = array[index].real
        result[index] = np.sum(weights * value.imag) / COMPLEX_STEP
    return result
