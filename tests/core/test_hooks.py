"""Hooks on tensors: what they are called with, when, what they may change, and how they end."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import tinytorch
from tinytorch import (
    Function,
    GradientError,
    RemovableHandle,
    SparseGradient,
    Tensor,
    checkpoint,
    is_grad_enabled,
    saved_tensors_hooks,
)
from tinytorch.backward import leaves_to_tell
from tinytorch.func import hessian, jacobian


def leaf(*values, dtype=np.float64):
    """A tensor that requires gradients."""
    return Tensor(np.array(values, dtype), requires_grad=True)


@pytest.fixture
def log():
    """Return what hooks were called with, as pairs of a name and the gradient in a list."""
    return []


@pytest.fixture
def told(log):
    """Return a hook that notes its call, and returns what a function makes of the gradient."""

    def hook(name, change=lambda gradient: None):
        def noted(gradient):
            log.append((name, gradient.tolist()))
            return change(gradient)

        return noted

    return hook


def ten_times(gradient):
    return gradient * 10


# What a hook gets, and what it may return.


def test_the_hook_of_a_computed_tensor_gets_its_complete_gradient(log, told):
    """Once, the sum over all uses, before the rule of the operation that made it runs."""
    x = leaf(3.0)
    y = x * 2
    y.register_hook(told("y", ten_times))
    (y * y + y).backward()
    assert log == [("y", [13.0])]
    assert x.grad.tolist() == [260.0]


def test_the_hook_of_a_leaf_gets_the_sum_of_this_backward(log, told):
    """Once a backward, without what `.grad` had before; its replacement is what is added."""
    x = leaf(3.0)
    x.register_hook(told("x", ten_times))
    for _ in range(2):
        (x * x + x).backward()
    assert log == [("x", [7.0])] * 2
    assert x.grad.tolist() == [140.0]


def test_many_small_gradients_are_summed_before_the_hook_of_a_leaf(log, told):
    """Also where the sum waits in a list, or was made in a buffer of the engine's."""
    for size, uses in ((1, 1300), (2000, 3)):
        x = Tensor(np.zeros(size), requires_grad=True)
        x.register_hook(ten_times)
        sum(x * 1.0 for _ in range(uses)).sum().backward()
        assert x.grad.tolist() == [10.0 * uses] * size


def test_several_hooks_run_in_the_order_of_their_registration(log, told):
    """Each gets what the one before it returned; None leaves the gradient as it is."""
    x = leaf(1.0)
    y = x * 1
    for tensor in (x, y):
        tensor.register_hook(told("first", ten_times))
        tensor.register_hook(told("second"))
        tensor.register_hook(told("third", lambda gradient: gradient + 1))
    y.backward()
    of_y = [("first", [1.0]), ("second", [10.0]), ("third", [10.0])]
    of_x = [("first", [11.0]), ("second", [110.0]), ("third", [110.0])]
    assert log == of_y + of_x
    assert x.grad.tolist() == [111.0]


def test_hooks_of_computed_tensors_run_newest_first_and_those_of_leaves_at_the_end(log, told):
    """The order is that of the rules; the leaves have their turn when all rules have run."""
    x, w = leaf(1.0), leaf(2.0)
    a = x * w
    b = a * x
    for name, tensor in {"x": x, "w": w, "a": a, "b": b}.items():
        tensor.register_hook(told(name))
    (b * w).backward()
    names = [name for name, _ in log]
    assert names[:2] == ["b", "a"]
    assert sorted(names[2:]) == ["w", "x"]


def test_the_output_that_backward_starts_from_may_have_a_hook():
    """It gets the seed, and may replace it; at a leaf as well."""
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(ten_times)
    y.backward(np.array([1.0, -1.0]))
    assert x.grad.tolist() == [20.0, -20.0]
    x.zero_grad()
    x.register_hook(ten_times)
    x.backward(np.array([1.0, 2.0]))
    assert x.grad.tolist() == [10.0, 20.0]


