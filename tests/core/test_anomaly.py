"""Anomaly mode: errors, NaN and writes are told with the line of the program behind them."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import numpy as np
import pytest
from tinytorch import AnomalyError, Function, GradientError, Tensor, detect_anomaly, grad, no_grad
from tinytorch.locking import Lock

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def leaf(*values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def this_line():
    return f"{__file__}, line {sys._getframe(1).f_lineno}, in {sys._getframe(1).f_code.co_name}"


class Failing(Function):
    def forward(self, x):
        self.save(x)
        return x + 1

    def apply(self, grad_output):
        raise ZeroDivisionError("of all things")


class MakesNaN(Function):
    def forward(self, x):
        self.save(x)
        return x + 1

    def apply(self, grad_output):
        return grad_output * np.array([np.nan, np.inf, 1.0])


def test_a_rule_that_raises_names_the_line_that_recorded_it():
    """The note comes with the rule's own exception, also when backward runs outside the block."""
    with detect_anomaly():
        y, line = Failing.call(leaf(1.0)), this_line()
    with pytest.raises(ZeroDivisionError) as raised:
        y.backward()
    assert any(
        line in note and "Failing.call(leaf(1.0))" in note for note in raised.value.__notes__
    )


def test_outside_no_line_is_noted():
    """What is recorded before or after the block is as always."""
    before = Failing.call(leaf(1.0))
    with detect_anomaly():
        pass
    after = Failing.call(leaf(1.0))
    for y in (before, after):
        assert not y.grad_fn._unusual
        with pytest.raises(ZeroDivisionError) as raised:
            y.backward()
        assert len(raised.value.__notes__) == 1


def test_the_first_nan_of_a_forward_is_an_error_at_its_line():
    """The message has the operation, the count, the shapes and the line."""
    x = leaf(0.0, 0.0, 1.0)
    with detect_anomaly(), pytest.raises(AnomalyError) as raised:
        x / x
    message = str(raised.value)
    assert message.startswith("DivBackward: 2 NaN of the 3 elements of the output of shape (3,)")
    assert "finite inputs of shapes (3,), (3,)" in message
    assert f"{__file__}, line " in message
    assert "x / x" in message


def test_the_first_infinity_counts_too():
    """1 / 0 is infinite, and named as that; nothing needs to require gradients."""
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"1 infinite of the 2 elements"):
        1 / Tensor([0.0, 1.0])


def test_what_is_not_finite_already_is_not_blamed():
    """An operation on NaN or infinities, given as tensor, number or parameter, is innocent."""
    with detect_anomaly():
        assert np.isnan((leaf(np.nan) + 1).data).all()
        assert np.isinf((leaf(1.0) * np.inf).data).all()


def test_check_nan_can_be_left_out():
    """Then lines are noted and arrays locked, and NaN pass."""
    x = leaf(0.0)
    with detect_anomaly(check_nan=False):
        y = x / x
        assert not x.data.flags.writeable
    y.backward()
    assert np.isnan(x.grad).all()


def test_the_rule_that_makes_a_nan_is_named():
    """The message has the count and the shapes, and a note has the line; no gradient arrives."""
    x = leaf(1.0, 2.0, 3.0)
    with detect_anomaly():
        y, line = MakesNaN.call(x), this_line()
    expected = r"MakesNaN: 1 NaN and 1 infinite of the 3 elements of the gradient of input 0"
    with pytest.raises(AnomalyError, match=expected) as raised:
        y.backward(np.ones(3))
    assert any(line in note for note in raised.value.__notes__)
    assert x.grad is None


def test_a_rule_that_is_given_a_nan_is_not_blamed():
    """A gradient that comes in with a NaN goes through."""
    x = leaf(1.0)
    with detect_anomaly():
        y = x * 2
    y.backward(np.array([np.nan]))
    assert np.isnan(x.grad).all()


def test_gradients_with_graphs_are_looked_at_too():
    """`grad(create_graph=True)` makes Tensors, and the rule that spoils them is named."""
    x = leaf(1.0, 2.0, 3.0)
    with detect_anomaly():
        y = MakesNaN.call(x)
    with pytest.raises(AnomalyError, match="MakesNaN"):
        grad(y, [x], np.ones(3), create_graph=True)


def test_an_anomaly_is_a_gradient_error():
    """Code that catches GradientError, RuntimeError or ValueError catches it."""
    assert issubclass(AnomalyError, GradientError)


