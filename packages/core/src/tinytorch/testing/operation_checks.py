"""The checks that every operation passes, over all samples that its author wrote."""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import containers
from ..arguments import described
from ..arrays import FLOATING, Array
from ..broadcasting import sum_to_shape
from ..grad_mode import no_grad
from ..operation import Operation, registry
from ..samples import Sample
from ..tensor import Tensor
from .calls import Call
from .check import Check, Kit
from .gradients import compare_gradients, compare_second_derivatives

KIT = Kit()
EXPECTED_ERRORS = (TypeError, ValueError, IndexError)
INTRUDERS = ("text", np.array(["text"]), np.ones((2, 2), complex), object())
"""What is no tensor. None is not either, in the first place; in others it may mean something."""


def op_checks(operation: Operation, *, until: str | None = None) -> list[Check]:
    """Return the checks of an operation, to be run one by one.

    Parameters
    ----------
    operation : Operation
        It need not be registered, unless it provides a method.
    until : str, optional
        A release of core: checks that came later are left out.

    Raises
    ------
    TypeError
        If it is no Operation.
    ValueError
        If the operation expects a check to fail that there is not.

    Examples
    --------
    >>> from tinytorch.operation import registry
    >>> check = op_checks(registry.operations["exp"])[0]
    >>> print(check, check.run())
    exp-documented 1
    """
    if not isinstance(operation, Operation):
        raise TypeError(
            "op_checks: checks are made of an Operation, which holds the samples, but "
            f"{described(operation)}, was given"
        )
    expected = operation.expected_failures
    unknown = sorted(expected.keys() - {kind.name for kind in KIT})
    if unknown:
        raise ValueError(
            f"{operation.name}: expected_failures should name checks of the kit, but there is no "
            f"{', '.join(unknown)}; there are {', '.join(kind.name for kind in KIT)}"
        )
    plugin = registry.owners.get(operation.name)
    distribution = plugin.distribution if plugin else "(not registered)"
    return [
        Check(
            kind.name,
            kind.since,
            operation.name,
            distribution,
            functools.partial(kind.body, operation),
            expected.get(kind.name),
            operation.twice_differentiable,
        )
        for kind in KIT.until(until)
    ]


def check_op(operation: Operation, *, until: str | None = None) -> int:
    """Run all checks of an operation, and return how many cases they had.

    Parameters
    ----------
    operation, until
        As in `op_checks`.

    Raises
    ------
    AssertionError
        Naming the check, the sample and what differs; or a check that should fail, and passes.

    Examples
    --------
    >>> from tinytorch.operation import registry
    >>> check_op(registry.operations["exp"]) > 50
    True
    """
    cases = 0
    for check in op_checks(operation, until=until):
        try:
            cases += check.run_as_expected()
        except Exception as error:
            error.add_note(f"in the check {check}")
            raise
    return cases


@dataclass(frozen=True)
class Case:
    """One output of an operation for one of its samples."""

    operation: Operation
    sample: Sample
    output: int = 0

    def call(self, *dtypes: Any) -> Call:
        """Return the call, its inputs drawn anew; float64 unless dtypes are given."""
        return Call(self.operation.function, self.sample, dtypes or (np.float64,), self.output)

    @property
    def is_double(self) -> bool:
        """Whether the output is one that central differences can judge."""
        return self.call()(requires_grad=False).dtype == np.float64


def over_samples(check: Callable[[Case], bool]) -> Callable[[Operation], int]:
    """Make a check of an operation of one that holds for each sample and output that it concerns.

    The check returns whether it concerned the sample.
    """

    @functools.wraps(check)
    def run(operation: Operation) -> int:
        return sum(_noted(check, case) for case in _cases(operation))

    return run


def _noted(check: Callable[[Case], bool], case: Case) -> bool:
    try:
        return check(case)
    except Exception as error:
        output = f", output {case.output}" if case.output else ""
        error.add_note(f"in {case.operation.name}{case.sample}{output}")
        raise


