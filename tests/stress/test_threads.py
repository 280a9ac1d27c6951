"""Threads that go forward and backward on shared leaves and graphs, at once and with many switches.

All numbers are whole, so that sums are exact in any order.
"""

from __future__ import annotations

import random
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import GradientError, Tensor, checkpoint, enable_grad, is_grad_enabled, no_grad
from tinytorch.interpreter import HAS_GIL

THREADS = 6


@pytest.fixture(autouse=True)
def many_switches() -> Iterator[None]:
    """Have Python change threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(work: Callable[[int], Any], number: int = THREADS) -> list[Any]:
    """Call a function in threads, all at once, with the number of each; return what they return."""
    start = threading.Barrier(number)
    results: list[Any] = [None] * number
    errors: list[BaseException] = []

    def run(mine: int) -> None:
        try:
            start.wait(10)
            results[mine] = work(mine)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[mine]) for mine in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def leaves(number: int) -> list[Tensor]:
    return [Tensor(np.arange(4.0) + i, requires_grad=True) for i in range(number)]


def test_this_python_runs_threads_at_once_if_it_can() -> None:
    """On a free-threaded build the GIL is off, or the other tests would show less than they say."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip(
            "this Python has a GIL; the session runs on 3.13t and 3.14t where they are found"
        )
    assert not HAS_GIL


class Worker:
    """A thread's own random programs, and what their gradients come to."""

    def __init__(self, number: int, shared: list[Tensor]) -> None:
        self.random = random.Random(number)
        self.shared = shared
        self.expected = [0] * len(shared)
        self.called = 0

    def step(self) -> None:
        """Go forward through a few shared leaves, in one of several ways, and backward."""
        chosen = self.random.sample(range(len(self.shared)), 5)
        factors = [self.random.randint(1, 9) for _ in chosen]
        terms = [
            self.term(self.shared[i], float(factor))
            for i, factor in zip(chosen, factors, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term if self.random.random() < 0.5 else term + total
        if self.random.random() < 0.2:
            inputs = [self.shared[i] for i in chosen]
            got = tinytorch.grad(total.sum(), inputs)
            assert [g.tolist() for g in got] == [[float(factor)] * 4 for factor in factors]
            return
        total.sum().backward()
        for i, factor in zip(chosen, factors, strict=True):
            self.expected[i] += factor

    def term(self, w: Tensor, factor: float) -> Tensor:
        """Return what has the gradient `factor` towards each element of a leaf."""
        way = self.random.randrange(7)
        if way == 0:
            with no_grad():
                assert not (w * 2.0).requires_grad
                with enable_grad():
                    return w * factor
        if way == 1:
            return checkpoint(lambda x: x * factor, w)  # type: ignore[no-any-return]
        if way == 2:
            y = w * factor
            y.retain_grad()
            y.register_hook(self.count)
            return y
        if way == 3:
            return (w.reshape(2, 2) * factor).reshape(4)
        if way == 4:
            square = w * w  # whose gradient 2w is taken off again
            return square + w * factor - square
        if way == 5:
            return sum((w for _ in range(int(factor) - 1)), start=w)
        assert is_grad_enabled()
        return w * np.full(4, factor)

    def count(self, gradient: Any) -> None:
        assert gradient.tolist() == [1.0] * 4
        self.called += 1


def test_no_accumulation_is_lost(times: int) -> None:
    """Threads with graphs of their own, of every kind, onto leaves that they share."""
    shared = leaves(12)

    def work(number: int) -> Worker:
        worker = Worker(number, shared)
        for _ in range(500 * times):
            worker.step()
        return worker

    workers = in_threads(work)
    for i, w in enumerate(shared):
        assert w.grad is not None
        assert w.grad.tolist() == [float(sum(worker.expected[i] for worker in workers))] * 4
    assert sum(worker.called for worker in workers) > 0


def test_a_graph_that_is_retained_serves_all_threads(times: int) -> None:
    """Threads that go back through one graph, and through graphs of their own on top of it."""
    shared = leaves(6)
    middle = [w * 2.0 for w in shared]
    together = sum(middle[1:], start=middle[0])

    def work(number: int) -> None:
        for step in range(200 * times):
            if step % 2:
                together.backward(np.full(4, float(number + 1)), retain_graph=True)
            else:
                (middle[number] * 3.0 + together).sum().backward(retain_graph=True)

    in_threads(work)
    half = 100 * times
    passes = half * sum(number + 1 for number in range(THREADS)) + half * THREADS
    for w in shared:
        assert w.grad is not None
        assert w.grad.tolist() == [2.0 * passes + 2.0 * 3.0 * half] * 4


def test_a_graph_that_is_released_gives_an_error_or_a_right_result(times: int) -> None:
    """Threads that race for one graph: only the passes that ended without an error count."""
    errors = 0
    for _ in range(200 * times):
        shared = leaves(8)
        loss = sum((w * w * 1.5 for w in shared), start=Tensor(0.0)).sum()

        def work(_: int, loss: Tensor = loss) -> bool:
            try:
                loss.backward()
            except GradientError:  # the graph has been released
                return False
            return True

        passes = sum(in_threads(work, 3))
        errors += 3 - passes
        for w in shared:
            expected = passes * 3.0 * w.data
            assert (np.zeros(4) if w.grad is None else w.grad).tolist() == expected.tolist()
    assert errors > 0


def test_gradients_with_graphs_are_right_in_all_threads(times: int) -> None:
    """Second derivatives, with create_graph, of one graph and of the thread's own."""
    (x,) = leaves(1)
    cube = (x * x * x).sum()

    def work(_: int) -> None:
        for _ in range(40 * times):
            for y in (cube, (x * x * x).sum()):
                (slope,) = tinytorch.grad(y, x, create_graph=True)
                (curvature,) = tinytorch.grad(slope.sum(), x, retain_graph=True)
                assert curvature.tolist() == (6.0 * x.data).tolist()

    in_threads(work)


def test_no_hook_is_lost_that_threads_register_at_once(times: int) -> None:
    """Also the first ones of a tensor: each is called."""
    for _ in range(200 * times):
        (x,) = leaves(1)
        y = x * 2.0
        calls: list[tuple[int, str]] = []

        def work(number: int, x: Tensor = x, y: Tensor = y, calls: list[Any] = calls) -> None:
            x.register_hook(lambda _: calls.append((number, "leaf")))
            y.register_hook(lambda _: calls.append((number, "computed")))
            x.register_post_accumulate_grad_hook(lambda _: calls.append((number, "after")))

        in_threads(work, 3)
        y.sum().backward()
        assert sorted(calls) == [
            (number, kind) for number in range(3) for kind in ("after", "computed", "leaf")
        ]


def test_hooks_are_registered_and_removed_meanwhile(times: int) -> None:
    """A hook that stays is called in each backward; those that come and go break nothing."""
    (x,) = leaves(1)
    y = x * 2.0
    calls: list[int] = []
    after: list[int] = []
    y.register_hook(lambda gradient: calls.append(1))
    x.register_post_accumulate_grad_hook(lambda tensor: after.append(1))
    rounds = 300 * times

    def work(number: int) -> None:
        for _ in range(rounds):
            if number % 2:
                y.backward(np.ones(4), retain_graph=True)
            else:
                for tensor in (x, y):
                    tensor.register_hook(lambda gradient: gradient * 1.0).remove()

    in_threads(work)
    passes = rounds * THREADS // 2
    assert len(calls) == len(after) == passes
    assert x.grad is not None
    assert x.grad.tolist() == [2.0 * passes] * 4
