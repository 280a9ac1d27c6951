"""Differences say what a derivative is, and that there is none at kinks and jumps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .comparing import ATOL, RTOL
from .differences import Differences
from .libraries import RECORDED
from .programs import DETACH, Leaf, Line, Pass, Program, Value, run

X, Y, Z = map(Value, range(3))
ONE = np.array(1.0)


def differences(number: float, *lines: Line) -> Differences:
    """Of a program that begins with one number, and ends with its last line."""
    leaf = Leaf(np.array(number), True)
    (output,) = lines[-1].results
    program = Program((leaf,), lines, (Pass(output, ONE),))
    return Differences(program, run(program, RECORDED), RTOL, ATOL)


def call(name: str, *inputs: Any, to: Value = Y) -> Line:
    return Line(name, inputs, {}, (to,))


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin"])
def test_smooth(name: str) -> None:
    """Where a function is smooth, the slope is right to nine digits."""
    slopes = {"exp": np.exp(2), "sqrt": 0.5 / np.sqrt(2), "sin": np.cos(2)}
    assert differences(2.0, call(name, X)).at(0, ()) == pytest.approx(slopes[name], rel=1e-9)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (call("abs", X), 0.0),
        (call("abs", X), 3e-6),  # between the steps
        (call("relu", X), 0.0),
        (call("maximum", X, 0.5), 0.5),
        (call("floor", X), 2.0),
        (call("sign", X), 0.0),
    ],
    ids=lambda part: getattr(part, "call", part),
)
def test_kinks_and_jumps(line: Line, number: float) -> None:
    """At a kink, beside one, and at a jump there is no derivative, though a slope of differences.

    That of the absolute value at 0 is 0, and that of relu a half, by steps of all sizes.
    """
    assert differences(number, line).at(0, ()) is None


def test_a_kink_in_a_small_part() -> None:
    """A kink is seen in a sum to which it adds little."""
    kink = [call("abs", X), call("*", Y, 1e-3, to=Z), call("+", X, Z, to=Value(3))]
    assert differences(0.0, *kink).at(0, ()) is None
    assert differences(0.1, *kink).at(0, ()) == pytest.approx(1.001)


def test_what_is_cut_off_stays() -> None:
    """x times x detached has the slope x, and so has a product with what no_grad hides."""
    detached = [call(DETACH, X), call("*", X, Y, to=Z)]
    hidden = [Line("clone", (X,), {}, (Y,), recorded=False), call("*", X, Y, to=Z)]
    for lines in (detached, hidden):
        assert differences(3.0, *lines).at(0, ()) == pytest.approx(3.0)
