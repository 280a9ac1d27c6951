"""The checks that every operation passes, each over all samples that its author wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..arrays import FLOATING, Array
from ..grad_mode import no_grad
from ..operation import Operation
from ..samples import Sample
from ..tensor import Tensor
from .gradients import Call, gradcheck, gradgradcheck


@dataclass(frozen=True)
class Check:
    """One check of one operation, over all its samples; `run` returns how many cases it had."""

    operation: Operation
    name: str
    run: Callable[[], int]

    def __repr__(self) -> str:
        return f"{self.operation.name}-{self.name}"


def operation_checks(operation: Operation) -> list[Check]:
    """Return the checks of an operation, to be run one by one.

    Examples
    --------
    >>> from tinytorch.operation import registry
    >>> check = operation_checks(registry.operations["exp"])[0]
    >>> check, check.run()
    (exp-documented, 1)
    """
    checks: dict[str, Callable[[Operation], int]] = {
        "documented": _documented,
        "has_samples": _has_samples,
        **{name: _over_samples(check) for name, check in _SAMPLE_CHECKS.items()},
        "bad_inputs": _bad_inputs,
    }
    return [Check(operation, name, partial(check, operation)) for name, check in checks.items()]


def check_operation(operation: Operation) -> int:
    """Run all checks of an operation, and return how many cases they had.

    Raises
    ------
    AssertionError
        Naming the check, the sample and what differs.
    """
    return sum(check.run() for check in operation_checks(operation))


def _over_samples(check: Callable[[Operation, Sample], Any]) -> Callable[[Operation], int]:
    def run(operation: Operation) -> int:
        cases = 0
        for sample in operation.make_samples():
            try:
                cases += check(operation, sample) is not NotImplemented
            except Exception as error:
                error.add_note(f"in {operation.name}{sample}")
                raise
        return cases

    return run


def _documented(operation: Operation) -> int:
    assert operation.function.__doc__, f"{operation.name} has no docstring"
    assert operation.backward is None or operation.backward.__doc__, (
        f"{operation.backward} has no docstring; it states the formula and the gradient"
    )
    return 1


def _has_samples(operation: Operation) -> int:
    assert operation.make_samples(), f"{operation.name} has no samples, so that nothing tests it"
    return 1


def _bad_inputs(operation: Operation) -> int:
    cases = list(operation.bad_inputs)
    for bad in cases:
        call = Call(operation.function, Sample(bad.inputs, bad.parameters))
        message = _message_of(bad.error, call)
        assert message is not None, f"{operation.name}{bad}, but nothing was raised"
        assert re.search(bad.match, message), (
            f"{operation.name}{bad} says {message!r}, which does not match {bad.match!r}"
        )
    return len(cases)


def _message_of(error: type[Exception], call: Callable[[], Any]) -> str | None:
    try:
        call()
    except error as raised:
        return str(raised)
    return None


def _forward(operation: Operation, sample: Sample) -> Any:
    """The forward equals the plain NumPy reference, in value, shape and dtype."""
    if operation.reference is None:
        return NotImplemented
    call = Call(operation.function, sample)
    expected = np.asarray(operation.reference(*call.inputs, **sample.parameters))
    output = call(requires_grad=False)
    assert output.shape == expected.shape, f"shape {output.shape}, not {expected.shape}"
    np.testing.assert_allclose(output.data, expected, rtol=1e-7, atol=1e-12)
    return 1


def _gradient(operation: Operation, sample: Sample) -> Any:
    """The gradient equals central differences."""
    call = Call(operation.function, sample)
    if not sample.smooth or call(requires_grad=False).dtype != np.float64:
        return NotImplemented
    return gradcheck(lambda *xs: operation.function(*xs, **sample.parameters), sample.inputs)


def _second_derivative(operation: Operation, sample: Sample) -> Any:
    """The second derivative equals central differences of the first."""
    call = Call(operation.function, sample)
    if not sample.smooth or not operation.twice_differentiable:
        return NotImplemented
    if call(requires_grad=False).dtype != np.float64:
        return NotImplemented
    return gradgradcheck(lambda *xs: operation.function(*xs, **sample.parameters), sample.inputs)


def _dtypes(operation: Operation, sample: Sample) -> Any:
    """float32 stays float32, unlike dtypes promote as in NumPy, and each gradient has its own."""
    for dtypes in ((np.float32,), (np.float64,), (np.float32, np.float64)):
        call = Call(operation.function, sample, dtypes)
        output, leaves = call.run()
        strong = [x for x in call.inputs if isinstance(x, np.floating)]
        expected = np.result_type(*call.arrays, *strong) if call.arrays else output.dtype
        if output.dtype.kind == FLOATING and "dtype" not in sample.parameters:
            assert output.dtype == expected, f"{output.dtype} of {dtypes}, not {expected}"
        if output.requires_grad:
            output.backward(np.ones(output.shape))
        for leaf in leaves:
            assert leaf.grad is None or leaf.grad.dtype == leaf.dtype, (
                f"a gradient of dtype {leaf.grad.dtype} for a tensor of dtype {leaf.dtype}"
            )
    return 1


def _layout(operation: Operation, sample: Sample) -> Any:
    """Arrays that are not contiguous give what contiguous ones give."""
    call = Call(operation.function, sample)
    weights = call.weights()
    expected, expected_gradients = call(requires_grad=False), call.gradients(weights)
    for arrange in (np.asfortranarray, _strided, _reversed):
        other = Call(operation.function, sample)
        arranged = [arrange(array) if array.ndim else array for array in other.arrays]
        replacement = {id(a): b for a, b in zip(other.arrays, arranged, strict=True)}
        other.inputs = [_replace(x, replacement) for x in other.inputs]
        other.arrays = arranged
        np.testing.assert_allclose(
            other(requires_grad=False).data, expected.data, rtol=1e-12, atol=1e-12
        )
        for got, want in zip(other.gradients(weights), expected_gradients, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    return 1


def _replace(value: Any, replacement: dict[int, Array]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_replace(x, replacement) for x in value)
    return replacement.get(id(value), value)


def _strided(array: Array) -> Array:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _reversed(array: Array) -> Array:
    return array[::-1].copy()[::-1]


def _purity(operation: Operation, sample: Sample) -> Any:
    """Neither forward nor rule writes to an input, to what is saved, or to the gradient."""
    call = Call(operation.function, sample)
    weights = call.weights()
    for array in call.arrays:
        array.flags.writeable = False
    output, _ = call.run()
    if output.grad_fn is None:
        return 1
    for saved in output.grad_fn.saved:
        if isinstance(saved, np.ndarray):
            saved.flags.writeable = False
    output.backward(weights)
    return 1


def _aliasing(operation: Operation, sample: Sample) -> Any:
    """A gradient shares memory with no data, no other gradient, and not with the output's."""
    call = Call(operation.function, sample)
    weights = call.weights()
    output, leaves = call.run()
    saved = [x for x in getattr(output.grad_fn, "saved", ()) if isinstance(x, np.ndarray)]
    if output.requires_grad:
        output.backward(weights)
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    others = [weights, output.data, *call.arrays, *saved]
    for position, gradient in enumerate(gradients):
        for other in (*others, *gradients[:position]):
            assert not np.may_share_memory(gradient, other), "a gradient shares memory"
    return 1