@pytest.mark.parametrize("retain_first", [True, False])
def test_a_retained_gradient_is_as_the_hooks_left_it(retain_first):
    """Whether retain_grad() was called before the hook was registered or after, as in PyTorch."""
    x = leaf(3.0)
    y = x * 2
    if retain_first:
        y.retain_grad()
    y.register_hook(ten_times)
    y.retain_grad()
    (y * y).backward()
    assert y.grad.tolist() == [120.0]
    assert x.grad.tolist() == [240.0]


@pytest.mark.parametrize("shape", [(), (2, 3), (0, 2)])
def test_a_hook_gets_an_array_that_it_cannot_write_to(shape):
    """In every shape: for the array may be a rule's, a seed, or another tensor's gradient."""
    seen = []
    x = Tensor(np.ones(shape), requires_grad=True)
    y = x * 1
    for tensor in (x, y):
        tensor.register_hook(seen.append)
    seed = np.ones(shape)
    y.backward(seed)
    assert [type(gradient) for gradient in seen] == [np.ndarray] * 2
    assert [gradient.shape for gradient in seen] == [shape] * 2
    for gradient in seen:
        with pytest.raises(ValueError, match="read-only"):
            gradient[...] = 0
    assert seed.flags.writeable


@pytest.mark.parametrize("size", [1, 5000])
def test_what_a_hook_keeps_or_returns_is_not_a_gradient_in_grad(size):
    """`.grad` is an array of its own, which can be written to, whatever a hook did with its."""
    ones = np.ones(size)
    for hook in (lambda g: None, lambda g: g, lambda g: ones, lambda g: g[::-1], lambda g: g * 1):
        kept = []
        x = Tensor(np.ones(size), requires_grad=True)
        x.register_hook(kept.append)
        x.register_hook(hook)
        x.register_hook(kept.append)
        ((x * 1.0) + (x * 1.0)).backward(np.ones(size))
        before = [gradient.copy() for gradient in kept]
        x.grad += 1
        assert not any(np.shares_memory(x.grad, array) for array in (*kept, ones, x.data))
        for gradient, values in zip(kept, before, strict=True):
            np.testing.assert_array_equal(gradient, values)


@pytest.mark.parametrize(
    "hook", [lambda gradient: None, lambda gradient: gradient], ids=["None", "the same"]
)
def test_a_hook_without_a_change_costs_the_leaf_no_copy(hook):
    """The array that a rule made is the leaf's, where the hook has let go of it."""
    made = []

    class Twice(Function):
        def forward(self, x):
            return x * 2

        def apply(self, grad_output):
            result = grad_output * 2
            made.append(result.__array_interface__["data"])
            return result

    x = leaf(1.0, 2.0)
    x.register_hook(hook)
    Twice.call(x).backward(np.ones(2))
    assert [x.grad.__array_interface__["data"]] == made


def test_a_number_that_numpy_made_of_a_0d_gradient_is_an_array_again():
    """NumPy's arithmetic gives scalars there; they count as 0-d arrays of their dtype."""
    x = Tensor(np.array(2.0, np.float32), requires_grad=True)
    y = x * x
    y.register_hook(lambda gradient: gradient * 2)
    x.register_hook(lambda gradient: gradient * 2)
    y.backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.dtype == np.float32
    assert x.grad == 16


def test_a_hook_may_return_a_tensor():
    """Its array is the gradient then."""
    x = leaf(1.0)
    x.register_hook(lambda gradient: Tensor(gradient) * 3)
    (x * 1).backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.tolist() == [3.0]


