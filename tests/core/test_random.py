"""The one random generator: seeded, saved and restored, shared by everything that draws."""

from __future__ import annotations

import numpy as np
import pytest
from tinytorch import (
    default_generator,
    get_rng_state,
    manual_seed,
    rand,
    randn,
    set_rng_state,
)


@pytest.fixture(autouse=True)
def state():
    """Each test leaves the generator as it found it."""
    before = get_rng_state()
    yield
    set_rng_state(before)


def draws():
    """What the next draws are, from every source."""
    return [
        *rand(2, 3).data.ravel().tolist(),
        *randn(4).tolist(),
        *default_generator().integers(1000, size=3).tolist(),
    ]


def test_a_seed_repeats_the_draws():
    """The same seed gives the same numbers, another one others."""
    manual_seed(3)
    first = draws()
    manual_seed(3)
    assert draws() == first
    manual_seed(4)
    assert draws() != first


def test_the_state_can_be_saved_and_restored():
    """What checkpointing needs: the state is a value that later draws do not change."""
    saved = get_rng_state()
    first = draws()
    second = draws()
    set_rng_state(saved)
    assert draws() == first
    assert draws() == second
    set_rng_state(saved)
    assert draws() == first


def test_seeding_does_not_replace_the_generator():
    """A generator that an operation holds is reseeded with all others."""
    generator = default_generator()
    manual_seed(3)
    first = rand(1).item()
    manual_seed(3)
    assert np.float32(generator.random()) == np.float32(first)
    assert default_generator() is generator


def test_numpys_global_generator_is_left_alone():
    """Seeding NumPy's old generator has no effect here, nor drawing here on it."""
    manual_seed(3)
    first = draws()
    manual_seed(3)
    np.random.default_rng(0)
    assert draws() == first


def test_a_seed_that_is_none():
    """Negative seeds and text are refused, and the generator stays as it was."""
    before = get_rng_state()
    for seed in (-1, "a", 1.5):
        with pytest.raises((TypeError, ValueError)):
            manual_seed(seed)
    assert get_rng_state() == before


def test_distributions():
    """rand is uniform on [0, 1), randn has mean 0 and deviation 1."""
    manual_seed(0)
    u, n = rand(20_000).data, randn(20_000).data
    assert 0 <= u.min() < u.max() < 1
    np.testing.assert_allclose([u.mean(), u.std()], [0.5, 12**-0.5], atol=0.01)
    np.testing.assert_allclose([n.mean(), n.std()], [0.0, 1.0], atol=0.03)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rand_never_reaches_one(dtype):
    """1 is not among the numbers, in any precision: log(1 - u) and u < 1 may rely on it."""
    manual_seed(0)
    assert rand(200_000, dtype=dtype).data.max() < 1
