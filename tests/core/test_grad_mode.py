"""Grad modes: as context managers and decorators, per thread and per task, always undone."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tinytorch import Tensor, enable_grad, is_grad_enabled, no_grad, set_grad_enabled

X = Tensor([1.0], requires_grad=True)


@pytest.fixture(autouse=True)
def recording():
    """Every test begins and ends while recording."""
    assert is_grad_enabled()
    yield
    left = is_grad_enabled()
    set_grad_enabled(True)
    assert left


def test_recording_is_the_default():
    """Operations are recorded unless something switched that off."""
    assert (X * 2).requires_grad


def test_no_grad_and_enable_grad():
    """They nest, and each restores what was before."""
    with no_grad():
        assert not is_grad_enabled()
        assert not (X * 2).requires_grad
        with enable_grad():
            assert (X * 2).requires_grad
            with no_grad():
                assert not is_grad_enabled()
            assert is_grad_enabled()
        assert not is_grad_enabled()


@pytest.mark.parametrize("mode", [no_grad, enable_grad, lambda: set_grad_enabled(False)])
def test_a_mode_is_undone_when_the_block_raises(mode):
    """An exception passes through, and the mode is as it was."""
    with pytest.raises(KeyError), mode():
        raise KeyError


def test_a_leaf_made_under_no_grad_may_require_gradients():
    """The mode is about recording operations, not about what a leaf wants."""
    with no_grad():
        x = Tensor([1.0], requires_grad=True)
    (x * 2).backward()
    assert x.grad.tolist() == [2.0]


def test_what_was_computed_under_no_grad_is_a_constant():
    """The gradient does not flow through it."""
    with no_grad():
        c = X * 3
    x = Tensor([5.0], requires_grad=True)
    (x * c).backward()
    assert x.grad.tolist() == [3.0]
    assert X.grad is None


def test_set_grad_enabled_at_once():
    """As a plain call it switches for good."""
    set_grad_enabled(False)
    assert not is_grad_enabled()
    set_grad_enabled(True)
    assert is_grad_enabled()


@pytest.mark.parametrize("mode", [True, False, 1, 0])
def test_set_grad_enabled_as_a_block(mode):
    """As a block it is undone at its end, in either outer mode."""
    for outer in (no_grad, enable_grad):
        with outer():
            before = is_grad_enabled()
            with set_grad_enabled(mode):
                assert is_grad_enabled() is bool(mode)
            assert is_grad_enabled() is before


def test_set_grad_enabled_as_a_decorator():
    """As a decorator it changes nothing outside the function."""

    @set_grad_enabled(False)
    def f():
        return is_grad_enabled()

    assert is_grad_enabled()
    assert f() is False
    assert is_grad_enabled()


@pytest.mark.parametrize("make", [no_grad, lambda: set_grad_enabled(False)])
def test_one_object_may_be_entered_repeatedly(make):
    """Nested in itself, and again later in another outer mode: each exit restores its own entry."""
    mode = make()
    with mode, mode:
        assert not is_grad_enabled()
        with enable_grad(), mode:
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()
    with no_grad():
        with mode:
            pass
        assert not is_grad_enabled()


def test_one_object_serves_two_threads():
    """Entered in two threads at once, it restores in each what was there."""
    mode = no_grad()
    entered, left = threading.Event(), threading.Event()
    seen = []

    def other():
        with no_grad():
            with mode:
                entered.set()
                left.wait(10)
            seen.append(is_grad_enabled())

    thread = threading.Thread(target=other)
    with mode:
        thread.start()
        entered.wait(10)
    seen.append(is_grad_enabled())
    left.set()
    thread.join()
    assert seen == [True, False]


@pytest.mark.parametrize("decorate", [no_grad, no_grad(), enable_grad, enable_grad()])
def test_decorated_functions(decorate):
    """With and without parentheses: arguments, result, name and errors are the function's."""
    expected = decorate is enable_grad or getattr(decorate, "mode", False)

    @decorate
    def f(a, *, b):
        """What f does."""
        if a is None:
            raise KeyError
        return is_grad_enabled(), a, b

    assert (f.__name__, f.__doc__) == ("f", "What f does.")
    for outer in (no_grad, enable_grad):
        with outer():
            before = is_grad_enabled()
            assert f(1, b=2) == (expected, 1, 2)
            with pytest.raises(KeyError):
                f(None, b=2)
            assert is_grad_enabled() is before


def test_a_decorated_function_may_call_itself():
    """Recursion restores the mode at every level."""

    @no_grad
    def f(n):
        with enable_grad():
            inner = f(n - 1) if n else []
        return [*inner, is_grad_enabled()]

    assert f(3) == [False] * 4


def test_a_decorated_method():
    """A method keeps its self."""

    class Model:
        @no_grad()
        def predict(self, x):
            return self, (x * 2).requires_grad

    model = Model()
    assert model.predict(X) == (model, False)


def test_a_decorated_generator():
    """Its body runs in the mode, the code between its steps in the caller's."""

    @no_grad()
    def f(n):
        total = 0
        for _ in range(n):
            total += yield is_grad_enabled()
        return total

    steps = f(2)
    assert next(steps) is False
    assert is_grad_enabled()
    with enable_grad():
        assert steps.send(10) is False
        with pytest.raises(StopIteration) as stop:
            steps.send(5)
    assert stop.value.value == 15
    assert is_grad_enabled()


def test_a_decorated_generator_takes_exceptions():
    """throw() reaches the body, in the mode, and what the body does not handle comes out."""
    seen = []

    @no_grad
    def f():
        try:
            yield 1
        except KeyError:
            seen.append(is_grad_enabled())
        yield 2

    steps = f()
    next(steps)
    assert steps.throw(KeyError()) == 2
    assert seen == [False]
    failing = f()
    next(failing)
    with pytest.raises(ValueError, match="not mine"):
        failing.throw(ValueError("not mine"))


def test_a_decorated_generator_cleans_up_in_its_mode():
    """close() runs what is left of the body, its finally, in the mode as well."""
    seen = []

    @no_grad
    def f():
        try:
            yield
        finally:
            seen.append(is_grad_enabled())

    steps = f()
    next(steps)
    steps.close()
    assert seen == [False]
    assert is_grad_enabled()


def test_a_decorated_coroutine():
    """Its body runs in the mode across awaits; other tasks in the meantime run in theirs."""
    seen = []

    @no_grad()
    async def silent():
        seen.append(is_grad_enabled())
        await asyncio.sleep(0)
        seen.append(is_grad_enabled())
        return 7

    async def loud():
        for _ in range(3):
            assert is_grad_enabled()
            await asyncio.sleep(0)

    async def main():
        result, _ = await asyncio.gather(silent(), loud())
        return result, await silent(), is_grad_enabled()

    assert asyncio.run(main()) == (7, 7, True)
    assert seen == [False] * 4


def test_a_block_in_one_task_does_not_reach_another():
    """`with no_grad()` around an await is the task's own."""

    async def silent():
        with no_grad():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return is_grad_enabled()

    async def loud():
        await asyncio.sleep(0)
        return is_grad_enabled()

    async def main():
        return await asyncio.gather(silent(), loud())

    assert asyncio.run(main()) == [False, True]


def test_the_mode_is_per_thread():
    """A thread begins recording whatever the others do, and does not reach them."""
    seen = []

    def work():
        seen.append(is_grad_enabled())
        set_grad_enabled(False)

    with no_grad():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [True]
    assert is_grad_enabled()