def test_a_sparse_gradient_is_dense_for_a_hook(log, told):
    """At a leaf and on the way, alone and with others."""

    class Pick(Function):
        def forward(self, x):
            self.shape = x.shape
            return x[1:]

        def apply(self, grad_output):
            return SparseGradient(self.shape, slice(1, None), grad_output)

    x = leaf(1.0, 2.0)
    y = x * 1
    x.register_hook(told("x"))
    y.register_hook(told("y"))
    Pick.call(y).backward()
    Pick.call(x).backward()
    assert log == [("y", [0.0, 1.0]), ("x", [0.0, 1.0]), ("x", [0.0, 1.0])]


def test_two_tensors_of_one_function_share_the_gradient_and_the_hooks(log, told):
    """One Function on two tensors means two names for one result: a hook sees their sum, once."""
    x = leaf(3.0)
    y = x * 2
    other = Tensor(y.data)
    other._grad_fn = y._grad_fn
    y.register_hook(told("y"))
    other.register_hook(told("other", ten_times))
    (y * 2 + other * 3).backward()
    assert log == [("y", [5.0]), ("other", [5.0])]
    assert x.grad.tolist() == [100.0]


@pytest.mark.parametrize("data", [np.zeros((1, 2)), np.zeros(2, np.float32)])
def test_a_tensor_that_was_handed_a_function_of_another_shape_has_no_hooks(data):
    """Its gradient would not look like it: the message names both, and where to register."""
    y = leaf(1.0, 2.0) * 2
    other = Tensor(data)
    other._grad_fn = y._grad_fn
    with pytest.raises(GradientError) as caught:
        other.register_hook(ten_times)
    for part in (str(data.shape), str(data.dtype), "(2,)", "float64", "MulBackward"):
        assert part in str(caught.value)


# Removal.


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_handle_removes_its_hook_and_no_other(register):
    """Once is enough, twice does no harm, and the other hooks stay."""
    calls = []
    x = leaf(1.0)
    first = getattr(x, register)(lambda _: calls.append("first"))
    getattr(x, register)(lambda _: calls.append("second"))
    assert isinstance(first, RemovableHandle)
    first.remove()
    first.remove()
    (x * 1).backward()
    assert calls == ["second"]


def test_the_hook_of_a_computed_tensor_can_be_removed(log, told):
    """The graph then does as if there had been none."""
    x = leaf(1.0)
    y = x * 1
    handle = y.register_hook(told("y", ten_times))
    y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    assert log == [("y", [1.0])]
    assert x.grad.tolist() == [11.0]


def test_a_handle_is_a_context_manager(log, told):
    """The hook is off at the end of the block, also where it raises."""
    x = leaf(1.0)
    with x.register_hook(told("x")) as handle:
        assert isinstance(handle, RemovableHandle)
        (x * 1).backward()
    with contextlib.suppress(KeyError), x.register_hook(told("again")):
        raise KeyError
    (x * 1).backward()
    assert log == [("x", [1.0])]


def test_one_function_registered_twice_has_two_handles(log, told):
    """Each registration is its own."""
    x = leaf(1.0)
    hook = told("x", ten_times)
    first, _ = x.register_hook(hook), x.register_hook(hook)
    (x * 1).backward()
    first.remove()
    (x * 1).backward()
    assert log == [("x", [1.0]), ("x", [10.0]), ("x", [1.0])]
    assert x.grad.tolist() == [110.0]


def test_what_a_hook_registers_or_removes_counts_from_the_next_backward(log, told):
    """The hooks of one backward are those that there were when its turn came."""
    x = leaf(1.0)

    def change(gradient):
        later.remove()
        mine.remove()
        x.register_hook(told("new"))

    mine = x.register_hook(change)
    later = x.register_hook(told("removed"))
    (x * 1).backward()
    assert log == [("removed", [1.0])]
    (x * 1).backward()
    assert log[1:] == [("new", [1.0])]


def test_a_handle_may_outlive_its_tensor():
    """To remove a hook that is gone does nothing."""
    handle = leaf(1.0).register_hook(ten_times)
    handle.remove()


# After accumulation.


