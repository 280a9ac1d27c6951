"""Depth and width: linear work, no recursion, one buffer; also where a graph is dropped."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from tinytorch import Function, Tensor

MILLION = 1_000_000


@pytest.fixture(autouse=True)
def no_collector():
    """Freeing is by reference counts alone; the collector would only cost time here."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@contextmanager
def little_recursion():
    """Leave Python only so many frames as backward is deep by itself."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 40)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@pytest.fixture
def count_rules(monkeypatch):
    """Count how often the rule of a Function class runs."""

    def count(cls):
        calls = []
        rule = cls.apply

        def apply(self, grad_output):
            calls.append(None)
            return rule(self, grad_output)

        monkeypatch.setattr(cls, "apply", apply)
        return calls

    return count


def test_a_chain_of_a_million_additions(count_rules):
    """Forward, backward with each rule once, and dropping the graph, with little recursion."""
    x = Tensor(np.array(0.0), requires_grad=True)
    calls = count_rules(type((x + 1).grad_fn))
    with little_recursion():
        y = x
        for _ in range(MILLION):
            y = y + 1.0
        assert y.item() == MILLION
        y.backward(np.array(2.5))
        assert x.grad == 2.5
        assert len(calls) == MILLION
        del y


def test_a_million_node_graph_is_dropped_without_a_backward():
    """Also with saved arrays in every node, and in a thread, whose stack is smaller."""
    x = Tensor(np.array(1.0), requires_grad=True)

    def work():
        y = x
        for _ in range(MILLION):
            y = y * x
        finished.append(y.item())
        del y
        finished.append("dropped")

    finished = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert finished == [1.0, "dropped"]


def test_a_deep_graph_of_hand_made_nodes():
    """Nodes of the textbook's form, which hold their inputs as tensors, may be as deep."""

    class Double(Function):
        def apply(self, grad_output):
            return (grad_output * 2,)

    x = Tensor(np.array(1.0), requires_grad=True)
    with little_recursion():
        for backward in (True, False):
            y = x
            for _ in range(100_000):
                z = Tensor(y.data)
                z._grad_fn = Double(y)
                y = z
            if backward:
                y.backward(np.array(0.0))
            del y, z
    assert x.grad == 0.0


def test_doubling_a_thousand_times(count_rules):
    """`y = y + y`: 2^1000 paths, a thousand rules; the gradient is 2^1000."""
    x = Tensor(np.array(1.0), requires_grad=True)
    calls = count_rules(type((x + x).grad_fn))
    y = x
    with little_recursion():
        for _ in range(1_000):
            y = y + y
        y.backward(np.array(0.75))
    assert x.grad == 0.75 * 2.0**1_000
    assert len(calls) == 1_000


def test_diamonds_a_thousand_levels_deep(count_rules):
    """Each level goes through two different nodes: still one rule a node."""
    x = Tensor(np.array(1.0), requires_grad=True)
    sums = count_rules(type((x + x).grad_fn))
    products = count_rules(type((x * x).grad_fn))
    y = x
    for _ in range(1_000):
        y = y * 0.25 + y * 0.75
    y.backward(np.array(-1.5))
    assert x.grad == -1.5
    assert (len(sums), len(products)) == (1_000, 2_000)


def test_a_node_with_many_users():
    """100,000 users of one result, in any order of recording: each rule runs once."""
    x = Tensor(np.array(1.0), requires_grad=True)
    shared = x * 3.0
    parts = [shared * 2.0 for _ in range(100_000)]
    while len(parts) > 1:
        parts = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)] + (
            [parts[-1]] if len(parts) % 2 else []
        )
    parts[0].backward()
    assert x.grad == 600_000.0


def test_twelve_hundred_uses_of_one_parameter_share_one_buffer():
    """Its gradients are added up in one array: the peak is a few arrays, not one a use."""
    w = Tensor(np.zeros(100_000), requires_grad=True)
    loss = Tensor(np.array(0.0))
    for _ in range(1_200):
        loss = loss + (w * 2.0).sum()
    tracemalloc.start()
    loss.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(w.grad, np.full(100_000, 2_400.0))
    assert peak < 6 * w.data.nbytes


def test_backward_through_a_deep_chain_needs_no_memory_for_its_length():
    """Gradients are let go of on the way: the peak is a few arrays, not one a node."""
    x = Tensor(np.zeros(100_000), requires_grad=True)
    y = x
    for _ in range(300):
        y = y * 1.0
    tracemalloc.start()
    y.backward(np.random.default_rng(0).normal(size=100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * x.data.nbytes
