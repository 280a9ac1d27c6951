"""Random programs give PyTorch's values and gradients, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tinytorch import Tensor
from tinytorch.operation import registry

from ..fuzz import report
from ..fuzz.batches import BATCHES, for_each_program
from ..fuzz.building import CHOOSE_AMONG_EQUALS
from ..fuzz.comparing import Tally, gradients_of, leaves_of, noise
from ..fuzz.drawing import OPERATIONS
from ..fuzz.libraries import RECORDED
from ..fuzz.programs import Library, Line, Program, backward, run
from .counterparts import constant, counterpart

COMPARABLE = [op for op in OPERATIONS if op.torch or op.name == "astype"]

EQUAL = "gradients of leaves equal PyTorch's"
NOT_TAKEN = "programs are not taken by PyTorch, or not with noise of the size of rounding"


def _function(name: str) -> Callable[..., Any]:
    """PyTorch's function, whose result is new: some return under no_grad what they were given."""
    function = _astype if name == "astype" else counterpart(registry.operations[name])

    def call(*inputs: Any, **parameters: Any) -> Any:
        result = function(*inputs, **parameters)
        if torch.is_grad_enabled():
            return result
        return [x.detach() for x in result] if isinstance(result, tuple | list) else result.detach()

    return call


def _astype(x: Any, dtype: Any) -> Any:
    return x.to(getattr(torch, dtype.__name__), copy=True)


def _constant(part: Any) -> Any:
    if isinstance(part, Tensor):
        return torch.tensor(part.data)
    return torch.tensor(part) if isinstance(part, np.generic) else constant(part, np.float64)


THEIRS = Library(
    lambda array, requires_grad: torch.tensor(array, requires_grad=requires_grad),
    _constant,
    _function,
    torch.no_grad,
)


def compare(program: Program, tally: Tally) -> None:
    """Compare every value of the program in float64, and every gradient."""
    program = program.in_double()
    tally.add(program)
    ours = run(program, RECORDED)

    def with_our_choice(line: Line, results: list[Any]) -> list[Any]:
        if line.call not in CHOOSE_AMONG_EQUALS:
            return results
        chosen = ours[line.results[1].number].data
        values, _ = results
        if values.shape != chosen.shape:
            raise ValueError("PyTorch gives an element of a 0-d tensor where none is asked for")
        return [values, torch.tensor(chosen)]

    results = _by_name(ours, gradients_of(program, ours))
    try:
        theirs = run(program, THEIRS, change=with_our_choice)
        backward(program, theirs, torch.tensor)
        runs = [run(program, RECORDED, change=noise(ours, seed)) for seed in range(3)]
    except (RuntimeError, TypeError, ValueError, IndexError):  # NotImplementedError is one
        tally.counts[NOT_TAKEN] += 1
        return
    assert [x.requires_grad for x in ours] == [x.requires_grad for x in theirs]
    leaves = leaves_of(program, theirs)
    grads = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    expected = _by_name([value.detach() for value in theirs], grads)
    noisy = [_by_name(each, gradients_of(program, each)) for each in runs]
    for name, result in results.items():
        _require_equal(name, result, expected[name], [each[name] for each in noisy])
    tally.counts[EQUAL] += len(grads)


def _by_name(values: Sequence[Any], gradients: Sequence[Any]) -> dict[str, Any]:
    """The values of tensors, and the gradients of leaves, as arrays of float64."""
    named = {f"v{number}": value.data for number, value in enumerate(values)}
    named |= {f"gradient {number}": gradient for number, gradient in enumerate(gradients)}
    return {name: np.asarray(array, np.float64) for name, array in named.items()}


def _require_equal(name: str, ours: Any, theirs: Any, noisy: Sequence[Any]) -> None:
    """Require equality to nine digits of the largest element, and to what rounding changes.

    Where a function jumps, as the remainder does at multiples, that is much.
    """
    assert ours.shape == theirs.shape, f"{name} has shape {ours.shape}, PyTorch's {theirs.shape}"
    largest = float(np.max(abs(theirs), initial=1.0))
    changes = np.max([abs(each - ours) for each in noisy], axis=0)
    assert np.all(abs(ours - theirs) <= 1e-9 * largest + 4 * changes), (
        f"{name} is {ours.tolist()}, PyTorch's is {theirs.tolist()}"
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_random_programs(batch: int, record_property: Any) -> None:
    """A batch of programs, of all operations that PyTorch has, gives what they give there."""
    tally = Tally()
    for_each_program(batch, lambda program: compare(program, tally), COMPARABLE)
    assert tally.counts[NOT_TAKEN] <= 3
    report.record(record_property, tally)
