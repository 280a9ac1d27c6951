"""Threads, tasks and signal handlers that share leaves and graphs; more is in tests/stress."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import chain

import numpy as np
import pytest
from tinytorch import (
    Function,
    GradientError,
    Tensor,
    backward,
    enable_grad,
    is_grad_enabled,
    no_grad,
)
from tinytorch.interpreter import counter


def leaf(*values):
    """A tensor that requires gradients."""
    return Tensor(np.array(values), requires_grad=True)


def in_threads(count, work):
    """Call a function in threads, all at once, with the number of each; raise what one raised."""
    start = threading.Barrier(count)
    errors = []

    def run(number):
        try:
            start.wait(10)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


# A backward in the middle of another's commit: a signal handler may run there, or another thread.


def once(function):
    """Return a function that does its work at the first call only."""
    calls = []

    def called():
        if not calls:
            calls.append(None)
            function()

    return called


@pytest.fixture(params=["sums", "lock"])
def in_commit(request, monkeypatch):
    """Have a function called in the midst of the next commit: at its first sum, or in its lock."""

    def arrange(function):
        function = once(function)
        if request.param == "sums":
            plus = backward._plus
            monkeypatch.setattr(backward, "_plus", lambda a, b: (function(), plus(a, b))[1])
        else:

            @contextmanager
            def interrupted(lock=backward._commit_lock):
                with lock:
                    function()
                    yield

            monkeypatch.setattr(backward, "_commit_lock", _Repeated(interrupted))

    return arrange


class _Repeated:
    """A context manager that makes a new one each time that it is entered, on a stack."""

    def __init__(self, make):
        self.make, self.entered = make, []

    def __enter__(self):
        self.entered.append(self.make())
        return self.entered[-1].__enter__()

    def __exit__(self, *error):
        return self.entered.pop().__exit__(*error)


def test_a_backward_within_a_commit_loses_nothing(in_commit):
    """As a signal handler may run one: it ends, and the gradients of both are in `.grad`."""
    x, w = leaf(1.0), leaf(2.0)
    x.grad, w.grad = np.array([100.0]), np.array([200.0])
    seen = []

    def inner():
        (x * 3 + w * 5).backward()
        seen.append((x.grad.item(), w.grad.item()))

    in_commit(inner)
    (x * w).backward()
    assert seen == [(103.0, 205.0)]
    assert (x.grad.item(), w.grad.item()) == (105.0, 206.0)


def test_a_gradient_that_is_forgotten_within_a_commit_stays_forgotten(in_commit):
    """zero_grad() by a handler or another thread: what arrives counts from there on."""
    x, w = leaf(1.0), leaf(2.0)
    x.grad, w.grad = np.array([100.0]), np.array([200.0])
    in_commit(x.zero_grad)
    (x * w).backward()
    assert (x.grad.item(), w.grad.item()) == (2.0, 201.0)


def test_a_handler_that_raises_within_a_commit_leaves_all_gradients_as_they_were(in_commit):
    """None of the leaves has got its own."""
    x, w = leaf(1.0), leaf(2.0)
    x.grad, w.grad = np.array([100.0]), np.array([200.0])

    def interrupt():
        raise KeyboardInterrupt

    in_commit(interrupt)
    with pytest.raises(KeyboardInterrupt):
        (x * w).backward()
    assert (x.grad.item(), w.grad.item()) == (100.0, 200.0)
    (x * w).backward()
    assert (x.grad.item(), w.grad.item()) == (102.0, 201.0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no interval timers")
def test_a_signal_handler_may_run_a_backward():
    """At any moment of another one, on the same leaves: all gradients of both arrive."""
    leaves = [leaf(0.0) for _ in range(20)]
    loss = sum(w * 2.0 for w in leaves)
    counts = {"handler": 0, "main": 0}

    def handler(*_):
        with enable_grad():  # it runs in the mode of what it interrupts, which may be a rule
            sum(w * 1.0 for w in leaves).backward()
        counts["handler"] += 1

    before = signal.signal(signal.SIGALRM, handler)
    try:
        while counts["handler"] < 50:
            signal.setitimer(signal.ITIMER_REAL, 1e-4 * (counts["main"] % 7 + 1))
            loss.backward(retain_graph=True)
            counts["main"] += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert {w.grad.item() for w in leaves} == {2.0 * counts["main"] + counts["handler"]}


# One graph, two threads.


class Gate(Function):
    """x. Gradient: the output's, after it has waited for its turn."""

    def forward(self, x):
        return x * 1

    def apply(self, grad_output):
        self.wait()
        return grad_output


def gate(x, wait):
    y = Gate.call(x)
    y.grad_fn.wait = wait
    return y


