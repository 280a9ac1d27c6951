"""What holds for every program: its values are the references', its gradients the derivatives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import tinytorch
from tinytorch import Tensor
from tinytorch.operation import registry

from .building import CHOOSE_AMONG_EQUALS
from .differences import Differences
from .libraries import RECORDED
from .programs import DETACH, OPERATORS, Change, Line, Program, Value, backward, run

RTOL, ATOL = 1e-5, 1e-8
"""How far a gradient may be from differences, and these from each other."""
ROUNDING = 4
"""How many times what noise does to a gradient rounding may do to it."""

VALUES = "values equal those of plain references"
NO_REFERENCE = "values are such that the references do not take their arguments"
COMPARED = "elements of gradients equal central differences"
NOT_ZERO = "of these are not zero"
DISCARDED = "elements were discarded, as differences of two step sizes disagree"
ROUNDED = "gradients of leaves in any dtype are as near to double precision as rounding lets them"
COARSE = "gradients were discarded, as rounding may change a tenth of them"


class Tally:
    """How much was compared, and how much could not be."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.operations: set[str] = set()

    def add(self, program: Program) -> None:
        """Count a program, and note its operations."""
        self.counts["programs"] += 1
        self.operations |= program.operations

    def require_enough(self) -> None:
        """Refuse a batch in which few comparisons mean something."""
        counts = self.counts
        assert counts[DISCARDED] <= 0.2 * counts[COMPARED], f"{counts[DISCARDED]} {DISCARDED}"
        assert counts[COARSE] <= 0.2 * counts[ROUNDED] + 5, f"{counts[COARSE]} {COARSE}"
        assert counts[NO_REFERENCE] <= 0.2 * counts[VALUES], f"{counts[NO_REFERENCE]} values"


def leaves_of(program: Program, values: Sequence[Any]) -> list[Any]:
    """The leaves that have gradients."""
    leaves = values[: len(program.leaves)]
    return [value for value in leaves if value.requires_grad]


def gradients_of(program: Program, values: Sequence[Tensor]) -> list[Any]:
    """The gradients of leaves by backward; zeros where none arrives."""
    backward(program, values)
    leaves = leaves_of(program, values)
    return [np.zeros_like(x.data) if x.grad is None else x.grad for x in leaves]


def check(program: Program, tally: Tally) -> None:
    """Check all that holds for a program, in float64 and in the dtypes that it has."""
    tally.add(program)
    double = program.in_double()
    values = run(double, RECORDED)
    gradients = gradients_of(double, values)
    check_values(double, values, tally)
    check_memory(double, values)
    check_differences(double, values, gradients, tally)
    check_recorded(double, gradients)
    if any(leaf.array.dtype != np.float64 for leaf in program.leaves):
        check_rounding(program, gradients, tally)


def check_values(program: Program, values: Sequence[Tensor], tally: Tally) -> None:
    """What each line gives is what the plain reference of its operation gives, if it takes that."""

    def plain(part: Any) -> Any:
        if isinstance(part, list | tuple):
            return type(part)(map(plain, part))
        if isinstance(part, Value):
            return values[part.number].data
        return part.data if isinstance(part, Tensor) else part

    for line in program.lines:
        try:
            expected = _reference(line)(*plain(line.inputs), **line.parameters)
        except (TypeError, ValueError, IndexError):  # written for samples; a 0-d axis, perhaps
            tally.counts[NO_REFERENCE] += 1
            continue
        arrays = expected if line.in_tuple else [expected]
        for value, array in zip(line.results, arrays, strict=True):
            if line.call in CHOOSE_AMONG_EQUALS and array.dtype.kind == "i":
                continue
            np.testing.assert_allclose(
                values[value.number].data, array, 1e-7, 1e-9, err_msg=f"{value}, by {line.call}"
            )
            tally.counts[VALUES] += 1


def _reference(line: Line) -> Any:
    if line.call == DETACH:
        return lambda array: array
    return OPERATORS.get(line.call) or registry.operations[line.call].reference


def check_memory(program: Program, values: Sequence[Tensor]) -> None:
    """No leaf has been written to, and no gradient shares memory with anything."""
    gradients = [leaf.grad for leaf in leaves_of(program, values) if leaf.grad is not None]
    for leaf, value in zip(program.leaves, values, strict=False):
        np.testing.assert_array_equal(value.data, leaf.array)
    for number, gradient in enumerate(gradients):
        for other in (*gradients[:number], *(value.data for value in values)):
            assert not np.may_share_memory(gradient, other), "a gradient shares memory"