def test_a_write_into_a_saved_array_raises_where_it_is_written():
    """Inputs and outputs that a rule needs are locked, and what they are views of."""
    base = np.array([1.0, 2.0, 3.0])
    x = leaf(1.0, 2.0)
    x.data = base[:2]
    with detect_anomaly():
        y = x * x
        z = y / Tensor(np.ones(2))
    for array in (x.data, base):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0
    y.data[0] = 5.0  # a product does not need its result, nor a quotient by a constant its dividend
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_what_a_rule_keeps_in_attributes_is_locked():
    """Arrays in lists and attributes count as saved."""

    class Keeping(Function):
        def forward(self, x):
            self.kept = [x]
            return x * 2

        def apply(self, grad_output):
            return grad_output * 2

    x = leaf(1.0)
    with detect_anomaly():
        y, z = Keeping.call(x), Keeping.call(x)
    y.backward()
    assert not x.data.flags.writeable
    z.backward()
    assert x.data.flags.writeable


def test_backward_unlocks():
    """An optimiser's step after backward works; with retain_graph it does not."""
    x = leaf(1.0, 2.0)
    with detect_anomaly():
        y = (x * x).sum()
        y.backward(retain_graph=True)
        with pytest.raises(ValueError, match="read-only"):
            x.data -= x.grad
        y.backward()
        x.data -= x.grad
    assert x.data.tolist() == [-3.0, -6.0]


def test_a_graph_that_dies_unlocks():
    """Without a backward, the lock lasts as long as the graph, and there is no cycle."""
    gc.disable()
    try:
        x = leaf(1.0)
        with detect_anomaly():
            y = x * x
        assert not x.data.flags.writeable
        del y
        assert x.data.flags.writeable
    finally:
        gc.enable()


def test_an_array_under_several_locks_waits_for_the_last():
    """Two graphs of one leaf: it may be written to when both have had their backward."""
    x = leaf(1.0)
    with detect_anomaly():
        y, z = x * x, x * x
    y.backward()
    assert not x.data.flags.writeable
    z.backward()
    assert x.data.flags.writeable


def test_a_lock_leaves_read_only_what_was_read_only():
    """A lock gives back what it found."""
    array = np.zeros(4)
    array.flags.writeable = False
    view = array[:2]
    del view
    lock = Lock([array])
    del lock
    assert not array.flags.writeable


def test_locks_of_views_go_in_any_order():
    """Whichever of the locks on a view and on its base goes first, both end writeable."""
    for first in (0, 1):
        base = np.zeros(4)
        view = base[1:]
        locks = [Lock([base]), Lock([view])]
        del locks[first]
        assert not base.flags.writeable
        assert not view.flags.writeable
        locks.clear()
        assert base.flags.writeable
        assert view.flags.writeable


def test_no_grad_records_nothing_and_locks_nothing():
    """Only what a graph saves is locked; outputs are still looked at."""
    x = leaf(0.0)
    with detect_anomaly(), no_grad():
        x * x
        assert x.data.flags.writeable
        with pytest.raises(AnomalyError):
            x / x


def test_as_a_decorator():
    """Each call of the function is a block of its own, with the settings that were given."""

    @detect_anomaly(check_nan=False)
    def tolerant(x):
        return x / x

    @detect_anomaly()
    def strict(x):
        return tolerant(x) if x.requires_grad else x / x

    assert np.isnan(strict(leaf(0.0)).data).all()
    with pytest.raises(AnomalyError):
        strict(Tensor([0.0]))
    assert np.isnan((leaf(0.0) / leaf(0.0)).data).all()


def test_blocks_nest_and_an_error_leaves_them():
    """After a block, the mode is that before it, whatever happened inside."""
    x = leaf(0.0)
    with detect_anomaly():
        with detect_anomaly(check_nan=False):
            x / x
        with pytest.raises(AnomalyError):
            x / x
    with pytest.raises(KeyError), detect_anomaly():
        raise KeyError
    assert (x * x).grad_fn._anomaly is None


def test_the_mode_is_of_a_thread_and_of_a_task():
    """Another thread does not see it; an asyncio task takes it along."""
    seen = []

    def look():
        seen.append((leaf(2.0) * 2).grad_fn._anomaly)

    async def task():
        look()

    with detect_anomaly():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        asyncio.run(task())
    assert seen[0] is None
    assert seen[1] is not None


def test_operators_of_numbers_and_tensors_are_watched():
    """The operators that are written out for speed go the general way in the block."""
    x = leaf(2.0)
    with detect_anomaly():
        for y in (x + x, x * 2, x - 1, x * x.detach()):
            assert y.grad_fn._anomaly is not None
