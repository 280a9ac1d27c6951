"""Real signals at random moments, thousands of them, of a backward onto a hundred leaves."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tinytorch import Tensor, enable_grad, is_grad_enabled

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="Windows has no interval timers"
)


class Network:
    """A hundred leaves and a loss that can be gone back from again and again."""

    def __init__(self) -> None:
        self.leaves = [Tensor(np.full(3, float(i)), requires_grad=True) for i in range(100)]
        total = Tensor(np.zeros(3))
        for w in self.leaves:
            total = total + (w * 2.0) * (w + 1.0)
        total.register_hook(lambda gradient: None)
        self.leaves[50].register_hook(lambda gradient: None)
        self.loss = total.sum()
        self.gradients = np.stack([4.0 * w.data + 2.0 for w in self.leaves])
        self.passes = 0

    def backward(self) -> None:
        self.loss.backward(retain_graph=True)

    def arrived(self) -> np.ndarray:
        """Return the gradients of all leaves."""
        return np.stack([np.zeros(3) if w.grad is None else w.grad for w in self.leaves])

    def check(self, before: list[np.ndarray | None]) -> bool:
        """Whether all gradients are new; check that otherwise all are as they were, and right."""
        (is_new,) = {w.grad is not old for w, old in zip(self.leaves, before, strict=True)}
        self.passes += is_new
        np.testing.assert_array_equal(self.arrived(), self.passes * self.gradients)
        assert is_grad_enabled()
        return is_new


@pytest.fixture
def on_alarm() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Set what an alarm calls, until the end of the test."""
    before = signal.getsignal(signal.SIGALRM)

    def arrange(call: Callable[[], None]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: call())

    yield arrange
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def duration_of(call: Callable[[], None]) -> float:
    """Return how long a call takes, in seconds, at best."""
    durations = []
    for _ in range(10):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return min(durations)


def test_an_interrupt_at_a_random_moment_commits_all_or_nothing(
    times: int, on_alarm: Callable[[Callable[[], None]], None]
) -> None:
    """Three thousand times: all gradients are new or none is, and the next backward works."""
    network = Network()
    duration = duration_of(network.backward)
    network.passes = 10
    at_work = False

    def interrupt() -> None:
        if at_work:  # not where the test itself is between two lines
            raise KeyboardInterrupt

    on_alarm(interrupt)
    moments = random.Random(0)
    interrupts = 0
    while interrupts < 3000 * times:
        before = [w.grad for w in network.leaves]
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, moments.uniform(0, 1.1) * duration))
        try:
            at_work = True
            network.backward()
            at_work = False
        except KeyboardInterrupt:
            at_work = False
            interrupts += 1
        network.check(before)
    before = [w.grad for w in network.leaves]
    network.backward()
    assert network.check(before)


def test_a_handler_may_run_a_backward_at_a_random_moment(
    times: int, on_alarm: Callable[[Callable[[], None]], None]
) -> None:
    """A thousand times, on the leaves of the backward that it interrupts: nothing is lost."""
    network = Network()
    duration = duration_of(network.backward)
    handled = 0

    def handler() -> None:
        nonlocal handled
        with enable_grad():  # it runs in the mode of what it interrupts, which may be a rule
            sum((w * 1.0 for w in network.leaves), start=Tensor(0.0)).sum().backward()
        handled += 1

    on_alarm(handler)
    moments = random.Random(0)
    passes = 10
    while handled < 1000 * times:
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, moments.uniform(0, 1.1) * duration))
        network.backward()
        passes += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    np.testing.assert_array_equal(network.arrived(), passes * network.gradients + handled)


def test_interrupts_while_other_threads_work(
    times: int, on_alarm: Callable[[Callable[[], None]], None]
) -> None:
    """A thread that is interrupted keeps no other one waiting; each pass counts at all leaves."""
    network = Network()
    duration = duration_of(network.backward)
    at_work, stop = False, threading.Event()
    of_threads = [0, 0]

    def interrupt() -> None:
        if at_work:
            raise KeyboardInterrupt

    def work(number: int) -> None:
        while not stop.is_set():
            network.backward()
            of_threads[number] += 1

    on_alarm(interrupt)
    threads = [threading.Thread(target=work, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    moments = random.Random(0)
    interrupts = passes = 0
    try:
        while interrupts < 300 * times:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, moments.uniform(0, 3) * duration))
            try:
                at_work = True
                network.backward()
                passes += 1
                at_work = False
            except KeyboardInterrupt:
                at_work = False
                interrupts += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    (total,) = np.unique(network.arrived() / network.gradients)
    complete = 10 + passes + sum(of_threads)
    assert complete <= total <= complete + interrupts
    assert min(of_threads) > 0