def test_a_post_accumulate_hook_is_called_with_the_leaf_when_all_gradients_are_there():
    """`.grad` has the sum over all backwards, the other leaves have theirs, and all hooks ran."""
    x, w = leaf(1.0), leaf(2.0)
    seen = []

    def note(tensor):
        seen.append((tensor is x, x.grad.tolist(), w.grad.tolist()))
        return 5

    x.register_post_accumulate_grad_hook(note)
    x.register_hook(ten_times)
    for _ in range(2):
        (x * w).backward()
    assert seen == [(True, [20.0], [1.0]), (True, [40.0], [2.0])]


def test_an_optimiser_may_step_in_a_post_accumulate_hook():
    """It sets `.grad` to None, and the array is freed at once."""
    w = leaf(1.0, 2.0)
    freed = []

    def step(tensor):
        array = weakref.ref(tensor.grad)
        tensor.data = tensor.data - 0.5 * tensor.grad
        tensor.grad = None
        freed.append(array() is None)

    w.register_post_accumulate_grad_hook(step)
    (w * w).sum().backward()
    assert w.tolist() == [0.0, 0.0]
    assert w.grad is None
    assert freed == [True]


def test_a_post_accumulate_hook_does_not_run_where_no_gradient_arrives():
    """At a leaf that is not reached, in tinytorch.grad, and for a leaf that is gone."""
    calls = []
    x, w = leaf(1.0), leaf(2.0)
    gone = leaf(3.0)
    for tensor in (x, w, gone):
        tensor.register_post_accumulate_grad_hook(calls.append)
    tinytorch.grad(x * 2, x)
    y = w * gone
    del gone, tensor
    y.backward()
    assert calls == [w]


def test_a_post_accumulate_hook_that_raises_leaves_the_gradients_complete():
    """They had been accumulated, all of them, and the error says so."""
    x, w = leaf(1.0), leaf(2.0)

    def fail(tensor):
        raise KeyError

    for tensor in (x, w):
        tensor.register_post_accumulate_grad_hook(fail)
    with pytest.raises(KeyError) as caught:
        (x * w).backward()
    (note,) = caught.value.__notes__
    assert "fail" in note
    assert "accumulated" in note
    assert (x.grad.tolist(), w.grad.tolist()) == ([2.0], [1.0])
    assert is_grad_enabled()


def test_a_post_accumulate_hook_may_run_a_backward():
    """Nothing is held while hooks run."""
    x = leaf(1.0)
    w = leaf(1.0)

    def again(tensor):
        with tinytorch.enable_grad():
            (w * 3).backward()

    x.register_post_accumulate_grad_hook(again)
    (x * 2).backward()
    assert w.grad.tolist() == [3.0]


# Failures.


@pytest.mark.parametrize("fault", [KeyError, KeyboardInterrupt, MemoryError, StopIteration])
@pytest.mark.parametrize("of", ["leaf", "computed"])
def test_a_hook_that_raises_leaves_every_gradient_as_it_was(fault, of):
    """No `.grad` has changed, nor has the grad mode, and a following backward works."""
    x, w = leaf(1.0), leaf(2.0)
    (x * w).backward()
    y = x * w

    def fail(gradient):
        raise fault

    with (x if of == "leaf" else y).register_hook(fail), pytest.raises(fault):
        y.backward(retain_graph=True)
    assert (x.grad.tolist(), w.grad.tolist()) == ([2.0], [1.0])
    assert is_grad_enabled()
    y.backward()
    assert (x.grad.tolist(), w.grad.tolist()) == ([4.0], [2.0])


def test_an_error_of_a_hook_names_the_hook():
    """The exception is the hook's own, with a note of its name and of the gradient."""

    def clip(gradient):
        raise KeyError("why")

    x = leaf(1.0, 2.0)
    x.register_hook(clip)
    with pytest.raises(KeyError, match="why") as caught:
        x.sum().backward()
    (note,) = caught.value.__notes__
    for part in ("clip", "(2,)", "float64"):
        assert part in note