def _cases(operation: Operation) -> Iterator[Case]:
    for sample in operation.make_samples():
        inputs, _ = Call(operation.function, sample).tensors(requires_grad=False)
        result = operation.function(*inputs, **sample.parameters)
        outputs = len(result) if isinstance(result, list | tuple) else 1
        for output in range(outputs):
            yield Case(operation, sample, output)


@KIT.check(since="0.1")
def documented(operation: Operation) -> int:
    """The function has a docstring and a signature, and the Backward class states its rule."""
    assert inspect.getdoc(operation.function), f"{operation.name} has no docstring"
    parameters = inspect.signature(operation.function).parameters
    assert parameters, f"{operation.name} takes no arguments, by its signature"
    assert operation.backward is None or vars(operation.backward).get("__doc__"), (
        f"{operation.backward} has no docstring; it states the formula and the gradient"
    )
    return 1


@KIT.check(since="0.1")
def has_samples(operation: Operation) -> int:
    """There are samples, for without them nothing is tested."""
    assert operation.make_samples(), (
        f"{operation.name} has no samples, so that nothing tests it; give Operation(samples=...)"
    )
    return 1


@KIT.check(since="0.1")
@over_samples
def forward(case: Case) -> bool:
    """The forward equals the plain NumPy reference, in value and shape."""
    reference = case.operation.reference
    if reference is None:
        return False
    call = case.call()
    result = reference(*call.inputs, **case.sample.parameters)
    expected = np.asarray(result[case.output] if isinstance(result, list | tuple) else result)
    output = call(requires_grad=False)
    assert output.shape == expected.shape, f"shape {output.shape}, not {expected.shape}"
    np.testing.assert_allclose(output.data, expected, rtol=1e-7, atol=1e-12)
    return True


@KIT.check(since="0.1")
@over_samples
def gradient(case: Case) -> bool:
    """The gradient equals central differences, and complex steps where there are any."""
    if not case.sample.smooth or not case.is_double:
        return False
    call = case.call()
    compare_gradients(call, case.operation.reference or case.operation.function)
    return True


@KIT.check(since="0.1")
@over_samples
def second_derivative(case: Case) -> bool:
    """The second derivative equals central differences of the first, where one is claimed."""
    claimed = case.operation.twice_differentiable and case.sample.smooth
    if not claimed or not case.is_double:
        return False
    compare_second_derivatives(case.call())
    return True


@KIT.check(since="0.1")
@over_samples
def broadcasting(case: Case) -> bool:
    """A gradient is that of the inputs broadcast beforehand, summed down to the input's shape."""
    call = case.call()
    expanded = _expanded(case)
    if expanded is None:
        return False
    weights = call.weights()
    pairs = zip(call.gradients(weights), expanded.gradients(weights), strict=True)
    for got, wide in pairs:
        np.testing.assert_allclose(got, sum_to_shape(wide, got.shape), rtol=1e-10, atol=1e-12)
    return True


def _expanded(case: Case) -> Call | None:
    """Return the call on inputs broadcast beforehand, where that gives the same."""
    call = case.call()
    output = call(requires_grad=False)
    if len({array.shape for array in call.arrays}) < 2:
        return None
    try:
        call.replace([np.array(np.broadcast_to(a, output.shape)) for a in call.arrays])
        same = call(requires_grad=False)
    except EXPECTED_ERRORS:
        return None
    return call if np.array_equal(same.data, output.data) else None


@KIT.check(since="0.1")
@over_samples
def accumulation(case: Case) -> bool:
    """Two backwards through one graph that is kept add up."""
    call = case.call()
    output, leaves = call.run()
    if not output.requires_grad:
        return False
    weights = call.weights()
    once = call.gradients(weights)
    output.backward(weights, retain_graph=True)
    output.backward(weights)
    for leaf, gradient in zip(leaves, once, strict=True):
        if leaf.grad is not None:
            np.testing.assert_allclose(np.asarray(leaf.grad), 2 * gradient, rtol=1e-12)
    return True


