"""Un-broadcasting: summing a gradient down to the shape of what was broadcast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import sum_to_shape

BROADCASTS = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)


@settings(deadline=None, database=None)
@given(BROADCASTS, st.integers(0, 2**32 - 1))
def test_it_is_the_adjoint_of_broadcasting(shapes, seed):
    """<g, broadcast(x)> = <sum_to_shape(g), x> for every x: that is what the reverse means."""
    shape, full = shapes.input_shapes[0], shapes.result_shape
    rng = np.random.default_rng(seed)
    g, x = rng.normal(size=full), rng.normal(size=shape)
    summed = sum_to_shape(g, shape)
    assert summed.shape == shape
    np.testing.assert_allclose(
        np.vdot(summed, x), np.vdot(g, np.broadcast_to(x, full)), rtol=1e-9, atol=1e-9
    )


@settings(deadline=None, database=None)
@given(
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0), hnp.array_shapes(min_dims=0, max_dims=3)
)
def test_what_does_not_broadcast_is_refused(shape, full):
    """It raises exactly where NumPy's broadcast_to does, with both shapes."""
    g = np.zeros(full)
    try:
        np.broadcast_to(np.zeros(shape), full)
    except ValueError:
        with pytest.raises(ValueError, match="does not broadcast"):
            sum_to_shape(g, shape)
    else:
        assert sum_to_shape(g, shape).shape == shape


def test_the_dtype_stays_and_the_gradient_is_not_written_to():
    """Sums of float16 are float16, and the array that was given is as before."""
    g = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float16)
    before = g.copy()
    assert sum_to_shape(g, (1, 3)).dtype == np.float16
    np.testing.assert_array_equal(g, before)


def test_a_0d_result_is_an_array():
    """The sum of everything is an array of shape (), not a scalar."""
    assert type(sum_to_shape(np.ones((2, 3)), ())) is np.ndarray