def _accumulation(operation: Operation, sample: Sample) -> Any:
    """Two backwards add up, through one graph that is kept."""
    call = Call(operation.function, sample)
    output, leaves = call.run()
    if not output.requires_grad:
        return NotImplemented
    weights = call.weights()
    once = call.gradients(weights)
    output.backward(weights, retain_graph=True)
    output.backward(weights)
    for leaf, gradient in zip(leaves, once, strict=True):
        if leaf.grad is not None:
            np.testing.assert_allclose(np.asarray(leaf.grad), 2 * gradient, rtol=1e-12)
    return 1


def _unrecorded(operation: Operation, sample: Sample) -> Any:
    """Nothing is recorded under no_grad, and nothing for inputs that require no gradient."""
    call = Call(operation.function, sample)
    with no_grad():
        assert not call().requires_grad, "it is recorded under no_grad"
    assert not call(requires_grad=False).requires_grad, "it is recorded though no input asks for it"
    return 1


def _partial(operation: Operation, sample: Sample) -> Any:
    """A gradient is the same whether or not the other inputs ask for theirs."""
    call = Call(operation.function, sample)
    weights = call.weights()
    together = call.gradients(weights)
    for position, gradient in enumerate(together if len(together) > 1 else ()):
        inputs, leaves = call.tensors(requires_grad=False)
        leaves[position].requires_grad = True
        output = operation.function(*inputs, **sample.parameters)
        if output.requires_grad:
            output.backward(weights)
            assert leaves[position].grad is not None, "alone, the input gets no gradient"
            np.testing.assert_allclose(np.asarray(leaves[position].grad), gradient, rtol=1e-12)
    return 1


def _method(operation: Operation, sample: Sample) -> Any:
    """The methods do what the function does."""
    call = Call(operation.function, sample)
    inputs, _ = call.tensors(requires_grad=False)
    if not operation.method_names or not isinstance(inputs[0], Tensor):
        return NotImplemented
    expected = call(requires_grad=False)
    for name in operation.method_names:
        output = getattr(inputs[0], name)(*inputs[1:], **sample.parameters)
        np.testing.assert_array_equal(output.data, expected.data)
    return 1


_SAMPLE_CHECKS: dict[str, Callable[[Operation, Sample], Any]] = {
    "forward": _forward,
    "gradient": _gradient,
    "second_derivative": _second_derivative,
    "dtypes": _dtypes,
    "layout": _layout,
    "purity": _purity,
    "aliasing": _aliasing,
    "accumulation": _accumulation,
    "unrecorded": _unrecorded,
    "partial": _partial,
    "method": _method,
}
