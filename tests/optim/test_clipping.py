"""Gradients are limited in place, all together or number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_optim import clip_grad_norm_, clip_grad_value_


def with_gradients(*gradients: Any) -> list[Tensor]:
    parameters = []
    for gradient in map(np.asarray, gradients):
        parameters.append(Tensor(np.zeros_like(gradient), requires_grad=True))
        parameters[-1].grad = gradient
    return parameters


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3), max_size=4), min_size=1, max_size=4),
    st.floats(1e-3, 1e4),
    st.sampled_from([1.0, 2.0, 3.0, np.inf]),
)
def test_norm(rows: list[list[float]], limit: float, order: float) -> None:
    """The norm is that of all numbers as one vector, and is at most the limit after it."""
    parameters = with_gradients(*map(np.array, rows))
    everything = np.concatenate([p.grad for p in parameters])
    norm = clip_grad_norm_(parameters, limit, order).item()
    np.testing.assert_allclose(norm, np.linalg.norm(everything, order) if everything.size else 0)
    after = np.concatenate([p.grad for p in parameters])
    factor = min(1, limit / (norm + 1e-6))
    np.testing.assert_allclose(after, everything * factor, 1e-12)
    assert clip_grad_norm_(parameters, limit, order).item() <= limit * (1 + 1e-12)


def test_in_place() -> None:
    """The arrays of the gradients are written to, of any layout and larger than a block."""
    parameters = with_gradients(np.ones((300, 200)).T, np.float32(1.0), np.ones((0, 2)))
    held = [parameter.grad for parameter in parameters]
    norm = clip_grad_norm_(parameters, 1.0)
    np.testing.assert_allclose(norm.item(), 60001**0.5)
    for parameter, gradient in zip(parameters, held, strict=True):
        assert parameter.grad is gradient
        np.testing.assert_allclose(gradient, 60001**-0.5, 1e-5)
    clip_grad_value_(parameters, 1e-3)
    for gradient in held:
        np.testing.assert_allclose(gradient, 1e-3)


def test_dtypes() -> None:
    """The norm has the dtype of the gradients; half precision does not overflow on the way."""
    (parameter,) = with_gradients(np.full(1000, 100, np.float16))
    norm = clip_grad_norm_([parameter], 1e6)
    assert norm.dtype == np.float16
    np.testing.assert_allclose(norm.item(), 1000**0.5 * 100, 1e-3)
    assert clip_grad_norm_(with_gradients(np.float32(1), np.float64(1)), 1).dtype == np.float64


def test_parameters() -> None:
    """One parameter will do, or a generator; those without a gradient are passed over."""
    x, y = with_gradients([3.0, 4.0], [1.0])
    y.grad = None
    assert clip_grad_norm_((p for p in (x, y)), 10).item() == 5
    assert clip_grad_norm_(x, 10).item() == 5
    clip_grad_value_(x, 3.5)
    assert x.grad.tolist() == [3, 3.5]
    norm = clip_grad_norm_([y], 1)
    assert (norm.item(), norm.dtype) == (0, np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", [2.0, np.inf])
def test_norm_that_is_not_finite(bad: float, order: float) -> None:
    """It is an error if asked for, and nothing has changed; otherwise the norm is returned."""
    parameters = with_gradients([1.0, bad], [[2.0]])
    with pytest.raises(RuntimeError, match=r"should be finite, .* of shapes \[\(2,\), \(1, 1\)\]"):
        clip_grad_norm_(parameters, 1.0, order, error_if_nonfinite=True)
    assert parameters[1].grad == 2
    norm = clip_grad_norm_(parameters, 1.0, order).item()
    np.testing.assert_equal(norm, abs(bad))
    np.testing.assert_equal(parameters[1].grad, [[bad if np.isnan(bad) else 0]])


def test_gradients_that_are_tensors() -> None:
    """Gradients that are part of a graph are not written to, and the message says what to do."""
    x = Tensor([2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    for call in (lambda: clip_grad_norm_([x], 1.0), lambda: clip_grad_value_([x], 1.0)):
        with pytest.raises(TypeError, match=r"is a Tensor of shape \(1,\).*p\.grad\.detach\(\)"):
            call()
    gradient: Any = x.grad
    x.grad = gradient.detach()
    clip_grad_value_([x], 1.0)
    assert x.grad == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clip_grad_norm_([], -1), "clip_grad_norm_: max_norm .* at least 0, .* -1"),
        (lambda: clip_grad_norm_([], 1, 0), "norm_type .* above 0, but it is 0"),
        (lambda: clip_grad_value_([], -1), "clip_grad_value_: clip_value .* at least 0"),
    ],
    ids=["max_norm", "norm_type", "clip_value"],
)
def test_limits_out_of_bounds(call: Any, message: str) -> None:
    """Limits below 0 are refused."""
    with pytest.raises(ValueError, match=message):
        call()