@KIT.check(since="0.1")
@over_samples
def needs_input_grad(case: Case) -> bool:
    """A gradient is the same whether or not the other inputs ask for theirs."""
    call = case.call()
    weights = call.weights()
    together = call.gradients(weights)
    for position, gradient in enumerate(together if len(together) > 1 else ()):
        inputs, leaves = call.tensors(requires_grad=False)
        leaves[position].requires_grad = True
        output = call.select(call.function(*inputs, **case.sample.parameters))
        if output.requires_grad:
            output.backward(weights)
            alone = leaves[position].grad
            assert alone is not None or not gradient.any(), "alone, the input gets no gradient"
            if alone is not None:
                np.testing.assert_allclose(np.asarray(alone), gradient, rtol=1e-12)
    return True


@KIT.check(since="0.1")
@over_samples
def batched(case: Case) -> bool:
    """A rule that says it takes a batch of gradients returns what it returns for each of them."""
    call = case.call()
    node = call()._grad_fn
    if node is None or not node.batched:
        return False
    gradients = [call.weights(seed) for seed in (0, 1)]
    together = _as_tuple(node.apply(np.stack(gradients)))
    for number, gradient in enumerate(gradients):
        for batch, single in zip(together, _as_tuple(node.apply(gradient)), strict=True):
            assert (batch is None) == (single is None)
            if batch is not None:
                np.testing.assert_allclose(batch[number], single, rtol=1e-12, atol=1e-12)
    return True


def _as_tuple(gradients: Any) -> tuple[Any, ...]:
    return tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)


@KIT.check(since="0.1")
@over_samples
def inputs_unchanged(case: Case) -> bool:
    """Neither forward nor rule writes to an input, to what is saved, or to the gradient."""
    call = case.call()
    weights = call.weights()
    for array in call.arrays:
        array.flags.writeable = False
    output, _ = call.run()
    if output.grad_fn is not None:
        for saved in output.grad_fn.saved:
            if isinstance(saved, np.ndarray):
                saved.flags.writeable = False
        output.backward(weights)
    return True


@KIT.check(since="0.1")
@over_samples
def no_aliasing(case: Case) -> bool:
    """A gradient shares memory with no data, no other gradient, and not with the output's."""
    call = case.call()
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
    return True


@KIT.check(since="0.1")
@over_samples
def dtype_kept(case: Case) -> bool:
    """float32 stays float32, unlike dtypes promote as in NumPy, and each gradient has its own."""
    for dtypes in ((np.float32,), (np.float64,), (np.float32, np.float64)):
        call = case.call(*dtypes)
        output, leaves = call.run()
        strong = [x for x in call.inputs if isinstance(x, np.floating)]
        expected = np.result_type(*call.arrays, *strong) if call.arrays else output.dtype
        if output.dtype.kind == FLOATING and "dtype" not in case.sample.parameters:
            assert output.dtype == expected, f"{output.dtype} of {dtypes}, not {expected}"
        if output.requires_grad:
            output.backward(call.weights())
        for leaf in leaves:
            assert leaf.grad is None or leaf.grad.dtype == leaf.dtype, (
                f"a gradient of dtype {leaf.grad.dtype} for a tensor of dtype {leaf.dtype}"
            )
    return True


@KIT.check(since="0.1")
@over_samples
def nothing_recorded(case: Case) -> bool:
    """Nothing is recorded under no_grad, and nothing for inputs that require no gradient."""
    call = case.call()
    with no_grad():
        assert not call().requires_grad, "it is recorded under no_grad"
    assert not call(requires_grad=False).requires_grad, "it is recorded though no input asks for it"
    return True


@KIT.check(since="0.1")
def zero_dim(operation: Operation) -> int:
    """A 0-d input gives arrays, not scalars; or it is refused, as a bad input."""
    return _with_inputs(operation, "0-d", lambda array: array.ndim == 0)


@KIT.check(since="0.1")
def empty(operation: Operation) -> int:
    """An empty input gives gradients of its shape, without a warning; or it is refused."""
    return _with_inputs(operation, "empty", lambda array: array.size == 0)