def check_differences(
    program: Program, values: Sequence[Tensor], gradients: Sequence[Any], tally: Tally
) -> None:
    """Each element of each gradient equals central differences, where these mean something."""
    differences = Differences(program, values, RTOL / 2, ATOL / 2)
    numbers = [n for n, leaf in enumerate(program.leaves) if leaf.requires_grad]
    for number, gradient in zip(numbers, gradients, strict=True):
        for index in np.ndindex(gradient.shape):
            expected = differences.at(number, index)
            if expected is None:
                tally.counts[DISCARDED] += 1
                continue
            got = float(gradient[index])
            allowed = 2 * differences.allowed(expected)
            assert abs(got - expected) <= allowed, (
                f"v{number}.grad{list(index)} is {got:.12g}, but central differences give "
                f"{expected:.12g} (tolerance {allowed:.2g})"
            )
            tally.counts[COMPARED] += 1
            tally.counts[NOT_ZERO] += bool(abs(expected) > allowed)


def check_recorded(program: Program, gradients: Sequence[Any]) -> None:
    """Gradients that have a graph of their own are the same."""
    values = run(program, RECORDED)
    if not program.passes:
        return
    total = sum((values[one.output.number] * one.seed).sum() for one in program.passes)
    leaves = leaves_of(program, values)
    recorded = tinytorch.grad(total, leaves, create_graph=True, allow_unused=True)
    for gradient, other in zip(gradients, recorded, strict=True):
        other = np.zeros(gradient.shape) if other is None else other.data
        np.testing.assert_allclose(other, gradient, 1e-9, 1e-9, err_msg="with create_graph=True")


def check_rounding(program: Program, exact: Sequence[Any], tally: Tally) -> None:
    """Each gradient has the dtype of its leaf, and is as near to the exact one as that allows.

    How near that is, noise of the size of rounding at every line shows: in float64 how much of it
    arrives at the leaves, and in the program's own dtypes what rounding inside of the rules adds.
    """
    with np.errstate(all="ignore"):  # float16 has few numbers
        values = run(program, RECORDED)
        gradients = gradients_of(program, values)
        try:
            shaken = _largest_changes(program.in_double(), values, exact)
            rounded = _largest_changes(program, values, gradients)
        except (TypeError, ValueError):  # probabilities above 1, indices that are no longer whole
            tally.counts[COARSE] += 1
            return
    leaves = leaves_of(program, values)
    eps = max(_eps(value) for value in values if value.dtype.kind == "f")
    for number, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
        assert (gradient.dtype, gradient.shape) == (leaf.dtype, leaf.shape)
        if not gradient.size:
            continue
        expected = exact[number]
        largest = float(abs(expected).max())
        allowed = ROUNDING * (shaken[number] + rounded[number] + eps * (largest + 0.5))
        if not allowed <= 0.1 * max(largest, 1):
            tally.counts[COARSE] += 1
            continue
        error = float(abs(gradient - expected).max())
        assert error <= allowed, (
            f"gradient {number}, of dtype {leaf.dtype}, is {gradient.tolist()}, but in float64 it "
            f"is {expected.tolist()} (difference {error:.2g}, tolerance {allowed:.2g})"
        )
        tally.counts[ROUNDED] += 1


def _largest_changes(
    program: Program, values: Sequence[Tensor], gradients: Sequence[Any]
) -> list[float]:
    """How far gradients come from what they are, where there is noise."""
    runs = [run(program, RECORDED, change=noise(values, seed)) for seed in range(3)]
    noisy = [gradients_of(program, each) for each in runs]
    return [
        max(float(abs(one - gradient).max(initial=0)) for one in changed)
        for gradient, *changed in zip(gradients, *noisy, strict=True)
    ]


def noise(values: Sequence[Tensor], seed: int) -> Change:
    """Change what a line gives by as much as rounding to the dtypes of the values does."""
    generator = np.random.default_rng(seed)

    def changed(value: Value, result: Any) -> Any:
        if result.dtype.kind != "f":
            return result
        factors = 1 + _eps(values[value.number]) * generator.choice([-1, 1], result.shape)
        return result * np.asarray(factors, result.dtype)

    return lambda line, results: [*map(changed, line.results, results)]


def _eps(value: Tensor) -> float:
    return float(np.finfo(value.dtype).eps)
