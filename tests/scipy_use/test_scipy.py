"""SciPy's optimisers, given our derivatives, fit what they fit by differences, with fewer calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, check_grad, least_squares, minimize
from tinytorch import func

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(size=(200, 3)), np.ones(200)])
YES = (RNG.uniform(size=200) < 1 / (1 + np.exp(-X @ [2.0, -1.0, 0.5, 0.3]))).astype(float)
TIMES = np.linspace(0, 4, 30)
MEASURED = 3 * np.exp(-1.3 * TIMES) + 0.5 + 0.02 * RNG.normal(size=30)


def logistic(weights: Any) -> Any:
    """The loss of a logistic regression; its Hessian is positive everywhere."""
    scores = X @ weights
    return np.mean(np.log(1 + np.exp(scores)) - YES * scores) + 0.01 * np.sum(weights**2)


def residuals(parameters: Any) -> Any:
    """What an exponential that falls to a constant leaves unexplained."""
    return parameters[0] * np.exp(-parameters[1] * TIMES) + parameters[2] - MEASURED


def curve(parameters: Any) -> Any:
    """Half of the sum of squares of the residuals; its Hessian need not be positive."""
    return 0.5 * np.sum(residuals(parameters) ** 2)


MODELS: dict[Callable[[Any], Any], Any] = {logistic: np.zeros(4), curve: np.array([1.0, 1.0, 0.0])}
parametrized = pytest.mark.parametrize(
    ("loss", "start"), [pytest.param(f, x, id=f.__name__) for f, x in MODELS.items()]
)


def counted(function: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """The function, and a list with one entry that counts its calls."""
    calls = [0]

    def counting(*args: Any) -> Any:
        calls[0] += 1
        return function(*args)

    return counting, calls


def options(loss: Callable[[Any], Any], method: str) -> dict[str, Any]:
    """What `minimize` is given of ours besides the value and the gradient."""

    def product(x: Any, vector: Any) -> Any:
        return func.hvp(loss, (x,), (vector,))[1]

    more: dict[str, dict[str, Any]] = {
        "BFGS": {},
        "Newton-CG": {"hessp": product},
        "trust-exact": {"hess": func.hessian(loss)},
    }
    return {"method": method, "jac": True, "tol": 1e-8, **more[method]}


@parametrized
@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact"])
def test_minimize(loss: Callable[[Any], Any], start: Any, method: str) -> None:
    """The minimum is the one that BFGS finds by differences, and nearer to where the slope ends."""
    plain, plain_calls = counted(loss)
    expected = minimize(plain, start, method="BFGS")
    ours, calls = counted(func.value_and_grad(loss))
    found = minimize(ours, start, **options(loss, method))

    assert found.success, found.message
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-3, atol=1e-4)
    assert found.fun <= expected.fun + 1e-12
    slope = func.grad(loss)
    assert abs(slope(found.x)).max() < min(1e-6, abs(slope(expected.x)).max())
    assert calls[0] < plain_calls[0]


@parametrized
def test_derivatives(loss: Callable[[Any], Any], start: Any) -> None:
    """What the methods are given equals SciPy's own differences, away from the minimum."""
    point = start + 0.3
    gradient, hessian = func.grad(loss), func.hessian(loss)(point)
    assert type(gradient(point)) is np.ndarray
    assert check_grad(loss, gradient, point) < 1e-5
    np.testing.assert_allclose(hessian, approx_fprime(point, gradient), rtol=1e-4, atol=1e-5)
    vector = np.random.default_rng(1).normal(size=point.shape)
    value, product = func.hvp(loss, (point,), (vector,))
    assert value == loss(point)
    np.testing.assert_allclose(product, hessian @ vector, rtol=1e-10)


def test_least_squares() -> None:
    """With our Jacobian the parameters are those found by differences, and by `minimize`."""
    start = MODELS[curve]
    expected = least_squares(residuals, start)
    found = least_squares(residuals, start, jac=func.jacobian(residuals), xtol=1e-12)
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-5)
    np.testing.assert_allclose(found.x, minimize(curve, start).x, rtol=1e-3)