def test_two_threads_go_back_through_one_graph_that_is_retained():
    """Both at once, each with a gradient of its own: the leaves get the sum."""
    x, w = leaf(2.0), leaf(3.0)
    both = threading.Barrier(2)
    y = gate(x * w, both.wait) * w

    def work(number):
        y.backward(np.array([number + 1.0]), retain_graph=True)

    in_threads(2, work)
    assert (x.grad.item(), w.grad.item()) == (3 * 9.0, 3 * 12.0)


def test_a_graph_that_another_thread_releases_gives_an_error_and_changes_nothing():
    """A backward that has begun finds released nodes: it says so, and only the other one counts."""
    x, w = leaf(2.0), leaf(3.0)
    begun, go_on = threading.Event(), threading.Event()
    shared = x * w
    y = gate(shared, lambda: (begun.set(), go_on.wait(10)))
    errors = []

    def work(number):
        if number == 0:
            try:
                y.backward()
            except GradientError as error:
                errors.append(str(error))
        else:
            begun.wait(10)
            shared.backward()
            go_on.set()

    in_threads(2, work)
    (error,) = errors
    assert "released" in error
    assert (x.grad.item(), w.grad.item()) == (3.0, 2.0)


def test_a_rule_that_finds_its_arrays_released_says_so():
    """However it asks for them: another thread may release them between two of its lines."""

    class ByPosition(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            return grad_output * 2 * self.saved[0]

    for node in (ByPosition.call(leaf(3.0)).grad_fn, (leaf(3.0) * leaf(2.0)).grad_fn):
        node._release()
        with pytest.raises(GradientError, match=r"released.*retain_graph=True"):
            node.apply(np.ones(1))


def test_hooks_come_and_go_while_other_threads_run_backward():
    """A backward calls the hooks that there were when it came to them, and nothing breaks."""
    x = leaf(1.0)
    y = x * 1
    calls = []
    handle = y.register_hook(lambda _: calls.append(None))

    def work(number):
        for _ in range(100):
            if number:
                y.backward(retain_graph=True)
            else:
                x.register_hook(lambda gradient: gradient).remove()
                y.register_hook(lambda gradient: gradient).remove()

    in_threads(3, work)
    handle.remove()
    assert len(calls) == 200
    assert x.grad.item() == 200.0


# The grad mode.


def test_a_task_takes_the_mode_of_who_made_it():
    """It begins in the mode in which it was made, also where the block has ended meanwhile."""

    async def mode():
        await asyncio.sleep(0)
        return is_grad_enabled(), (leaf(1.0) * 2).requires_grad

    async def main():
        with no_grad():
            silent = asyncio.create_task(mode())
            in_thread = await asyncio.to_thread(is_grad_enabled)
        loud = asyncio.create_task(mode())
        return await silent, await loud, in_thread

    assert asyncio.run(main()) == ((False, False), (True, True), False)


def test_backward_in_a_thread_leaves_the_mode_of_the_others():
    """While a rule runs, without recording, another thread records."""
    inside, done = threading.Event(), threading.Event()
    y = gate(leaf(1.0), lambda: (inside.set(), done.wait(10)))
    seen = []

    def work(number):
        if number:
            inside.wait(10)
            seen.append((leaf(1.0) * 2).requires_grad)
            done.set()
        else:
            y.backward()

    in_threads(2, work)
    assert seen == [True]


# Without the GIL.


def test_numbers_of_nodes_are_counted_under_a_lock_without_the_gil():
    """No two threads get the same one, and each thread's grow."""
    count = counter(has_gil=False)
    numbers = [[] for _ in range(4)]
    in_threads(4, lambda number: numbers[number].extend(count() for _ in range(500)))
    assert sorted(chain.from_iterable(numbers)) == list(range(1, 2001))
    assert all(mine == sorted(mine) for mine in numbers)


WITHOUT_GIL = """
import sys
sys._is_gil_enabled = lambda: False
import numpy as np
from tinytorch import Tensor, function, interpreter, ownership

assert not interpreter.HAS_GIL
array = np.zeros(3)
assert not ownership.is_unshared(array)  # held by one variable, as far as anybody can count
assert "locked" in function.next_sequence_number.__name__
x = Tensor(np.ones(3), requires_grad=True)
for _ in range(2):
    ((x * 2.0).exp() + x.reshape(3, 1).sum()).sum().backward()
np.testing.assert_allclose(x.grad, 2 * (2 * np.exp(2.0) + 3))
print("as it should be")
"""


def test_what_is_different_without_the_gil():
    """Told that there is none, the engine trusts no count of references, and counts with a lock."""
    program = [sys.executable, "-c", WITHOUT_GIL]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("as it should be\n", "")
