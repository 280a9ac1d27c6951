"""Faults are planted in rules and in the engine, and the random programs of a session find them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tinytorch import SparseGradient, Tensor, backward
from tinytorch.operation import registry

from ..fuzz.batches import FAVOURITES, for_each_program
from ..fuzz.comparing import Tally, check
from ..fuzz.drawing import OPERATIONS
from .faults import FAULTS

DEFAULT = range(20)
"""The batches of the `tests` session: 200 programs."""


def is_found(batches: Iterable[int] = DEFAULT) -> bool:
    """Whether some program of these batches fails."""
    for batch in batches:
        try:
            for_each_program(batch, lambda program: check(program, Tally()), shrink=False)
        except Exception:  # whatever a fault leads to
            return True
    return False


def test_nothing_is_found_without_a_fault() -> None:
    """The programs pass where nothing is wrong."""
    assert not is_found()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("layer_norm", "wrong sign"),
        ("exp", "off by a factor"),
        ("var", "off by a factor"),
        ("huber_loss", "wrong sign towards the last input"),
        ("conv2d", "elements in another order"),
        ("transpose", "elements in another order"),
        ("matmul", "wrong axis"),
        ("cumsum", "wrong axis"),
        ("linear", "not summed where it was broadcast"),
        ("where", "no gradient for the last input"),
        ("kl_div", "no gradient for the last input"),
        ("tanh", "another array saved"),
        ("divide", "saved arrays exchanged"),
        ("einsum", "wrong sign"),
    ],
)
def test_a_fault_in_a_rule_is_found(name: str, fault: str) -> None:
    """A wrong gradient of one operation is found in the first 200 programs that prefer it."""
    operation = registry.operations[name]
    assert operation.backward is not None
    first = OPERATIONS.index(operation)
    turns = range(first, first + 20 * len(OPERATIONS), len(OPERATIONS))
    (planted,) = (each for each in FAULTS if each.name == fault)
    with planted.planted(operation.backward):
        assert is_found(turn // FAVOURITES for turn in turns)


def sum_of_the_first(gradient: Any, shape: tuple[int, ...]) -> Any:
    """What was broadcast gets the gradient of its first copy."""
    first = gradient[(0,) * (gradient.ndim - len(shape))]
    return first[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]


def put_into(self: SparseGradient, buffer: Any) -> None:
    """A sparse gradient takes the place of what has arrived before."""
    buffer[self.key] = self.values


@pytest.mark.parametrize(
    ("owner", "attribute", "faulty"),
    [
        (Tensor, "detach", lambda self: self),
        (backward, "sum_to_shape", sum_of_the_first),
        (SparseGradient, "add_into", put_into),
    ],
    ids=["detach", "sum_to_shape", "add_into"],
)
def test_a_fault_in_the_engine_is_found(
    owner: Any, attribute: str, faulty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detach that cuts nothing off, a broadcast not undone, and a slice that overwrites."""
    monkeypatch.setattr(owner, attribute, faulty)
    assert is_found()
