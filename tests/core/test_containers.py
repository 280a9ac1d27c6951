"""Nested dicts, lists and tuples, taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch.containers import apply, leaves, rebuild


class Layer(NamedTuple):
    """A named tuple, as models are kept in."""

    w: Any
    b: Any


TREES = st.recursive(
    st.integers() | st.text(max_size=2) | st.none(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.lists(children, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), children, max_size=3)
        | st.builds(Layer, children, children)
    ),
    max_leaves=12,
)


@given(TREES)
def test_taking_apart_and_putting_together_is_the_identity(tree):
    """The same containers of the same kinds, with the same leaves."""
    again = rebuild(tree, iter(leaves(tree)))
    assert again == tree
    assert type(again) is type(tree)


@given(TREES)
def test_apply_changes_the_leaves_alone(tree):
    """A function of each leaf, in order, in the places of the leaves."""
    wrapped = apply(lambda x: {x}, tree)
    assert leaves(wrapped) == [{x} for x in leaves(tree)]
    assert apply(lambda s: next(iter(s)), wrapped) == tree


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (1, [1]),
        ([], []),
        ((), []),
        ({}, []),
        (None, []),
        ([None, 1, None], [1]),
        ({"b": 1, "a": (2, [3])}, [1, 2, 3]),
        (Layer(1, [2]), [1, 2]),
        ("text", ["text"]),
        ([[[[5]]]], [5]),
    ],
    ids=repr,
)
def test_leaves(tree, expected):
    """From left to right, in dicts by insertion; None is a container of nothing."""
    assert leaves(tree) == expected


def test_arrays_and_tensors_are_leaves():
    """They are not taken apart though they can be iterated over."""
    array, tensor = np.arange(3.0), Tensor([1.0, 2.0])
    found = leaves({"a": [array], "t": tensor})
    assert found[0] is array
    assert found[1] is tensor


@pytest.mark.parametrize("kind", [Layer, OrderedDict, defaultdict, dict, list, tuple])
def test_the_kind_of_container_is_kept(kind):
    """Named tuples stay named, and subclasses of dict what they are."""
    tree = {
        Layer: Layer(1, 2),
        OrderedDict: OrderedDict(w=1, b=2),
        defaultdict: defaultdict(list, w=1, b=2),
        dict: {"w": 1, "b": 2},
        list: [1, 2],
        tuple: (1, 2),
    }[kind]
    again = apply(lambda x: x + 1, tree)
    assert type(again) is kind
    assert leaves(again) == [2, 3]
    if kind in (dict, OrderedDict, defaultdict):
        assert list(again) == ["w", "b"]


def test_nothing_is_changed_in_place():
    """The containers that come out are new ones."""
    tree = {"a": [1, (2,)]}
    again = apply(lambda x: -x, tree)
    assert tree == {"a": [1, (2,)]}
    assert again == {"a": [-1, (-2,)]}
    assert again["a"] is not tree["a"]


def test_keys_need_not_be_strings_or_sortable():
    """The order is that of insertion, so that nothing is compared."""
    tree = {1: "a", "x": "b", (2, 3): "c", None: "d"}
    assert leaves(tree) == ["a", "b", "c", "d"]
    assert apply(str.upper, tree) == {1: "A", "x": "B", (2, 3): "C", None: "D"}
