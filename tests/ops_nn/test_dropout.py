"""Dropout: which elements are left out, by whose random numbers, and when none are."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, checkpoint
from tinytorch_ops_nn import dropout


@given(st.floats(0.05, 0.95), st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_elements_are_zero_or_enlarged(p: float, seed: int) -> None:
    """Each element is 0 or x / (1 - p), about a share p is 0, and gradients are alike."""
    x = Tensor(np.random.default_rng(0).uniform(1, 2, size=4000), requires_grad=True)
    y = dropout(x, p, generator=seed)
    kept = y.data != 0
    np.testing.assert_allclose(y.data[kept], x.data[kept] / (1 - p), rtol=1e-12)
    assert abs((~kept).mean() - p) < 0.06
    g = np.random.default_rng(1).normal(size=4000)
    y.backward(g)
    np.testing.assert_allclose(x.grad, g * kept / (1 - p), rtol=1e-12)


def test_the_default_generator_is_cores() -> None:
    """`manual_seed` repeats a dropout; another call draws other numbers."""
    x = Tensor(np.ones(100))
    tinytorch.manual_seed(1)
    first, second = dropout(x), dropout(x)
    tinytorch.manual_seed(1)
    np.testing.assert_array_equal(dropout(x).data, first.data)
    assert not np.array_equal(first.data, second.data)


def test_a_generator_of_its_own() -> None:
    """A generator that is given moves on, a seed starts anew, and core's is left alone."""
    x, state = Tensor(np.ones(100)), tinytorch.get_rng_state()
    source = np.random.default_rng(5)
    first, second = dropout(x, generator=source), dropout(x, generator=source)
    assert not np.array_equal(first.data, second.data)
    np.testing.assert_array_equal(dropout(x, generator=5).data, first.data)
    assert tinytorch.get_rng_state() == state


@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True), (1, False)])
def test_nothing_is_left_out(p: float, training: bool) -> None:
    """In evaluation, and at p = 0, the values pass, and no random number is drawn."""
    x, state = Tensor(np.array([1.0, np.inf]), requires_grad=True), tinytorch.get_rng_state()
    y = dropout(x, p, training)
    y.backward(np.array([2.0, 3.0]))
    np.testing.assert_array_equal(y.data, x.data)
    assert x.grad is not None
    assert x.grad.tolist() == [2, 3]
    assert tinytorch.get_rng_state() == state


def test_everything_is_left_out() -> None:
    """At p = 1 all is 0, the gradient too, and nothing is divided by 0."""
    x = Tensor(np.ones(3), requires_grad=True)
    y = dropout(x, 1.0)
    y.backward(np.array([1.0, 2.0, 3.0]))
    assert y.tolist() == [0, 0, 0]
    assert np.asarray(x.grad).tolist() == [0, 0, 0]


def test_a_checkpoint_leaves_out_the_same() -> None:
    """Where a checkpoint computes again, core's generator repeats the mask."""
    x = Tensor(np.random.default_rng(0).normal(size=50), requires_grad=True)
    g = np.random.default_rng(1).normal(size=50)
    tinytorch.manual_seed(2)
    y = checkpoint(lambda t: dropout(t) * t, x)
    y.backward(g)
    factor = np.where(y.data != 0, 2.0, 0.0)
    np.testing.assert_allclose(y.data, factor * x.data**2, rtol=1e-12)
    np.testing.assert_allclose(x.grad, g * 2 * factor * x.data, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_stays(dtype: type) -> None:
    """Values keep their dtype; integers become float32."""
    assert dropout(Tensor(np.ones(3, dtype))).dtype == dtype
    assert dropout(Tensor(np.ones(3, int))).dtype == np.float32


def test_bad_probabilities() -> None:
    """A share that is none is refused, also where nothing would be left out."""
    for p in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="dropout: p should be from 0 to 1, but it is"):
            dropout(Tensor([1.0]), p, training=False)