@pytest.mark.parametrize(
    "bad",
    [np.ones(3), np.ones((1, 2)), np.ones(()), np.ones(2, np.float32), 1.0, True, "ab", [1, 2]],
    ids=repr,
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_replacement_of_another_shape_or_dtype_is_refused(bad, create_graph):
    """The message names the hook, what it returned, and what it should have; no `.grad` changes."""

    def change(gradient):
        return bad

    x = leaf(1.0, 2.0)
    y = x * 1
    for tensor in (x, y):
        with tensor.register_hook(change), pytest.raises((GradientError, TypeError)) as caught:
            y.backward(np.ones(2), retain_graph=True, create_graph=create_graph)
        if caught.type is GradientError:
            for part in ("change", str(np.shape(bad)), "(2,)", "float64"):
                assert part in str(caught.value)
        assert x.grad is None


def test_only_tensors_that_require_gradients_have_hooks():
    """Others get no gradient; and only leaves accumulate."""
    for tensor in (Tensor([1.0]), leaf(1.0).detach()):
        with pytest.raises(GradientError, match=r"register_hook\(\).*requires gradients"):
            tensor.register_hook(ten_times)
        with pytest.raises(GradientError, match="leaf that requires gradients"):
            tensor.register_post_accumulate_grad_hook(ten_times)
    with pytest.raises(GradientError, match=r"computed; use register_hook\(\)"):
        (leaf(1.0) * 2).register_post_accumulate_grad_hook(ten_times)


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_hook_has_to_be_callable(register):
    """Said when it is registered, not in some later backward."""
    with pytest.raises(TypeError, match="callable, but it is 3"):
        getattr(leaf(1.0), register)(3)


# With the rest of the engine.


def test_with_create_graph_hooks_get_tensors_and_are_recorded():
    """What a hook does to a gradient is part of the gradient's graph."""
    x = leaf(3.0)
    seen = []

    def square(gradient):
        seen.append((type(gradient), is_grad_enabled()))
        return gradient * gradient

    x.register_hook(square)
    (slope,) = tinytorch.grad(x * x, x, create_graph=True)
    (curvature,) = tinytorch.grad(slope, x)
    assert slope.tolist() == [36.0]  # (2x)²
    assert curvature.tolist() == [576.0]  # the derivative 8x of 4x², and the hook once more
    assert seen == [(Tensor, True), (np.ndarray, False)]


def test_without_create_graph_nothing_is_recorded_in_a_hook():
    """As in rules; a hook that wants a graph of its own asks for it."""
    modes = []
    x = leaf(1.0)
    y = x * 1
    for tensor in (x, y):
        tensor.register_hook(lambda _: modes.append(is_grad_enabled()))
    x.register_post_accumulate_grad_hook(lambda _: modes.append(is_grad_enabled()))
    y.backward()
    assert modes == [False] * 3
    assert is_grad_enabled()


def test_grad_as_a_value_is_as_the_hooks_left_it(log, told):
    """Hooks run on the way from the outputs to the inputs, and at the inputs; no others do."""
    x, z = leaf(3.0), leaf(4.0)
    y = x * 2
    w = y * z
    aside = z * 3
    tensors = {"x": x, "z": z, "y": y, "w": w, "aside": aside}
    for name, tensor in tensors.items():
        tensor.register_hook(told(name, ten_times))
    got = tinytorch.grad([w, aside, z], [x, y], allow_unused=True)
    assert [gradient.tolist() for gradient in got] == [[8000.0], [400.0]]
    assert log == [("w", [1.0]), ("y", [40.0]), ("x", [800.0])]
    assert x.grad is z.grad is None


def test_jacobians_and_hessians_call_hooks_with_one_gradient_at_a_time():
    """A hook sees the shape of its tensor, however many rows go back at once."""
    shapes = []

    def square(x):
        y = x * x
        y.register_hook(lambda gradient: shapes.append(gradient.shape))
        y.register_hook(ten_times)
        return y

    at = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(jacobian(square)(at), np.diag(20 * at))
    hessian(lambda x: square(x).sum())(at)
    assert set(shapes) == {(3,)}


def test_hooks_with_packed_arrays_checkpoints_and_rules_by_hand(log, told):
    """A node that is unusual in several ways at once does each of them."""

    class Cube(Function):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 3 * x.data**2,)

    x = leaf(2.0)
    with saved_tensors_hooks(lambda array: array.tolist(), np.array):
        packed = x * x
    again = checkpoint(lambda t: t * t, x)
    by_hand = Tensor(x.data**3)
    by_hand._grad_fn = Cube(x)
    for name, tensor in {"packed": packed, "again": again, "by hand": by_hand}.items():
        tensor.retain_grad()
        tensor.register_hook(told(name, ten_times))
    (packed + again + by_hand).backward()
    assert sorted(log) == [("again", [1.0]), ("by hand", [1.0]), ("packed", [1.0])]
    assert x.grad.tolist() == [40.0 + 40.0 + 120.0]
    assert packed.grad.tolist() == [10.0]


