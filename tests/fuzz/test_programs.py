"""Random programs of all operations: values, and gradients by every way there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from . import report
from .batches import BATCHES, for_each_program
from .comparing import Tally, check, gradients_of
from .libraries import RECORDED
from .programs import Program, run


@pytest.mark.parametrize("batch", BATCHES)
def test_gradients_are_derivatives(batch: int, record_property: Any) -> None:
    """Values equal references, and gradients differences, in any dtype, recorded or not."""
    tally = Tally()
    for_each_program(batch, lambda program: check(program, tally))
    tally.require_enough()
    report.record(record_property, tally)


def test_a_program_prints_itself() -> None:
    """What is printed runs on its own, and gives the gradients of the program."""

    def check_text(program: Program) -> None:
        with np.errstate(all="ignore"):  # float16 has few numbers
            gradients = gradients_of(program, run(program, RECORDED))
            names: dict[str, Any] = {"print": lambda *values: None}
            exec(str(program), names)
        leaves = [f"v{n}" for n, leaf in enumerate(program.leaves) if leaf.requires_grad]
        for name, gradient in zip(leaves, gradients, strict=True):
            printed = names[name].grad
            np.testing.assert_array_equal(0 * gradient if printed is None else printed, gradient)

    for batch in BATCHES[:5]:
        for_each_program(batch, check_text)
