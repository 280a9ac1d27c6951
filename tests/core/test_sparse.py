"""SparseGradient: the entries of x[key], added into a buffer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tinytorch import SparseGradient

SHAPE = (3, 4)


def indices(length):
    """An index of one axis, in every form that NumPy takes."""
    one = st.integers(-length, length - 1)
    many = st.lists(one, min_size=1, max_size=4)
    return st.one_of(
        one,
        one.map(np.int64),
        st.slices(length),
        many,
        many.map(np.array),
        many.map(lambda values: np.array(values, np.int8)),
        st.lists(st.booleans(), min_size=length, max_size=length),
    )


KEYS = st.one_of(
    indices(3),
    indices(3).map(lambda key: (key,)),
    st.tuples(st.just(slice(None)), indices(4)),
    st.tuples(st.just(Ellipsis), indices(4)),
    st.tuples(st.integers(-3, 2), indices(4)),
    st.tuples(indices(3), st.integers(-4, 3)),
    st.tuples(st.just(None), st.integers(-3, 2), st.slices(4)),
    st.tuples(st.lists(st.integers(0, 2), min_size=2, max_size=2), st.just([1, 1])),
    st.just(()),
    st.just(Ellipsis),
    st.just(range(2)),
    hnp.arrays(bool, SHAPE),
    hnp.arrays(np.int64, (2, 2), elements=st.integers(-3, 2)),
)


@settings(deadline=None, database=None, max_examples=200)
@given(KEYS, st.integers(0, 2**32 - 1))
def test_it_is_the_adjoint_of_indexing(key, seed):
    """<v, x[key]> = <dense(v), x> for every x: entries that the key names twice add up."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=SHAPE)
    values = rng.normal(size=x[key].shape)
    sparse = SparseGradient(SHAPE, key, values)
    dense = sparse.to_dense()
    assert dense.shape == SHAPE
    np.testing.assert_allclose(np.vdot(dense, x), np.vdot(values, x[key]), atol=1e-9)
    buffer = x.copy()
    sparse.add_into(buffer)
    np.testing.assert_allclose(buffer, x + dense, atol=1e-12)


@pytest.mark.parametrize("key", [[0, 0, 2], ([0, 0, 2],), np.array([0, 0, 2])], ids=repr)
def test_repeated_indices_add_up(key):
    """In a list as in an array: 'anything that NumPy takes between brackets'."""
    dense = SparseGradient((3,), key, np.array([1.0, 2.0, 4.0])).to_dense()
    assert dense.tolist() == [3.0, 0.0, 4.0]


def test_the_values_are_not_written_to_and_the_dtype_is_theirs():
    """The dense form is an array of its own, of the values' dtype."""
    values = np.array([1.0, 2.0], np.float32)
    dense = SparseGradient((2,), slice(None), values).to_dense()
    assert dense.dtype == np.float32
    dense += 1
    assert values.tolist() == [1.0, 2.0]


def test_into_a_0d_array():
    """The key () names the one entry of a 0-d array."""
    buffer = np.array(1.0)
    SparseGradient((), (), np.array(2.0)).add_into(buffer)
    assert buffer == 3.0


@given(
    hnp.arrays(
        np.intp,
        hnp.array_shapes(max_dims=2, max_side=6, min_side=0),
        elements=st.integers(-4, 3),
    )
)
def test_rows_named_by_one_array_add_up(rows):
    """Whatever indices an array has, repeated, negative or none, rows add up as np.add.at adds."""
    values = np.random.default_rng(0).normal(size=(*rows.shape, 2))
    expected = np.zeros((4, 2))
    np.add.at(expected, rows, values)
    for key in (rows, (rows,)):
        np.testing.assert_allclose(SparseGradient((4, 2), key, values).to_dense(), expected)