def test_a_leaf_that_is_switched_off_and_on_keeps_its_hooks(log, told):
    """The gradient is the same leaf's."""
    x = leaf(1.0)
    x.register_hook(told("x"))
    x.requires_grad = False
    x.requires_grad = True
    (x * 2).backward()
    assert log == [("x", [2.0])]


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["deepcopy", "pickle"],
)
def test_copies_have_no_hooks(duplicate, log, told):
    """As PyTorch's have none: a hook belongs to one tensor."""
    x = leaf(1.0)
    x.register_hook(told("x"))
    x.register_post_accumulate_grad_hook(told("post"))
    (duplicate(x) * 2).backward()
    assert log == []


def test_hooks_make_no_reference_cycles():
    """With the collector off, tensors with hooks die when the program lets go of them."""
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        y = x * 2
        loss = (y * y).sum()
        handles = []
        handles.append(y.register_hook(lambda gradient: handles[0].remove()))
        handles.append(x.register_hook(ten_times))
        handles.append(x.register_post_accumulate_grad_hook(lambda tensor: None))
        loss.backward()
        alive = [weakref.ref(t) for t in (x, y, loss, x._edge, y._edge, loss._edge)]
        alive += [weakref.ref(tensor._edge._hooks) for tensor in (x, y)]
        del x, y, loss
        assert [ref() for ref in alive] == [None] * len(alive)
        assert gc.collect() == 0
    finally:
        gc.enable()


# Hooks that are told of a gradient as soon as it is complete.


def test_a_ready_hook_runs_while_other_gradients_are_computed(log, told):
    """Before the next rule runs, and so before the gradients of what was used earlier are there."""

    class ThreeTimes(Function):
        def forward(self, x):
            return x * 3

        def apply(self, grad_output):
            log.append(("rule", grad_output.tolist()))
            return grad_output * 3

    first, second = leaf(2.0), leaf(5.0)
    first.register_grad_ready_hook(told("first"))
    second.register_grad_ready_hook(told("second"))
    (ThreeTimes.call(first) * second).backward()
    assert log == [("second", [6.0]), ("rule", [5.0]), ("first", [15.0])]


def test_a_ready_hook_waits_for_the_oldest_use(log, told):
    """It gets the sum over all uses, once, also where many small ones wait in a list."""
    x = leaf(3.0)
    early = x * 2
    early.register_hook(told("early"))
    x.register_grad_ready_hook(told("x"))
    y = early
    for _ in range(600):
        y = y + x
    y.backward()
    assert log == [("early", [1.0]), ("x", [602.0])]


