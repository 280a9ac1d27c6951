"""Programs as hypothesis draws them, of all operations that are registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from tinytorch import Operation
from tinytorch.operation import registry

from .building import DTYPES, Builder, Call, Cut, View
from .programs import Program

OPERATIONS = [op for name, op in registry.operations.items() if name == op.name]
SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (3, 2), (0, 3), (3,), (2, 1, 3), (4,), (3, 3), (2, 3)]
STEPS = 12
WEIGHTED = ["none", *["view"] * 2, "cut", *["call"] * 3, *["favourite"] * 5]

NUMBERS = st.integers(0, 15)
RECORDED = st.sampled_from([True] * 15 + [False])
VIEWS = st.builds(View, NUMBERS, NUMBERS, RECORDED)
CUTS = st.builds(Cut, NUMBERS, RECORDED)


def calls(operations: Sequence[Operation]) -> st.SearchStrategy[Call]:
    """Steps that call one of the operations."""
    return st.builds(
        Call,
        st.sampled_from(operations),
        st.integers(0, 199),
        st.tuples(*[NUMBERS] * 4),
        st.booleans(),
        st.booleans(),
        RECORDED,
    )


@st.composite
def programs(
    draw: Any, operations: Sequence[Operation], favourites: Sequence[Operation]
) -> Program:
    """A random program of these operations, the favourites more often than others."""
    kinds = {
        "none": st.none(),
        "call": calls(operations),
        "favourite": calls(favourites),
        "view": VIEWS,
        "cut": CUTS,
    }
    steps = st.sampled_from(WEIGHTED).flatmap(kinds.__getitem__)
    dtypes = st.sampled_from(draw(st.sampled_from([DTYPES[:1], DTYPES, DTYPES[1:2], DTYPES[2:]])))
    leaves = st.tuples(st.sampled_from(SHAPES), dtypes, st.sampled_from([True, False, True, True]))
    builder = Builder()
    for number, (shape, dtype, requires_grad) in enumerate(
        draw(st.lists(leaves, min_size=1, max_size=3))
    ):
        builder.add_leaf(shape, dtype, requires_grad or number == 0)
    # A fixed number of steps, each of which may be none, leads to more of them than a list does.
    for step in draw(st.tuples(*[steps] * STEPS)):
        if step is not None:
            builder.add(step)
    return builder.program(draw(st.lists(NUMBERS, max_size=2)), draw(st.booleans()))
