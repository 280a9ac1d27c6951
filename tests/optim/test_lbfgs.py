"""LBFGS finds minima, keeps to its limits, and leaves a sound state where the closure raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_optim import LBFGS
from tinytorch_optim.line_search import CURVATURE, DECREASE, Point, cubic_minimum, strong_wolfe


class Rosenbrock:
    """A curved valley, in float64, whose minimum is where both parameters are 1."""

    def __init__(self, **options: Any) -> None:
        self.a = Tensor(np.float64(-1.2), requires_grad=True)
        self.b = Tensor(np.array([[1.0]]), requires_grad=True)
        options = {"line_search_fn": "strong_wolfe", "tolerance_change": 0, **options}
        self.optimiser = LBFGS([self.a, self.b], **options)
        self.evaluations = 0

    def closure(self) -> Tensor:
        self.evaluations += 1
        self.optimiser.zero_grad()
        loss = ((1 - self.a) ** 2 + 100 * (self.b - self.a**2) ** 2).sum()
        loss.backward()
        return loss

    @property
    def place(self) -> list[float]:
        return [self.a.item(), self.b.item()]

    @property
    def state(self) -> dict[str, Any]:
        return self.optimiser.state[self.a]


def test_minimum() -> None:
    """It finds the minimum, and stops evaluating there but for the first time in each step."""
    valley = Rosenbrock()
    for _ in range(10):
        valley.optimiser.step(valley.closure)
    assert valley.place == pytest.approx([1, 1], abs=1e-6)
    before = valley.evaluations
    valley.optimiser.step(valley.closure)
    assert valley.evaluations == before + 1
    assert valley.state["func_evals"] == valley.evaluations


def test_quadratic() -> None:
    """After as many steps as there are dimensions, by exact searches, a quadratic is at its end."""
    curvatures = np.array([1.0, 5.0, 20.0])
    x = Tensor(np.ones(3), requires_grad=True)
    optimiser = LBFGS([x], line_search_fn="strong_wolfe", tolerance_change=0, max_iter=30)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (curvatures * x * x).sum() / 2
        loss.backward()
        return loss

    assert optimiser.step(closure).item() == 13
    np.testing.assert_allclose(x.data, 0, atol=1e-7)


def test_limits() -> None:
    """Neither more steps nor more evaluations are made than allowed, nor more steps kept."""
    valley = Rosenbrock(max_iter=4, max_eval=100, history_size=2)
    valley.optimiser.step(valley.closure)
    assert valley.state["n_iter"] == 4
    assert [len(valley.state[name]) for name in ("old_dirs", "old_stps", "ro")] == [2, 2, 2]
    valley = Rosenbrock(max_iter=100, max_eval=7)
    valley.optimiser.step(valley.closure)
    assert 7 <= valley.evaluations <= 8  # a search that has begun may end with one more


def test_parameters_without_gradient() -> None:
    """Their gradient counts as zero, so that they stay."""
    x, y = (Tensor([1.0], requires_grad=True) for _ in range(2))

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    optimiser = LBFGS([x, y], lr=0.5)
    optimiser.step(closure)
    assert y.item() == 1
    assert abs(x.item()) < 1e-3


def raising_at(valley: Rosenbrock, when: int) -> Callable[[], Tensor]:
    """A closure at whose n-th call the user presses Ctrl-C."""

    def closure() -> Tensor:
        if valley.evaluations == when:
            raise KeyboardInterrupt
        return valley.closure()

    return closure


def run(valley: Rosenbrock, closure: Callable[[], Tensor]) -> None:
    for _ in range(60):
        valley.optimiser.step(closure)


@pytest.mark.parametrize("when", range(1, 12))
def test_interrupted_closure(when: int) -> None:
    """Parameters are never left at a point that was only tried, and the minimum is found after."""
    valley, other = (Rosenbrock(max_iter=1, max_eval=20) for _ in range(2))
    places = [other.place]
    with pytest.raises(KeyboardInterrupt):
        run(valley, raising_at(valley, when))
    while other.evaluations <= when:
        other.optimiser.step(other.closure)
        places.append(other.place)
    assert valley.place in places
    run(valley, valley.closure)
    assert valley.place == pytest.approx([1, 1], abs=1e-6)


def test_history_after_an_interrupt() -> None:
    """A step that was not made is none of those by which the curvature is known."""
    valley = Rosenbrock(max_eval=20, max_iter=1)
    with pytest.raises(KeyboardInterrupt):
        valley.optimiser.step(raising_at(valley, 1))
    valley.a.data += 0.1  # another gradient, as that of another batch
    valley.optimiser.step(valley.closure)
    assert valley.state["old_stps"] == []


@given(st.floats(0.01, 100), st.floats(-3, 3), st.floats(0.1, 5), st.floats(0.01, 20))
def test_strong_wolfe(scale: float, centre: float, width: float, length: float) -> None:
    """Down a bent line, from any first length, a point is found that meets both conditions."""

    def point_at(t: float) -> Point:
        offset = (t - centre - 4) / width
        loss = scale * (np.sqrt(1 + offset**2) + 0.1 * np.cos(3 * offset))
        slope = scale * (offset / np.sqrt(1 + offset**2) - 0.3 * np.sin(3 * offset)) / width
        return Point(t, float(loss), np.array([slope]), float(slope))

    start = point_at(0.0)
    if start.slope >= 0:
        return
    end = strong_wolfe(point_at, start, length, limit=100, is_short=lambda width: width < 1e-12)
    assert end.loss <= start.loss + DECREASE * end.length * start.slope
    assert abs(end.slope) <= -CURVATURE * start.slope


@pytest.mark.parametrize("slope_there", [np.nan, 1.0, np.inf])
def test_a_loss_that_is_infinite_at_first(slope_there: float) -> None:
    """A step into the infinite is taken back, to where the loss is finite and lower."""

    def point_at(t: float) -> Point:
        loss, slope = ((t - 1) ** 2, 2 * (t - 1)) if t < 3 else (np.inf, slope_there)
        return Point(t, loss, np.array([slope]), slope)

    end = strong_wolfe(point_at, point_at(0.0), 50.0, limit=25, is_short=lambda width: width < 1e-9)
    assert end.loss < 1


def test_cubic_minimum() -> None:
    """The minimum of a cubic is found from two of its points, and is held between the bounds."""

    def on_cubic(t: float) -> Point:  # t³ - 3 t, with its minimum at 1
        return Point(t, t**3 - 3 * t, np.zeros(1), 3 * t**2 - 3)

    points = [on_cubic(0.0), on_cubic(3.0)]
    assert cubic_minimum(points, 0, 3) == pytest.approx(1)
    assert cubic_minimum(reversed(points), 0, 3) == pytest.approx(1)
    assert cubic_minimum(points, 1.5, 3) == 1.5
    assert cubic_minimum(points, 0, 0.5) == 0.5


@pytest.mark.parametrize("slope", [0.0, -1.0, np.nan])
def test_cubic_without_minimum(slope: float) -> None:
    """Where there is no minimum, the middle of the bounds is taken."""
    line = [Point(t, slope * t, np.zeros(1), slope) for t in (0.0, 1.0)]
    assert cubic_minimum(line, 1.0, 4.0) == 2.5