def _with_inputs(operation: Operation, kind: str, belongs: Callable[[Array], bool]) -> int:
    """Check the samples that have an input of a kind, of which there must be one."""
    samples = operation.make_samples()
    if not any(Call(operation.function, sample).arrays for sample in samples):
        return 0  # it takes no floating arrays

    def check(case: Case) -> bool:
        call = case.call()
        if not any(map(belongs, call.arrays)):
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            output, leaves = call.run()
            assert isinstance(output.data, np.ndarray), f"the output is a {type(output.data)}"
            if output.requires_grad:
                output.backward(call.weights())
        for leaf in leaves:
            assert leaf.grad is None or type(leaf.grad) is np.ndarray
            assert leaf.grad is None or leaf.grad.shape == leaf.shape
        return True

    refused = [Call(operation.function, Sample(bad.inputs)) for bad in operation.bad_inputs]
    cases = over_samples(check)(operation)
    cases += sum(any(map(belongs, call.arrays)) for call in refused)
    assert cases, (
        f"{operation.name}: no sample and no bad input has a floating array that is {kind}; add "
        "one that says what happens there"
    )
    return cases


@KIT.check(since="0.1")
@over_samples
def non_contiguous(case: Case) -> bool:
    """Arrays that are not contiguous give what contiguous ones give."""
    call = case.call()
    weights = call.weights()
    expected, expected_gradients = call(requires_grad=False), call.gradients(weights)
    for arrange in (np.asfortranarray, _strided, _reversed):
        other = case.call()
        other.replace([arrange(array) if array.ndim else array for array in other.arrays])
        np.testing.assert_allclose(
            other(requires_grad=False).data, expected.data, rtol=1e-12, atol=1e-12
        )
        for got, want in zip(other.gradients(weights), expected_gradients, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    return True


def _strided(array: Array) -> Array:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _reversed(array: Array) -> Array:
    return array[::-1].copy()[::-1]


@KIT.check(since="0.1")
def bad_inputs(operation: Operation) -> int:
    """Each bad input is refused with the error and the message that its author promised."""
    cases = list(operation.bad_inputs)
    for bad in cases:
        message = _error(Call(operation.function, Sample(bad.inputs, bad.parameters)), bad.error)
        assert message is not None, f"{operation.name}{bad}, but nothing was raised"
        assert re.search(bad.match, message), (
            f"{operation.name}{bad} says {message!r}, which does not match {bad.match!r}"
        )
    return len(cases)


@KIT.check(since="0.1")
@over_samples
def refuses_non_numbers(case: Case) -> bool:
    """No tensor comes of text, complex numbers or other objects in the place of a tensor."""
    arrays = case.call().arrays
    for position in range(len(arrays)):
        for intruder in INTRUDERS if position else (*INTRUDERS, None):
            call = case.call()
            call.replace([*arrays[:position], intruder, *arrays[position + 1 :]])
            kind = getattr(intruder, "dtype", type(intruder))
            message = _error(call, EXPECTED_ERRORS)
            assert message != "", f"input {position} of {kind} is refused without a word"
            assert message or not _gives_tensors(call), (
                f"a tensor comes of input {position} of {kind}"
            )
    return bool(arrays)


def _gives_tensors(call: Call) -> bool:
    inputs, _ = call.tensors()
    result = call.function(*inputs, **call.sample.parameters)
    return any(isinstance(leaf, Tensor) for leaf in containers.leaves(result))


def _error(call: Call, expected: Any) -> str | None:
    """Return the message of the expected error that a call raises, if it does."""
    inputs, _ = call.tensors()
    try:
        call.function(*inputs, **call.sample.parameters)
    except expected as error:
        return str(error)
    return None


@KIT.check(since="0.1")
@over_samples
def method(case: Case) -> bool:
    """The methods do what the function does."""
    call = case.call()
    inputs, _ = call.tensors(requires_grad=False)
    if not case.operation.method_names or not isinstance(inputs[0], Tensor):
        return False
    expected = call(requires_grad=False)
    for name in case.operation.method_names:
        result = getattr(inputs[0], name)(*inputs[1:], **case.sample.parameters)
        np.testing.assert_array_equal(call.select(result).data, expected.data)
    return True
