"""Nothing is left behind: by ten thousand steps, by leaves that die, by deep graphs of any kind."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import threading
import weakref

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Tensor, checkpoint, func, saved_tensors_hooks


@pytest.fixture(autouse=True)
def no_collector():
    """What is freed here is freed by counts of references."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf(*values):
    """A tensor that requires gradients."""
    return Tensor(np.array(values, np.float64), requires_grad=True)


# Steps, over and over.

W, B = leaf(0.5, -0.5), leaf(0.1)


def forward():
    return ((W * 2.0 + B).exp() * W).sum()


def usual():
    forward().backward()


def with_hooks():
    y = W * 2.0
    y.retain_grad()
    y.register_hook(lambda gradient: gradient * 2)
    handle = W.register_hook(lambda gradient: handle.remove())
    with W.register_post_accumulate_grad_hook(Tensor.zero_grad):
        (y * B).sum().backward()


def second_order():
    (slope,) = tinytorch.grad(forward(), W, create_graph=True)
    (slope * slope).sum().backward()


def by_transforms():
    func.hessian(lambda w: (w * w * w).sum())(np.ones(2))


def computed_again():
    checkpoint(lambda w: (w * w).exp(), W).sum().backward()


def packed():
    with saved_tensors_hooks(np.ndarray.tolist, np.array):
        y = (W * W).sum()
    y.backward()


class Square(Function):
    def apply(self, grad_output):
        (w,) = self.saved_tensors
        return (grad_output * 2 * w.data,)


def by_hand():
    y = Tensor(W.data**2)
    y._grad_fn = Square(W)
    y.sum().backward()


def failing():
    y = forward()
    y.backward()
    with contextlib.suppress(GradientError):
        y.backward()
    with contextlib.suppress(ZeroDivisionError), W.register_hook(lambda gradient: 1 / 0):
        forward().backward()


def only_forward():
    forward()
    func.grad(lambda w: (w * w).sum())(np.ones(2))


@pytest.mark.parametrize(
    ("step", "times"),
    [
        (usual, 10_000),
        (with_hooks, 1_000),
        (second_order, 1_000),
        (by_transforms, 1_000),
        (computed_again, 1_000),
        (packed, 1_000),
        (by_hand, 1_000),
        (failing, 1_000),
        (only_forward, 1_000),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_steps_leave_nothing_behind(step, times):
    """The collector, off meanwhile, finds no cycle; nor is more memory in use than before."""

    def steps(number):
        for _ in range(number):
            step()
            W.zero_grad()
            B.zero_grad()
        garbage = gc.collect()  # which also lets go of the blocks that Python keeps at hand
        return garbage, sys.getallocatedblocks()

    _, before = steps(20)
    garbage, after = steps(times)
    assert garbage == 0
    assert after - before < times / 2  # a block that each step leaves would make it `times`


def test_what_a_step_has_made_is_gone_at_once():
    """Arrays, nodes and tensors with hooks die when the program lets go of the loss."""
    made = []

    def note(gradient):
        made.append(weakref.ref(gradient.base if gradient.base is not None else gradient))

    hidden = W * 2.0
    hidden.register_hook(note)
    loss = (hidden * B).sum()
    made += [weakref.ref(t) for t in (hidden, hidden.data, hidden.grad_fn, loss, loss.grad_fn)]
    loss.backward()
    assert len(made) == 6
    del hidden, loss
    assert [ref() for ref in made] == [None] * 6


# Leaves.


def test_a_leaf_that_dies_frees_its_accumulator():
    """Its gradient with it, and its hooks; a graph keeps the accumulator as long as it lives."""
    x = leaf(1.0)
    x.register_hook(lambda gradient: None)
    x.register_post_accumulate_grad_hook(lambda tensor: None)
    y = x * 2
    y.backward(retain_graph=True)
    held = [x._accumulator, x.grad, x._accumulator._hooks, x._accumulator._post_accumulate_hooks]
    parts = [weakref.ref(part) for part in held]
    tensor = weakref.ref(x)
    del x, held
    assert tensor() is None
    assert all(part() is not None for part in parts)
    y.backward()
    del y
    assert [part() for part in parts] == [None] * 4


# Deep graphs that hang together by more than their edges.


class Keeping(Function):
    """x + 1. Gradient: the output's. It keeps what it is told to."""

    def forward(self, x, *, kept):
        self.kept = kept
        return x + 1

    def apply(self, grad_output):
        return grad_output


class ByHand(Function):
    """A node of the textbook's form, which has its input in an attribute, too."""

    def __init__(self, x):
        self.x = x
        self.saved_tensors = (x,)

    def apply(self, grad_output):
        return (grad_output,)


class Holder:
    """An object with an attribute."""

    def __init__(self, held):
        self.held = held


def kept_as(make):
    return lambda x: Keeping.call(x, kept=make(x))


def attached(x):
    y = Tensor(x.data + 1)
    y._grad_fn = ByHand(x)
    return y


def hooked(x):
    y = x + 1
    y.register_hook(lambda gradient: None if x.size else gradient)
    return y


def packed_with_its_input(x):
    with saved_tensors_hooks(lambda array: (array, x), lambda pair: pair[0]):
        return x * x


DEEP = {
    "tensor": kept_as(lambda x: x),
    "containers": kept_as(lambda x: [({"x": x},)]),
    "closure": kept_as(lambda x: lambda: x),
    "method": kept_as(lambda x: x.sum),
    "partial": kept_as(lambda x: functools.partial(print, x)),
    "object": kept_as(Holder),
    "by hand": attached,
    "hook": hooked,
    "packed": packed_with_its_input,
}


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", DEEP)
def test_a_deep_graph_of_any_kind_is_dropped_on_a_small_stack(kind, backward):
    """20,000 nodes, each of which keeps the one before in its own way, in a thread of 2 MiB."""
    step = DEEP[kind]
    finished = []

    def work():
        x = y = Tensor(np.array(0.0), requires_grad=True)
        for _ in range(20_000):
            y = step(y)
        if backward:
            y.backward()
        del y
        finished.append(backward is (x.grad is not None))

    size = threading.stack_size(2**21)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()
    assert finished == [True]