def test_a_ready_hook_comes_before_hooks_that_change_the_gradient(log, told):
    """It gets what was computed, and what it returns is ignored."""
    x = leaf(1.0)
    x.register_hook(told("changes", ten_times))
    x.register_grad_ready_hook(told("ready", ten_times))
    (x * 3).backward()
    assert log == [("ready", [3.0]), ("changes", [3.0])]
    assert x.grad.tolist() == [30.0]


def test_a_gradient_that_a_ready_hook_kept_is_not_that_of_the_leaf():
    """The array is read-only, and what becomes of `grad` later does not change it."""
    kept = []
    x = leaf(*range(2000))
    x.register_grad_ready_hook(kept.append)
    (x * 3 + x * 4).sum().backward()
    x.grad[:] = 0
    assert (kept[0] == 7.0).all()
    assert not kept[0].flags.writeable


def test_no_ready_hook_runs_without_a_gradient(log, told):
    """Nor where a rule returned None, nor in tinytorch.grad, nor after remove()."""

    class Nothing(Function):
        def forward(self, x):
            return x * 2

        def apply(self, grad_output):
            return None

    x, y = leaf(1.0), leaf(1.0)
    handles = [t.register_grad_ready_hook(told(name)) for t, name in ((x, "x"), (y, "y"))]
    (Nothing.call(x) + 1).backward()
    tinytorch.grad(y * 2, y)
    assert log == []
    for handle in handles:
        handle.remove()
    (x * y).backward()
    assert log == []


def test_a_ready_hook_of_the_root(log, told):
    """A leaf that backward starts from has its gradient, too."""
    x = leaf(1.0)
    x.register_grad_ready_hook(told("x"))
    x.backward()
    assert log == [("x", [1.0])]


def test_a_ready_hook_that_raises_leaves_all_gradients():
    """Backward raises what it raised, and no `.grad` has changed."""
    x, y = leaf(1.0), leaf(2.0)

    def refuse(gradient):
        raise ZeroDivisionError("not this one")

    y.register_grad_ready_hook(refuse)
    with pytest.raises(ZeroDivisionError, match="not this one"):
        ((x * 2) * y).backward()
    assert x.grad is y.grad is None


def test_a_ready_hook_gets_a_tensor_with_create_graph():
    """Whose derivative can be taken."""
    kept = []
    x = leaf(3.0)
    with x.register_grad_ready_hook(kept.append):
        (x * x * x).backward(create_graph=True)
    (second,) = tinytorch.grad(kept[0], x)
    assert second.tolist() == [18.0]
    x.grad = None


def test_ready_hooks_do_not_outlive_their_leaf():
    """Nor do they keep it: once it is gone, backward looks for the last use of none."""
    gc.collect()
    before = len(leaves_to_tell)
    x = leaf(1.0)
    x.register_grad_ready_hook(print)
    x.register_grad_ready_hook(lambda gradient: x)  # noqa: F821 - a circle, ended by `del`
    assert len(leaves_to_tell) == before + 1
    del x
    gc.collect()
    assert len(leaves_to_tell) == before


def test_backward_looks_for_no_last_use_once_ready_hooks_are_removed(monkeypatch):
    """It is as fast then as before, though the leaf is alive."""
    gc.collect()
    monkeypatch.setattr(tinytorch.backward, "_by_last_use", lambda root: 1 / 0)
    x = leaf(1.0)
    with x.register_grad_ready_hook(print), pytest.raises(ZeroDivisionError):
        (x * 2).backward()
    (x * 2).backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize("made", ["computed", "constant"])
def test_ready_hooks_are_for_leaves(made):
    """Others are refused, with what to use in its place."""
    tensor = leaf(1.0) * 2 if made == "computed" else Tensor([1.0])
    with pytest.raises(GradientError, match=r"register_grad_ready_hook\(\) is for a leaf that"):
        tensor.register_grad_ready_hook(print)
